#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/network.h"
#include "loop/sctp_private.h"

/* ---- slots ---- */

static void hash_address(struct hash_state *state, const struct address *a)
{
    if (address_is_v6(a)) {
        hash_add(state, slice_of((const char *)&a->in6.sin6_addr, sizeof(a->in6.sin6_addr)));
        hash_add_u64(state, a->in6.sin6_scope_id);
    } else {
        hash_add_u64(state, a->in4.sin_addr.s_addr);
    }
    hash_add_u64(state, address_port(a));
}

static uint64_t path_hash(const struct assocs *assocs, const struct assoc_path *path)
{
    struct hash_state state;
    hash_begin(&state, &assocs->key);
    hash_add_u64(&state, path->listener->number);
    hash_add_u64(&state, path->port);
    hash_address(&state, &path->remote);
    return hash_end(&state);
}

/* A stranger's slot follows from his path alone, so that his COOKIE ECHO comes to the slot for
 * which the cookie was made, though nothing was kept in between. */
int assoc_slot(const struct assocs *assocs, const struct assoc_path *path, unsigned *from,
               uint16_t *ret_slot)
{
    uint64_t hash = path_hash(assocs, path);
    while (*from < ASSOC_CANDIDATES) {
        unsigned i = (*from)++;
        uint16_t slot = (uint16_t)(1 + hash_mix(hash, i) % (ASSOC_SLOTS - 1));
        if (assocs->slots[slot] == NULL) {
            *ret_slot = slot;
            return 0;
        }
    }
    return ERR_LIMIT;
}

/* ---- by path ---- */

static bool path_match(const struct table_node *node, const void *key)
{
    const struct assoc *assoc = container_of_const(node, struct assoc, by_path);
    const struct assoc_path *path = key;
    return assoc->path.listener == path->listener && assoc->path.port == path->port &&
           address_equal(&assoc->path.remote, &path->remote);
}

struct assoc *assoc_by_path(const struct assocs *assocs, const struct assoc_path *path)
{
    struct table_node *node =
        table_find(&assocs->by_path, path_hash(assocs, path), path_match, path);
    return node != NULL ? container_of(node, struct assoc, by_path) : NULL;
}

void assoc_unpath(struct assoc *assoc)
{
    if (assoc->found)
        table_remove(&assoc->owner->by_path, &assoc->by_path);
    assoc->found = false;
}

void assoc_move(struct assoc *assoc, const struct address *remote)
{
    struct assocs *assocs = assoc->owner;
    table_remove(&assocs->by_path, &assoc->by_path);
    assoc->path.remote = *remote;
    table_add(&assocs->by_path, &assoc->by_path, path_hash(assocs, &assoc->path));
}

/* ---- by remote address ---- */

static bool remote_match(const struct table_node *node, const void *key)
{
    const struct assoc *assoc = container_of_const(node, struct assoc, by_remote);
    return address_equal(&assoc->flow.remote, key);
}

struct assoc *assoc_by_remote(const struct assocs *assocs, const struct address *remote)
{
    struct table_node *node =
        table_find(&assocs->by_remote, address_hash(assocs->seed, remote), remote_match, remote);
    return node != NULL ? container_of(node, struct assoc, by_remote) : NULL;
}

/* The newest of a name is found: two peers behind one translator may share address and port. */
void assoc_name(struct assoc *assoc)
{
    struct assocs *assocs = assoc->owner;
    if (assoc->named)
        return;
    struct assoc *older = assoc_by_remote(assocs, &assoc->flow.remote);
    if (older != NULL)
        assoc_unname(older);
    assoc->named = true;
    table_add(&assocs->by_remote, &assoc->by_remote,
              address_hash(assocs->seed, &assoc->flow.remote));
}

void assoc_unname(struct assoc *assoc)
{
    if (assoc->named)
        table_remove(&assoc->owner->by_remote, &assoc->by_remote);
    assoc->named = false;
}

