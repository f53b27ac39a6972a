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

/* A permutation in each argument: neither can be chosen so that the other stops mattering. */
uint64_t hash_mix(uint64_t hash, uint64_t value)
{
    uint64_t x = siphash_rotate(hash, 32) * 0x9e3779b97f4a7c15u ^ value;
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}
