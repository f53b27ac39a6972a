#include "app/lookup/lookup.h"

#include "base/error.h"
#include "base/memory.h"

#define CHECK_MS 20

struct lookup {
    struct loop *loop; /* owned */
    const _Atomic bool *cancel;
    struct timer check;
    const struct dns_answer *answer; /* owned: of the question that is waited for */
};

static bool is_cancelled(const struct lookup *lookup)
{
    return lookup->cancel != NULL && atomic_load(lookup->cancel);
}

static void on_check(struct timer *timer)
{
    struct lookup *lookup = container_of(timer, struct lookup, check);
    if (is_cancelled(lookup))
        loop_stop(lookup->loop);
    else
        wheel_start(loop_wheel(lookup->loop), timer, CHECK_MS);
}

static void on_answer(void *user, const struct dns_answer *answer)
{
    struct lookup *lookup = user;
    lookup->answer = dns_answer_ref(answer);
    loop_stop(lookup->loop);
}

int lookup_open(const struct lookup_options *options, struct lookup **ret_lookup)
{
    struct loop_config config = {.log = options->log};
    struct lookup *lookup = memory_zalloc(1, sizeof *lookup);
    if (lookup == NULL)
        return ERR_NO_MEMORY;
    lookup->cancel = options->cancel;
    timer_init(&lookup->check, on_check);
    int status = loop_new(&config, &lookup->loop);
    if (status == 0)
        status = dns_configure(lookup->loop, options->dns);
    if (status < 0) {
        lookup_close(lookup);
        return status;
    }
    *ret_lookup = lookup;
    return 0;
}

void lookup_close(struct lookup *lookup)
{
    if (lookup == NULL)
        return;
    loop_free(lookup->loop);
    memory_free(lookup);
}

int lookup_ask(struct lookup *lookup, struct slice name, enum dns_type type,
               const struct dns_answer **ret_answer)
{
    const struct dns_answer *answer;
    struct dns_query *query;
    int status = dns_lookup(lookup->loop, name, type, on_answer, lookup, &answer, &query);
    if (status < 0)
        return status;
    if (status == 1) {
        *ret_answer = dns_answer_ref(answer);
        return 0;
    }
    lookup->answer = NULL;
    wheel_start(loop_wheel(lookup->loop), &lookup->check, CHECK_MS);
    while (lookup->answer == NULL && !is_cancelled(lookup))
        (void)loop_run(lookup->loop);
    wheel_stop(loop_wheel(lookup->loop), &lookup->check);
    if (lookup->answer == NULL) {
        dns_cancel(query);
        return ERR_TIMEOUT;
    }
    *ret_answer = lookup->answer;
    return 0;
}

int lookup_address(struct lookup *lookup, struct slice host, bool v6, struct address *ret_address)
{
    const struct dns_answer *answer;
    struct address numeric;
    if (address_parse_host(host, 0, &numeric) == 0) {
        if (address_is_v6(&numeric) != v6)
            return ERR_NOT_FOUND;
        *ret_address = numeric;
        return 0;
    }
    int status = lookup_ask(lookup, host, v6 ? DNS_AAAA : DNS_A, &answer);
    if (status < 0)
        return status;
    status = answer->status;
    if (status == 0)
        *ret_address = answer->records[0].address;
    dns_answer_unref(answer);
    return status;
}
