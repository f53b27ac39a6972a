#include "service/location/location.h"

#include "base/error.h"
#include "base/memory.h"
#include "service/location/internal.h"
#include "service/location/pace.h"

#define BINDINGS_DEFAULT 10000000
#define CONTACTS_DEFAULT 10

void location_reload(struct location *location, size_t bindings_limit, unsigned contacts_per_aor)
{
    unsigned contacts = contacts_per_aor != 0 ? contacts_per_aor : CONTACTS_DEFAULT;
    if (contacts > LOCATION_CONTACTS_MAX)
        contacts = LOCATION_CONTACTS_MAX;
    atomic_store_explicit(&location->bindings_limit,
                          bindings_limit != 0 ? bindings_limit : BINDINGS_DEFAULT,
                          memory_order_relaxed);
    atomic_store_explicit(&location->contacts_per_aor, contacts, memory_order_relaxed);
}

/* Four numbers of 16 bits, so that they change together. */
void location_set_pace(struct location *location, const struct location_pace *pace)
{
    uint64_t packed = (uint64_t)(uint16_t)pace->mode << 48 |
                      (uint64_t)(uint16_t)pace->first_s << 32 |
                      (uint64_t)(uint16_t)pace->min_s << 16 | (uint16_t)pace->max_s;
    atomic_store_explicit(&location->pace, packed, memory_order_relaxed);
}

struct location_pace location_pace_now(const struct location *location)
{
    uint64_t packed = atomic_load_explicit(&location->pace, memory_order_relaxed);
    return (struct location_pace){.mode = (uint32_t)(packed >> 48),
                                  .first_s = (uint16_t)(packed >> 32),
                                  .min_s = (uint16_t)(packed >> 16),
                                  .max_s = (uint16_t)packed};
}

int location_new(const struct location_config *config, struct location **ret_location)
{
    char *memory = memory_zalloc(1, sizeof(struct location) + LOCATION_LINE);
    if (memory == NULL)
        return ERR_NO_MEMORY;
    size_t over = (uintptr_t)memory % LOCATION_LINE;
    struct location *location = (void *)(memory + (LOCATION_LINE - over));
    location->memory = memory;
    location->key = config->key;
    location->journal = config->journal;
    location_reload(location, config->bindings_limit, config->contacts_per_aor);
    location_set_pace(location, &config->pace);
    location->ping_key = (struct hash_key){hash_slice(&location->key, SLICE("ping")),
                                           hash_slice(&location->key, SLICE("token"))};
    location->silence_max_ms = location_silence_max_ms(config->flow_timer_s);
    for (unsigned i = 0; i < LOCATION_SHARDS; i++)
        location_shard_init(&location->shards[i]);
    pthread_mutex_init(&location->sweep_lock, NULL);
    int status = location_agents_new(&location->key, &location->agents);
    if (status == 0)
        status = location_streams_new(&location->key, &location->streams);
    if (status < 0) {
        location_free(location);
        return status;
    }
    *ret_location = location;
    return 0;
}

void location_free(struct location *location)
{
    if (location == NULL)
        return;
    for (unsigned i = 0; i < LOCATION_SHARDS; i++)
        location_shard_done(&location->shards[i]);
    location_agents_free(location->agents);
    location_streams_free(location->streams);
    pthread_mutex_destroy(&location->sweep_lock);
    memory_free(location->memory);
}

bool binding_unreachable(const struct binding *binding)
{
    return binding->keep.answers && binding->keep.missed >= PACE_MISSED_GRAVE;
}

/* Highest q first (RFC 3261 section 16.6), then the one updated last. */
static bool comes_before(const struct binding *a, const struct binding *b)
{
    return a->q != b->q ? a->q > b->q : a->updated_ms > b->updated_ms;
}

/* Outside, datagrams have no connection. */
static void unnumber(struct binding *binding)
{
    if (binding->flow.transport != TRANSPORT_UDP)
        return;
    binding->watched = binding->flow.connection != 0;
    binding->flow.connection = binding->flow.generation = 0;
}

