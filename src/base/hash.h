/* Keyed hashing of wire data (SipHash-1-3), so that no sender can choose collisions. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/slice.h"

struct hash_key {
    uint64_t k0;
    uint64_t k1;
};

uint64_t hash_slice(const struct hash_key *key, struct slice s);
/* ASCII letters count as lower case: for hosts, tokens, branches compared without case. */
uint64_t hash_slice_nocase(const struct hash_key *key, struct slice s);
/* Mixes a further value into a hash. */
uint64_t hash_mix(uint64_t hash, uint64_t value);

#endif
