/* Connections in a turn of the simulated loop: what came is handed out, what ended is told, what
 * waits is sent, time-outs are watched. */
#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "sim/world/stream_sim.h"

void sim_streams_init(struct loop *loop)
{
    list_init(&loop->streams);
    list_init(&loop->stream_listeners);
    mesh_on_mail(loop, MAIL_STREAM_SEND, stream_on_mail, loop);
}

/* Bytes from another worker; errors here only count. */
void stream_on_mail(void *user, unsigned from, struct slice data)
{
    struct loop *loop = user;
    uint32_t id[2];
    assert(data.len >= sizeof(id));
    memcpy(id, data.ptr, sizeof(id));
    struct flow flow = {.transport = TRANSPORT_TCP,
                        .worker = (uint8_t)loop->config.worker,
                        .connection = id[0],
                        .generation = id[1]};
    if (stream_send(loop, &flow, slice_from(data, sizeof(id))) == ERR_CLOSED &&
        loop->on_late != NULL)
        loop->on_late(loop->late_user, from, &flow);
}

/* ---- input ---- */

static void open_now(struct stream *stream)
{
    struct loop *loop = stream->loop;
    const struct stream_handler *handler = &stream->options.handler;
    stream->state = STREAM_IS_OPEN;
    stream->opened = true;
    stream->active_ms = stream->progress_ms = loop->now_ms;
    loop->stream_counts[stream->accepted ? STREAM_ACCEPTED : STREAM_CONNECTED]++;
    loop->stream_counts[STREAM_OPEN]++;
    stream_watch(stream);
    if (handler->on_open != NULL)
        handler->on_open(handler->user, &stream->flow, stream->accepted);
}

static long hand_up(struct stream *stream, struct slice bytes)
{
    const struct stream_handler *handler = &stream->options.handler;
    uint32_t length;
    if (!stream_framed(stream))
        return handler->on_bytes(handler->user, &stream->flow, bytes);
    if (bytes.len < sizeof(length))
        return 0;
    memcpy(&length, bytes.ptr, sizeof(length));
    if (bytes.len - sizeof(length) < length)
        return 0;
    struct slice message = slice_of(bytes.ptr + sizeof(length), length);
    int status = handler->on_message(handler->user, &stream->flow, message);
    return status < 0 ? status : (long)(sizeof(length) + length);
}

/* Hands bytes up as long as the handler takes some; the rest waits in memory of its exact size. */
static void deliver(struct stream *stream)
{
    size_t taken = 0;
    bool waited = stream->half_ms != 0;
    stream->fresh = false;
    while (taken < stream->in_len && stream->state == STREAM_IS_OPEN) {
        struct slice rest = slice_of(stream->in + taken, stream->in_len - taken);
        long n = hand_up(stream, rest);
        if (n < 0)
            stream_finish(stream, STREAM_BAD_INPUT);
        if (n <= 0)
            break;
        assert((size_t)n <= rest.len);
        taken += (size_t)n;
    }
    if (stream->state != STREAM_IS_OPEN)
        return;
    size_t left = stream->in_len - taken;
    char *rest = left > 0 ? malloc(left) : NULL;
    if (left > 0)
        memcpy(rest, stream->in + taken, left);
    free(stream->in);
    stream->in = rest;
    stream->in_len = left;
    if (left == 0)
        stream->half_ms = 0;
    else if (!waited || taken > 0)
        stream->half_ms = stream->loop->now_ms;
    if (left >= stream->options.limits.buffer)
        stream_finish(stream, STREAM_BAD_INPUT);
}

static void receive(struct stream *stream)
{
    struct loop *loop = stream->loop;
    if (stream->state == STREAM_CONNECTING && stream->connected && !stream->broken)
        open_now(stream);
    if (stream->state == STREAM_IS_OPEN && stream->fresh) {
        loop->stream_counts[STREAM_BYTES_IN]++;
        stream->active_ms = loop->now_ms;
        deliver(stream);
        stream_watch(stream);
    }
    if (stream->broken && stream->state != STREAM_ENDED)
        stream_fail(stream, stream->opened ? STREAM_IO_ERROR : STREAM_CONNECT_FAILED);
    else if (stream->peer_ended && stream->state == STREAM_IS_OPEN)
        stream_finish(stream, STREAM_CLOSED_BY_PEER);
}

