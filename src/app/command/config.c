#include <stdio.h>

#include "app/command/command.h"
#include "app/server/secure.h"
#include "base/error.h"
#include "base/memory.h"

static void print_count(unsigned count, const char *what, const char *after)
{
    printf("%u %s%s%s", count, what, count == 1 ? "" : "s", after);
}

/* What the configuration names must be there and fit together. */
static int check_files(const struct app_config *config)
{
    struct config_problems *problems = memory_alloc(sizeof *problems);
    if (problems == NULL)
        return ERR_NO_MEMORY;
    config_problems_init(problems);
    char note[SECURE_NOTE_MAX];
    int status = secure_check(config, problems, note);
    if (status < 0)
        fputs(config_problems_text(problems), stderr);
    else if (note[0] != '\0')
        fprintf(stderr, "%s\n", note);
    memory_free(problems);
    return status;
}

static int check(const struct options *options)
{
    struct app_config *config;
    int status = options_config(options, false, &config, NULL);
    if (status < 0)
        return status == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED;
    status = check_files(config);
    if (status < 0) {
        config_free(config);
        return status == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED;
    }
    printf("the configuration is good: ");
    print_count(config->listen.count, "listener", ", ");
    print_count(config->domains.count, "domain", ", ");
    print_count(config->workers, "worker", ", ");
    print_count(config->routes.count, "route", "\n");
    config_free(config);
    return EXIT_GOOD;
}

/* NULL config: the reference page. */
static int write_out(const struct app_config *config)
{
    char *text = memory_alloc(CONFIG_PRINT_MAX);
    if (text == NULL)
        return EXIT_FAILED;
    struct writer w;
    writer_init(&w, text, CONFIG_PRINT_MAX);
    int status = config == NULL ? config_markdown(&w) : config_print(config, &w);
    if (status == 0)
        (void)fwrite(text, 1, writer_length(&w), stdout);
    memory_free(text);
    return status == 0 ? EXIT_GOOD : EXIT_FAILED;
}

static int print(const struct options *options)
{
    struct app_config *config;
    int status = options->defaults ? config_defaults(&config)
                                   : options_config(options, false, &config, NULL);
    if (status < 0)
        return status == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED;
    int code = write_out(config);
    config_free(config);
    return code;
}

int command_config(const struct options *options)
{
    if (options->word_count != 1)
        return command_usage(options, "write one of check, print, docs");
    const char *action = options->words[0];
    if (strcmp(action, "check") == 0)
        return check(options);
    if (strcmp(action, "print") == 0)
        return print(options);
    if (strcmp(action, "docs") == 0)
        return write_out(NULL);
    return command_usage(options, "\"%s\" is none of check, print, docs", action);
}
