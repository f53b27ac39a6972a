/* Commands that tell the running server to do one thing: kick, log, reload. */
#include <stdio.h>

#include "app/command/ask.h"

/* Sends one request; prints the answer as JSON, or done (with a number for its %lld, from the
 * answer's key) for people. */
static int order(const struct options *options, json_t *request, const char *key, const char *done)
{
    struct asking asking;
    json_t *answer;
    int code = asking_open(&asking, options, false);
    if (code != EXIT_GOOD) {
        json_decref(request);
        return code;
    }
    code = asking_ask(&asking, request, &answer);
    if (code == EXIT_GOOD && options->json) {
        print_json(answer);
    } else if (code == EXIT_GOOD) {
        if (key != NULL)
            printf("%lld ", number_of(answer, key));
        puts(done);
        json_decref(answer);
    }
    asking_close(&asking);
    return code;
}

int command_kick(const struct options *options)
{
    if (options->word_count != 1)
        return command_usage(options, "write one address-of-record");
    return order(options, json_pack("{s:s, s:s}", "command", "kick", "aor", options->words[0]),
                 "removed", "registrations removed");
}

int command_log(const struct options *options)
{
    if (options->word_count != 1)
        return command_usage(options, "write one level, or SUBSYSTEM=LEVEL");
    return order(options, json_pack("{s:s, s:s}", "command", "log", "level", options->words[0]),
                 NULL, "done");
}

int command_reload(const struct options *options)
{
    if (options->word_count > 0)
        return command_usage(options, "takes no words");
    struct options quiet = *options;
    quiet.quiet = true;
    return order(&quiet, json_pack("{s:s}", "command", "reload"), NULL,
                 "the server has the new configuration");
}
