/* Writing. What is sent during a turn is queued in chunks and goes out at its end with one system
 * call. */
#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/error.h"
#include "loop/stream_private.h"

#define CHUNKS_PER_WRITE 64
#define CHUNK_SMALLEST   1024u /* with its head */
#define CHUNK_LARGEST    16384u

void stream_mark_dirty(struct stream *stream)
{
    if (list_empty(&stream->dirty) && !stream->blocked && !stream->connecting)
        list_append(&stream->owner->dirty, &stream->dirty);
}

static void chunk_free(struct streams *streams, struct stream_chunk *chunk)
{
    blocks_put(&streams->out_blocks, chunk, sizeof(*chunk) + chunk->size);
}

void stream_forget_output(struct stream *stream)
{
    while (stream->out_first != NULL) {
        struct stream_chunk *chunk = stream->out_first;
        stream->out_first = chunk->next;
        chunk_free(stream->owner, chunk);
    }
    stream->out_last = NULL;
    stream->queued = 0;
}

/* Chunks grow with the queue, so a long one has few. */
static struct stream_chunk *add_chunk(struct stream *stream, size_t length)
{
    size_t size = CHUNK_SMALLEST;
    while (size < CHUNK_LARGEST && size < stream->queued)
        size *= 2;
    if (size < sizeof(struct stream_chunk) + length)
        size = sizeof(struct stream_chunk) + length;
    struct stream_chunk *chunk = blocks_get(&stream->owner->out_blocks, size);
    if (chunk == NULL)
        return NULL;
    chunk->next = NULL;
    chunk->start = chunk->end = 0;
    chunk->size = (uint32_t)(size - sizeof(*chunk));
    if (stream->out_last != NULL)
        stream->out_last->next = chunk;
    else
        stream->out_first = chunk;
    stream->out_last = chunk;
    return chunk;
}

int stream_queue(struct stream *stream, struct slice data)
{
    struct streams *streams = stream->owner;
    if (data.len == 0)
        return 0;
    struct stream_chunk *chunk = stream->out_last;
    bool fits = data.len <= stream->profile->options.limits.send_queue &&
                stream->queued <= stream->profile->options.limits.send_queue - data.len;
    if (fits && (chunk == NULL || chunk->size - chunk->end < data.len))
        chunk = add_chunk(stream, data.len);
    if (!fits || chunk == NULL) {
        streams->counts[STREAM_SEND_FULL]++;
        return ERR_LIMIT;
    }
    memcpy(chunk->bytes + chunk->end, data.ptr, data.len);
    chunk->end += (uint32_t)data.len;
    if (stream->queued == 0)
        stream->progress_ms = streams_now(streams);
    stream->queued += (uint32_t)data.len;
    stream_mark_dirty(stream);
    return 0;
}

static ssize_t write_some(struct stream *stream)
{
    struct iovec parts[CHUNKS_PER_WRITE];
    struct msghdr m = {.msg_iov = parts};
    for (struct stream_chunk *c = stream->out_first; c != NULL; c = c->next) {
        if (m.msg_iovlen == CHUNKS_PER_WRITE)
            break;
        parts[m.msg_iovlen].iov_base = c->bytes + c->start;
        parts[m.msg_iovlen++].iov_len = c->end - c->start;
    }
    ssize_t n;
    do {
        n = sendmsg(stream->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    return n;
}

static void written(struct stream *stream, size_t n)
{
    struct streams *streams = stream->owner;
    streams->counts[STREAM_BYTES_OUT] += n;
    stream->active_ms = stream->progress_ms = streams_now(streams);
    stream->queued -= (uint32_t)n;
    while (n > 0) {
        struct stream_chunk *chunk = stream->out_first;
        assert(chunk != NULL);
        size_t length = chunk->end - chunk->start;
        if (n < length) {
            chunk->start += (uint32_t)n;
            return;
        }
        n -= length;
        stream->out_first = chunk->next;
        if (chunk->next == NULL)
            stream->out_last = NULL;
        chunk_free(streams, chunk);
    }
}

void stream_write(struct stream *stream)
{
    if (stream->connecting || stream->state == STREAM_ENDED || stream->state == STREAM_LINGERING)
        return;
    while (stream->out_first != NULL) {
        ssize_t n = write_some(stream);
        if (n < 0 && errno == EAGAIN) {
            stream->blocked = true;
            stream_watch(stream);
            return;
        }
        if (n < 0) {
            stream_fail(stream, STREAM_IO_ERROR);
            return;
        }
        written(stream, (size_t)n);
    }
    const struct stream_handler *handler = &stream->profile->options.handler;
    if (stream->state == STREAM_FLUSHING)
        stream_end(stream);
    else if (handler->on_drained != NULL && stream->state == STREAM_IS_OPEN)
        handler->on_drained(handler->user, &stream->flow);
}
