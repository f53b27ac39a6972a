/* Reading. All connections read into one buffer of the loop; only a message that is not whole yet
 * gets memory of its own, of about its size. */
#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/error.h"
#include "loop/stream_private.h"

#define READS_PER_TURN   4 /* of one connection, so that none starves the others */
#define BLOCK_SMALLEST   256u
#define BLOCK_CLASS_LAST 65536u

static uint32_t block_size(size_t length)
{
    if (length > BLOCK_CLASS_LAST)
        return (uint32_t)((length + BLOCK_CLASS_LAST - 1) & ~(size_t)(BLOCK_CLASS_LAST - 1));
    uint32_t size = BLOCK_SMALLEST;
    while (size < length)
        size *= 2;
    return size;
}

void stream_forget_input(struct stream *stream)
{
    blocks_put(&stream->owner->in_blocks, stream->in, stream->in_size);
    stream->in = NULL;
    stream->in_length = stream->in_size = 0;
}

/* Makes a and b, one after the other, the bytes that wait. */
static int keep(struct stream *stream, struct slice a, struct slice b)
{
    uint32_t size = block_size(a.len + b.len);
    char *block = blocks_get(&stream->owner->in_blocks, size);
    if (block == NULL)
        return ERR_NO_MEMORY;
    memcpy(block, a.ptr, a.len);
    if (b.len > 0)
        memcpy(block + a.len, b.ptr, b.len);
    stream_forget_input(stream);
    stream->in = block;
    stream->in_size = size;
    stream->in_length = (uint32_t)(a.len + b.len);
    return 0;
}

static bool takes_input(const struct stream *stream)
{
    return stream->state == STREAM_IS_OPEN || stream->state == STREAM_OPENING;
}

/* Hands bytes up as long as the handler, or the framing, takes some; returns how many it took. */
static size_t deliver(struct stream *stream, char *bytes, size_t length)
{
    bool framed = stream_layers_frame(stream);
    size_t taken = 0;
    while (taken < length && takes_input(stream) && !stream->paused) {
        const struct stream_handler *handler = &stream->profile->options.handler;
        struct slice rest = slice_of(bytes + taken, length - taken);
        long n = framed ? stream_layers_take(stream, bytes + taken, rest.len)
                        : handler->on_bytes(handler->user, &stream->flow, rest);
        if (n < 0)
            stream_finish(stream, STREAM_BAD_INPUT);
        if (n <= 0)
            break;
        assert((size_t)n <= rest.len);
        taken += (size_t)n;
    }
    return taken;
}

/* What a layer has taken of a message or record waits for its rest too; no longer than the bytes
 * that wait already. */
static void note_half(struct stream *stream)
{
    bool half = stream_layers_half(stream);
    if (half && !stream->half && stream->in == NULL)
        stream->half_ms = streams_now(stream->owner);
    stream->half = half;
    if (half)
        stream_watch(stream);
}

/* What the handler did not take waits for its rest. */
static void settle(struct stream *stream, struct slice bytes, size_t taken)
{
    struct slice rest = slice_from(bytes, taken);
    bool waited = stream->in != NULL;
    if (!takes_input(stream))
        return;
    if (rest.len == 0) {
        stream_forget_input(stream);
        note_half(stream);
        return;
    }
    if (rest.len >= stream->profile->options.limits.buffer) {
        stream_finish(stream, STREAM_BAD_INPUT);
        return;
    }
    if (waited && taken == 0)
        return; /* it lies where it should */
    stream->half_ms = streams_now(stream->owner);
    if (keep(stream, rest, SLICE_NULL) != 0)
        stream_finish(stream, STREAM_HALF_MESSAGE);
    else
        stream_watch(stream);
}

