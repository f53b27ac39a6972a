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

/* Several values as one. Each goes in with its length, so that "ab", "c" is not "a", "bc". */
struct hash_state {
    uint64_t v0, v1, v2, v3;
};

struct hash128 {
    uint64_t low, high;
};

void hash_begin(struct hash_state *state, const struct hash_key *key);
void hash_add(struct hash_state *state, struct slice s);
void hash_add_nocase(struct hash_state *state, struct slice s);
void hash_add_u64(struct hash_state *state, uint64_t value);
/* The state stays as it is. */
uint64_t hash_end(const struct hash_state *state);
/* 128 bits: equal ones may be taken for equal values without comparing them. */
struct hash128 hash_end128(const struct hash_state *state);

/* Mixes a further value into a hash. */
uint64_t hash_mix(uint64_t hash, uint64_t value);

#endif
