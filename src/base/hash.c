#include "base/hash.h"

#include "base/siphash.h"

uint64_t hash_slice(const struct hash_key *key, struct slice s)
{
    return siphash(key, s, 1, 3, false);
}

uint64_t hash_slice_nocase(const struct hash_key *key, struct slice s)
{
    return siphash(key, s, 1, 3, true);
}

void hash_begin(struct hash_state *state, const struct hash_key *key)
{
    *state = siphash_begin(key);
}

/* The length goes first: what follows cannot be taken for the end of one value and another. */
static inline __attribute__((always_inline)) void add(struct hash_state *state, struct slice s,
                                                      bool fold)
{
    struct hash_state copy = *state;
    siphash_block(&copy, s.len, 1);
    siphash_bytes(&copy, s, 1, fold);
    *state = copy;
}

void hash_add(struct hash_state *state, struct slice s)
{
    add(state, s, false);
}

void hash_add_nocase(struct hash_state *state, struct slice s)
{
    add(state, s, true);
}

void hash_add_u64(struct hash_state *state, uint64_t value)
{
    siphash_block(state, value, 1);
}

uint64_t hash_end(const struct hash_state *state)
{
    struct hash_state copy = *state;
    return siphash_end(&copy, 3);
}

/* As SipHash makes 128 bits, but for a mark at its beginning that only tells it from 64 bits. */
struct hash128 hash_end128(const struct hash_state *state)
{
    struct hash_state copy = *state;
    struct hash128 hash = {.low = siphash_end(&copy, 3)};
    copy.v1 ^= 0xdd;
    siphash_rounds(&copy, 3);
    hash.high = copy.v0 ^ copy.v1 ^ copy.v2 ^ copy.v3;
    return hash;
}

/* A permutation in each argument: neither can be chosen so that the other stops mattering. */
uint64_t hash_mix(uint64_t hash, uint64_t value)
{
    uint64_t x = siphash_rotate(hash, 32) * 0x9e3779b97f4a7c15u ^ value;
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}
