/* loop/stream.h over simulated TCP: what users call. */
#include "loop/stream.h"
#include "loop/tls/tls.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "sim/world/stream_sim.h"

/* Without ciphers and frames: the transport in Via and flow is all there is of them. */
const struct layer_type tls_layer = {.name = "TLS"};

static void set_default(uint32_t *limit, uint32_t value)
{
    if (*limit == 0)
        *limit = value;
}

static struct stream_options with_defaults(const struct stream_options *options)
{
    struct stream_options o = *options;
    set_default(&o.limits.connections, 100000);
    set_default(&o.limits.per_source, 1000);
    set_default(&o.limits.buffer, 128u << 10);
    set_default(&o.limits.send_queue, 1u << 20);
    set_default(&o.limits.connect_ms, 5000);
    set_default(&o.limits.idle_ms, 900000);
    set_default(&o.limits.half_message_ms, 30000);
    set_default(&o.limits.send_stall_ms, 10000);
    set_default(&o.limits.handshake_ms, 10000);
    return o;
}

/* ---- what the network reports: told to the user in the loop's next turn ---- */

static void on_open(void *user)
{
    struct stream *stream = user;
    stream->connected = true;
    sim_loop_wake(stream->loop);
}

static void on_bytes(void *user, struct slice bytes)
{
    struct stream *stream = user;
    if (stream->state > STREAM_IS_OPEN)
        return;
    char *in = realloc(stream->in, stream->in_len + bytes.len);
    if (in == NULL)
        abort();
    memcpy(in + stream->in_len, bytes.ptr, bytes.len);
    stream->in = in;
    stream->in_len += bytes.len;
    stream->fresh = true;
    sim_loop_wake(stream->loop);
}

static void on_end(void *user)
{
    struct stream *stream = user;
    stream->peer_ended = true;
    sim_loop_wake(stream->loop);
}

static void on_error(void *user)
{
    struct stream *stream = user;
    stream->broken = true;
    stream->side = NULL;
    sim_loop_wake(stream->loop);
}

static void on_room(void *user)
{
    sim_loop_wake(((struct stream *)user)->loop);
}

static const struct sim_tcp_handler tcp_handler = {on_open, on_bytes, on_end, on_error, on_room};

/* ---- connections ---- */

static uint32_t slot_take(struct loop *loop)
{
    for (uint32_t i = 1; i < loop->slot_count; i++) {
        if (loop->slots[i].stream == NULL)
            return i;
    }
    uint32_t count = loop->slot_count + 16;
    loop->slots = realloc(loop->slots, count * sizeof(*loop->slots));
    if (loop->slots == NULL)
        abort();
    for (uint32_t i = loop->slot_count; i < count; i++)
        loop->slots[i] = (struct stream_slot){NULL, 1};
    uint32_t first = loop->slot_count == 0 ? 1 : loop->slot_count;
    loop->slot_count = count;
    return first;
}

static struct stream *stream_new(struct loop *loop, const struct stream_options *options,
                                 const struct address *local, const struct address *remote)
{
    struct stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL)
        abort();
    uint32_t slot = slot_take(loop);
    stream->loop = loop;
    stream->options = *options;
    stream->flow = (struct flow){
        .transport = options->transport,
        .worker = (uint8_t)loop->config.worker,
        .listener = options->listener,
        .connection = slot,
        .generation = loop->slots[slot].generation,
        .local = *local,
        .remote = *remote,
    };
    loop->slots[slot].stream = stream;
    timer_init(&stream->timer, stream_on_timer);
    stream->active_ms = stream->progress_ms = loop->now_ms;
    list_prepend(&loop->streams, &stream->node);
    return stream;
}

void stream_free(struct stream *stream)
{
    struct loop *loop = stream->loop;
    struct stream_slot *slot = &loop->slots[stream->flow.connection];
    slot->stream = NULL;
    slot->generation++;
    wheel_stop(&loop->wheel, &stream->timer);
    list_remove(&stream->node);
    free(stream->in);
    free(stream->out);
    free(stream);
}

struct stream *stream_of_flow(const struct loop *loop, const struct flow *flow)
{
    if (flow->worker != loop->config.worker || flow->connection == 0 ||
        flow->connection >= loop->slot_count)
        return NULL;
    const struct stream_slot *slot = &loop->slots[flow->connection];
    if (slot->stream == NULL || slot->generation != flow->generation ||
        slot->stream->state > STREAM_IS_OPEN)
        return NULL;
    return slot->stream;
}

static unsigned count_open(const struct loop *loop, const struct address *source)
{
    unsigned count = 0;
    list_for_each(node, &loop->streams)
    {
        const struct stream *s = container_of(node, struct stream, node);
        count += source == NULL || (s->accepted && address_equal_host(&s->flow.remote, source));
    }
    return count;
}

