#include <stdio.h>

#include "app/command/ask.h"
#include "app/text/age.h"

static void print_way(const char *name, const json_t *way)
{
    printf(", %s %lld datagrams (%lld bytes)", name, number_of(way, "packets"),
           number_of(way, "bytes"));
}

static void print_relay(const json_t *relay)
{
    char age[AGE_TEXT_MAX], left[AGE_TEXT_MAX];
    size_t i;
    json_t *relayed;
    print_text(text_of(relay, "owner"));
    printf("  %s:%s", text_of(relay, "transport"), text_of(relay, "client"));
    json_array_foreach(json_object_get(relay, "relayed"), i, relayed)
    {
        printf("%s %s (for %s)", i == 0 ? " relayed at" : " and", text_of(relayed, "address"),
               age_text(number_of(relayed, "expires_in"), left));
    }
    printf(", since %s, %lld permissions, %lld channels", age_text(number_of(relay, "age"), age),
           number_of(relay, "permissions"), number_of(relay, "channels"));
    print_way("to peers", json_object_get(relay, "to_peers"));
    print_way("from peers", json_object_get(relay, "from_peers"));
    printf(", %lld dropped\n", number_of(relay, "dropped"));
}

/* All pages in one answer. NULL: *ret_code says why. */
static json_t *gather(struct asking *asking, int *ret_code)
{
    json_t *all = json_array();
    long long worker = 0, number = 0;
    bool more = true, draining = false;
    while (more) {
        json_t *answer;
        *ret_code = asking_ask(asking,
                               json_pack("{s:s, s:I, s:I}", "command", "relays", "worker",
                                         (json_int_t)worker, "number", (json_int_t)number),
                               &answer);
        if (*ret_code != EXIT_GOOD) {
            json_decref(all);
            return NULL;
        }
        json_array_extend(all, json_object_get(answer, "relays"));
        more = json_is_true(json_object_get(answer, "more"));
        draining = json_is_true(json_object_get(answer, "draining"));
        worker = number_of(answer, "next_worker");
        number = number_of(answer, "next_number");
        json_decref(answer);
    }
    return json_pack("{s:b, s:o}", "draining", draining, "relays", all);
}

static void print_all(const json_t *answer)
{
    const json_t *relays = json_object_get(answer, "relays");
    size_t i;
    json_t *relay;
    if (json_is_true(json_object_get(answer, "draining")))
        printf("draining: no new allocations are made (trapezoid relays drain off)\n");
    if (json_array_size(relays) == 0)
        printf("nothing is relayed\n");
    json_array_foreach(relays, i, relay) print_relay(relay);
}

static int list(const struct options *options)
{
    struct asking asking;
    int code = asking_open(&asking, options, false);
    if (code != EXIT_GOOD)
        return code;
    json_t *answer = gather(&asking, &code);
    if (answer != NULL && options->json) {
        print_json(answer);
    } else if (answer != NULL) {
        print_all(answer);
        json_decref(answer);
    }
    asking_close(&asking);
    return code;
}

static int drain(const struct options *options, bool on)
{
    struct asking asking;
    json_t *answer;
    int code = asking_open(&asking, options, false);
    if (code != EXIT_GOOD)
        return code;
    code =
        asking_ask(&asking, json_pack("{s:s, s:b}", "command", "relays-drain", "on", on), &answer);
    if (code == EXIT_GOOD && options->json) {
        print_json(answer);
    } else if (code == EXIT_GOOD) {
        printf(on ? "no new allocations are made; %lld are left\n"
                  : "new allocations are made again; there are %lld\n",
               number_of(answer, "relays"));
        json_decref(answer);
    }
    asking_close(&asking);
    return code;
}

int command_relays(const struct options *options)
{
    char **words = options->words;
    if (options->word_count == 0)
        return list(options);
    bool on = options->word_count == 2 && strcmp(words[1], "on") == 0;
    bool off = options->word_count == 2 && strcmp(words[1], "off") == 0;
    if (strcmp(words[0], "drain") != 0 || (!on && !off))
        return command_usage(options, "write nothing, drain on or drain off");
    return drain(options, on);
}
