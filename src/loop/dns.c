/* Look-ups: from the cache, the hosts file, a question under way, or a new one. */
#include "loop/dns.h"

#include "base/error.h"
#include "base/memory.h"
#include "loop/dns_private.h"

#define QUESTION_BUCKETS 64 /* to begin with */
#define TIMEOUT_MS       5000
#define HOSTS_PATH       "/etc/hosts"
#define LOOK_MS          1000 /* between looks at the hosts file and resolv.conf */

/* How long answers are kept, in seconds. A TTL of 0 or with the highest bit set (RFC 2181 section
 * 8: as 0) is kept for a moment too, so that one call's look-ups agree with each other. */
#define TTL_MIN          1
#define TTL_MAX          86400
#define TTL_NEGATIVE_MIN 5 /* RFC 2308 section 5: the SOA's minimum, here within bounds */
#define TTL_NEGATIVE_MAX 900
#define TTL_FAILURE      5 /* RFC 2308 section 7: at most 5 minutes */
#define TTL_HOSTS        5

struct dns_query {
    struct list link; /* in its question, then in dns.ready */
    struct dns *owner;
    dns_fn *done;
    void *user;
    const struct dns_answer *answer; /* a reference; NULL: not there yet */
};

const struct metric_info dns_metric_infos[DNS_METRICS] = {
#define DNS_METRIC_INFO(id, name, kind, help) {name, NULL, kind, help},
    DNS_METRIC_LIST(DNS_METRIC_INFO)
#undef DNS_METRIC_INFO
};

static void count(struct dns *dns, enum dns_metric which, int64_t n)
{
    metric_add(&dns->metrics[which], n);
}

const metric *dns_metrics(const struct loop *loop)
{
    return loop_dns(loop)->metrics;
}

static uint32_t within(uint32_t value, uint32_t low, uint32_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* ---- what is known already ---- */

static void keep(struct dns *dns, uint64_t hash, struct dns_block *block, uint32_t ttl_s)
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
    count(dns, DNS_HOSTS, 1);
    keep(dns, hash, block, TTL_HOSTS);
    *ret_answer = &block->answer;
    dns_answer_unref(&block->answer); /* the cache has it */
    return 1;
}

/* ---- questions ---- */

static bool match(const struct table_node *node, const void *key)
{
    const struct dns_question *question = container_of_const(node, struct dns_question, node);
    const struct dns_block *wanted = key;
    return question->failure->answer.type == wanted->answer.type &&
           slice_equal_nocase(dns_question_name(question),
                              slice_of(wanted->name, wanted->name_len));
}

static struct dns_question *find_question(struct dns *dns, struct slice name, enum dns_type type,
                                          uint64_t hash)
{
    struct dns_block key = {.name = name.ptr, .name_len = (uint8_t)name.len};
    key.answer.type = type;
    struct table_node *node = table_find(&dns->questions, hash, match, &key);
    return node != NULL ? container_of(node, struct dns_question, node) : NULL;
}

static void question_free(struct dns_question *question)
{
    struct dns *dns = question->owner;
    table_remove(&dns->questions, &question->node);
    list_remove(&question->link);
    wheel_stop(loop_wheel(dns->loop), &question->deadline);
    dns_answer_unref(&question->failure->answer);
    pool_put(&dns->question_pool, question);
}

/* All who wait get the answer, in the loop's next round. */
static void finish(struct dns_question *question, struct dns_block *block, uint32_t ttl_s)
{
    struct dns *dns = question->owner;
    keep(dns, question->hash, block, ttl_s);
    while (!list_empty(&question->waiting)) {
        struct dns_query *query = container_of(question->waiting.next, struct dns_query, link);
        query->answer = dns_answer_ref(&block->answer);
        list_remove(&query->link);
        list_append(&dns->ready, &query->link);
    }
    question_free(question);
}

static void finish_without(struct dns_question *question, int status, bool secure, uint32_t ttl_s)
{
    struct dns_block *block = question->failure;
    block->answer.status = status;
    block->answer.secure = secure;
    finish(question, block, ttl_s);
}

static void finish_with(struct dns_question *question, const struct dns_result *result)
{
    struct dns *dns = question->owner;
    struct dns_decoded decoded;
    struct dns_block *block;
    int status = dns_decode(dns_question_name(question), question->failure->answer.type,
                            result->data, result->count, &decoded, &block);
    if (status < 0) {
        finish_without(question, status, false, TTL_FAILURE);
        return;
    }
    count(dns, DNS_MALFORMED, decoded.malformed);
    count(dns, DNS_LEFT_OUT, decoded.left_out);
    block->answer.secure = result->secure;
    finish(question, block, within(result->ttl_s, TTL_MIN, TTL_MAX));
    dns_answer_unref(&block->answer);
}