/* ---- listening and connecting ---- */

static void on_accept(void *user, struct sim_tcp_side *side)
{
    struct stream_listener *listener = user;
    struct loop *loop = listener->loop;
    const struct stream_limits *limits = &listener->options.limits;
    bool full = count_open(loop, NULL) >= limits->connections;
    if (full || count_open(loop, &side->remote) >= limits->per_source) {
        loop->stream_counts[full ? STREAM_REFUSED_LIMIT : STREAM_REFUSED_SOURCE]++;
        sim_tcp_abort(side);
        return;
    }
    struct stream *stream = stream_new(loop, &listener->options, &side->local, &side->remote);
    stream->side = side;
    stream->accepted = true;
    stream->connected = true;
    side->handler = &tcp_handler;
    side->user = stream;
    sim_loop_wake(loop);
}

int stream_listen(struct loop *loop, const struct address *local,
                  const struct stream_options *options, struct stream_listener **ret_listener)
{
    struct stream_listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL)
        return ERR_NO_MEMORY;
    listener->loop = loop;
    listener->options = with_defaults(options);
    listener->net.sharer = loop->config.mesh;
    listener->net.on_accept = on_accept;
    listener->net.user = listener;
    int status = sim_listen(&listener->net, loop->host, local);
    if (status < 0) {
        free(listener);
        return status;
    }
    list_append(&loop->stream_listeners, &listener->node);
    *ret_listener = listener;
    return 0;
}

int stream_listener_reload(struct stream_listener *listener, const struct stream_options *options)
{
    listener->options = with_defaults(options);
    return 0;
}

struct address stream_listener_local(const struct stream_listener *listener)
{
    return listener->net.local;
}

void stream_listener_close(struct stream_listener *listener)
{
    if (listener == NULL)
        return;
    sim_listener_close(&listener->net);
    list_remove(&listener->node);
    free(listener);
}

int stream_connect(struct loop *loop, const struct address *remote,
                   const struct stream_options *options, struct flow *ret_flow)
{
    struct stream_options full = with_defaults(options);
    struct address local = *remote;
    if (count_open(loop, NULL) >= full.limits.connections)
        return ERR_LIMIT;
    bool way = sim_source_address(loop->host, remote, &local) == 0;
    struct stream *stream = stream_new(loop, &full, &local, remote);
    if (way) {
        stream->side = sim_tcp_connect(loop->host, remote, &tcp_handler, stream);
        stream->flow.local = stream->side->local;
    } else {
        stream->broken = true;
        sim_loop_wake(loop);
    }
    stream_watch(stream);
    *ret_flow = stream->flow;
    return 0;
}

/* ---- finding ---- */

static bool has_alias(const struct stream *stream, const struct address *address)
{
    for (unsigned i = 0; i < stream->alias_count; i++) {
        if (address_equal(&stream->aliases[i], address))
            return true;
    }
    return false;
}

/* The newest; a remote address goes before an alias. */
static struct stream *find(const struct loop *loop, unsigned transport,
                           const struct address *remote, bool aliases)
{
    list_for_each(node, &loop->streams)
    {
        struct stream *s = container_of(node, struct stream, node);
        if (s->state <= STREAM_IS_OPEN && s->flow.transport == transport &&
            (aliases ? has_alias(s, remote) : address_equal(&s->flow.remote, remote)))
            return s;
    }
    return NULL;
}

int stream_find(struct loop *loop, enum transport transport, const struct address *remote,
                struct flow *ret_flow)
{
    const struct stream *stream = find(loop, transport, remote, false);
    if (stream == NULL)
        stream = find(loop, transport, remote, true);
    if (stream == NULL)
        return ERR_NOT_FOUND;
    *ret_flow = stream->flow;
    return 0;
}

/* Nothing is proven here: whoever has the address is the server. */
int stream_find_server(struct loop *loop, enum transport transport, const struct address *remote,
                       struct slice server, struct flow *ret_flow)
{
    (void)server;
    return stream_find(loop, transport, remote, ret_flow);
}

bool stream_proves(struct loop *loop, const struct flow *flow, struct slice domain)
{
    (void)loop, (void)flow, (void)domain;
    return false;
}

int stream_alias(struct loop *loop, const struct flow *flow, const struct address *address)
{
    struct stream *stream = stream_of_flow(loop, flow);
    if (stream == NULL)
        return ERR_NOT_FOUND;
    if (address_equal(&stream->flow.remote, address) || has_alias(stream, address))
        return 0;
    if (find(loop, flow->transport, address, false) != NULL)
        return ERR_EXISTS;
    if (stream->alias_count >= STREAM_ALIASES)
        return ERR_LIMIT;
    struct stream *older = find(loop, flow->transport, address, true);
    for (unsigned i = 0; older != NULL && i < older->alias_count; i++) {
        if (address_equal(&older->aliases[i], address))
            older->aliases[i] = older->aliases[--older->alias_count];
    }
    stream->aliases[stream->alias_count++] = *address;
    return 0;
}

