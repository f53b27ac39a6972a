#include "base/error.h"
#include "service/location/internal.h"
#include "service/location/pace.h"

/* The old bindings of the AOR and the new one, which takes the place of one with its key, if it was
 * written later: both are there when the first one expired and the clock was set back since.
 * Returns how many, 0 when nothing changes, or an error. */
static int gather(const struct location *location, const struct location_block *old,
                  const struct location_record *loaded, struct location_record *records)
{
    unsigned count = 0;
    struct location_reader reader = {0};
    if (old != NULL)
        reader = location_reader_of(old, location->agents);
    while (location_reader_next(&reader, &records[count])) {
        if (!slice_equal(records[count].key, loaded->key))
            count++;
        else if (records[count].place > loaded->place)
            return 0;
    }
    if (count >= LOCATION_CONTACTS_MAX)
        return ERR_LIMIT;
    records[count++] = *loaded;
    return (int)count;
}

static int load(struct location *location, struct location_shard *shard, uint64_t hash,
                struct slice aor, const struct location_record *loaded)
{
    struct location_record records[LOCATION_CONTACTS_MAX + 1];
    struct location_slot *slot = location_shard_find(shard, (uint32_t)hash, aor);
    int count = gather(location, slot == NULL ? NULL : slot->block, loaded, records);
    if (count <= 0)
        return count;
    int status = slot == NULL ? location_shard_reserve(shard, (uint32_t)hash) : 0;
    if (status < 0)
        return status;
    struct location_block *block =
        location_block_new(location_block_size(aor, records, (unsigned)count));
    if (block == NULL)
        return ERR_NO_MEMORY;
    unsigned more = slot == NULL || slot->block->count < count ? 1 : 0;
    status = location_count_more(location, more);
    if (status < 0) {
        location_block_free(block);
        return status;
    }
    location_block_write(block, aor, records, (unsigned)count);
    uint32_t due_s = location_due_s(records, (unsigned)count);
    if (slot == NULL)
        location_shard_add(shard, (uint32_t)hash, block, due_s);
    else
        location_shard_replace(shard, slot, block, due_s);
    shard->added += more;
    return 0;
}

int location_load(struct location *location, struct slice aor, struct slice key,
                  const struct binding *binding, int64_t place, int64_t now_ms)
{
    struct location_pace pace = location_pace_now(location);
    struct location_record loaded = {.binding = *binding, .key = key, .place = place};
    loaded.binding.flow.connection = 0;
    loaded.agent = location_agents_intern(location->agents, binding->user_agent);
    int status = aor.len > LOCATION_AOR_MAX ? ERR_LIMIT : location_record_check(&loaded);
    if (status < 0)
        return status;
    uint64_t hash = hash_slice(&location->key, aor);
    pace_on_load(&pace, &loaded.binding, now_ms / 1000, location_seed(hash, now_ms));
    struct location_shard *shard = location_shard_of(location, hash);
    pthread_mutex_lock(&shard->lock);
    status = load(location, shard, hash, aor, &loaded);
    pthread_mutex_unlock(&shard->lock);
    return status;
}
