#include "stack/health.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/error.h"
#include "base/memory.h"

#define WINDOW 16 /* places in which a target may stand */

/* key is written last and read first; who reads while a place is given to another target may take
 * one's state for the other's, once. */
struct slot {
    _Atomic uint64_t key;           /* hash of transport and address; 0: free */
    _Atomic uint64_t down_until_ms; /* 0: up */
    _Atomic uint64_t probe_until_ms;
    _Atomic uint64_t since_ms;
    _Atomic uint64_t last_ok_ms;
    _Atomic uint64_t failures;
    _Atomic uint64_t wanted_ms;   /* last asked for while it was down */
    _Atomic uint64_t server_hash; /* 0: no name */
    _Atomic uint32_t streak;
    _Atomic bool busy; /* it is down because it said so */
    uint8_t transport; /* under the lock, as all below */
    struct address address;
    char server[HEALTH_SERVER_MAX + 1];
};

struct health {
    struct hash_key key;
    pthread_mutex_t lock; /* of giving places away */
    _Atomic uint64_t failures;
    _Atomic unsigned down; /* about how many: health_due has nothing to look for when none is */
    _Atomic bool has_prober;
    struct slot slots[HEALTH_TARGETS];
};

int health_new(const struct hash_key *key, struct health **ret_health)
{
    struct health *health = memory_zalloc(1, sizeof *health);
    if (health == NULL)
        return ERR_NO_MEMORY;
    health->key = *key;
    pthread_mutex_init(&health->lock, NULL);
    *ret_health = health;
    return 0;
}

void health_free(struct health *health)
{
    if (health == NULL)
        return;
    pthread_mutex_destroy(&health->lock);
    memory_free(health);
}

static uint64_t key_of(const struct health *health, uint8_t transport,
                       const struct address *address)
{
    uint64_t key = hash_mix(address_hash(health->key.k0, address), health->key.k1 + transport);
    return key != 0 ? key : 1;
}

static struct slot *slot_at(struct health *health, uint64_t key, unsigned i)
{
    return &health->slots[(key + i) % HEALTH_TARGETS];
}

static struct slot *find(struct health *health, uint64_t key)
{
    for (unsigned i = 0; i < WINDOW; i++) {
        struct slot *slot = slot_at(health, key, i);
        uint64_t other = atomic_load_explicit(&slot->key, memory_order_acquire);
        if (other == key)
            return slot;
        if (other == 0)
            return NULL;
    }
    return NULL;
}

static uint64_t last_use(const struct slot *slot)
{
    uint64_t ok = atomic_load(&slot->last_ok_ms), since = atomic_load(&slot->since_ms);
    return ok > since ? ok : since;
}

/* Its place, or a free one, or that of the target which nothing has been heard of for longest. */
static struct slot *find_or_add(struct health *health, uint64_t key, uint8_t transport,
                                const struct address *address, uint64_t now_ms)
{
    struct slot *slot = find(health, key);
    if (slot != NULL)
        return slot;
    pthread_mutex_lock(&health->lock);
    slot = find(health, key); /* another worker may have been faster */
    for (unsigned i = 0; slot == NULL && i < WINDOW; i++) {
        if (atomic_load(&slot_at(health, key, i)->key) == 0)
            slot = slot_at(health, key, i);
    }
    if (slot == NULL) {
        slot = slot_at(health, key, 0);
        for (unsigned i = 1; i < WINDOW; i++) {
            if (last_use(slot_at(health, key, i)) < last_use(slot))
                slot = slot_at(health, key, i);
        }
    }
    if (atomic_load(&slot->key) != key) {
        slot->transport = transport;
        slot->address = *address;
        slot->server[0] = '\0';
        if (atomic_exchange(&slot->down_until_ms, 0) != 0)
            atomic_fetch_sub(&health->down, 1);
        atomic_store(&slot->server_hash, 0);
        atomic_store(&slot->wanted_ms, 0);
        atomic_store(&slot->busy, false);
        atomic_store(&slot->probe_until_ms, 0);
        atomic_store(&slot->since_ms, now_ms);
        atomic_store(&slot->last_ok_ms, 0);
        atomic_store(&slot->failures, 0);
        atomic_store(&slot->streak, 0);
        atomic_store_explicit(&slot->key, key, memory_order_release);
    }
    pthread_mutex_unlock(&health->lock);
    return slot;
}

