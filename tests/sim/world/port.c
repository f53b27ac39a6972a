/* loop/port.h over the simulated network: relayed addresses are sockets of the loop's host. No ICMP
 * errors come back there. */
#include "loop/port.h"

#include <stdlib.h>

#include "base/error.h"
#include "sim/world/sim_loop.h"

#define PAYLOAD_MAX 65507u
#define QUEUE_BYTES (256u << 10)

struct port_hold {
    struct sim_udp net;
};

struct datagram {
    struct list node;
    struct address from;
    size_t len;
    char bytes[]; /* headroom, payload, tailroom */
};

struct port {
    struct sim_udp net;
    struct list node; /* of loop->ports, or of loop->ports_closed */
    struct loop *loop;
    const struct port_handler *handler; /* borrowed */
    void *user;
    struct list queue;
    size_t queued_bytes;
    bool closed;
};

/* ---- Addresses ---- */

static void on_early(void *user, const struct address *to, const struct address *from,
                     struct slice bytes)
{
    (void)user, (void)to, (void)from, (void)bytes; /* nobody serves it yet */
}

int port_hold(struct loop *loop, const struct address *local, struct port_hold **ret_hold)
{
    struct port_hold *hold = calloc(1, sizeof(*hold));
    if (hold == NULL)
        return ERR_NO_MEMORY;
    hold->net.on_datagram = on_early;
    int status = sim_udp_open(&hold->net, loop->host, local);
    if (status < 0) {
        free(hold);
        return status;
    }
    *ret_hold = hold;
    return 0;
}

void port_hold_release(struct port_hold *hold)
{
    if (hold == NULL)
        return;
    sim_udp_close(&hold->net);
    free(hold);
}

/* ---- In ---- */

static void on_datagram(void *user, const struct address *to, const struct address *from,
                        struct slice bytes)
{
    struct port *port = user;
    (void)to;
    if (port->queued_bytes + bytes.len > QUEUE_BYTES)
        return;
    struct datagram *d = malloc(sizeof(*d) + PORT_HEADROOM + bytes.len + PORT_TAILROOM);
    if (d == NULL)
        abort();
    d->from = *from;
    d->len = bytes.len;
    if (bytes.len > 0)
        memcpy(d->bytes + PORT_HEADROOM, bytes.ptr, bytes.len);
    list_append(&port->queue, &d->node);
    port->queued_bytes += bytes.len;
    sim_loop_wake(port->loop);
}

int port_open(struct loop *loop, struct port_hold *hold, const struct port_handler *handler,
              void *user, struct port **ret_port)
{
    struct port *port = calloc(1, sizeof(*port));
    if (port == NULL)
        return ERR_NO_MEMORY;
    port->loop = loop;
    port->handler = handler;
    port->user = user;
    list_init(&port->queue);
    port->net.on_datagram = on_datagram;
    port->net.user = port;
    struct address local = hold->net.local;
    struct sim_host *host = hold->net.host;
    port_hold_release(hold);
    int status = sim_udp_open(&port->net, host, &local);
    if (status < 0)
        abort(); /* it was free a moment ago */
    list_append(&loop->ports, &port->node);
    *ret_port = port;
    return 0;
}

static void receive(struct port *port)
{
    list_for_each_safe(node, &port->queue)
    {
        struct datagram *d = container_of(node, struct datagram, node);
        list_remove(&d->node);
        port->queued_bytes -= d->len;
        if (!port->closed)
            port->handler->on_datagram(port->user, &d->from, d->bytes + PORT_HEADROOM, d->len);
        free(d);
    }
}

static void free_closed(struct loop *loop)
{
    list_for_each_safe(node, &loop->ports_closed)
    {
        struct port *port = container_of(node, struct port, node);
        receive(port);
        list_remove(&port->node);
        free(port);
    }
}

/* A handler may close any of them: who is closed is freed afterwards. Visits those that were there
 * when it began. */
void sim_ports_receive(struct loop *loop)
{
    struct list visited;
    list_init(&visited);
    while (!list_empty(&loop->ports)) {
        struct port *port = container_of(loop->ports.next, struct port, node);
        list_remove(&port->node);
        list_append(&visited, &port->node);
        receive(port);
    }
    while (!list_empty(&visited)) {
        struct list *node = visited.next;
        list_remove(node);
        list_append(&loop->ports, node);
    }
    free_closed(loop);
}

void port_close(struct port *port)
{
    if (port == NULL || port->closed)
        return;
    port->closed = true;
    sim_udp_close(&port->net);
    list_remove(&port->node);
    list_append(&port->loop->ports_closed, &port->node);
    sim_loop_wake(port->loop);
}

void sim_ports_close(struct loop *loop)
{
    while (!list_empty(&loop->ports))
        port_close(container_of(loop->ports.next, struct port, node));
    free_closed(loop);
    sim_event_cancel(&loop->world->events, &loop->turn);
}

/* ---- Out ---- */

int port_send(struct port *port, const struct address *remote, struct slice data, unsigned flags)
{
    (void)flags; /* nothing is too large for the simulated network */
    if (data.len > PAYLOAD_MAX || port->closed)
        return ERR_LIMIT;
    if (address_is_v6(remote) != address_is_v6(&port->net.local))
        return ERR_UNREACHABLE;
    return sim_udp_send(&port->net, &port->net.local, remote, data);
}

int port_local_addresses(struct loop *loop, struct address *ret_addresses, unsigned max)
{
    unsigned count = 0;
    for (; count < loop->host->address_count && count < max; count++)
        ret_addresses[count] = loop->host->addresses[count];
    return (int)count;
}
