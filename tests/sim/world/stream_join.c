/* Of loop/stream.h what joins connections with others. In the simulated world none are joined:
 * relays there carry datagrams only. */
#include "base/error.h"
#include "loop/stream.h"

int stream_hand_over(struct loop *loop, const struct flow *flow,
                     const struct stream_handler *handler, const struct stream_limits *limits)
{
    (void)loop, (void)flow, (void)handler, (void)limits;
    return ERR_CLOSED;
}

void stream_pause(struct loop *loop, const struct flow *flow, bool paused)
{
    (void)loop, (void)flow, (void)paused;
}

size_t stream_queued(struct loop *loop, const struct flow *flow)
{
    (void)loop, (void)flow;
    return 0;
}

int stream_release(struct loop *loop, const struct flow *flow, int *ret_fd)
{
    (void)loop, (void)flow, (void)ret_fd;
    return ERR_CLOSED;
}

int stream_take(struct loop *loop, int fd, const struct stream_options *options,
                struct flow *ret_flow)
{
    (void)loop, (void)fd, (void)options, (void)ret_flow;
    return ERR_IO;
}
