#include "loop/sctp.h"

#include <assert.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/sctp_private.h"

/* ---- all associations of a loop ---- */

static int init_tables(struct assocs *assocs)
{
    assocs->slots = memory_zalloc(ASSOC_SLOTS, sizeof(struct assoc *));
    assocs->generations = memory_zalloc(ASSOC_SLOTS, sizeof(*assocs->generations));
    if (assocs->slots == NULL || assocs->generations == NULL)
        return ERR_NO_MEMORY;
    int status = table_init(&assocs->by_path, 64);
    if (status == 0)
        status = table_init(&assocs->by_remote, 64);
    if (status == 0)
        status = table_init(&assocs->sources, 64);
    return status;
}

static void dispose(struct assocs *assocs)
{
    table_done(&assocs->by_path);
    table_done(&assocs->by_remote);
    table_done(&assocs->sources);
    pool_done(&assocs->pool);
    pool_done(&assocs->source_pool);
    pool_done(&assocs->name_pool);
    pool_done(&assocs->event_pool);
    assoc_far_free(assocs);
    memory_free(assocs->slots);
    memory_free(assocs->generations);
    memory_free(assocs);
}

static int init(struct assocs *assocs)
{
    pool_init(&assocs->pool, sizeof(struct assoc), 0);
    pool_init(&assocs->source_pool, sizeof(struct assoc_source), 0);
    pool_init(&assocs->name_pool, sizeof(struct assoc_name), 0);
    pool_init(&assocs->event_pool, sizeof(struct assoc_event), 0);
    list_init(&assocs->wires);
    list_init(&assocs->ready);
    list_init(&assocs->listeners);
    list_init(&assocs->events);
    list_init(&assocs->ended);
    assocs->seed = random_u64(&assocs->loop->random);
    if (random_secret(&assocs->key, sizeof(assocs->key)) < 0)
        return ERR_IO;
    /* Other workers have names only. */
    int status = assocs->loop->config.worker == 0 ? init_tables(assocs) : 0;
    return status < 0 ? status : assoc_far_start(assocs);
}

struct assocs *assocs_of(struct loop *loop)
{
    if (loop->assocs != NULL)
        return loop->assocs;
    struct assocs *assocs = memory_zalloc(1, sizeof(*assocs));
    if (assocs == NULL)
        return NULL;
    assocs->loop = loop;
    if (init(assocs) < 0) {
        dispose(assocs);
        return NULL;
    }
    loop->assocs = assocs;
    return assocs;
}

/* Peers are told by ABORT. */
void assocs_free(struct assocs *assocs)
{
    if (assocs == NULL)
        return;
    list_for_each_safe(node, &assocs->listeners)
    {
        assoc_listener_close(container_of(node, struct assoc_listener, node));
    }
    assoc_stack_end(assocs);
    assocs->loop->assocs = NULL;
    dispose(assocs);
}

bool assocs_pending(const struct assocs *assocs)
{
    return assocs != NULL && (!list_empty(&assocs->ready) || !list_empty(&assocs->events) ||
                              !list_empty(&assocs->ended));
}

void assocs_receive(struct assocs *assocs)
{
    if (assocs == NULL)
        return;
    list_for_each_safe(node, &assocs->ready)
    {
        assoc_raw_receive(container_of(node, struct assoc_wire, ready));
    }
    assocs_deliver(assocs);
}

/* ---- what users ask ---- */

struct assoc *assoc_of_flow(struct assocs *assocs, const struct flow *flow)
{
    if (assocs == NULL || flow->worker != assocs->loop->config.worker ||
        (flow->connection & ~(ASSOC_SLOTS - 1)) != ASSOC_CONNECTION || assocs->slots == NULL)
        return NULL;
    struct assoc *assoc = assocs->slots[flow->connection & (ASSOC_SLOTS - 1)];
    return assoc != NULL && assoc->flow.generation == flow->generation &&
                   (assoc->state == ASSOC_IS_OPEN || assoc->state == ASSOC_CONNECTING)
               ? assoc
               : NULL;
}

static int start(struct assocs *assocs, const struct assoc_path *path, struct assoc **ret_assoc)
{
    unsigned from = 0;
    uint16_t slot;
    struct assoc *assoc;
    if (assocs->used >= path->listener->options.limits.associations ||
        assoc_slot(assocs, path, &from, &slot) < 0)
        return ERR_LIMIT;
    int status = assoc_add(assocs, path, slot, &assoc);
    if (status < 0)
        return status;
    assoc->state = ASSOC_CONNECTING;
    status = assoc_stack_connect(assoc);
    if (status < 0) {
        assoc_forget(assoc);
        return status;
    }
    assoc_name(assoc);
    assoc_watch(assoc);
    *ret_assoc = assoc;
    return 0;
}

