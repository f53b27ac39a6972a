/* What keeps mappings alive: which bindings are to be pinged now, and what answers tell. Slots know
 * when the first ping of their AOR is due, so that a walk reads no block in vain. */
#include "base/error.h"
#include "service/location/internal.h"
#include "service/location/pace.h"
#include "sip/message/uri.h"

#define SLOTS_MAX 2048 /* looked at with a shard locked */

/* ---- Tokens ---- */

enum purpose { PURPOSE_PING, PURPOSE_MOVE };

/* Proves that whoever has it got the ping of that moment at that address. */
static uint64_t token_of(const struct location *location, uint64_t aor_hash,
                         const struct binding *binding, const struct address *remote,
                         enum purpose purpose)
{
    struct hash_state hash;
    hash_begin(&hash, &location->ping_key);
    hash_add_u64(&hash, aor_hash);
    hash_add_u64(&hash, (uint64_t)binding->keep.sent_s << 8 | purpose);
    hash_add_u64(&hash, address_hash(location->ping_key.k1, remote));
    hash_add(&hash, binding->contact);
    hash_add(&hash, binding->call_id);
    return hash_end(&hash);
}

/* Nobody outside learns how AORs are hashed. */
static uint64_t mask_of(const struct location *location, uint64_t token)
{
    return hash_mix(location->ping_key.k0, token);
}

/* Of whose phone, and where the contact is kept. */
struct maker {
    const struct location *location;
    uint64_t aor_hash;
    struct arena *arena;
};

static int write_ping(const struct maker *maker, const struct binding *binding,
                      const struct address *remote, enum purpose purpose, struct location_ping *ret)
{
    const struct location *location = maker->location;
    struct location_ping ping = {
        .flow = binding->flow,
        .token = token_of(location, maker->aor_hash, binding, remote, purpose),
    };
    ping.flow.remote = *remote;
    if (ping.flow.transport == TRANSPORT_UDP)
        ping.flow.connection = ping.flow.generation = 0; /* see location_streams_number */
    ping.key = maker->aor_hash ^ mask_of(location, ping.token);
    int status = arena_copy(maker->arena, binding->contact, &ping.contact);
    if (status == 0)
        *ret = ping;
    return status;
}

/* ---- The walk ---- */

static void set_due(struct location_slot *slot, const struct location_agents *agents)
{
    struct location_reader reader = location_reader_of(slot->block, agents);
    struct location_record record;
    slot->due_s = UINT32_MAX;
    while (location_reader_next(&reader, &record)) {
        uint32_t due_s = location_due_s(&record, 1);
        slot->due_s = due_s < slot->due_s ? due_s : slot->due_s;
    }
}

struct pinging {
    struct location *location;
    struct location_walk *walk;
    const struct location_pace *pace;
    int64_t now_ms;
    struct arena *arena;
    struct location_ping *pings;
    unsigned count, limit;
};

static bool is_due(const struct pinging *p, const struct binding *binding)
{
    return binding->keep.due_s != 0 && binding->keep.due_s <= p->now_ms / 1000 &&
           binding->expires_ms > p->now_ms;
}

static void ping_one(struct pinging *p, uint64_t aor_hash, struct location_block *block,
                     size_t offset, struct binding *binding)
{
    enum pace_step step =
        pace_on_due(p->pace, binding, p->now_ms / 1000, location_seed(aor_hash, p->now_ms));
    p->walk->lost += step == PACE_LOST || step == PACE_GRAVE;
    p->walk->grave += step == PACE_GRAVE;
    if (step == PACE_SEND || step == PACE_AGAIN) {
        const struct maker maker = {p->location, aor_hash, p->arena};
        struct location_ping *ping = &p->pings[p->count];
        if (write_ping(&maker, binding, &binding->flow.remote, PURPOSE_PING, ping) == 0) {
            ping->again = step == PACE_AGAIN;
            p->count++;
        }
    }
    location_record_set_keep(block, offset, &binding->keep);
}

