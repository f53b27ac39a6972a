/* Look-ups: from the cache, the hosts file, a question under way, or a new one. */
#include "loop/dns.h"

#include "base/error.h"
#include "loop/dns_private.h"

#define TTL_HOSTS 5 /* seconds */

const struct metric_info dns_metric_infos[DNS_METRICS] = {DNS_METRIC_LIST(METRIC_ROW)};

const metric *dns_metrics(const struct loop *loop)
{
    return loop_dns(loop)->metrics;
}

/* ---- what is known already ---- */

void dns_keep(struct dns *dns, uint64_t hash, struct dns_block *block, uint32_t ttl_s)
{
    block->answer.expires_ms = loop_now_ms(dns->loop) + (uint64_t)ttl_s * 1000;
    dns_cache_add(&dns->cache, hash, block);
    metric_set(&dns->metrics[DNS_CACHED], (int64_t)dns->cache.count);
}

/* 1: the answer, in the cache now. */
static int ask_hosts(struct dns *dns, struct slice name, enum dns_type type, uint64_t hash,
                     const struct dns_answer **ret_answer)
{
    struct dns_block *block;
    if (type != DNS_A && type != DNS_AAAA)
        return 0;
    int status = dns_hosts_answer(&dns->hosts, name, type, &block);
    if (status < 0)
        return status == ERR_NOT_FOUND ? 0 : status;
    dns_count(dns, DNS_HOSTS, 1);
    dns_keep(dns, hash, block, TTL_HOSTS);
    *ret_answer = &block->answer;
    dns_answer_unref(&block->answer); /* the cache has it */
    return 1;
}

bool dns_in_hosts(struct loop *loop, struct slice name)
{
    struct dns *dns = loop_dns(loop);
    if (loop_now_ms(loop) >= dns->look_ms)
        dns_look_at_files(dns, loop_now_ms(loop));
    return dns_name_check(name, &name) == 0 && dns_hosts_have(&dns->hosts, name);
}

/* ---- look-ups ---- */

static int wait_for(struct dns_question *question, dns_fn *done, void *user,
                    struct dns_query **ret_query)
{
    struct dns_query *query = pool_get(&question->owner->query_pool);
    if (query == NULL)
        return ERR_NO_MEMORY;
    *query = (struct dns_query){.owner = question->owner, .done = done, .user = user};
    list_append(&question->waiting, &query->link);
    *ret_query = query;
    return 0;
}

static int look_up(struct dns *dns, struct slice name, enum dns_type type, uint64_t hash,
                   struct dns_question **ret_question)
{
    struct dns_question *question = dns_question_find(dns, name, type, hash);
    bool full = dns->query_pool.in_use >= DNS_WAITING_MAX ||
                (question == NULL && dns->question_pool.in_use >= DNS_QUESTIONS_MAX);
    if (full) {
        dns_count(dns, DNS_REFUSED, 1);
        return ERR_LIMIT;
    }
    *ret_question = question;
    if (question == NULL)
        return dns_question_start(dns, name, type, hash, ret_question);
    dns_count(dns, DNS_JOINED, 1);
    return 0;
}

/* What the cache does not have. */
static int look_further(struct dns *dns, struct slice name, enum dns_type type, uint64_t hash,
                        const struct dns_answer **ret_answer, struct dns_question **ret_question)
{
    int status = dns_name_check(name, &name);
    if (status == 0)
        status = ask_hosts(dns, name, type, hash, ret_answer);
    if (status == 0)
        status = look_up(dns, name, type, hash, ret_question);
    return status;
}

/* NOLINTNEXTLINE(readability-function-size): two results, of which one is given */
int dns_lookup(struct loop *loop, struct slice name, enum dns_type type, dns_fn *done, void *user,
               const struct dns_answer **ret_answer, struct dns_query **ret_query)
{
    struct dns *dns = loop_dns(loop);
    uint64_t now_ms = loop_now_ms(loop);
    if (now_ms >= dns->look_ms)
        dns_look_at_files(dns, now_ms);
    /* What is in the cache is a name: only others are checked. */
    struct slice bare = name;
    if (bare.len > 0 && bare.ptr[bare.len - 1] == '.')
        bare.len--;
    uint64_t hash = dns_cache_hash(&dns->cache, bare, type);
    struct dns_block *block = dns_cache_find(&dns->cache, hash, bare, type, now_ms);
    if (block != NULL) {
        dns_count(dns, DNS_CACHE_HITS, 1);
        *ret_answer = &block->answer;
        return 1;
    }
    struct dns_question *question = NULL;
    int status = look_further(dns, name, type, hash, ret_answer, &question);
    if (status != 0)
        return status;
    status = wait_for(question, done, user, ret_query);
    if (!question->started)
        dns_question_ask(dns, question);
    return status;
}

void dns_cancel(struct dns_query *query)
{
    if (query == NULL)
        return;
    list_remove(&query->link);
    dns_answer_unref(query->answer);
    pool_put(&query->owner->query_pool, query);
}

/* A done may look up and cancel as it likes; what becomes ready meanwhile waits for the next turn.
 */
void dns_deliver(struct dns *dns)
{
    struct list now;
    if (list_empty(&dns->ready))
        return;
    list_init(&now);
    list_insert_before(&dns->ready, &now);
    list_remove(&dns->ready); /* now is the head of what was ready */
    while (!list_empty(&now)) {
        struct dns_query *query = container_of(now.next, struct dns_query, link);
        struct dns_query told = *query;
        query->answer = NULL;
        dns_cancel(query);
        told.done(told.user, told.answer);
        dns_answer_unref(told.answer);
    }
}

bool dns_pending(const struct dns *dns)
{
    return !list_empty(&dns->ready);
}