int assoc_connect(struct assoc_listener *listener, const struct address *remote,
                  struct flow *ret_flow)
{
    struct assocs *assocs = listener->owner;
    if (assocs->loop->config.worker != 0)
        return assoc_far_connect(listener, remote, ret_flow);
    if (address_is_v6(remote) != address_is_v6(&listener->local))
        return ERR_UNREACHABLE;
    struct assoc_path path = {.listener = listener,
                              .local = listener->local,
                              .remote = *remote,
                              .port = address_port(remote)};
    address_set_port(&path.remote, listener->options.udp ? listener->options.remote_port : 0);
    if (address_is_wildcard(&path.local)) {
        if (loop_source_address(assocs->loop, remote, &path.local) < 0)
            return ERR_UNREACHABLE;
        address_set_port(&path.local, address_port(&listener->local));
    }
    struct assoc *assoc = assoc_by_path(assocs, &path);
    /* One that is being closed gives way at once: its ABORT goes before the INIT. */
    if (assoc != NULL && assoc->state == ASSOC_CLOSING) {
        assoc_fail(assoc, (enum stream_reason)assoc->reason);
        assoc = NULL;
    }
    int status = assoc != NULL ? 0 : start(assocs, &path, &assoc);
    if (status == 0)
        *ret_flow = assoc->flow;
    return status;
}

int assoc_find(struct loop *loop, const struct address *remote, struct flow *ret_flow)
{
    struct assocs *assocs = loop->assocs;
    if (assocs == NULL)
        return ERR_NOT_FOUND;
    if (loop->config.worker != 0)
        return assoc_far_find(assocs, remote, ret_flow);
    const struct assoc *assoc = assoc_by_remote(assocs, remote);
    if (assoc == NULL)
        return ERR_NOT_FOUND;
    *ret_flow = assoc->flow;
    return 0;
}

int assoc_queue(struct assoc *assoc, struct slice data)
{
    struct assocs *assocs = assoc->owner;
    if (data.len == 0)
        return 0;
    int status = assoc_stack_send(assoc, data);
    if (status < 0) {
        assocs->counts[status == ERR_LIMIT ? ASSOC_SEND_FULL : ASSOC_SEND_LATE]++;
        return status;
    }
    uint64_t now = assocs_now(assocs);
    assocs->counts[ASSOC_MESSAGES_OUT]++;
    assoc->active_ms = now;
    assoc->sent_since++;
    if (!assoc->busy)
        assoc->looked_ms = assoc->progress_ms = now;
    assoc->busy = true;
    assoc_watch(assoc);
    return 0;
}

int assoc_send(struct loop *loop, const struct flow *flow, struct slice data)
{
    struct assocs *assocs = loop->assocs;
    if (assocs == NULL)
        return ERR_CLOSED;
    if (loop->config.worker != 0)
        return assoc_far_send(assocs, flow, data);
    struct assoc *assoc = assoc_of_flow(assocs, flow);
    if (assoc == NULL) {
        assocs->counts[ASSOC_SEND_LATE]++;
        return ERR_CLOSED;
    }
    return assoc_queue(assoc, data);
}

void assoc_close(struct loop *loop, const struct flow *flow, enum stream_reason reason)
{
    struct assoc *assoc = assoc_of_flow(loop->assocs, flow);
    if (assoc == NULL)
        return;
    if (reason == STREAM_IO_ERROR || reason == STREAM_SEND_STALLED ||
        reason == STREAM_CONNECT_FAILED || reason == STREAM_BAD_INPUT)
        assoc_fail(assoc, reason);
    else
        assoc_shut(assoc, reason);
}

bool assoc_alive(struct loop *loop, const struct flow *flow)
{
    if (loop->assocs == NULL)
        return false;
    if (loop->config.worker != 0)
        return assoc_far_alive(loop->assocs, flow);
    return assoc_of_flow(loop->assocs, flow) != NULL;
}

uint64_t assoc_count(struct loop *loop, unsigned which)
{
    assert(which < ASSOC_COUNTS);
    return loop->assocs != NULL ? loop->assocs->counts[which] : 0;
}
