/* loop/sctp.h over simulated connections: messages with their length before them, on ports of their
 * own. Each worker has its own associations here: what the real loop does by mail to worker 0
 * (src/loop/sctp_far.c) has its own test. Messages come in order, which SCTP leaves open. */
#include "loop/sctp.h"

#include <stdlib.h>

#include "base/error.h"
#include "sim/world/stream_sim.h"

#define PORT_SHIFT   0x8000u /* the simulated network knows no other port space than TCP's */
#define LENGTH_BYTES 4u
#define MESSAGE_MOST (128u << 10)
#define QUEUE_MOST   (192u << 10)
#define FIRST_PORT   49152u

struct assoc_listener {
    struct loop *loop;
    struct assoc_options options;
    struct stream_listener *stream;
};

static struct address shifted(const struct address *a)
{
    struct address b = *a;
    address_set_port(&b, (uint16_t)(address_port(a) ^ PORT_SHIFT));
    return b;
}

static struct flow seen(const struct flow *flow)
{
    struct flow f = *flow;
    f.local = shifted(&flow->local);
    f.remote = shifted(&flow->remote);
    return f;
}

static long on_bytes(void *user, const struct flow *flow, struct slice buffered)
{
    struct assoc_listener *listener = user;
    const struct assoc_handler *handler = &listener->options.handler;
    uint32_t length;
    if (buffered.len < LENGTH_BYTES)
        return 0;
    memcpy(&length, buffered.ptr, LENGTH_BYTES);
    if (length > MESSAGE_MOST)
        return ERR_LIMIT;
    if (buffered.len < LENGTH_BYTES + length)
        return 0;
    struct flow f = seen(flow);
    if (handler->on_message(handler->user, &f, slice_of(buffered.ptr + LENGTH_BYTES, length)) < 0)
        return ERR_INVALID;
    return (long)(LENGTH_BYTES + length);
}

static void on_open(void *user, const struct flow *flow, bool accepted)
{
    struct assoc_listener *listener = user;
    const struct assoc_handler *handler = &listener->options.handler;
    struct flow f = seen(flow);
    if (handler->on_open != NULL)
        handler->on_open(handler->user, &f, accepted);
}

static void on_close(void *user, const struct flow *flow, enum stream_reason reason)
{
    struct assoc_listener *listener = user;
    const struct assoc_handler *handler = &listener->options.handler;
    struct flow f = seen(flow);
    if (handler->on_close != NULL)
        handler->on_close(handler->user, &f, reason);
}

static struct stream_options options_of(struct assoc_listener *listener)
{
    const struct assoc_options *o = &listener->options;
    return (struct stream_options){
        .transport = TRANSPORT_SCTP,
        .v6_only = o->v6_only,
        .listener = o->listener,
        .limits = {.connections = o->limits.associations,
                   .per_source = o->limits.per_source,
                   .buffer = MESSAGE_MOST + LENGTH_BYTES,
                   .send_queue = o->limits.send_queue ? o->limits.send_queue : QUEUE_MOST,
                   .connect_ms = o->limits.connect_ms,
                   .idle_ms = o->limits.idle_ms,
                   .send_stall_ms = o->limits.send_stall_ms},
        .handler = {
            .on_bytes = on_bytes, .on_open = on_open, .on_close = on_close, .user = listener}};
}

int assoc_listen(struct loop *loop, const struct address *local,
                 const struct assoc_options *options, struct assoc_listener **ret_listener)
{
    struct assoc_listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL)
        abort();
    struct address at = *local;
    if (address_port(&at) == 0)
        address_set_port(&at, FIRST_PORT);
    at = shifted(&at);
    listener->loop = loop;
    listener->options = *options;
    struct stream_options stream = options_of(listener);
    int status = stream_listen(loop, &at, &stream, &listener->stream);
    if (status < 0) {
        free(listener);
        return status;
    }
    *ret_listener = listener;
    return 0;
}

struct address assoc_listener_local(const struct assoc_listener *listener)
{
    struct address at = stream_listener_local(listener->stream);
    return shifted(&at);
}

void assoc_listener_set_limits(struct assoc_listener *listener, const struct assoc_limits *limits)
{
    listener->options.limits = *limits;
    struct stream_options options = options_of(listener);
    (void)stream_listener_reload(listener->stream, &options);
}

uint16_t assoc_listener_udp_port(const struct assoc_listener *listener)
{
    return listener->options.udp ? listener->options.udp_port : 0;
}

void assoc_listener_close(struct assoc_listener *listener)
{
    if (listener == NULL)
        return;
    list_for_each_safe(node, &listener->loop->streams)
    {
        struct stream *stream = container_of(node, struct stream, node);
        if (stream->options.handler.user == listener)
            stream_free(stream);
    }
    stream_listener_close(listener->stream);
    free(listener);
}

int assoc_connect(struct assoc_listener *listener, const struct address *remote,
                  struct flow *ret_flow)
{
    struct address to = shifted(remote);
    struct stream_options options = options_of(listener);
    struct flow flow;
    int status = stream_connect(listener->loop, &to, &options, &flow);
    if (status == 0)
        *ret_flow = seen(&flow);
    return status;
}

int assoc_find(struct loop *loop, const struct address *remote, struct flow *ret_flow)
{
    struct address to = shifted(remote);
    struct flow flow;
    int status = stream_find(loop, TRANSPORT_SCTP, &to, &flow);
    if (status == 0)
        *ret_flow = seen(&flow);
    return status;
}

int assoc_send(struct loop *loop, const struct flow *flow, struct slice data)
{
    char bytes[LENGTH_BYTES + MESSAGE_MOST];
    uint32_t length = (uint32_t)data.len;
    if (data.len > MESSAGE_MOST)
        return ERR_LIMIT;
    memcpy(bytes, &length, LENGTH_BYTES);
    memcpy(bytes + LENGTH_BYTES, data.ptr, data.len);
    return stream_send(loop, flow, slice_of(bytes, LENGTH_BYTES + data.len));
}

void assoc_close(struct loop *loop, const struct flow *flow, enum stream_reason reason)
{
    stream_close(loop, flow, reason);
}

bool assoc_alive(struct loop *loop, const struct flow *flow)
{
    return stream_alive(loop, flow);
}

/* This world has no packets of SCTP to count. */
uint64_t assoc_count(struct loop *loop, unsigned which)
{
    uint64_t open = 0;
    list_for_each(node, &loop->streams)
    {
        const struct stream *stream = container_of_const(node, struct stream, node);
        open += stream->flow.transport == TRANSPORT_SCTP && stream->opened;
    }
    return which == ASSOC_OPEN ? open : 0;
}