/* ---- per source ---- */

static bool source_match(const struct table_node *node, const void *key)
{
    return address_equal_host(&container_of_const(node, struct assoc_source, node)->host, key);
}

static struct assoc_source *source_find(const struct assocs *assocs, const struct address *host)
{
    uint64_t hash = address_hash_host(assocs->seed, host);
    struct table_node *node = table_find(&assocs->sources, hash, source_match, host);
    return node != NULL ? container_of(node, struct assoc_source, node) : NULL;
}

uint32_t assoc_source_count(const struct assocs *assocs, const struct address *remote)
{
    struct address host = network_source(remote);
    const struct assoc_source *source = source_find(assocs, &host);
    return source != NULL ? source->count : 0;
}

int assoc_source_enter(struct assoc *assoc)
{
    struct assocs *assocs = assoc->owner;
    struct address host = network_source(&assoc->path.remote);
    struct assoc_source *source = source_find(assocs, &host);
    if (source == NULL) {
        source = pool_get(&assocs->source_pool);
        if (source == NULL)
            return ERR_NO_MEMORY;
        source->host = host;
        source->count = 0;
        table_add(&assocs->sources, &source->node, address_hash_host(assocs->seed, &host));
    }
    source->count++;
    assoc->source = source;
    return 0;
}

void assoc_source_leave(struct assoc *assoc)
{
    struct assoc_source *source = assoc->source;
    assoc->source = NULL;
    if (source == NULL || --source->count > 0)
        return;
    table_remove(&assoc->owner->sources, &source->node);
    pool_put(&assoc->owner->source_pool, source);
}

/* ---- all of it ---- */

static void set_flow(struct assoc *assoc)
{
    const struct assoc_path *path = &assoc->path;
    assoc->flow = (struct flow){.transport = TRANSPORT_SCTP,
                                .worker = (uint8_t)assoc->owner->loop->config.worker,
                                .listener = path->listener->options.listener,
                                .connection = ASSOC_CONNECTION | assoc->slot,
                                .generation = assoc->owner->generations[assoc->slot],
                                .local = path->local,
                                .remote = path->remote};
    address_set_port(&assoc->flow.remote, path->port);
}

int assoc_add(struct assocs *assocs, const struct assoc_path *path, uint16_t slot,
              struct assoc **ret_assoc)
{
    struct assoc *assoc = pool_get(&assocs->pool);
    if (assoc == NULL)
        return ERR_NO_MEMORY;
    memset(assoc, 0, sizeof(*assoc));
    assoc->owner = assocs;
    assoc->path = *path;
    assoc->slot = slot;
    assoc->entered_ms = assoc->active_ms = assocs_now(assocs);
    if (assocs->generations[slot] == 0)
        assocs->generations[slot] = 1;
    list_init(&assoc->ended);
    list_init(&assoc->names);
    timer_init(&assoc->timer, assoc_on_timer);
    set_flow(assoc);
    assocs->slots[slot] = assoc;
    assocs->used++;
    assoc->found = true;
    table_add(&assocs->by_path, &assoc->by_path, path_hash(assocs, path));
    *ret_assoc = assoc;
    return 0;
}

void assoc_renew(struct assoc *assoc)
{
    uint32_t *generation = &assoc->owner->generations[assoc->slot];
    *generation = *generation == ASSOC_GENERATIONS ? 1 : *generation + 1;
    assoc->flow.generation = *generation;
}

void assoc_destroy(struct assoc *assoc)
{
    struct assocs *assocs = assoc->owner;
    wheel_stop(&assocs->loop->wheel, &assoc->timer);
    list_remove(&assoc->ended);
    assoc_unname(assoc);
    assoc_source_leave(assoc);
    assoc_unpath(assoc);
    memory_free(assoc->partial);
    assoc_renew(assoc);
    assocs->slots[assoc->slot] = NULL;
    assocs->used--;
    pool_put(&assocs->pool, assoc);
}