static void reap(struct loop *loop)
{
    list_for_each_safe(node, &loop->streams)
    {
        struct stream *stream = container_of(node, struct stream, node);
        const struct stream_handler *handler = &stream->options.handler;
        if (stream->state != STREAM_ENDED)
            continue;
        loop->stream_counts[STREAM_CLOSED]++;
        if (stream->opened)
            loop->stream_counts[STREAM_OPEN]--;
        if (stream->side != NULL)
            sim_tcp_close(stream->side);
        if (handler->on_close != NULL)
            handler->on_close(handler->user, &stream->flow, stream->reason);
        stream_free(stream);
    }
}

/* New connections are put in front: those made meanwhile are not visited. */
void sim_streams_receive(struct loop *loop)
{
    list_for_each_safe(node, &loop->streams) receive(container_of(node, struct stream, node));
    reap(loop);
}

void sim_streams_flush(struct loop *loop)
{
    list_for_each(node, &loop->streams) stream_write(container_of(node, struct stream, node));
    list_for_each(node, &loop->streams)
    {
        if (container_of(node, struct stream, node)->state == STREAM_ENDED)
            sim_loop_wake(loop);
    }
}

void sim_streams_close(struct loop *loop)
{
    while (!list_empty(&loop->stream_listeners))
        stream_listener_close(
            container_of(loop->stream_listeners.next, struct stream_listener, node));
    while (!list_empty(&loop->streams)) {
        struct stream *stream = container_of(loop->streams.next, struct stream, node);
        if (stream->side != NULL)
            sim_tcp_close(stream->side);
        stream_free(stream);
    }
    free(loop->slots);
    loop->slots = NULL;
    loop->slot_count = 0;
}

/* ---- time-outs ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t deadline(const struct stream *stream)
{
    const struct stream_limits *limits = &stream->options.limits;
    switch (stream->state) {
    case STREAM_CONNECTING: return stream->active_ms + limits->connect_ms;
    case STREAM_FLUSHING: return stream->progress_ms + limits->send_stall_ms;
    case STREAM_ENDED: return WHEEL_NEVER;
    case STREAM_IS_OPEN: break;
    }
    uint64_t due = stream->active_ms + limits->idle_ms;
    if (stream->half_ms != 0)
        due = earlier(due, stream->half_ms + limits->half_message_ms);
    if (stream->out_len > 0)
        due = earlier(due, stream->progress_ms + limits->send_stall_ms);
    return due;
}

void stream_watch(struct stream *stream)
{
    uint64_t now = stream->loop->now_ms;
    uint64_t due = deadline(stream);
    if (due == WHEEL_NEVER)
        wheel_stop(&stream->loop->wheel, &stream->timer);
    else if (!timer_running(&stream->timer) || stream->timer.due_ms > due)
        wheel_start(&stream->loop->wheel, &stream->timer, due > now ? due - now : 0);
}

void stream_on_timer(struct timer *timer)
{
    struct stream *stream = container_of(timer, struct stream, timer);
    const struct stream_limits *limits = &stream->options.limits;
    uint64_t now = stream->loop->now_ms;
    if (now < deadline(stream))
        stream_watch(stream);
    else if (stream->state == STREAM_CONNECTING)
        stream_fail(stream, STREAM_CONNECT_FAILED);
    else if (stream->out_len > 0 && now >= stream->progress_ms + limits->send_stall_ms)
        stream_fail(stream, STREAM_SEND_STALLED);
    else if (stream->half_ms != 0 && now >= stream->half_ms + limits->half_message_ms)
        stream_finish(stream, STREAM_HALF_MESSAGE);
    else
        stream_finish(stream, STREAM_IDLE);
}
