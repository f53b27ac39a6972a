#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/bind.h"
#include "loop/stream_private.h"

#define ACCEPTS_PER_TURN 128
#define RETRY_MS         100 /* pause after the system had no memory for a connection */

/* ---- accepting ---- */

static void refuse(struct streams *streams, int fd, unsigned why)
{
    streams->counts[why]++;
    stream_set_abort(fd);
    (void)close(fd);
}

static int set_local_address(const struct stream_listener *listener, struct stream *stream)
{
    stream->flow.local = listener->local;
    if (!address_is_wildcard(&listener->local))
        return 0;
    socklen_t length = sizeof(stream->flow.local);
    if (getsockname(stream->fd, &stream->flow.local.sa, &length) != 0)
        return ERR_IO;
    address_unmap(&stream->flow.local);
    return 0;
}

static void accepted(struct stream_listener *listener, int fd, const struct address *remote)
{
    struct streams *streams = listener->owner;
    struct stream *stream;
    if (stream_add(streams, listener->profile, fd, &stream) != 0) {
        refuse(streams, fd, STREAM_REFUSED_LIMIT);
        return;
    }
    stream->accepted = true;
    stream->state = STREAM_IS_OPEN;
    stream->flow.remote = *remote;
    address_unmap(&stream->flow.remote);
    int err = stream_layers_prepare(stream, SLICE_NULL);
    if (err == 0)
        err = stream_source_enter(stream, listener->profile->options.limits.per_source);
    if (err != 0) {
        streams->counts[STREAM_REFUSED_SOURCE]++;
        stream_set_abort(fd);
    } else if (set_local_address(listener, stream) != 0 || stream_poll_stream(stream) != 0) {
        streams->counts[STREAM_REFUSED_LIMIT]++;
        err = ERR_IO;
    }
    if (err != 0) {
        stream_destroy(stream);
        return;
    }
    stream_name_add(stream, SLICE_NULL);
    if (stream->layers != NULL)
        stream_layers_open(stream);
    else
        stream_opened(stream);
}

/* Out of descriptors: gives up the reserve to take the connection and refuse it, so that it does
 * not stay at the head of the queue for ever. */
static bool refuse_by_reserve(struct stream_listener *listener)
{
    struct streams *streams = listener->owner;
    if (streams->reserve_fd < 0)
        return false;
    (void)close(streams->reserve_fd);
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        refuse(streams, fd, STREAM_REFUSED_LIMIT);
    streams->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

static void pause_listener(struct stream_listener *listener)
{
    struct streams *streams = listener->owner;
    listener->paused = true;
    (void)epoll_ctl(streams->epoll_fd, EPOLL_CTL_DEL, listener->fd, NULL);
    wheel_start(&streams->loop->wheel, &listener->retry, RETRY_MS);
    if (streams->reserve_fd < 0)
        streams->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_retry(struct timer *timer)
{
    struct stream_listener *listener = container_of(timer, struct stream_listener, retry);
    listener->paused = false;
    if (stream_poll_add(listener->owner, listener->fd, EPOLLIN,
                        STREAM_EVENT_LISTENER | listener->id) != 0)
        pause_listener(listener);
}

/* False: no more for this turn. */
static bool accept_one(struct stream_listener *listener)
{
    struct address remote;
    memset(&remote, 0, sizeof(remote));
    socklen_t length = sizeof(remote);
    int fd = accept4(listener->fd, &remote.sa, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        accepted(listener, fd, &remote);
        return true;
    }
    switch (errno) {
    case EAGAIN: return false;
    case EMFILE:
    case ENFILE:
        if (refuse_by_reserve(listener))
            return true;
        pause_listener(listener);
        return false;
    case ENOBUFS:
    case ENOMEM: pause_listener(listener); return false;
    default: return true; /* this connection failed before it was taken (accept(2)) */
    }
}

/* Polled level-triggered, so what is left comes back next turn. on_open may close the listener. */
void stream_accept(struct stream_listener *listener)
{
    struct streams *streams = listener->owner;
    uint32_t id = listener->id;
    for (unsigned i = 0; i < ACCEPTS_PER_TURN && accept_one(listener); i++) {
        if (stream_listener_get(streams, id) == NULL)
            return;
    }
}

/* ---- listeners ---- */

static int listener_open(struct stream_listener *listener, const struct address *local)
{
    struct streams *streams = listener->owner;
    struct bind_options bind = {
        .type = SOCK_STREAM, .local = *local, .v6_only = listener->profile->options.v6_only};
    int err = bind_open(streams->loop, &bind, &listener->fd, &listener->local);
    if (err == 0)
        err = stream_set_up(listener->fd, &listener->profile->options.limits);
    if (err == 0)
        err = stream_poll_add(streams, listener->fd, EPOLLIN, STREAM_EVENT_LISTENER | listener->id);
    return err;
}

int stream_listen(struct loop *loop, const struct address *local,
                  const struct stream_options *options, struct stream_listener **ret_listener)
{
    struct streams *streams = loop->streams;
    struct stream_listener *listener = memory_zalloc(1, sizeof(*listener));
    if (listener == NULL)
        return ERR_NO_MEMORY;
    listener->owner = streams;
    listener->fd = -1;
    listener->id = ++streams->listener_ids;
    timer_init(&listener->retry, on_retry);
    list_append(&streams->listeners, &listener->node);
    int err = stream_profile_get(streams, options, &listener->profile);
    if (err == 0)
        err = listener_open(listener, local);
    if (err != 0) {
        stream_listener_close(listener);
        return err;
    }
    *ret_listener = listener;
    return 0;
}

int stream_listener_reload(struct stream_listener *listener, const struct stream_options *options)
{
    struct stream_profile *profile;
    int err = stream_profile_get(listener->owner, options, &profile);
    if (err != 0)
        return err;
    stream_profile_put(listener->profile);
    listener->profile = profile;
    return 0;
}

struct address stream_listener_local(const struct stream_listener *listener)
{
    return listener->local;
}

void stream_listener_close(struct stream_listener *listener)
{
    if (listener == NULL)
        return;
    struct loop *loop = listener->owner->loop;
    list_remove(&listener->node);
    wheel_stop(&loop->wheel, &listener->retry);
    if (listener->profile != NULL)
        stream_profile_put(listener->profile);
    if (listener->fd >= 0)
        bind_close(loop, SOCK_STREAM, listener->fd, &listener->local);
    memory_free(listener);
}

void stream_listeners_close(struct streams *streams)
{
    list_for_each_safe(node, &streams->listeners)
    {
        stream_listener_close(container_of(node, struct stream_listener, node));
    }
}
