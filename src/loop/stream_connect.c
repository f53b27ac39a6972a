#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "loop/bind.h"
#include "loop/stream_private.h"

/* A peer that is gone without a word is noticed after some three minutes of silence. */
#define KEEPALIVE_IDLE_S  120
#define KEEPALIVE_EVERY_S 15
#define KEEPALIVE_COUNT   4
/* What the kernel took but the peer does not acknowledge may wait so many times send_stall_ms: a
 * change of network takes its time. */
#define UNACKNOWLEDGED_FACTOR 3

static int set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value));
}

int stream_set_up(int fd, const struct stream_limits *limits)
{
    uint64_t ms = (uint64_t)limits->send_stall_ms * UNACKNOWLEDGED_FACTOR;
    if (set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1) != 0 ||
        set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1) != 0 ||
        set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S) != 0 ||
        set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S) != 0 ||
        set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT) != 0 ||
        set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, ms > INT32_MAX ? INT32_MAX : (int)ms) != 0)
        return ERR_IO;
    return 0;
}

/* A connect that fails at once ends the stream from the loop, like one that fails later. */
static int start(struct stream *stream)
{
    const struct address *remote = &stream->flow.remote;
    stream->connecting = true;
    stream->flow.local = *remote;
    int connected = connect(stream->fd, &remote->sa, address_length(remote));
    if (connected != 0 && errno != EINPROGRESS) {
        stream_fail(stream, STREAM_CONNECT_FAILED);
        return 0;
    }
    socklen_t length = sizeof(stream->flow.local);
    if (getsockname(stream->fd, &stream->flow.local.sa, &length) != 0)
        return ERR_IO;
    int err = stream_poll_stream(stream);
    if (err == 0)
        stream_watch(stream);
    return err;
}

/* Where a listener is, connections may begin too: both must say so. */
static int bind_to(int fd, const struct address *local)
{
    if (local == NULL)
        return 0;
    if (set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0 ||
        set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0 ||
        bind(fd, &local->sa, address_length(local)) != 0)
        return ERR_IO;
    return 0;
}

static int connect_with(struct streams *streams, struct stream_profile *profile,
                        const struct address *remote, const struct stream_options *options,
                        struct flow *ret_flow)
{
    struct stream *stream;
    int fd = socket(remote->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return bind_error(errno) == ERR_LIMIT ? ERR_LIMIT : ERR_IO;
    int err = stream_set_up(fd, &profile->options.limits);
    if (err == 0)
        err = bind_to(fd, options->local);
    if (err == 0)
        err = stream_add(streams, profile, fd, &stream);
    if (err != 0) {
        (void)close(fd);
        return err;
    }
    stream->flow.remote = *remote;
    stream_name_add(stream, options->server);
    err = stream_layers_prepare(stream, options->server);
    if (err == 0)
        err = start(stream);
    if (err != 0) {
        stream_destroy(stream);
        return err;
    }
    *ret_flow = stream->flow;
    return 0;
}

int stream_connect(struct loop *loop, const struct address *remote,
                   const struct stream_options *options, struct flow *ret_flow)
{
    struct stream_profile *profile;
    int err = stream_profile_get(loop->streams, options, &profile);
    if (err != 0)
        return err;
    err = connect_with(loop->streams, profile, remote, options, ret_flow);
    stream_profile_put(profile);
    return err;
}

/* TCP can connect a port to itself when nobody listens there. */
static bool connected_to_itself(const struct stream *stream)
{
    return address_equal(&stream->flow.local, &stream->flow.remote);
}

void stream_on_connect_event(struct stream *stream)
{
    int error = 0;
    socklen_t length = sizeof(error);
    struct address peer;
    socklen_t peer_length = sizeof(peer);
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) {
        stream_fail(stream, STREAM_CONNECT_FAILED);
        return;
    }
    if (getpeername(stream->fd, &peer.sa, &peer_length) != 0)
        return; /* not yet */
    if (connected_to_itself(stream)) {
        stream_fail(stream, STREAM_CONNECT_FAILED);
        return;
    }
    stream->connecting = false;
    stream->progress_ms = streams_now(stream->owner);
    if (stream->queued > 0)
        stream_mark_dirty(stream);
    if (stream->state != STREAM_CONNECTING)
        return;
    if (stream->layers != NULL) {
        stream_layers_open(stream);
        return;
    }
    stream->state = STREAM_IS_OPEN;
    stream_opened(stream);
}

void stream_opened(struct stream *stream)
{
    struct streams *streams = stream->owner;
    const struct stream_handler *handler = &stream->profile->options.handler;
    stream->opened = true;
    stream->active_ms = streams_now(streams);
    streams->counts[stream->accepted ? STREAM_ACCEPTED : STREAM_CONNECTED]++;
    streams->counts[STREAM_OPEN]++;
    stream_watch(stream);
    if (handler->on_open != NULL)
        handler->on_open(handler->user, &stream->flow, stream->accepted);
}
