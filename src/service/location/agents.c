#include "service/location/agents.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/error.h"
#include "base/memory.h"

#define SLOTS (2 * AGENTS_LIMIT) /* power of two; never more than half full */

struct agent {
    uint64_t hash;
    uint16_t number;
    uint16_t length;
    char text[];
};

struct location_agents {
    struct hash_key key;
    _Atomic(struct agent *) slots[SLOTS];            /* owned; open addressing, only ever filled */
    _Atomic(struct agent *) by_number[AGENTS_LIMIT]; /* the same */
    pthread_mutex_t lock;                            /* of whoever adds */
    _Atomic unsigned count;                          /* written under lock */
    _Atomic size_t bytes;
};

int location_agents_new(const struct hash_key *key, struct location_agents **ret_agents)
{
    struct location_agents *agents = memory_zalloc(1, sizeof *agents);
    if (agents == NULL)
        return ERR_NO_MEMORY;
    agents->key = *key;
    pthread_mutex_init(&agents->lock, NULL);
    atomic_init(&agents->bytes, sizeof *agents);
    *ret_agents = agents;
    return 0;
}

void location_agents_free(struct location_agents *agents)
{
    if (agents == NULL)
        return;
    unsigned count = atomic_load_explicit(&agents->count, memory_order_relaxed);
    for (unsigned i = 0; i < count; i++)
        memory_free(atomic_load_explicit(&agents->by_number[i], memory_order_relaxed));
    pthread_mutex_destroy(&agents->lock);
    memory_free(agents);
}

/* The value's agent, or NULL and the slot where it belongs. */
static struct agent *find(const struct location_agents *agents, uint64_t hash, struct slice value,
                          size_t *ret_slot)
{
    for (size_t slot = hash % SLOTS;; slot = (slot + 1) % SLOTS) {
        struct agent *agent = atomic_load_explicit(&agents->slots[slot], memory_order_acquire);
        if (agent == NULL) {
            *ret_slot = slot;
            return NULL;
        }
        if (agent->hash == hash && slice_equal(slice_of(agent->text, agent->length), value))
            return agent;
    }
}

static bool full(const struct location_agents *agents)
{
    return atomic_load_explicit(&agents->count, memory_order_relaxed) == AGENTS_LIMIT;
}

/* Under the lock. */
static struct agent *add(struct location_agents *agents, uint64_t hash, struct slice value,
                         size_t slot)
{
    if (full(agents))
        return NULL;
    unsigned number = atomic_load_explicit(&agents->count, memory_order_relaxed);
    struct agent *agent = memory_alloc(sizeof *agent + value.len);
    if (agent == NULL)
        return NULL;
    agent->hash = hash;
    agent->number = (uint16_t)number;
    agent->length = (uint16_t)value.len;
    memcpy(agent->text, value.ptr, value.len);
    atomic_store_explicit(&agents->by_number[number], agent, memory_order_release);
    atomic_store_explicit(&agents->slots[slot], agent, memory_order_release);
    atomic_store_explicit(&agents->count, number + 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&agents->bytes, sizeof *agent + value.len, memory_order_relaxed);
    return agent;
}

uint16_t location_agents_intern(struct location_agents *agents, struct slice value)
{
    if (value.len < AGENT_LENGTH_LEAST || value.len > AGENT_LENGTH_MAX)
        return AGENT_NONE;
    uint64_t hash = hash_slice(&agents->key, value);
    size_t slot;
    struct agent *agent = find(agents, hash, value, &slot);
    if (agent == NULL && !full(agents)) {
        pthread_mutex_lock(&agents->lock);
        agent = find(agents, hash, value, &slot);
        if (agent == NULL)
            agent = add(agents, hash, value, slot);
        pthread_mutex_unlock(&agents->lock);
    }
    return agent == NULL ? AGENT_NONE : agent->number;
}

struct slice location_agents_get(const struct location_agents *agents, uint16_t number)
{
    const struct agent *agent =
        atomic_load_explicit(&agents->by_number[number], memory_order_acquire);
    return slice_of(agent->text, agent->length);
}

size_t location_agents_bytes(const struct location_agents *agents)
{
    return atomic_load_explicit(&agents->bytes, memory_order_relaxed);
}
