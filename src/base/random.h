/* Random numbers for identifiers (tags, branches) and for secrets. The generator is an object, so
 * that the simulation can seed it and replay a run. One thread per object. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include "base/hash.h"

struct random {
    uint64_t s[4]; /* xoshiro256++ */
};

/* Seeds from the system's entropy. ERR_IO when the system gives none. */
int random_init(struct random *r);
/* The same seed gives the same sequence. */
void random_seed(struct random *r, uint64_t seed);
uint64_t random_u64(struct random *r);
/* Uniform in [0, bound); bound at least 1. */
uint64_t random_below(struct random *r, uint64_t bound);
/* Uniform in [0, 1). */
double random_double(struct random *r);
struct hash_key random_hash_key(struct random *r);

/* Bytes fit for keys and passwords, straight from the system. ERR_IO. Any thread. */
int random_secret(void *buf, size_t len);

#endif