bool stream_alive(struct loop *loop, const struct flow *flow)
{
    return flow->worker != loop->config.worker || stream_of_flow(loop, flow) != NULL;
}

void stream_on_late(struct loop *loop,
                    void (*on_late)(void *user, unsigned from, const struct flow *flow), void *user)
{
    loop->on_late = on_late;
    loop->late_user = user;
}

uint64_t stream_count(struct loop *loop, unsigned which)
{
    assert(which < STREAM_COUNTS);
    return loop->stream_counts[which];
}

/* ---- sending ---- */

static int send_elsewhere(struct loop *loop, const struct flow *flow, struct slice data)
{
    struct mesh *mesh = loop->config.mesh;
    if (flow->worker >= mesh_workers(mesh))
        return ERR_CLOSED;
    uint32_t id[2] = {flow->connection, flow->generation};
    struct slice parts[2] = {slice_of((const char *)id, sizeof(id)), data};
    return mesh_post(mesh, loop->config.worker, flow->worker, MAIL_STREAM_SEND, parts, 2);
}

static void append(struct stream *stream, const void *data, size_t length)
{
    char *out = realloc(stream->out, stream->out_len + length);
    if (out == NULL)
        abort();
    memcpy(out + stream->out_len, data, length);
    stream->out = out;
    stream->out_len += length;
}

int stream_send(struct loop *loop, const struct flow *flow, struct slice data)
{
    if (flow->worker != loop->config.worker)
        return send_elsewhere(loop, flow, data);
    struct stream *stream = stream_of_flow(loop, flow);
    if (stream == NULL) {
        loop->stream_counts[STREAM_SEND_LATE]++;
        return ERR_CLOSED;
    }
    if (data.len == 0)
        return 0;
    if (stream->out_len + data.len > stream->options.limits.send_queue) {
        loop->stream_counts[STREAM_SEND_FULL]++;
        return ERR_LIMIT;
    }
    if (stream->out_len == 0)
        stream->progress_ms = loop->now_ms;
    uint32_t length = (uint32_t)data.len;
    if (stream_framed(stream))
        append(stream, &length, sizeof(length));
    append(stream, data.ptr, data.len);
    return 0;
}

void stream_write(struct stream *stream)
{
    if (stream->side == NULL || !stream->connected || stream->out_len == 0)
        return;
    size_t n = sim_tcp_send(stream->side, slice_of(stream->out, stream->out_len));
    if (n > 0) {
        memmove(stream->out, stream->out + n, stream->out_len - n);
        stream->out_len -= n;
        stream->active_ms = stream->progress_ms = stream->loop->now_ms;
        stream->loop->stream_counts[STREAM_BYTES_OUT] += n;
    }
    if (stream->out_len > 0)
        stream_watch(stream);
    else if (stream->state == STREAM_FLUSHING)
        stream->state = STREAM_ENDED;
}

/* ---- closing ---- */

void stream_finish(struct stream *stream, enum stream_reason reason)
{
    if (stream->state > STREAM_IS_OPEN)
        return;
    stream->reason = reason;
    stream->state = stream->out_len > 0 ? STREAM_FLUSHING : STREAM_ENDED;
    stream_watch(stream);
    sim_loop_wake(stream->loop);
}

void stream_fail(struct stream *stream, enum stream_reason reason)
{
    if (stream->state == STREAM_ENDED)
        return;
    if (stream->state != STREAM_FLUSHING)
        stream->reason = reason;
    stream->state = STREAM_ENDED;
    if (stream->side != NULL)
        sim_tcp_abort(stream->side);
    stream->side = NULL;
    sim_loop_wake(stream->loop);
}

void stream_close(struct loop *loop, const struct flow *flow, enum stream_reason reason)
{
    struct stream *stream = stream_of_flow(loop, flow);
    if (stream == NULL)
        return;
    if (reason == STREAM_CONNECT_FAILED || reason == STREAM_IO_ERROR ||
        reason == STREAM_SEND_STALLED)
        stream_fail(stream, reason);
    else
        stream_finish(stream, reason);
}

void stream_drain(struct loop *loop)
{
    while (!list_empty(&loop->stream_listeners))
        stream_listener_close(
            container_of(loop->stream_listeners.next, struct stream_listener, node));
    list_for_each(node, &loop->streams)
        stream_finish(container_of(node, struct stream, node), STREAM_CLOSED_BY_US);
}