/* False: there is no room for more. */
static bool ping_slot(struct pinging *p, struct location_slot *slot)
{
    struct location_block *block = slot->block;
    struct location_reader reader = location_reader_of(block, p->location->agents);
    struct location_record record;
    uint64_t hash = hash_slice(&p->location->key, location_block_aor(block));
    bool room = true;
    while (room && reader.left > 0) {
        size_t offset = location_reader_offset(&reader, block);
        location_reader_next(&reader, &record);
        if (!is_due(p, &record.binding))
            continue;
        room = p->count < p->limit;
        if (room)
            ping_one(p, hash, block, offset, &record.binding);
    }
    set_due(slot, p->location->agents);
    return room;
}

static void next_shard(struct location_walk *walk)
{
    walk->hash = 0;
    walk->shard += walk->workers;
    walk->round = walk->shard >= LOCATION_SHARDS;
    if (walk->round)
        walk->shard = walk->worker;
}

unsigned location_pings_due(struct location *location, struct location_walk *walk, int64_t now_ms,
                            struct arena *arena, struct location_ping *ret_pings, unsigned limit)
{
    struct location_pace pace = location_pace_now(location);
    struct pinging p = {location, walk, &pace, now_ms, arena, ret_pings, 0, limit};
    struct location_shard *shard = &location->shards[walk->shard];
    uint32_t now_s = (uint32_t)(now_ms / 1000);
    unsigned looked = 0;
    bool room = true;
    walk->round = false;
    pthread_mutex_lock(&shard->lock);
    struct location_slot *slot = location_shard_from(shard, walk->hash);
    while (slot != NULL && room && (looked < SLOTS_MAX || slot->hash == walk->hash)) {
        looked++;
        walk->hash = slot->hash;
        if (slot->due_s <= now_s)
            room = ping_slot(&p, slot);
        if (room)
            slot = location_shard_next(shard, slot);
    }
    if (slot == NULL)
        next_shard(walk);
    else
        walk->hash = slot->hash;
    pthread_mutex_unlock(&shard->lock);
    return p.count;
}

/* ---- Answers ---- */

struct answer {
    struct location_work work;
    uint64_t token;
    const struct flow *flow;
    struct location_ping *ping;
};

static bool same_place(const struct flow *a, const struct flow *b)
{
    return a->transport == b->transport && address_equal(&a->remote, &b->remote);
}

static enum location_ping_answer alive(const struct answer *a, struct location_slot *slot,
                                       size_t offset, struct binding *binding)
{
    struct location_pace pace = location_pace_now(a->work.location);
    bool returned = pace_on_answer(&pace, binding, a->work.now_ms / 1000,
                                   location_seed(a->work.hash, a->work.now_ms));
    location_record_set_keep(slot->block, offset, &binding->keep);
    location_record_set_seen(slot->block, offset, a->work.now_ms);
    set_due(slot, a->work.location->agents);
    return returned ? LOCATION_PING_RETURNED : LOCATION_PING_ALIVE;
}

/* Somebody has our token and is elsewhere: he must show that he gets what we send there. */
static enum location_ping_answer ask_there(const struct answer *a, const struct binding *binding)
{
    const struct maker maker = {a->work.location, a->work.hash, a->work.arena};
    if (a->flow->transport != TRANSPORT_UDP ||
        write_ping(&maker, binding, &a->flow->remote, PURPOSE_MOVE, a->ping) < 0)
        return LOCATION_PING_STRANGE;
    return LOCATION_PING_ELSEWHERE;
}

static enum location_ping_answer move_there(const struct answer *a, struct location_slot *slot,
                                            unsigned index)
{
    struct location_work work = a->work;
    struct location_update update;
    memset(&update, 0, offsetof(struct location_update, changes));
    if (arena_copy(work.arena, location_block_aor(slot->block), &update.aor) < 0)
        return LOCATION_PING_STRANGE;
    work.update = &update;
    return location_apply_move(&work, slot, index, a->flow) < 0 ? LOCATION_PING_STRANGE
                                                                : LOCATION_PING_MOVED;
}