/* Bytes that came: in_place of them lie behind those that wait already, the others are at bytes. */
static void digest(struct stream *stream, size_t in_place, char *bytes, size_t length)
{
    stream->in_length += (uint32_t)in_place;
    if (stream->in != NULL && length > 0 &&
        keep(stream, slice_of(stream->in, stream->in_length), slice_of(bytes, length)) != 0) {
        stream_finish(stream, STREAM_HALF_MESSAGE);
        return;
    }
    if (stream->in != NULL) {
        bytes = stream->in;
        length = stream->in_length;
    }
    settle(stream, slice_of(bytes, length), deliver(stream, bytes, length));
}

int stream_input(struct stream *stream, char *bytes, size_t length)
{
    size_t room = stream->in_size - stream->in_length;
    size_t in_place = length < room ? length : room;
    if (in_place > 0)
        memcpy(stream->in + stream->in_length, bytes, in_place);
    digest(stream, in_place, bytes + in_place, length - in_place);
    return takes_input(stream) ? 0 : ERR_CLOSED;
}

/* n bytes were read, as receive places them. */
static void received(struct stream *stream, size_t n)
{
    char *shared = stream->owner->receive;
    size_t room = stream->in_size - stream->in_length;
    if (stream_layers_cipher(stream)) {
        stream_layers_receive(stream, shared, n);
        note_half(stream);
    } else {
        digest(stream, n < room ? n : room, shared, n < room ? 0 : n - room);
    }
}

static ssize_t receive(struct stream *stream, size_t *ret_asked)
{
    bool behind = stream->in != NULL && !stream_layers_cipher(stream);
    struct iovec parts[2] = {{.iov_base = behind ? stream->in + stream->in_length : NULL,
                              .iov_len = behind ? stream->in_size - stream->in_length : 0},
                             {.iov_base = stream->owner->receive, .iov_len = STREAM_RECEIVE_BYTES}};
    *ret_asked = parts[0].iov_len + parts[1].iov_len;
    ssize_t n;
    do {
        n = parts[0].iov_len == 0 ? recv(stream->fd, parts[1].iov_base, parts[1].iov_len, 0)
                                  : readv(stream->fd, parts, 2);
    } while (n < 0 && errno == EINTR);
    return n;
}

/* Nobody wants these bytes; closing before the peer's FIN would reset what it has not read yet. */
static void discard(struct stream *stream)
{
    for (unsigned i = 0; i < READS_PER_TURN; i++) {
        ssize_t n = recv(stream->fd, stream->owner->receive, STREAM_RECEIVE_BYTES, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            stream_destroy(stream);
            return;
        }
    }
    stream_set_abort(stream->fd);
    stream_destroy(stream);
}

void stream_read(struct stream *stream)
{
    struct streams *streams = stream->owner;
    if (stream->state == STREAM_LINGERING) {
        discard(stream);
        return;
    }
    if (stream->resumed && takes_input(stream) && !stream->paused) {
        stream->resumed = false;
        if (stream->in != NULL)
            digest(stream, 0, NULL, 0);
    }
    for (unsigned i = 0; i < READS_PER_TURN; i++) {
        size_t asked;
        if (!takes_input(stream) || stream->paused ||
            (stream->state == STREAM_OPENING && !stream_opening_may_read(stream)))
            return;
        ssize_t n = receive(stream, &asked);
        if (n < 0) {
            if (errno != EAGAIN)
                stream_fail(stream, STREAM_IO_ERROR);
            return;
        }
        if (n == 0) {
            stream->peer_ended = true;
            stream_finish(stream, STREAM_CLOSED_BY_PEER);
            return;
        }
        streams->counts[STREAM_BYTES_IN] += (uint64_t)n;
        stream->active_ms = streams_now(streams);
        received(stream, (size_t)n);
        /* Less than asked for: the socket is empty, its next bytes make a new event. */
        if ((size_t)n < asked && !stream->hung_up)
            return;
    }
    if (takes_input(stream) && !stream->paused && list_empty(&stream->ready))
        list_append(&streams->ready, &stream->ready);
}
