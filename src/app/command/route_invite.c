/* `trapezoid route --invite FILE` */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "app/command/ask.h"
#include "app/command/route.h"
#include "app/control/answer.h"
#include "app/control/dry_invite.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "service/location/journal.h"

/* The whole file, to be freed; ret_len bytes. NULL: a complaint has been made. */
static char *read_file(const struct options *options, size_t *ret_len)
{
    bool is_stdin = strcmp(options->invite, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(options->invite, "rb");
    char *text = memory_alloc(DRY_MESSAGE_MAX + 1);
    size_t len = file != NULL && text != NULL ? fread(text, 1, DRY_MESSAGE_MAX + 1, file) : 0;
    char reason[128];
    const char *why = text == NULL                        ? "out of memory"
                      : file == NULL || ferror(file) != 0 ? strerror_r(errno, reason, sizeof reason)
                      : len > DRY_MESSAGE_MAX             ? "too long"
                      : len == 0                          ? "empty"
                                                          : NULL;
    if (file != NULL && !is_stdin)
        (void)fclose(file);
    if (why == NULL) {
        *ret_len = len;
        return text;
    }
    asking_complain(options, EXIT_FAILED, "%s: %s", options->invite, why);
    memory_free(text);
    return NULL;
}

/* ---- without a server ---- */

struct local {
    struct log log;
    struct settings *settings;
    struct store *store;
    struct accounts *accounts;
    struct location *location;
};

static int open_local(struct local *local, struct app_config *config)
{
    bool exists = access(config->store_path, R_OK) == 0;
    struct store_options options = {.path = exists ? config->store_path : ":memory:",
                                    .log = &local->log};
    uint64_t left_out = 0;
    int status = store_open(&options, &local->store);
    if (status == 0)
        status = accounts_new(local->store, slice_from_string(config->realm), &local->accounts);
    struct location_config location = {.bindings_limit = config->max_bindings,
                                       .contacts_per_aor = config->max_contacts};
    if (status == 0)
        status = location_new(&location, &local->location);
    if (status == 0 &&
        location_restore(local->location, local->store, (int64_t)clock_wall_ms(), 1, &left_out) < 0)
        status = ERR_IO;
    return status;
}

static void close_local(struct local *local)
{
    location_free(local->location);
    accounts_free(local->accounts);
    store_close(local->store);
    settings_free(local->settings);
}

/* Takes the configuration over. NULL: a complaint has been made. */
static json_t *run_local(struct asking *asking, struct slice message)
{
    struct local local = {.store = NULL};
    struct app_config *config = asking->config;
    json_t *answer = NULL;
    asking->config = NULL;
    log_init(&local.log, 2, false, LOG_ERROR);
    int status = open_local(&local, config);
    if (status == 0)
        status = route_settings(config, &local.log, &local.settings);
    else
        config_free(config);
    if (status == 0) {
        struct dry_parts parts = {.settings = local.settings,
                                  .log = &local.log,
                                  .location = local.location,
                                  .accounts = local.accounts};
        answer = dry_invite(&parts, message);
    }
    if (answer == NULL)
        asking_complain(asking->options, EXIT_FAILED, "%s",
                        error_text(status < 0 ? status : ERR_NO_MEMORY));
    close_local(&local);
    return answer;
}

/* ---- printing ---- */

static void print_message(const char *text)
{
    struct slice rest = slice_from_string(text);
    char line[4096];
    while (rest.len > 0) {
        struct slice one = slice_cut(&rest, '\n');
        if (one.len > 0 && one.ptr[one.len - 1] == '\r')
            one.len--;
        printf("    ");
        print_text(slice_to_string(one, line, sizeof line));
        (void)putchar('\n');
    }
}

static void print_run(const json_t *answer)
{
    size_t i;
    json_t *send;
    const json_t *sends = json_object_get(answer, "sends");
    print_steps(json_object_get(answer, "steps"));
    if (json_array_size(sends) == 0)
        printf("%s\n", text_of(answer, "error"));
    json_array_foreach(sends, i, send)
    {
        printf("%zu. to %s by %s:\n", i + 1, text_of(send, "to"), text_of(send, "transport"));
        print_message(text_of(send, "message"));
    }
}

static int tell(const struct options *options, json_t *answer)
{
    int code = json_array_size(json_object_get(answer, "sends")) > 0 ? EXIT_GOOD : EXIT_FAILED;
    if (options->json) {
        print_json(answer);
        return code;
    }
    print_run(answer);
    json_decref(answer);
    return code;
}

int route_invite(const struct options *options)
{
    struct asking asking;
    size_t len;
    json_t *answer = NULL;
    char *text = read_file(options, &len);
    if (text == NULL)
        return EXIT_FAILED;
    int code = asking_open(&asking, options, true);
    if (code == EXIT_NO_SERVER && asking.problems > 0) {
        asking_complain(options, EXIT_USAGE, "no server answers, and the configuration is wrong");
        code = EXIT_USAGE;
    } else if (code == EXIT_NO_SERVER) {
        answer = run_local(&asking, slice_of(text, len));
        code = answer != NULL ? EXIT_GOOD : EXIT_FAILED;
    } else if (code == EXIT_GOOD) {
        json_t *message = answer_text(slice_of(text, len));
        code = asking_ask(&asking, json_pack("{s:s, s:o}", "command", "route", "message", message),
                          &answer);
    }
    if (code == EXIT_GOOD)
        code = tell(options, answer);
    asking_close(&asking);
    memory_free(text);
    return code;
}