/* One at a time. */
static bool claim(struct slot *slot, uint64_t now_ms)
{
    uint64_t probe = atomic_load(&slot->probe_until_ms);
    return probe <= now_ms &&
           atomic_compare_exchange_strong(&slot->probe_until_ms, &probe, now_ms + HEALTH_PROBE_MS);
}

bool health_good(struct health *health, uint8_t transport, const struct address *address,
                 uint64_t now_ms)
{
    struct slot *slot = find(health, key_of(health, transport, address));
    if (slot == NULL)
        return true;
    uint64_t down = atomic_load_explicit(&slot->down_until_ms, memory_order_relaxed);
    if (down == 0)
        return true;
    atomic_store_explicit(&slot->wanted_ms, now_ms, memory_order_relaxed);
    bool probed = atomic_load(&health->has_prober) && !atomic_load(&slot->busy);
    return now_ms >= down + (probed ? HEALTH_WAIT_MS : 0) && claim(slot, now_ms);
}

void health_name(struct health *health, uint8_t transport, const struct address *address,
                 struct slice server, uint64_t now_ms)
{
    uint64_t key = key_of(health, transport, address);
    uint64_t hash = hash_slice_nocase(&health->key, server) | 1;
    struct slot *slot = find_or_add(health, key, transport, address, now_ms);
    if (server.len > HEALTH_SERVER_MAX || atomic_load(&slot->server_hash) == hash)
        return;
    pthread_mutex_lock(&health->lock);
    if (atomic_load(&slot->key) == key) {
        slice_to_string(server, slot->server, sizeof slot->server);
        atomic_store(&slot->server_hash, hash);
    }
    pthread_mutex_unlock(&health->lock);
}

void health_set_prober(struct health *health)
{
    atomic_store(&health->has_prober, true);
}

static bool is_due(const struct slot *slot, uint64_t now_ms)
{
    uint64_t down = atomic_load_explicit(&slot->down_until_ms, memory_order_relaxed);
    return down != 0 && now_ms >= down && !atomic_load(&slot->busy) &&
           now_ms < atomic_load(&slot->wanted_ms) + HEALTH_WANTED_MS;
}

unsigned health_due(struct health *health, unsigned *cursor, uint64_t now_ms, unsigned max,
                    struct health_probe *ret_probes)
{
    unsigned count = 0;
    if (atomic_load_explicit(&health->down, memory_order_relaxed) == 0)
        return 0;
    pthread_mutex_lock(&health->lock);
    for (unsigned i = 0; i < HEALTH_TARGETS && count < max; i++) {
        struct slot *slot = &health->slots[*cursor];
        *cursor = (*cursor + 1) % HEALTH_TARGETS;
        if (!is_due(slot, now_ms) || !claim(slot, now_ms))
            continue;
        struct health_probe *probe = &ret_probes[count++];
        probe->transport = slot->transport;
        probe->address = slot->address;
        memcpy(probe->server, slot->server, sizeof probe->server);
    }
    pthread_mutex_unlock(&health->lock);
    return count;
}

/* Most reports say that all is well, as before: they write once a second at most. */
static void report_ok(struct health *health, struct slot *slot, uint64_t now_ms)
{
    uint64_t last = atomic_load_explicit(&slot->last_ok_ms, memory_order_relaxed);
    if (last == 0 || now_ms >= last + 1000)
        atomic_store_explicit(&slot->last_ok_ms, now_ms, memory_order_relaxed);
    if (atomic_load_explicit(&slot->streak, memory_order_relaxed) == 0)
        return;
    atomic_store(&slot->streak, 0);
    atomic_store(&slot->probe_until_ms, 0);
    if (atomic_exchange(&slot->down_until_ms, 0) != 0) {
        atomic_store(&slot->since_ms, now_ms);
        atomic_fetch_sub(&health->down, 1);
    }
}

