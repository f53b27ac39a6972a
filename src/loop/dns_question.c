/* Questions under way, and what becomes of those who wait for them. */
#include "base/error.h"
#include "loop/dns_private.h"

#define TIMEOUT_MS 5000

/* How long answers are kept, in seconds. A TTL of 0 or with the highest bit set (RFC 2181 section
 * 8: as 0) is kept for a moment too, so that one call's look-ups agree with each other. */
#define TTL_MIN          1
#define TTL_MAX          86400
#define TTL_NEGATIVE_MIN 5 /* RFC 2308 section 5: the SOA's minimum, here within bounds */
#define TTL_NEGATIVE_MAX 900
#define TTL_FAILURE      5 /* RFC 2308 section 7: at most 5 minutes */

static uint32_t within(uint32_t value, uint32_t low, uint32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static bool match(const struct table_node *node, const void *key)
{
    const struct dns_question *question = container_of_const(node, struct dns_question, node);
    const struct dns_block *wanted = key;
    return question->failure->answer.type == wanted->answer.type &&
           slice_equal_nocase(dns_question_name(question),
                              slice_of(wanted->name, wanted->name_len));
}

struct dns_question *dns_question_find(struct dns *dns, struct slice name, enum dns_type type,
                                       uint64_t hash)
{
    struct dns_block key = {.name = name.ptr, .name_len = (uint8_t)name.len};
    key.answer.type = type;
    struct table_node *node = table_find(&dns->questions, hash, match, &key);
    return node != NULL ? container_of(node, struct dns_question, node) : NULL;
}

void dns_question_free(struct dns_question *question)
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
    dns_keep(dns, question->hash, block, ttl_s);
    while (!list_empty(&question->waiting)) {
        struct dns_query *query = container_of(question->waiting.next, struct dns_query, link);
        query->answer = dns_answer_ref(&block->answer);
        list_remove(&query->link);
        list_append(&dns->ready, &query->link);
    }
    dns_question_free(question);
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
    dns_count(dns, DNS_MALFORMED, decoded.malformed);
    dns_count(dns, DNS_LEFT_OUT, decoded.left_out);
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
        dns_count(dns, DNS_NOT_FOUND, 1);
        finish_without(question, ERR_NOT_FOUND, result->secure,
                       within(result->ttl_s, TTL_NEGATIVE_MIN, TTL_NEGATIVE_MAX));
    } else {
        dns_count(dns, result->status == ERR_INVALID ? DNS_BOGUS : DNS_FAILURES, 1);
        finish_without(question, result->status, false, TTL_FAILURE);
    }
}

static void on_deadline(struct timer *timer)
{
    struct dns_question *question = container_of(timer, struct dns_question, deadline);
    dns_count(question->owner, DNS_TIMEOUTS, 1);
    dns_ask_cancel(question->owner->ask, question);
    finish_without(question, ERR_UNREACHABLE, false, TTL_FAILURE);
}

int dns_question_start(struct dns *dns, struct slice name, enum dns_type type, uint64_t hash,
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
    dns_count(dns, DNS_QUERIES, 1);
    *ret_question = question;
    return 0;
}

void dns_question_ask(struct dns *dns, struct dns_question *question)
{
    question->started = true;
    int status = dns_ask_start(dns->ask, question);
    if (status == 0)
        return;
    dns_count(dns, DNS_FAILURES, 1);
    finish_without(question, status, false, TTL_FAILURE);
}
