/* One of the parts of the location table: blocks by the hash of their AOR, under the shard's lock.
 * Open addressing with the slots in order of hash: a lookup reads one or two lines of slots and the
 * block, growing copies the slots in one pass without reading a block, and a walk can be cut and
 * taken up again at a hash. */
#ifndef SERVICE_LOCATION_SHARD_H
#define SERVICE_LOCATION_SHARD_H

#include <pthread.h>

#include "service/location/record.h"

struct location_slot {
    uint32_t hash;
    uint32_t due_s;               /* Unix time when the first of its bindings expires */
    struct location_block *block; /* owned; NULL: free slot */
};

struct location_shard {
    pthread_mutex_t lock;        /* of all below */
    struct location_slot *slots; /* owned; total + 1, the last one always free */
    uint32_t homes;              /* a hash's own slot is in [0, homes) */
    uint32_t total;
    uint32_t aors;
    uint64_t bindings;
    uint64_t bytes;
    uint64_t added, refreshed, removed, expired;
} __attribute__((aligned(64))) /* a cache line */;

void location_shard_init(struct location_shard *shard);
void location_shard_done(struct location_shard *shard);

struct location_slot *location_shard_find(const struct location_shard *shard, uint32_t hash,
                                          struct slice aor);
/* The first used slot whose hash is at least hash, or NULL. */
struct location_slot *location_shard_from(const struct location_shard *shard, uint32_t hash);
/* The used slot that follows, or NULL. */
struct location_slot *location_shard_next(const struct location_shard *shard,
                                          const struct location_slot *slot);

/* Makes sure that one more block of this hash fits. ERR_NO_MEMORY. Moves slots. */
int location_shard_reserve(struct location_shard *shard, uint32_t hash);
/* The AOR must be new and room reserved. Takes the block over. */
void location_shard_add(struct location_shard *shard, uint32_t hash, struct location_block *block,
                        uint32_t due_s);
/* Another block for the same AOR; frees the old one. */
void location_shard_replace(struct location_shard *shard, struct location_slot *slot,
                            struct location_block *block, uint32_t due_s);
/* The same with the bytes of packed, which fit into the present block. */
void location_shard_rewrite(struct location_shard *shard, struct location_slot *slot,
                            const struct location_block *packed, uint32_t due_s);
/* Frees the block; the slot may hold another one afterwards. */
void location_shard_remove(struct location_shard *shard, struct location_slot *slot);

/* Not initialised. NULL when memory is out. */
struct location_block *location_block_new(size_t size);
/* NULL is accepted. */
void location_block_free(struct location_block *block);

#endif
