#include "service/stun/limit.h"

#include "base/network.h"

static uint64_t hash_of(const struct stun_limit *limit, const struct address *source)
{
    struct address host = network_source(source);
    return address_hash_host(limit->seed, &host);
}

/* Tokens are thousandths: one falls in per rate and millisecond. */
static uint32_t refilled(const struct stun_bucket *bucket, uint32_t rate, uint32_t now)
{
    uint64_t tokens = bucket->tokens + (uint64_t)(now - bucket->since) * rate;
    uint64_t full = (uint64_t)rate * 1000;
    return (uint32_t)(tokens < full ? tokens : full);
}

static struct stun_bucket *bucket_of(struct stun_limit *limit, uint64_t hash, uint32_t rate,
                                     uint32_t now)
{
    struct stun_bucket *set = limit->buckets[hash % STUN_LIMIT_SETS];
    uint32_t tag = (uint32_t)(hash >> 32) | 1;
    struct stun_bucket *best = &set[0];
    for (unsigned i = 0; i < STUN_LIMIT_WAYS; i++) {
        if (set[i].tag == tag)
            return &set[i];
        if (best->tag != 0 &&
            (set[i].tag == 0 || refilled(&set[i], rate, now) > refilled(best, rate, now)))
            best = &set[i];
    }
    *best = (struct stun_bucket){.tag = tag, .since = now, .tokens = rate * 1000};
    return best;
}

bool stun_limit_take(struct stun_limit *limit, const struct address *source, uint32_t rate,
                     uint64_t now_ms)
{
    uint32_t now = (uint32_t)now_ms;
    struct stun_bucket *bucket = bucket_of(limit, hash_of(limit, source), rate, now);
    bucket->tokens = refilled(bucket, rate, now);
    bucket->since = now;
    if (bucket->tokens < 1000)
        return false;
    bucket->tokens -= 1000;
    return true;
}
