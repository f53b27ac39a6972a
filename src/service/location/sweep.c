/* Walks over the whole table in small steps: removal of what has expired, and lists for people. */
#include "base/error.h"
#include "service/location/internal.h"

#define LOCKED_MAX 128 /* AORs looked at with a shard locked */

/* Drops the expired bindings of one AOR. Returns how many, or an error. The slot is void
 * afterwards. */
static int expire(const struct location_work *work, struct location_slot *slot)
{
    struct location_update update;
    memset(&update, 0, offsetof(struct location_update, changes));
    update.aor = location_block_aor(slot->block);
    unsigned before = slot->block->count;
    struct location_work mine = *work;
    mine.update = &update;
    mine.hash = hash_slice(&work->location->key, update.aor);
    /* The block goes with its AOR: the name that the update borrows must outlive it. */
    char name[LOCATION_AOR_MAX];
    memcpy(name, update.aor.ptr, update.aor.len);
    update.aor.ptr = name;
    const struct location_block *packed;
    int64_t ticket;
    int status = location_apply(&mine, &packed, &ticket);
    if (status < 0)
        return status;
    return (int)(before - (packed == NULL ? 0 : packed->count));
}

/* Or is only a ping due? */
static bool has_expired(const struct location_work *work, const struct location_block *block)
{
    struct location_reader reader = location_reader_of(block, work->location->agents);
    struct location_record record;
    while (location_reader_next(&reader, &record)) {
        if (record.binding.expires_ms <= work->now_ms)
            return true;
    }
    return false;
}

/* Looks at up to budget AORs of the shard from *hash on. Returns how many it looked at; *ret_done
 * says that the shard is through, else *hash is where to go on. */
static unsigned sweep_shard(const struct location_work *work, unsigned budget, uint32_t *hash,
                            unsigned *expired, bool *ret_done)
{
    uint32_t now_s = (uint32_t)(work->now_ms / 1000);
    unsigned looked = 0;
    struct location_slot *slot = location_shard_from(work->shard, *hash);
    while (slot != NULL && looked < budget) {
        uint32_t here = slot->hash;
        looked++;
        if (slot->due_s <= now_s && has_expired(work, slot->block)) {
            uint32_t count = work->shard->aors;
            int gone = expire(work, slot);
            *expired += gone > 0 ? (unsigned)gone : 0;
            arena_reset(work->arena);
            /* The slots have moved when one was emptied: the next one stands at the same hash. */
            if (work->shard->aors < count) {
                slot = location_shard_from(work->shard, here);
                *hash = here;
                continue;
            }
        }
        slot = location_shard_next(work->shard, slot);
        *hash = slot == NULL ? here : slot->hash;
    }
    *ret_done = slot == NULL;
    return looked;
}

unsigned location_sweep(struct location *location, int64_t now_ms, unsigned budget)
{
    unsigned expired = 0, shards = 0;
    struct arena arena;
    arena_init(&arena, LOCATION_RECORD_MAX, SIZE_MAX);
    pthread_mutex_lock(&location->sweep_lock);
    while (budget > 0 && shards < LOCATION_SHARDS) {
        struct location_shard *shard = &location->shards[location->sweep_shard];
        struct location_work work = {
            .location = location, .shard = shard, .now_ms = now_ms, .arena = &arena};
        bool done;
        pthread_mutex_lock(&shard->lock);
        budget -= sweep_shard(&work, budget < LOCKED_MAX ? budget : LOCKED_MAX,
                              &location->sweep_hash, &expired, &done);
        pthread_mutex_unlock(&shard->lock);
        if (done) {
            location->sweep_shard = (location->sweep_shard + 1) % LOCATION_SHARDS;
            location->sweep_hash = 0;
            shards++;
        }
    }
    pthread_mutex_unlock(&location->sweep_lock);
    arena_done(&arena);
    return expired;
}

/* A cursor is the shard and the hash to go on at, plus one so that it is not 0. */
uint64_t location_each(struct location *location, uint64_t cursor,
                       void (*visit)(void *user, struct slice aor, const struct binding *binding),
                       void *user)
{
    uint64_t place = cursor == 0 ? 0 : cursor - 1;
    uint64_t index = place >> 32;
    if (index >= LOCATION_SHARDS)
        return 0;
    uint64_t next = (index + 1) << 32;
    struct location_shard *shard = &location->shards[index];
    struct location_record record;
    unsigned looked = 0;
    uint32_t last = 0;
    pthread_mutex_lock(&shard->lock);
    for (struct location_slot *slot = location_shard_from(shard, (uint32_t)place); slot != NULL;
         slot = location_shard_next(shard, slot)) {
        /* AORs of one hash are not torn apart. */
        if (looked++ >= LOCKED_MAX && slot->hash != last) {
            next = index << 32 | slot->hash;
            break;
        }
        last = slot->hash;
        struct location_reader reader = location_reader_of(slot->block, location->agents);
        while (location_reader_next(&reader, &record))
            visit(user, location_block_aor(slot->block), &record.binding);
    }
    pthread_mutex_unlock(&shard->lock);
    return next >> 32 == LOCATION_SHARDS ? 0 : next + 1;
}
