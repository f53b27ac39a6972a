/* loop/udp.h over the simulated network. */
#include "loop/udp.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "sim/world/sim_loop.h"

#define PAYLOAD_MAX       65507u
#define BUFFER_DEFAULT    (4u << 20)
#define FAILURE_MEMORY_MS 1000

struct datagram {
    struct list node;
    struct address to;
    struct address from;
    size_t len;
    char bytes[];
};

struct udp {
    struct sim_udp net;
    struct loop *loop;
    struct list node;
    struct udp_options options;
    struct list queue;
    size_t queued_bytes;
    bool closed;
    struct address failed; /* the last address that could not be sent to */
    uint64_t failed_until_ms;
    uint64_t counts[UDP_COUNTS];
};

static size_t buffer_size(const struct udp *udp)
{
    return udp->options.receive_buffer != 0 ? udp->options.receive_buffer : BUFFER_DEFAULT;
}

static void on_datagram(void *user, const struct address *to, const struct address *from,
                        struct slice bytes)
{
    struct udp *udp = user;
    if (udp->queued_bytes + bytes.len > buffer_size(udp))
        return;
    struct datagram *d = malloc(sizeof(*d) + bytes.len);
    if (d == NULL)
        abort();
    d->to = *to;
    d->from = *from;
    d->len = bytes.len;
    if (bytes.len > 0)
        memcpy(d->bytes, bytes.ptr, bytes.len);
    list_append(&udp->queue, &d->node);
    udp->queued_bytes += bytes.len;
    sim_loop_wake(udp->loop);
}

int udp_open(struct loop *loop, const struct udp_options *options, struct udp **ret_udp)
{
    struct udp *udp = calloc(1, sizeof(*udp));
    if (udp == NULL)
        return ERR_NO_MEMORY;
    udp->loop = loop;
    udp->options = *options;
    udp->net.sharer = loop->config.mesh;
    udp->net.on_datagram = on_datagram;
    udp->net.user = udp;
    list_init(&udp->queue);
    int status = sim_udp_open(&udp->net, loop->host, &options->local);
    if (status < 0) {
        free(udp);
        return status;
    }
    list_append(&loop->udps, &udp->node);
    *ret_udp = udp;
    return 0;
}

void udp_close(struct udp *udp)
{
    if (udp == NULL || udp->closed)
        return;
    udp->closed = true;
    sim_udp_close(&udp->net);
    list_remove(&udp->node);
    list_append(&udp->loop->udps_closed, &udp->node);
    sim_loop_wake(udp->loop);
}

struct address udp_local(const struct udp *udp)
{
    return udp->net.local;
}

static struct address source_of(const struct udp *udp, const struct address *local,
                                const struct address *remote)
{
    struct address from = udp->net.local;
    if (!address_is_wildcard(&from))
        return from;
    if (local != NULL && !address_is_wildcard(local))
        from = *local;
    else
        (void)sim_source_address(udp->loop->host, remote, &from);
    address_set_port(&from, address_port(&udp->net.local));
    return from;
}

int udp_send(struct udp *udp, const struct address *local, const struct address *remote,
             struct slice data)
{
    uint64_t now_ms = udp->loop->now_ms;
    if (data.len > PAYLOAD_MAX || udp->closed)
        return ERR_LIMIT;
    if (address_is_v6(remote) != address_is_v6(&udp->net.local))
        return ERR_UNREACHABLE;
    if (udp->failed_until_ms > now_ms && address_equal(&udp->failed, remote))
        return ERR_UNREACHABLE;
    struct address from = source_of(udp, local, remote);
    if (sim_udp_send(&udp->net, &from, remote, data) < 0) {
        /* The system says so only when the batch goes out: the sender learns it the next time. */
        udp->counts[UDP_SEND_ERRORS]++;
        udp->failed = *remote;
        udp->failed_until_ms = now_ms + FAILURE_MEMORY_MS;
        return 0;
    }
    udp->counts[UDP_SENT]++;
    udp->counts[UDP_SENT_BYTES] += data.len;
    return 0;
}

void loop_order(struct loop *loop, uint64_t order)
{
    (void)loop;
    (void)order;
}

/* A turn takes all that has come. */
unsigned udp_waiting(struct udp *udp, unsigned *ret_fresh, unsigned *ret_room)
{
    (void)udp;
    (void)ret_room;
    *ret_fresh = 0;
    return 0;
}

void udp_sift(struct udp *udp, const struct sift *sift)
{
    (void)udp;
    (void)sift; /* all are read */
}

uint64_t udp_count(const struct udp *udp, unsigned which)
{
    assert(which < UDP_COUNTS);
    return udp->counts[which];
}

int loop_source_address(struct loop *loop, const struct address *remote, struct address *ret_local)
{
    return sim_source_address(loop->host, remote, ret_local);
}

/* ---- the loop's side ---- */

static void deliver(struct udp *udp, const struct datagram *d)
{
    struct flow flow = {
        .transport = TRANSPORT_UDP,
        .worker = (uint8_t)udp->loop->config.worker,
        .listener = udp->options.listener,
        .local = d->to,
        .remote = d->from,
    };
    udp->counts[UDP_RECEIVED]++;
    udp->counts[UDP_RECEIVED_BYTES] += d->len;
    udp->options.on_datagram(udp->options.user, &flow, slice_of(d->bytes, d->len));
}

static void receive(struct udp *udp)
{
    while (!list_empty(&udp->queue)) {
        struct datagram *d = container_of(udp->queue.next, struct datagram, node);
        list_remove(&d->node);
        udp->queued_bytes -= d->len;
        if (!udp->closed)
            deliver(udp, d);
        free(d);
    }
}

void sim_udps_receive(struct loop *loop)
{
    list_for_each_safe(node, &loop->udps) receive(container_of(node, struct udp, node));
}

void sim_udps_free_closed(struct loop *loop)
{
    list_for_each_safe(node, &loop->udps_closed)
    {
        struct udp *udp = container_of(node, struct udp, node);
        receive(udp);
        list_remove(&udp->node);
        free(udp);
    }
}

void sim_udps_close(struct loop *loop)
{
    while (!list_empty(&loop->udps))
        udp_close(container_of(loop->udps.next, struct udp, node));
    sim_udps_free_closed(loop);
    sim_event_cancel(&loop->world->events, &loop->turn);
}
