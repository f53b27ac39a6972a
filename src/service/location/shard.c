#include "service/location/shard.h"

#include <malloc.h>

#include "base/error.h"
#include "base/memory.h"

#define HOMES_LEAST 16

/* Slots behind the homes, for what is pushed over the end. */
static uint32_t tail_of(uint32_t homes)
{
    return 16 + homes / 64;
}

void location_shard_init(struct location_shard *shard)
{
    *shard = (struct location_shard){0};
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&shard->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

void location_shard_done(struct location_shard *shard)
{
    for (uint32_t i = 0; shard->slots != NULL && i < shard->total; i++)
        location_block_free(shard->slots[i].block);
    memory_free(shard->slots);
    pthread_mutex_destroy(&shard->lock);
}

struct location_block *location_block_new(size_t size)
{
    return memory_alloc(size);
}

void location_block_free(struct location_block *block)
{
    memory_free(block);
}

static size_t block_bytes(struct location_block *block)
{
    return malloc_usable_size(block) + sizeof(size_t);
}

/* Rises with the hash. */
static uint32_t home_of(uint32_t homes, uint32_t hash)
{
    return (uint32_t)((uint64_t)hash * homes >> 32);
}

/* Where hash begins, or would be put. */
static uint32_t place_of(const struct location_shard *shard, uint32_t hash)
{
    uint32_t i = home_of(shard->homes, hash);
    while (shard->slots[i].block != NULL && shard->slots[i].hash < hash)
        i++;
    return i;
}

struct location_slot *location_shard_find(const struct location_shard *shard, uint32_t hash,
                                          struct slice aor)
{
    if (shard->slots == NULL)
        return NULL;
    struct location_slot *slot = &shard->slots[place_of(shard, hash)];
    for (; slot->block != NULL && slot->hash == hash; slot++) {
        if (slice_equal(location_block_aor(slot->block), aor))
            return slot;
    }
    return NULL;
}

static struct location_slot *used_from(const struct location_shard *shard, uint32_t i)
{
    while (i < shard->total && shard->slots[i].block == NULL)
        i++;
    return i < shard->total ? &shard->slots[i] : NULL;
}

struct location_slot *location_shard_from(const struct location_shard *shard, uint32_t hash)
{
    return shard->slots == NULL ? NULL : used_from(shard, place_of(shard, hash));
}

struct location_slot *location_shard_next(const struct location_shard *shard,
                                          const struct location_slot *slot)
{
    return used_from(shard, (uint32_t)(slot - shard->slots) + 1);
}

/* Copies the slots in order of hash. False when a run of them reaches over the end. */
static bool copy_slots(const struct location_shard *shard, struct location_slot *slots,
                       uint32_t homes, uint32_t total)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < shard->total; i++) {
        const struct location_slot *slot = &shard->slots[i];
        if (slot->block == NULL)
            continue;
        uint32_t home = home_of(homes, slot->hash);
        next = home > next ? home : next;
        if (next == total)
            return false;
        slots[next++] = *slot;
    }
    return true;
}

/* ERR_LIMIT when this size would need a longer tail. */
static int resize(struct location_shard *shard, uint32_t homes)
{
    uint32_t total = homes + tail_of(homes);
    struct location_slot *slots = memory_zalloc(total + 1, sizeof *slots);
    if (slots == NULL)
        return ERR_NO_MEMORY;
    if (!copy_slots(shard, slots, homes, total)) {
        memory_free(slots);
        return ERR_LIMIT;
    }
    if (shard->slots != NULL)
        shard->bytes -= (shard->total + 1) * sizeof *slots;
    shard->bytes += (total + 1) * sizeof *slots;
    memory_free(shard->slots);
    shard->slots = slots;
    shard->homes = homes;
    shard->total = total;
    return 0;
}

/* The free slot that a new block of this hash would use up, or total. */
static uint32_t free_place(const struct location_shard *shard, uint32_t hash)
{
    uint32_t i = place_of(shard, hash);
    while (i < shard->total && shard->slots[i].block != NULL)
        i++;
    return i;
}

int location_shard_reserve(struct location_shard *shard, uint32_t hash)
{
    uint32_t homes = shard->homes;
    for (;;) {
        bool roomy = homes > 0 && shard->aors < homes - homes / 4;
        if (roomy && homes == shard->homes && free_place(shard, hash) < shard->total)
            return 0;
        homes = homes < HOMES_LEAST ? HOMES_LEAST : homes + homes / 2;
        int status = resize(shard, homes);
        if (status < 0 && status != ERR_LIMIT)
            return status;
    }
}

void location_shard_add(struct location_shard *shard, uint32_t hash, struct location_block *block,
                        uint32_t due_s)
{
    uint32_t place = place_of(shard, hash);
    uint32_t end = free_place(shard, hash);
    struct location_slot *slot = &shard->slots[place];
    memmove(slot + 1, slot, (end - place) * sizeof *slot);
    *slot = (struct location_slot){hash, due_s, block};
    shard->aors++;
    shard->bindings += block->count;
    shard->bytes += block_bytes(block);
}

void location_shard_replace(struct location_shard *shard, struct location_slot *slot,
                            struct location_block *block, uint32_t due_s)
{
    struct location_block *old = slot->block;
    shard->bindings = shard->bindings - old->count + block->count;
    shard->bytes = shard->bytes - block_bytes(old) + block_bytes(block);
    location_block_free(old);
    slot->block = block;
    slot->due_s = due_s;
}

void location_shard_rewrite(struct location_shard *shard, struct location_slot *slot,
                            const struct location_block *packed, uint32_t due_s)
{
    shard->bindings = shard->bindings - slot->block->count + packed->count;
    memcpy(slot->block, packed, packed->size);
    slot->due_s = due_s;
}

/* Gives slots back when few are used; a failure only leaves them. */
static void shrink(struct location_shard *shard)
{
    if (shard->homes > 4 * HOMES_LEAST && shard->aors < shard->homes / 5)
        resize(shard, shard->homes / 2);
}

void location_shard_remove(struct location_shard *shard, struct location_slot *slot)
{
    shard->aors--;
    shard->bindings -= slot->block->count;
    shard->bytes -= block_bytes(slot->block);
    location_block_free(slot->block);
    /* What was pushed away from its own slot moves one back. */
    uint32_t place = (uint32_t)(slot - shard->slots), end = place + 1;
    while (shard->slots[end].block != NULL && home_of(shard->homes, shard->slots[end].hash) < end)
        end++;
    memmove(slot, slot + 1, (end - place - 1) * sizeof *slot);
    shard->slots[end - 1] = (struct location_slot){0};
    shrink(shard);
}
