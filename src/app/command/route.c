#include <stdio.h>

#include "app/command/route.h"

#include "app/command/ask.h"
#include "app/control/dry_walk.h"
#include "app/outside/find.h"
#include "base/error.h"

void print_steps(const json_t *steps)
{
    size_t i;
    json_t *step;
    json_array_foreach(steps, i, step)
    {
        printf("  ");
        print_text(text_of(step, "text"));
        printf("  [%s]\n", text_of(step, "section"));
    }
}

static void print_targets(const json_t *targets)
{
    size_t i;
    json_t *target;
    printf(
        "targets, in the order in which they are tried (equal servers change places from call to "
        "call):\n");
    json_array_foreach(targets, i, target)
        printf("  %zu. %s %s\n", i + 1, text_of(target, "transport"), text_of(target, "address"));
}

static void print_walk(const json_t *walk)
{
    print_text(text_of(walk, "uri"));
    (void)putchar('\n');
    print_steps(json_object_get(walk, "steps"));
    if (json_array_size(json_object_get(walk, "targets")) > 0)
        print_targets(json_object_get(walk, "targets"));
    else
        printf("no target: %s\n", text_of(walk, "error"));
}

int route_settings(struct app_config *config, struct log *log, struct settings **ret_settings)
{
    struct address bound[ENDPOINT_LISTENERS_MAX];
    for (unsigned i = 0; i < config->listen.count; i++)
        bound[i] = config->listen.items[i].local;
    struct outside_found found;
    outside_find(config, log, NULL, &found);
    return settings_new(config, bound, found.hosts, log, ret_settings);
}

static int walk(const struct options *options, const struct settings *settings, struct log *log)
{
    json_t *answer = dry_walk(settings, log, options->words[0]);
    if (answer == NULL)
        return EXIT_FAILED;
    int code = json_array_size(json_object_get(answer, "targets")) > 0 ? EXIT_GOOD : EXIT_FAILED;
    if (options->json) {
        print_json(answer);
        return code;
    }
    print_walk(answer);
    json_decref(answer);
    return code;
}

static int route_uri(const struct options *options)
{
    struct app_config *config;
    struct settings *settings;
    struct log log;
    int status = options_config(options, false, &config, NULL);
    if (status < 0)
        return status == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED;
    log_init(&log, 2, false, LOG_ERROR);
    if (route_settings(config, &log, &settings) < 0)
        return EXIT_FAILED;
    int code = walk(options, settings, &log);
    settings_free(settings);
    return code;
}

int command_route(const struct options *options)
{
    if (options->word_count != (options->invite == NULL ? 1 : 0))
        return command_usage(options, "write one SIP URI, or --invite FILE");
    return options->invite == NULL ? route_uri(options) : route_invite(options);
}
