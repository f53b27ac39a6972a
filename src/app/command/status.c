#include <stdio.h>

#include "app/command/ask.h"
#include "app/text/age.h"

static void print_workers(const json_t *workers)
{
    size_t i;
    json_t *worker;
    json_array_foreach(workers, i, worker) printf(
        "  worker %lld    %5.1f %% busy, %lld requests, %lld transactions, %lld connections\n",
        number_of(worker, "worker"), json_number_value(json_object_get(worker, "busy_percent")),
        number_of(worker, "requests"), number_of(worker, "transactions"),
        number_of(worker, "connections"));
}

static void print_list(const json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) printf("%s%s", i == 0 ? "" : ", ", json_string_value(item));
    (void)putchar('\n');
}

static void print_stun(const json_t *stun)
{
    const json_t *listen = json_object_get(stun, "listen");
    if (json_array_size(listen) == 0)
        return;
    printf("%s",
           json_is_true(json_object_get(stun, "turn")) ? "  STUN, TURN    " : "  STUN          ");
    print_list(listen);
}

static void print_outside(const json_t *outside)
{
    size_t i;
    json_t *host;
    json_array_foreach(outside, i, host)
    {
        const char *source = text_of(host, "source");
        printf("  outside       %s (%s%s%s)\n", text_of(host, "address"), source,
               text_of(host, "by")[0] != '\0' ? " " : "", text_of(host, "by"));
    }
}

static void print_overload(const json_t *overload)
{
    const char *words = json_is_true(json_object_get(overload, "now"))
                            ? "refusing part of the new requests"
                            : "none";
    if (!json_is_true(json_object_get(overload, "control")))
        words = "not watched (overload.control is off)";
    printf("  overload      %s; %lld requests refused so far\n", words,
           number_of(overload, "refused"));
}

static void print_status(const json_t *status)
{
    char age[AGE_TEXT_MAX];
    const json_t *contacts = json_object_get(status, "contacts");
    const json_t *registrations = json_object_get(status, "registrations");
    const json_t *calls = json_object_get(status, "calls");
    const json_t *auth = json_object_get(status, "auth");
    const json_t *store = json_object_get(status, "store");
    printf("trapezoid %s, %s for %s\n", text_of(status, "version"),
           json_is_true(json_object_get(status, "draining")) ? "ending, up" : "up",
           age_text(number_of(status, "uptime"), age));
    printf("  configuration %s\n",
           text_of(status, "config")[0] != '\0' ? text_of(status, "config") : "built-in defaults");
    printf("  listening     ");
    print_list(json_object_get(status, "listen"));
    print_stun(json_object_get(status, "stun"));
    print_outside(json_object_get(status, "outside"));
    print_workers(json_object_get(status, "workers"));
    printf("  phones        %lld registered by %lld users; %lld registrations accepted, %lld "
           "refused, %lld waiting for the disk\n",
           number_of(contacts, "contacts"), number_of(contacts, "users"),
           number_of(registrations, "accepted"), number_of(registrations, "refused"),
           number_of(registrations, "waiting"));
    printf("  calls         %lld opened, %lld answered; %lld requests under way\n",
           number_of(calls, "opened"), number_of(calls, "answered"),
           number_of(calls, "requests_under_way"));
    printf("  passwords     %lld accounts; %lld right, %lld wrong\n", number_of(auth, "accounts"),
           number_of(auth, "accepted"), number_of(auth, "failed"));
    print_overload(json_object_get(status, "overload"));
    printf("  store         %s (%s): %lld commits, %lld failed, %lld changes waiting\n",
           text_of(store, "path"), text_of(store, "durability"), number_of(store, "commits"),
           number_of(store, "failures"), number_of(store, "waiting"));
}

int command_status(const struct options *options)
{
    struct asking asking;
    json_t *answer;
    if (options->word_count > 0)
        return command_usage(options, "takes no words");
    int code = asking_open(&asking, options, false);
    if (code != EXIT_GOOD)
        return code;
    code = asking_ask(&asking, json_pack("{s:s}", "command", "status"), &answer);
    if (code == EXIT_GOOD && options->json) {
        print_json(answer);
    } else if (code == EXIT_GOOD) {
        print_status(answer);
        json_decref(answer);
    }
    asking_close(&asking);
    return code;
}
