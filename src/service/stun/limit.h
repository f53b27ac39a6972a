/* How often a source may be answered: a bucket of tokens per source address (IPv6: per /64) in a
 * table of fixed size. Whose place is needed by another gives it up when his bucket is the fuller
 * one, so a flood from many sources costs memory nothing and honest ones at most some patience. */
#ifndef SERVICE_STUN_LIMIT_H
#define SERVICE_STUN_LIMIT_H

#include "base/address.h"

#define STUN_LIMIT_SETS 4096u
#define STUN_LIMIT_WAYS 4u

struct stun_bucket {
    uint32_t tag;    /* of the source; 0: free */
    uint32_t since;  /* milliseconds, when tokens was right */
    uint32_t tokens; /* thousandths */
};

struct stun_limit {
    uint64_t seed;
    struct stun_bucket buckets[STUN_LIMIT_SETS][STUN_LIMIT_WAYS];
};

/* May source be answered now? It takes a token; a bucket holds those of one second. rate: per
 * second, not 0. */
bool stun_limit_take(struct stun_limit *limit, const struct address *source, uint32_t rate,
                     uint64_t now_ms);

#endif
