#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "loop/stream_private.h"

int stream_hand_over(struct loop *loop, const struct flow *flow,
                     const struct stream_handler *handler, const struct stream_limits *limits)
{
    struct stream *stream = stream_of_flow(loop, flow);
    if (stream == NULL)
        return ERR_CLOSED;
    struct stream_options options = stream->profile->options;
    struct stream_profile *profile;
    options.handler = *handler;
    options.limits = *limits;
    int status = stream_profile_get(stream->owner, &options, &profile);
    if (status < 0)
        return status;
    stream_profile_put(stream->profile);
    stream->profile = profile;
    stream_watch(stream);
    return 0;
}

void stream_pause(struct loop *loop, const struct flow *flow, bool paused)
{
    struct stream *stream = stream_of_flow(loop, flow);
    if (stream == NULL || stream->paused == paused)
        return;
    stream->paused = paused;
    stream->resumed = !paused;
    if (paused) {
        list_remove(&stream->ready);
        return;
    }
    stream->active_ms = stream->half_ms = streams_now(stream->owner);
    stream_watch(stream);
    /* Events that came meanwhile are spent: it is read without one. */
    if (list_empty(&stream->ready))
        list_append(&stream->owner->ready, &stream->ready);
}

size_t stream_queued(struct loop *loop, const struct flow *flow)
{
    const struct stream *stream = stream_of_flow(loop, flow);
    return stream == NULL ? 0 : stream->queued;
}

int stream_release(struct loop *loop, const struct flow *flow, int *ret_fd)
{
    struct stream *stream = stream_of_flow(loop, flow);
    if (stream == NULL)
        return ERR_CLOSED;
    struct streams *streams = stream->owner;
    if (stream->state != STREAM_IS_OPEN || stream->layers != NULL || stream->in != NULL ||
        stream->queued > 0)
        return ERR_BUSY;
    (void)epoll_ctl(streams->epoll_fd, EPOLL_CTL_DEL, stream->fd, NULL);
    *ret_fd = stream->fd;
    stream->fd = -1;
    streams->counts[STREAM_CLOSED]++;
    streams->counts[STREAM_OPEN]--;
    stream_destroy(stream);
    return 0;
}

static int take(struct stream *stream)
{
    struct address *local = &stream->flow.local, *remote = &stream->flow.remote;
    socklen_t local_length = sizeof *local, remote_length = sizeof *remote;
    if (getsockname(stream->fd, &local->sa, &local_length) != 0 ||
        getpeername(stream->fd, &remote->sa, &remote_length) != 0)
        return ERR_IO;
    address_unmap(local);
    address_unmap(remote);
    stream->state = STREAM_IS_OPEN;
    stream->paused = true;
    return stream_poll_stream(stream);
}

int stream_take(struct loop *loop, int fd, const struct stream_options *options,
                struct flow *ret_flow)
{
    struct streams *streams = loop->streams;
    struct stream_profile *profile;
    struct stream *stream;
    int status = stream_profile_get(streams, options, &profile);
    if (status < 0)
        return status;
    status = stream_add(streams, profile, fd, &stream);
    stream_profile_put(profile);
    if (status < 0)
        return status;
    status = take(stream);
    if (status < 0) {
        stream->fd = -1;
        stream_destroy(stream);
        return status;
    }
    stream->opened = true;
    streams->counts[STREAM_ACCEPTED]++;
    streams->counts[STREAM_OPEN]++;
    *ret_flow = stream->flow;
    return 0;
}