static uint64_t down_time(uint32_t streak)
{
    uint64_t ms = HEALTH_DOWN_MS;
    while (streak-- > 0 && ms < HEALTH_DOWN_MAX_MS)
        ms *= 2;
    return ms < HEALTH_DOWN_MAX_MS ? ms : HEALTH_DOWN_MAX_MS;
}

/* Calls that were under way when it went down tell nothing new. */
static void report_bad(struct health *health, struct slot *slot, uint64_t down_ms, uint64_t now_ms)
{
    uint64_t down = atomic_load(&slot->down_until_ms);
    atomic_fetch_add(&health->failures, 1);
    atomic_fetch_add(&slot->failures, 1);
    if (now_ms < down)
        return;
    uint32_t streak = atomic_load(&slot->streak);
    if (!atomic_compare_exchange_strong(&slot->down_until_ms, &down,
                                        now_ms + (down_ms ? down_ms : down_time(streak))))
        return;
    atomic_store(&slot->streak, streak + 1);
    atomic_store(&slot->busy, down_ms > 0);
    if (down != 0)
        return;
    atomic_store(&slot->wanted_ms, now_ms);
    atomic_store(&slot->since_ms, now_ms);
    atomic_fetch_add(&health->down, 1);
}

void health_report(struct health *health, uint8_t transport, const struct address *address,
                   enum health_outcome outcome, uint64_t retry_after_ms, uint64_t now_ms)
{
    uint64_t key = key_of(health, transport, address);
    struct slot *slot = find_or_add(health, key, transport, address, now_ms);
    if (outcome == HEALTH_OK) {
        report_ok(health, slot, now_ms);
        return;
    }
    if (retry_after_ms > HEALTH_DOWN_MAX_MS)
        retry_after_ms = HEALTH_DOWN_MAX_MS;
    report_bad(health, slot, outcome == HEALTH_BUSY ? retry_after_ms : 0, now_ms);
}

static void read_slot(const struct slot *slot, uint64_t now_ms, struct health_entry *ret)
{
    uint64_t down = atomic_load(&slot->down_until_ms);
    *ret = (struct health_entry){
        .transport = slot->transport,
        .address = slot->address,
        .state = down == 0 ? HEALTH_UP : HEALTH_DOWN,
        .since_ms = atomic_load(&slot->since_ms),
        .until_ms = down,
        .last_ok_ms = atomic_load(&slot->last_ok_ms),
        .failures = atomic_load(&slot->failures),
        .streak = atomic_load(&slot->streak),
    };
    if (down != 0 && now_ms >= down && atomic_load(&slot->probe_until_ms) > now_ms)
        ret->state = HEALTH_PROBED;
}

unsigned health_read(struct health *health, unsigned *cursor, uint64_t now_ms, unsigned max,
                     struct health_entry *ret_entries)
{
    unsigned count = 0;
    pthread_mutex_lock(&health->lock);
    for (; *cursor < HEALTH_TARGETS && count < max; (*cursor)++) {
        if (atomic_load(&health->slots[*cursor].key) != 0)
            read_slot(&health->slots[*cursor], now_ms, &ret_entries[count++]);
    }
    pthread_mutex_unlock(&health->lock);
    return count;
}

void health_stats(struct health *health, struct health_stats *ret_stats)
{
    struct health_stats stats = {.failures = atomic_load(&health->failures)};
    for (unsigned i = 0; i < HEALTH_TARGETS; i++) {
        if (atomic_load(&health->slots[i].key) == 0)
            continue;
        stats.targets++;
        stats.down += atomic_load(&health->slots[i].down_until_ms) != 0;
    }
    *ret_stats = stats;
}