void dns_on_result(struct dns_question *question, const struct dns_result *result)
{
    struct dns *dns = question->owner;
    if (result->status == 0 && result->count > 0) {
        finish_with(question, result);
    } else if (result->status == 0 || result->status == ERR_NOT_FOUND) {
        count(dns, DNS_NOT_FOUND, 1);
        finish_without(question, ERR_NOT_FOUND, result->secure,
                       within(result->ttl_s, TTL_NEGATIVE_MIN, TTL_NEGATIVE_MAX));
    } else {
        count(dns, result->status == ERR_INVALID ? DNS_BOGUS : DNS_FAILURES, 1);
        finish_without(question, result->status, false, TTL_FAILURE);
    }
}

static void on_deadline(struct timer *timer)
{
    struct dns_question *question = container_of(timer, struct dns_question, deadline);
    count(question->owner, DNS_TIMEOUTS, 1);
    dns_ask_cancel(question->owner->ask, question);
    finish_without(question, ERR_UNREACHABLE, false, TTL_FAILURE);
}

static int start_question(struct dns *dns, struct slice name, enum dns_type type, uint64_t hash,
                          struct dns_question **ret_question)
{
    struct dns_question *question = pool_get(&dns->question_pool);
    if (question == NULL)
        return ERR_NO_MEMORY;
    memset(question, 0, sizeof(*question));
    question->owner = dns;
    question->hash = hash;
    question->failure = dns_block_new(name, type, 0, 0);
    if (question->failure == NULL) {
        pool_put(&dns->question_pool, question);
        return ERR_NO_MEMORY;
    }
    timer_init(&question->deadline, on_deadline);
    list_init(&question->waiting);
    list_append(&dns->asked, &question->link);
    table_add(&dns->questions, &question->node, hash);
    uint32_t timeout_ms = dns->config.timeout_ms;
    wheel_start(loop_wheel(dns->loop), &question->deadline, timeout_ms ? timeout_ms : TIMEOUT_MS);
    count(dns, DNS_QUERIES, 1);
    *ret_question = question;
    return 0;
}

static void ask_now(struct dns *dns, struct dns_question *question)
{
    question->started = true;
    int status = dns_ask_start(dns->ask, question);
    if (status == 0)
        return;
    count(dns, DNS_FAILURES, 1);
    finish_without(question, status, false, TTL_FAILURE);
}

/* ---- files that change ---- */

static void clear_cache(struct dns *dns)
{
    dns_cache_clear(&dns->cache);
    metric_set(&dns->metrics[DNS_CACHED], 0);
}

/* The way out is made anew. */
static void ask_again(struct dns *dns)
{
    clear_cache(dns);
    dns_ask_configure(dns->ask, &dns->config);
    list_for_each_safe(link, &dns->asked)
        ask_now(dns, container_of(link, struct dns_question, link));
}

/* Answers made of what the files said before are not used any more. */
static void look_at_files(struct dns *dns, uint64_t now_ms)
{
    dns->look_ms = now_ms + LOOK_MS;
    int status = dns_hosts_refresh(&dns->hosts);
    if (status < 0)
        log_warn(loop_log(dns->loop), LOG_DNS, "%s cannot be read and counts as empty: %s",
                 dns->hosts.path, error_text(status));
    if (status == 1 && dns->hosts.skipped > 0)
        log_info(loop_log(dns->loop), LOG_DNS, "%s: %u lines or names make no sense",
                 dns->hosts.path, dns->hosts.skipped);
    if (status != 0)
        clear_cache(dns);
    if (dns_ask_changed(dns->ask))
        ask_again(dns);
}

