/* SipHash-c-d (Aumasson and Bernstein, 2012), with the rounds and the folding of case as constants
 * that the compiler resolves. hash.c fixes them; the tests check the published vectors of
 * SipHash-2-4. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "base/ascii.h"
#include "base/hash.h"

static inline uint64_t siphash_rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static inline __attribute__((always_inline)) void siphash_rounds(struct hash_state *s, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = siphash_rotate(s->v1, 13) ^ s->v0;
        s->v3 = siphash_rotate(s->v3, 16) ^ s->v2;
        s->v0 = siphash_rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = siphash_rotate(s->v1, 17) ^ s->v2;
        s->v3 = siphash_rotate(s->v3, 21) ^ s->v0;
        s->v2 = siphash_rotate(s->v2, 32);
    }
}

static inline __attribute__((always_inline)) void siphash_block(struct hash_state *s, uint64_t m,
                                                                int rounds)
{
    s->v3 ^= m;
    siphash_rounds(s, rounds);
    s->v0 ^= m;
}

static inline __attribute__((always_inline)) struct hash_state siphash_begin(
    const struct hash_key *key)
{
    return (struct hash_state){
        .v0 = key->k0 ^ 0x736f6d6570736575u,
        .v1 = key->k1 ^ 0x646f72616e646f6du,
        .v2 = key->k0 ^ 0x6c7967656e657261u,
        .v3 = key->k1 ^ 0x7465646279746573u,
    };
}

/* The bytes of in, the last block filled up with the low byte of its length. */
static inline __attribute__((always_inline)) void siphash_bytes(struct hash_state *s,
                                                                struct slice in, int c, bool fold)
{
    const char *p = in.ptr;
    size_t left = in.len;
    for (; left >= 8; left -= 8, p += 8) {
        uint64_t m = ascii_load8(p);
        siphash_block(s, fold ? ascii_lower8(m) : m, c);
    }
    uint64_t m = ascii_load_tail(p, left);
    if (fold)
        m = ascii_lower8(m);
    siphash_block(s, m | (uint64_t)in.len << 56, c);
}

static inline __attribute__((always_inline)) uint64_t siphash_end(struct hash_state *s, int d)
{
    s->v2 ^= 0xff;
    siphash_rounds(s, d);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* c rounds per block, d at the end; fold hashes ASCII letters as lower case. */
static inline __attribute__((always_inline)) uint64_t siphash(const struct hash_key *key,
                                                              struct slice in, int c, int d,
                                                              bool fold)
{
    struct hash_state s = siphash_begin(key);
    siphash_bytes(&s, in, c, fold);
    return siphash_end(&s, d);
}

#endif