/* The binding of the slot that the token is for. */
static enum location_ping_answer take_answer(const struct answer *a, struct location_slot *slot)
{
    const struct location *location = a->work.location;
    struct location_reader reader = location_reader_of(slot->block, location->agents);
    struct location_record record;
    for (unsigned index = 0; reader.left > 0; index++) {
        size_t offset = location_reader_offset(&reader, slot->block);
        location_reader_next(&reader, &record);
        struct binding *b = &record.binding;
        if (b->keep.sent_s == 0 || b->expires_ms <= a->work.now_ms)
            continue;
        if (a->token == token_of(location, a->work.hash, b, &b->flow.remote, PURPOSE_PING))
            return same_place(&b->flow, a->flow) ? alive(a, slot, offset, b) : ask_there(a, b);
        if (a->token != token_of(location, a->work.hash, b, &a->flow->remote, PURPOSE_MOVE))
            continue;
        return move_there(a, slot, index);
    }
    return LOCATION_PING_STRANGE;
}

enum location_ping_answer location_ping_answered(struct location *location,
                                                 const struct location_ping *answered,
                                                 int64_t now_ms, struct arena *arena,
                                                 struct location_ping *ret_ping)
{
    uint64_t hash = answered->key ^ mask_of(location, answered->token);
    struct location_shard *shard = location_shard_of(location, hash);
    struct answer a = {
        .work =
            {.location = location, .shard = shard, .hash = hash, .now_ms = now_ms, .arena = arena},
        .token = answered->token,
        .flow = &answered->flow,
        .ping = ret_ping,
    };
    enum location_ping_answer found = LOCATION_PING_STRANGE;
    pthread_mutex_lock(&shard->lock);
    struct location_slot *slot = location_shard_from(shard, (uint32_t)hash);
    for (; slot != NULL && slot->hash == (uint32_t)hash && found == LOCATION_PING_STRANGE;
         slot = location_shard_next(shard, slot)) {
        found = take_answer(&a, slot);
        if (found == LOCATION_PING_MOVED) /* the slots may have moved */
            break;
    }
    pthread_mutex_unlock(&shard->lock);
    return found;
}

/* ---- Moving ---- */

/* The one binding of this contact that is elsewhere; count when there is none. */
static unsigned find_moved(const struct location *location, const struct location_block *block,
                           const struct sip_uri *contact, const struct flow *flow, int64_t now_ms)
{
    struct location_reader reader = location_reader_of(block, location->agents);
    struct location_record record;
    struct sip_uri uri;
    for (unsigned index = 0; location_reader_next(&reader, &record); index++) {
        const struct binding *b = &record.binding;
        bool there = flow_reliable(flow) ? location_streams_same(&b->flow, flow)
                                         : address_equal(&b->flow.remote, &flow->remote);
        if (b->behind_nat && b->path.len == 0 && b->flow.transport == flow->transport && !there &&
            b->expires_ms > now_ms && sip_uri_parse(b->contact, &uri) == 0 &&
            sip_uri_equal(&uri, contact))
            return index;
    }
    return block->count;
}

bool location_move(struct location *location, struct slice aor, const struct sip_uri *contact,
                   const struct flow *flow, int64_t now_ms, struct arena *arena)
{
    uint64_t hash = hash_slice(&location->key, aor);
    struct location_shard *shard = location_shard_of(location, hash);
    struct location_update update;
    bool moved = false;
    memset(&update, 0, offsetof(struct location_update, changes));
    update.aor = aor;
    struct location_work work = {.location = location,
                                 .shard = shard,
                                 .hash = hash,
                                 .update = &update,
                                 .now_ms = now_ms,
                                 .arena = arena};
    pthread_mutex_lock(&shard->lock);
    struct location_slot *slot = location_shard_find(shard, (uint32_t)hash, aor);
    if (slot != NULL) {
        unsigned index = find_moved(location, slot->block, contact, flow, now_ms);
        moved = index < slot->block->count && location_apply_move(&work, slot, index, flow) == 0;
    }
    pthread_mutex_unlock(&shard->lock);
    return moved;
}
