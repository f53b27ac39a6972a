#include <stdio.h>

#include "app/command/ask.h"
#include "app/text/age.h"

static void print_target(const json_t *target)
{
    char since[AGE_TEXT_MAX], again[AGE_TEXT_MAX], ok[AGE_TEXT_MAX];
    const char *state = text_of(target, "state");
    printf("%s:%s  %s for %s", text_of(target, "transport"), text_of(target, "address"), state,
           age_text(number_of(target, "state_age"), since));
    if (strcmp(state, "down") == 0)
        printf(", tried first again in %s", age_text(number_of(target, "tried_again_in"), again));
    printf(", %lld failures (%lld in a row), ", number_of(target, "failures"),
           number_of(target, "failures_in_a_row"));
    if (number_of(target, "last_ok_age") < 0)
        printf("has never answered\n");
    else
        printf("last answered %s ago\n", age_text(number_of(target, "last_ok_age"), ok));
}

/* All pages in one array. NULL: *ret_code says why. */
static json_t *gather(struct asking *asking, int *ret_code)
{
    json_t *all = json_array();
    long long cursor = 0;
    do {
        json_t *answer;
        *ret_code = asking_ask(
            asking, json_pack("{s:s, s:I}", "command", "targets", "cursor", (json_int_t)cursor),
            &answer);
        if (*ret_code != EXIT_GOOD) {
            json_decref(all);
            return NULL;
        }
        json_array_extend(all, json_object_get(answer, "targets"));
        cursor = number_of(answer, "cursor");
        json_decref(answer);
    } while (cursor != 0);
    return all;
}

static void print_all(const json_t *targets)
{
    size_t i;
    json_t *target;
    if (json_array_size(targets) == 0)
        printf("no request has gone to a server that DNS or a static route names\n");
    json_array_foreach(targets, i, target) print_target(target);
}

int command_targets(const struct options *options)
{
    struct asking asking;
    if (options->word_count > 0)
        return command_usage(options, "takes no words");
    int code = asking_open(&asking, options, false);
    if (code != EXIT_GOOD)
        return code;
    json_t *targets = gather(&asking, &code);
    if (targets != NULL && options->json)
        print_json(json_pack("{s:o}", "targets", targets));
    else if (targets != NULL)
        print_all(targets);
    if (targets != NULL && !options->json)
        json_decref(targets);
    asking_close(&asking);
    return code;
}
