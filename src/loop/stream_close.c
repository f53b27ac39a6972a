/* How connections end.
 *
 *   open --stream_finish--> flushing --queue empty--> ended --on_close--> lingering --> gone
 *   any  --stream_fail----------------------------> ended --on_close-----------------> gone
 *
 * Lingering: our FIN is out, the peer's is awaited for a moment, because closing a socket with
 * unread input resets the connection and may take from the peer what it has not read yet. */
#include <sys/socket.h>

#include "loop/stream_private.h"

#define LINGER_MS 1000
/* A peer that takes a byte now and then makes progress; it gets so many times send_stall_ms. */
#define FLUSH_FACTOR 3

void stream_set_abort(int fd)
{
    struct linger abort = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
}

void stream_end(struct stream *stream)
{
    stream->state = STREAM_ENDED;
    stream_names_remove(stream);
    list_remove(&stream->ready);
    list_remove(&stream->dirty);
    wheel_stop(&stream->owner->loop->wheel, &stream->timer);
    if (list_empty(&stream->ended))
        list_append(&stream->owner->ended, &stream->ended);
}

void stream_finish(struct stream *stream, enum stream_reason reason)
{
    if (stream->state > STREAM_IS_OPEN)
        return;
    stream->reason = (uint8_t)reason;
    if (stream->layers != NULL)
        stream_layers_close(stream);
    if (stream->queued == 0) {
        stream->failed = stream->connecting;
        stream_end(stream);
        return;
    }
    stream->state = STREAM_FLUSHING;
    stream->entered_ms = streams_now(stream->owner);
    stream_names_remove(stream);
    list_remove(&stream->ready);
    stream_mark_dirty(stream);
    stream_watch(stream);
}

void stream_fail(struct stream *stream, enum stream_reason reason)
{
    if (stream->state >= STREAM_ENDED)
        return;
    /* A connection that was being closed for another reason keeps that one. */
    if (stream->state != STREAM_FLUSHING)
        stream->reason = (uint8_t)reason;
    stream->failed = true;
    stream_end(stream);
}

/* ---- the end ---- */

static void linger(struct stream *stream)
{
    stream_forget_input(stream);
    stream_forget_output(stream);
    if (stream->failed || stream->peer_ended || shutdown(stream->fd, SHUT_WR) != 0) {
        if (stream->failed && !stream->connecting)
            stream_set_abort(stream->fd);
        stream_destroy(stream);
        return;
    }
    stream->state = STREAM_LINGERING;
    stream->entered_ms = streams_now(stream->owner);
    stream_watch(stream);
    stream_read(stream);
}

/* What layers end is counted by them. */
static void count_reason(struct streams *streams, enum stream_reason reason)
{
    switch (reason) {
    case STREAM_CONNECT_FAILED: streams->counts[STREAM_CONNECTS_FAILED]++; break;
    case STREAM_HALF_MESSAGE: streams->counts[STREAM_HALVES_LATE]++; break;
    case STREAM_SEND_STALLED: streams->counts[STREAM_STALLED]++; break;
    case STREAM_IDLE: streams->counts[STREAM_IDLE_CLOSED]++; break;
    case STREAM_BAD_INPUT: streams->counts[STREAM_BAD]++; break;
    default: break;
    }
}

static void reap(struct stream *stream)
{
    struct streams *streams = stream->owner;
    const struct stream_handler *handler = &stream->profile->options.handler;
    list_remove(&stream->ended);
    streams->counts[STREAM_CLOSED]++;
    count_reason(streams, (enum stream_reason)stream->reason);
    if (stream->opened)
        streams->counts[STREAM_OPEN]--;
    if (stream->opening)
        streams->counts[STREAM_OPENING_NOW]--;
    /* The user never heard of an accepted connection that did not open. */
    if (handler->on_close != NULL && (stream->opened || !stream->accepted))
        handler->on_close(handler->user, &stream->flow, (enum stream_reason)stream->reason);
    linger(stream);
}

/* Those that end meanwhile wait for the next turn. */
void streams_reap(struct streams *streams)
{
    struct list ended;
    list_init(&ended);
    while (!list_empty(&streams->ended)) {
        struct list *node = streams->ended.next;
        list_remove(node);
        list_append(&ended, node);
    }
    while (!list_empty(&ended))
        reap(container_of(ended.next, struct stream, ended));
}

/* ---- time-outs ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t deadline(const struct stream *stream)
{
    const struct stream_limits *limits = &stream->profile->options.limits;
    switch ((enum stream_state)stream->state) {
    case STREAM_CONNECTING: return stream->entered_ms + limits->connect_ms;
    case STREAM_OPENING: return stream->entered_ms + limits->handshake_ms;
    case STREAM_FLUSHING:
        return earlier(stream->progress_ms + limits->send_stall_ms,
                       stream->entered_ms + (uint64_t)limits->send_stall_ms * FLUSH_FACTOR);
    case STREAM_LINGERING: return stream->entered_ms + LINGER_MS;
    case STREAM_ENDED: return WHEEL_NEVER;
    case STREAM_IS_OPEN: break;
    }
    uint64_t due = stream->active_ms + limits->idle_ms;
    if (!stream->paused && (stream->in != NULL || stream->half))
        due = earlier(due, stream->half_ms + limits->half_message_ms);
    if (stream->queued > 0)
        due = earlier(due, stream->progress_ms + limits->send_stall_ms);
    return due;
}

/* The timer is left alone while it is early enough: activity costs no work on the wheel. */
void stream_watch(struct stream *stream)
{
    uint64_t now = streams_now(stream->owner);
    uint64_t due = deadline(stream);
    if (due == WHEEL_NEVER || (timer_running(&stream->timer) && stream->timer.due_ms <= due))
        return;
    wheel_start(&stream->owner->loop->wheel, &stream->timer, due > now ? due - now : 0);
}

static void open_late(struct stream *stream)
{
    stream->owner->counts[STREAM_HANDSHAKES_LATE]++;
    stream_fail(stream, STREAM_HANDSHAKE_TIMEOUT);
}

static void timed_out(struct stream *stream, uint64_t now)
{
    const struct stream_limits *limits = &stream->profile->options.limits;
    if (stream->state == STREAM_CONNECTING)
        stream_fail(stream, STREAM_CONNECT_FAILED);
    else if (stream->state == STREAM_OPENING)
        open_late(stream);
    else if (stream->state == STREAM_LINGERING)
        stream_destroy(stream);
    else if (stream->state == STREAM_FLUSHING)
        stream_fail(stream, STREAM_SEND_STALLED);
    else if (stream->queued > 0 && now >= stream->progress_ms + limits->send_stall_ms)
        stream_fail(stream, STREAM_SEND_STALLED);
    else if (!stream->paused && (stream->in != NULL || stream->half) &&
             now >= stream->half_ms + limits->half_message_ms)
        stream_finish(stream, STREAM_HALF_MESSAGE);
    else
        stream_finish(stream, STREAM_IDLE);
}

void stream_on_timer(struct timer *timer)
{
    struct stream *stream = container_of(timer, struct stream, timer);
    uint64_t now = streams_now(stream->owner);
    if (now < deadline(stream))
        stream_watch(stream);
    else
        timed_out(stream, now);
}
