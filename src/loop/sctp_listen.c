#include "base/error.h"
#include "base/memory.h"
#include "loop/sctp_private.h"

#define PORT_FIRST 49152u /* of ports that we choose (RFC 6335 section 6) */
#define PORT_COUNT 16384u

static void set_default(uint32_t *limit, uint32_t value, uint32_t most)
{
    if (*limit == 0)
        *limit = value;
    if (*limit > most)
        *limit = most;
}

static struct assoc_options with_defaults(const struct assoc_options *options)
{
    struct assoc_options o = *options;
    set_default(&o.limits.associations, 10000, 50000);
    set_default(&o.limits.per_source, 1000, UINT32_MAX);
    set_default(&o.limits.message, 128u << 10, 128u << 10);
    set_default(&o.limits.send_queue, 192u << 10, 192u << 10);
    set_default(&o.limits.connect_ms, 5000, UINT32_MAX);
    set_default(&o.limits.idle_ms, 900000, UINT32_MAX);
    set_default(&o.limits.heartbeat_ms, 10000, UINT32_MAX);
    set_default(&o.limits.send_stall_ms, 10000, UINT32_MAX);
    if (o.remote_port == 0)
        o.remote_port = ASSOC_UDP_PORT;
    return o;
}

static bool port_is_taken(const struct assocs *assocs, const struct assoc_wire *wire, unsigned port)
{
    list_for_each(node, &assocs->listeners)
    {
        const struct assoc_listener *l = container_of_const(node, struct assoc_listener, node);
        if (l->wire == wire && address_port(&l->local) == port)
            return true;
    }
    return false;
}

static int choose_port(struct assoc_listener *listener)
{
    struct assocs *assocs = listener->owner;
    uint16_t port = address_port(&listener->local);
    if (port != 0)
        return port_is_taken(assocs, listener->wire, port) ? ERR_EXISTS : 0;
    do {
        uint64_t offset = random_below(&assocs->loop->random, PORT_COUNT);
        port = (uint16_t)(PORT_FIRST + offset);
    } while (port_is_taken(assocs, listener->wire, port));
    address_set_port(&listener->local, port);
    return 0;
}

static int open_own(struct assoc_listener *listener)
{
    struct assocs *assocs = listener->owner;
    int status = assoc_stack_start(assocs);
    if (status == 0)
        status = assoc_wire_get(assocs, &listener->local, &listener->options, &listener->wire);
    if (status == 0)
        status = choose_port(listener);
    return status < 0 ? status : assoc_stack_open(listener);
}

int assoc_listen(struct loop *loop, const struct address *local,
                 const struct assoc_options *options, struct assoc_listener **ret_listener)
{
    struct assocs *assocs = assocs_of(loop);
    struct assoc_listener *listener = memory_zalloc(1, sizeof(*listener));
    if (assocs == NULL || listener == NULL) {
        memory_free(listener);
        return ERR_NO_MEMORY;
    }
    listener->owner = assocs;
    list_init(&listener->node);
    listener->options = with_defaults(options);
    listener->local = *local;
    listener->number = ++assocs->numbers;
    int status = loop->config.worker == 0 ? open_own(listener) : 0;
    if (status < 0) {
        assoc_listener_close(listener);
        return status;
    }
    list_append(&assocs->listeners, &listener->node);
    *ret_listener = listener;
    return 0;
}

struct address assoc_listener_local(const struct assoc_listener *listener)
{
    return listener->local;
}

void assoc_listener_set_limits(struct assoc_listener *listener, const struct assoc_limits *limits)
{
    struct assoc_options options = listener->options;
    options.limits = *limits;
    listener->options = with_defaults(&options);
    if (listener->socket != NULL)
        assoc_stack_set_limits(listener);
}

uint16_t assoc_listener_udp_port(const struct assoc_listener *listener)
{
    return listener->wire != NULL ? address_port(&listener->wire->local) : 0;
}

void assoc_listener_close(struct assoc_listener *listener)
{
    if (listener == NULL)
        return;
    struct assocs *assocs = listener->owner;
    for (uint32_t i = 1; i < ASSOC_SLOTS && assocs->used > 0; i++) {
        struct assoc *assoc = assocs->slots[i];
        if (assoc == NULL || assoc->path.listener != listener)
            continue;
        if (assoc->state != ASSOC_ENDED)
            assoc_stack_abort(assoc);
        assoc_forget(assoc);
    }
    list_remove(&listener->node);
    assoc_stack_close(listener);
    assoc_wire_put(listener->wire);
    memory_free(listener);
}