void location_bindings_read(const struct location *location, const struct location_block *block,
                            int64_t now_ms, struct location_bindings *ret_bindings)
{
    unsigned count = 0;
    struct location_record record;
    struct location_reader reader = {0};
    if (block != NULL)
        reader = location_reader_of(block, location->agents);
    while (location_reader_next(&reader, &record) && count < LOCATION_CONTACTS_MAX) {
        if (record.binding.expires_ms <= now_ms)
            continue;
        unsigned at = count++;
        for (; at > 0 && comes_before(&record.binding, &ret_bindings->items[at - 1]); at--)
            ret_bindings->items[at] = ret_bindings->items[at - 1];
        ret_bindings->items[at] = record.binding;
        unnumber(&ret_bindings->items[at]);
    }
    ret_bindings->count = count;
}

int location_find(struct location *location, struct slice aor, int64_t now_ms, struct arena *arena,
                  struct location_bindings *ret_bindings)
{
    uint64_t hash = hash_slice(&location->key, aor);
    struct location_shard *shard = location_shard_of(location, hash);
    struct location_block *copy = NULL;
    pthread_mutex_lock(&shard->lock);
    struct location_slot *slot = location_shard_find(shard, (uint32_t)hash, aor);
    bool found = slot != NULL;
    if (found) {
        copy = arena_alloc(arena, slot->block->size);
        if (copy != NULL)
            memcpy(copy, slot->block, slot->block->size);
    }
    pthread_mutex_unlock(&shard->lock);
    if (found && copy == NULL)
        return ERR_NO_MEMORY;
    location_bindings_read(location, copy, now_ms, ret_bindings);
    return 0;
}

/* Most requests change something, so the answer is read from the packed block. */
int location_update(struct location *location, const struct location_update *update, int64_t now_ms,
                    struct arena *arena, struct location_bindings *ret_bindings,
                    int64_t *ret_ticket)
{
    if (update->count > LOCATION_CHANGES_MAX || update->aor.len > LOCATION_AOR_MAX)
        return ERR_LIMIT;
    if (update->count == 0 && !update->remove_all) {
        int status = location_find(location, update->aor, now_ms, arena, ret_bindings);
        if (status == 0)
            *ret_ticket = 0;
        return status;
    }
    uint64_t hash = hash_slice(&location->key, update->aor);
    ret_bindings->undo = (struct location_undo){.last = 0};
    struct location_work work = {.location = location,
                                 .shard = location_shard_of(location, hash),
                                 .hash = hash,
                                 .update = update,
                                 .now_ms = now_ms,
                                 .arena = arena,
                                 .undo = update->undoable ? &ret_bindings->undo : NULL};
    const struct location_block *packed;
    pthread_mutex_lock(&work.shard->lock);
    int status = location_apply(&work, &packed, ret_ticket);
    pthread_mutex_unlock(&work.shard->lock);
    if (status < 0)
        return status;
    location_bindings_read(location, packed, now_ms, ret_bindings);
    return 0;
}

int location_take_back(struct location *location, const struct location_undo *undo, int64_t now_ms,
                       struct arena *arena)
{
    uint64_t hash = hash_slice(&location->key, undo->aor);
    struct location_update update;
    memset(&update, 0, offsetof(struct location_update, changes));
    update.aor = undo->aor;
    struct location_work work = {.location = location,
                                 .shard = location_shard_of(location, hash),
                                 .hash = hash,
                                 .update = &update,
                                 .now_ms = now_ms,
                                 .arena = arena};
    pthread_mutex_lock(&work.shard->lock);
    int status = location_apply_undo(&work, undo);
    pthread_mutex_unlock(&work.shard->lock);
    return status;
}

