#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>

#include "base/error.h"

int random_secret(void *buf, size_t len)
{
    char *at = buf;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return ERR_IO;
        at += got;
        len -= (size_t)got;
    }
    return 0;
}

int random_init(struct random *r)
{
    struct random fresh;
    int rc = random_secret(&fresh, sizeof fresh);
    if (rc != 0)
        return rc;
    fresh.s[0] |= 1; /* all zeros is the one state that xoshiro never leaves */
    *r = fresh;
    return 0;
}

/* splitmix64, as the authors of xoshiro advise for seeding. */
static uint64_t seed_next(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void random_seed(struct random *r, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++)
        r->s[i] = seed_next(&seed);
}

static uint64_t rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

/* xoshiro256++ 1.0 (Blackman and Vigna, 2019). */
uint64_t random_u64(struct random *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotate(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

/* The high half of a 128-bit product is uniform once the few low halves that would favour some
 * results are redrawn (Lemire, 2019). */
uint64_t random_below(struct random *r, uint64_t bound)
{
    assert(bound > 0);
    unsigned __int128 product = (unsigned __int128)random_u64(r) * bound;
    if ((uint64_t)product < bound) {
        uint64_t refuse = -bound % bound;
        while ((uint64_t)product < refuse)
            product = (unsigned __int128)random_u64(r) * bound;
    }
    return (uint64_t)(product >> 64);
}

double random_double(struct random *r)
{
    return (double)(random_u64(r) >> 11) * 0x1p-53;
}

struct hash_key random_hash_key(struct random *r)
{
    uint64_t k0 = random_u64(r);
    return (struct hash_key){.k0 = k0, .k1 = random_u64(r)};
}