bool dns_in_hosts(struct loop *loop, struct slice name)
{
    struct dns *dns = loop_dns(loop);
    if (loop_now_ms(loop) >= dns->look_ms)
        look_at_files(dns, loop_now_ms(loop));
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
    struct dns_question *question = find_question(dns, name, type, hash);
    bool full = dns->query_pool.in_use >= DNS_WAITING_MAX ||
                (question == NULL && dns->question_pool.in_use >= DNS_QUESTIONS_MAX);
    if (full) {
        count(dns, DNS_REFUSED, 1);
        return ERR_LIMIT;
    }
    *ret_question = question;
    if (question == NULL)
        return start_question(dns, name, type, hash, ret_question);
    count(dns, DNS_JOINED, 1);
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
        look_at_files(dns, now_ms);
    /* What is in the cache is a name: only others are checked. */
    struct slice bare = name;
    if (bare.len > 0 && bare.ptr[bare.len - 1] == '.')
        bare.len--;
    uint64_t hash = dns_cache_hash(&dns->cache, bare, type);
    struct dns_block *block = dns_cache_find(&dns->cache, hash, bare, type, now_ms);
    if (block != NULL) {
        count(dns, DNS_CACHE_HITS, 1);
        *ret_answer = &block->answer;
        return 1;
    }
    struct dns_question *question = NULL;
    int status = look_further(dns, name, type, hash, ret_answer, &question);
    if (status != 0)
        return status;
    status = wait_for(question, done, user, ret_query);
    if (!question->started)
        ask_now(dns, question);
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

/* ---- making, configuring and freeing ---- */

int dns_new(struct loop *loop, struct dns_ask *ask, struct dns **ret_dns)
{
    struct dns *dns = memory_zalloc(1, sizeof(*dns));
    if (dns == NULL)
        return ERR_NO_MEMORY;
    dns->loop = loop;
    pool_init(&dns->question_pool, sizeof(struct dns_question), DNS_QUESTIONS_MAX);
    pool_init(&dns->query_pool, sizeof(struct dns_query), DNS_WAITING_MAX);
    list_init(&dns->asked);
    list_init(&dns->ready);
    int status = dns_cache_init(&dns->cache, random_hash_key(loop_random(loop)));
    if (status == 0)
        status = dns_hosts_init(&dns->hosts, random_hash_key(loop_random(loop)));
    if (status == 0)
        status = table_init(&dns->questions, QUESTION_BUCKETS);
    if (status < 0) {
        dns_hosts_done(&dns->hosts);
        dns_cache_done(&dns->cache);
        memory_free(dns);
        return status;
    }
    dns->ask = ask;
    dns->config = (struct dns_config){.hosts = "", .trust_anchor = ""};
    *ret_dns = dns;
    return 0;
}

static bool same_config(const struct dns_config *a, const struct dns_config *b)
{
    if (a->server_count != b->server_count || a->dnssec != b->dnssec ||
        a->timeout_ms != b->timeout_ms || strcmp(a->hosts, b->hosts) != 0 ||
        strcmp(a->trust_anchor, b->trust_anchor) != 0)
        return false;
    for (unsigned i = 0; i < a->server_count; i++) {
        if (!address_equal(&a->servers[i], &b->servers[i]))
            return false;
    }
    return true;
}

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memory_alloc(size);
    return copy != NULL ? memcpy(copy, text, size) : NULL;
}

int dns_configure(struct loop *loop, const struct dns_config *config)
{
    struct dns *dns = loop_dns(loop);
    struct dns_config wanted = *config;
    wanted.hosts = config->hosts != NULL ? config->hosts : HOSTS_PATH;
    wanted.trust_anchor = config->trust_anchor != NULL ? config->trust_anchor : "";
    if (same_config(&dns->config, &wanted))
        return 0;
    char *hosts = copy_text(wanted.hosts);
    char *anchor = copy_text(wanted.trust_anchor);
    if (hosts == NULL || anchor == NULL) {
        memory_free(hosts);
        memory_free(anchor);
        return ERR_NO_MEMORY;
    }
    memory_free(dns->hosts_path);
    memory_free(dns->anchor_path);
    wanted.hosts = dns->hosts_path = hosts;
    wanted.trust_anchor = dns->anchor_path = anchor;
    dns->config = wanted;
    dns->hosts.path = hosts;
    dns->look_ms = 0;
    ask_again(dns);
    return 0;
}

static void forget(struct list *queries)
{
    list_for_each_safe(link, queries) dns_cancel(container_of(link, struct dns_query, link));
}

void dns_free(struct dns *dns)
{
    if (dns == NULL)
        return;
    forget(&dns->ready);
    while (!list_empty(&dns->asked)) {
        struct dns_question *question = container_of(dns->asked.next, struct dns_question, link);
        forget(&question->waiting);
        dns_ask_cancel(dns->ask, question);
        question_free(question);
    }
    dns_ask_free(dns->ask);
    pool_done(&dns->query_pool);
    pool_done(&dns->question_pool);
    table_done(&dns->questions);
    dns_cache_done(&dns->cache);
    dns_hosts_done(&dns->hosts);
    memory_free(dns->hosts_path);
    memory_free(dns->anchor_path);
    memory_free(dns);
}