int location_kick(struct location *location, struct slice aor)
{
    uint64_t hash = hash_slice(&location->key, aor);
    struct location_shard *shard = location_shard_of(location, hash);
    struct location_update update;
    memset(&update, 0, offsetof(struct location_update, changes));
    update.aor = aor;
    update.cseq = UINT32_MAX; /* over every CSeq, which is below 2^31 (section 8.1.1.5) */
    update.remove_all = true;
    struct location_work work = {
        .location = location, .shard = shard, .hash = hash, .update = &update};
    const struct location_block *packed;
    int64_t ticket;
    pthread_mutex_lock(&shard->lock);
    struct location_slot *slot = location_shard_find(shard, (uint32_t)hash, aor);
    int count = slot == NULL ? 0 : slot->block->count;
    int status = count == 0 ? 0 : location_apply(&work, &packed, &ticket);
    pthread_mutex_unlock(&shard->lock);
    return status < 0 ? status : count;
}

/* The bindings of one AOR that came along the connection. Under the lock of the shard. */
static void see(const struct location *location, struct location_block *block,
                const struct flow *flow, int64_t now_ms)
{
    struct location_reader reader = location_reader_of(block, location->agents);
    struct location_record record;
    while (reader.left > 0) {
        size_t offset = location_reader_offset(&reader, block);
        location_reader_next(&reader, &record);
        if (record.link != 0 && location_streams_same(&record.binding.flow, flow) &&
            now_ms - record.binding.seen_ms > 1000)
            location_record_set_seen(block, offset, now_ms);
    }
}

void location_seen(struct location *location, const struct flow *flow, int64_t now_ms)
{
    uint64_t hashes[LOCATION_SEEN_MAX];
    bool datagram = flow->transport == TRANSPORT_UDP;
    if (datagram && location->silence_max_ms == 0)
        return;
    const struct flow numbered = datagram ? location_streams_number(&location->key, flow) : *flow;
    unsigned count = location_streams_list(location->streams, &numbered, hashes, LOCATION_SEEN_MAX);
    for (unsigned i = 0; i < count; i++) {
        uint32_t hash = (uint32_t)hashes[i];
        struct location_shard *shard = location_shard_of(location, hashes[i]);
        pthread_mutex_lock(&shard->lock);
        struct location_slot *slot = location_shard_from(shard, hash);
        for (; slot != NULL && slot->hash == hash; slot = location_shard_next(shard, slot))
            see(location, slot->block, &numbered, now_ms);
        pthread_mutex_unlock(&shard->lock);
    }
}

/* The bindings of one AOR that came along the connection. Under the lock of the shard. */
static void close_connection(struct location *location, struct location_block *block,
                             const struct flow *flow)
{
    struct location_reader reader = location_reader_of(block, location->agents);
    struct location_record record;
    while (reader.left > 0) {
        size_t offset = location_reader_offset(&reader, block);
        location_reader_next(&reader, &record);
        if (record.link == 0 || !location_streams_same(&record.binding.flow, flow))
            continue;
        location_streams_remove(location->streams, flow, record.link);
        location_record_clear_connection(block, offset);
    }
}

void location_connection_closed(struct location *location, const struct flow *flow)
{
    uint64_t hash;
    /* Each round takes at least one binding off the connection, or another thread has done so. */
    while (flow->connection != 0 && location_streams_first(location->streams, flow, &hash) == 0) {
        struct location_shard *shard = location_shard_of(location, hash);
        pthread_mutex_lock(&shard->lock);
        struct location_slot *slot = location_shard_from(shard, (uint32_t)hash);
        for (; slot != NULL && slot->hash == (uint32_t)hash;
             slot = location_shard_next(shard, slot))
            close_connection(location, slot->block, flow);
        pthread_mutex_unlock(&shard->lock);
    }
}

void location_stats(struct location *location, struct location_stats *ret_stats)
{
    struct location_stats stats = {.bytes = sizeof *location +
                                            location_agents_bytes(location->agents) +
                                            location_streams_bytes(location->streams)};
    for (unsigned i = 0; i < LOCATION_SHARDS; i++) {
        struct location_shard *shard = &location->shards[i];
        pthread_mutex_lock(&shard->lock);
        stats.aors += shard->aors;
        stats.bindings += shard->bindings;
        stats.bytes += shard->bytes;
        stats.added += shard->added;
        stats.refreshed += shard->refreshed;
        stats.removed += shard->removed;
        stats.expired += shard->expired;
        pthread_mutex_unlock(&shard->lock);
    }
    *ret_stats = stats;
}
