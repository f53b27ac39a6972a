/* What the files of the location service share. */
#ifndef SERVICE_LOCATION_INTERNAL_H
#define SERVICE_LOCATION_INTERNAL_H

#include <stdatomic.h>

#include "service/location/plan.h"
#include "service/location/shard.h"
#include "service/location/streams.h"

#define LOCATION_SHARDS 256
#define LOCATION_LINE   64 /* bytes of a cache line: no two shards share one */

struct location {
    void *memory; /* owned: the allocation that this lies in, aligned */
    struct location_shard shards[LOCATION_SHARDS];
    struct hash_key key;
    struct location_journal journal;
    _Atomic uint64_t bindings_limit; /* changed at run time */
    _Atomic unsigned contacts_per_aor;
    _Atomic uint64_t pace;            /* struct location_pace, packed: changed at run time */
    struct hash_key ping_key;         /* of the tokens of pings */
    int64_t silence_max_ms;           /* of a flow with keep-alives; 0: not watched */
    struct location_agents *agents;   /* owned */
    struct location_streams *streams; /* owned */
    _Atomic uint64_t bindings;        /* of all shards, for the limit */
    pthread_mutex_t sweep_lock;       /* of the two below */
    unsigned sweep_shard;
    uint32_t sweep_hash; /* where the next sweep goes on */
};

/* The upper bits choose the shard, the lower ones the slot. */
static inline struct location_shard *location_shard_of(struct location *location, uint64_t hash)
{
    return &location->shards[hash >> 56];
}

/* One update of one AOR on its way; the shard is locked. */
struct location_work {
    struct location *location;
    struct location_shard *shard;
    uint64_t hash;
    const struct location_update *update; /* borrowed */
    int64_t now_ms;
    struct arena *arena;        /* borrowed; takes the packed block */
    struct location_undo *undo; /* NULL: not wanted */
};

/* Applies the update, or nothing of it. packed is the new block in the arena, NULL when no binding
 * is left. As location_update. */
int location_apply(const struct location_work *work, const struct location_block **ret_packed,
                   int64_t *ret_ticket);

/* The binding of index in the block of slot comes along flow now. */
int location_apply_move(const struct location_work *work, struct location_slot *slot,
                        unsigned index, const struct flow *flow);

/* The same for location_take_back: work->update has nothing but the AOR. */
int location_apply_undo(const struct location_work *work, const struct location_undo *undo);

/* Live bindings of a block, in the order of location_find; they point into the block. NULL: none.
 */
void location_bindings_read(const struct location *location, const struct location_block *block,
                            int64_t now_ms, struct location_bindings *ret_bindings);

/* When the first binding expires, rounded up to a second, or is to be pinged. */
uint32_t location_due_s(const struct location_record *records, unsigned count);

struct location_pace location_pace_now(const struct location *location);
/* For the times of pings: another one for each AOR and second. */
static inline uint64_t location_seed(uint64_t hash, int64_t now_ms)
{
    return hash_mix(hash, (uint64_t)now_ms / 1000);
}

/* How long a phone that was told this Flow-Timer may be silent (RFC 5626 section 5.4); 0: for good.
 */
int64_t location_silence_max_ms(uint32_t flow_timer_s);

/* Counts more bindings towards the limit: ERR_BUSY when they would pass it. */
int location_count_more(struct location *location, unsigned more);
void location_count_less(struct location *location, unsigned less);

#endif
