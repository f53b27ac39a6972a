#include "loop/udp.h"

#include <assert.h>
#include <errno.h>
#include <linux/sock_diag.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/bind.h"
#include "loop/mesh.h"
#include "loop/steer.h"
#include "loop/udp_private.h"

#include <linux/sock_diag.h>

#define BUFFER_DEFAULT  (4u << 20) /* bytes, for each direction */
#define DATAGRAM_MEMORY 2304u      /* of the system's, for one of 700 to 1,700 bytes */

static void udp_on_poll(uv_poll_t *poll, int status, int events)
{
    struct udp *udp = poll->data;
    if (status < 0) /* an error waits on the socket; libuv stopped polling, receiving takes it */
        udp_poll(udp, udp->blocked);
    if (status < 0 || (events & UV_READABLE) != 0) {
        list_remove(&udp->ready);
        list_append(&udp->loop->udp_ready, &udp->ready);
    }
    if ((events & UV_WRITABLE) != 0) {
        udp->blocked = false;
        udp_poll(udp, false);
        list_remove(&udp->dirty);
        list_append(&udp->loop->udp_dirty, &udp->dirty);
    }
}

void udp_poll(struct udp *udp, bool writable)
{
    udp->unwatched = false;
    (void)uv_poll_start(&udp->poll, UV_READABLE | (writable ? UV_WRITABLE : 0), udp_on_poll);
}

/* Past the system's limit where that is permitted, else up to it. */
static void set_buffer(int fd, int force_option, int option, unsigned bytes)
{
    int value = bytes > INT32_MAX ? INT32_MAX : (int)bytes;
    if (setsockopt(fd, SOL_SOCKET, force_option, &value, sizeof(value)) != 0)
        (void)setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value));
}

static int ask_local_address(const struct udp *udp)
{
    int on = 1;
    int level = udp->v6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int option = udp->v6 ? IPV6_RECVPKTINFO : IP_PKTINFO;
    return setsockopt(udp->fd, level, option, &on, sizeof(on)) == 0 ? 0 : bind_error(errno);
}

/* As the system does by itself; not where somebody has turned it off (net.ipv4.ip_no_pmtu_disc). */
static bool looks_for_mtu(int fd)
{
    int value = 0;
    socklen_t length = sizeof(value);
    return getsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &value, &length) == 0 &&
           value == IP_PMTUDISC_WANT;
}

static int udp_bind(struct udp *udp, const struct udp_options *options)
{
    struct bind_options bind = {
        .type = SOCK_DGRAM, .local = options->local, .v6_only = options->v6_only};
    int err = bind_open(udp->loop, &bind, &udp->fd, &udp->in.local);
    if (err != 0)
        return err;
    udp->v6 = address_is_v6(&udp->in.local);
    udp->wildcard = address_is_wildcard(&udp->in.local);
    udp->dual = udp->v6 && udp->wildcard && !options->v6_only;
    unsigned bytes = options->receive_buffer != 0 ? options->receive_buffer : BUFFER_DEFAULT;
    if ((!udp->v6 || udp->dual) && looks_for_mtu(udp->fd))
        udp_set_whole(udp, true);
    set_buffer(udp->fd, SO_RCVBUFFORCE, SO_RCVBUF, bytes);
    set_buffer(udp->fd, SO_SNDBUFFORCE, SO_SNDBUF, BUFFER_DEFAULT);
    /* The first socket of an address has nobody to share with yet: the second one's call counts. */
    if (options->steer != NULL && udp->loop->config.mesh != NULL && udp->loop->config.worker > 0)
        (void)steer_attach(udp->fd, options->steer, mesh_workers(udp->loop->config.mesh));
    return udp->wildcard ? ask_local_address(udp) : 0;
}

static void udp_dispose(struct udp *udp)
{
    if (udp->fd >= 0)
        bind_close(udp->loop, SOCK_DGRAM, udp->fd, &udp->in.local);
    udp_output_free(udp->output);
    memory_free(udp);
}

static int udp_start(struct udp *udp, const struct udp_options *options)
{
    struct loop *loop = udp->loop;
    int err = loop->udp_input != NULL ? 0 : udp_input_new(&loop->udp_input);
    if (err == 0)
        err = udp_output_new(&udp->output);
    if (err == 0)
        err = udp_bind(udp, options);
    if (err == 0 && uv_poll_init(&loop->uv, &udp->poll, udp->fd) != 0)
        err = ERR_IO;
    return err;
}

int udp_open(struct loop *loop, const struct udp_options *options, struct udp **ret_udp)
{
    assert(options->on_datagram != NULL);
    struct udp *udp = memory_zalloc(1, sizeof(*udp));
    if (udp == NULL)
        return ERR_NO_MEMORY;
    udp->loop = loop;
    udp->fd = -1;
    udp->on_datagram = options->on_datagram;
    udp->on_ahead = options->on_ahead;
    udp->user = options->user;
    udp->in.transport = TRANSPORT_UDP;
    udp->in.worker = (uint8_t)loop->config.worker;
    udp->in.listener = options->listener;
    list_init(&udp->ready);
    list_init(&udp->dirty);
    int err = udp_start(udp, options);
    if (err != 0) {
        udp_dispose(udp);
        return err;
    }
    udp->poll.data = udp;
    udp_poll(udp, false);
    list_append(&loop->udp_sockets, &udp->node);
    *ret_udp = udp;
    return 0;
}

static void udp_on_closed(uv_handle_t *handle)
{
    udp_dispose(handle->data);
}

/* The memory stays until libuv's next turn, so a socket may be closed from its own callback. */
void udp_close(struct udp *udp)
{
    if (udp == NULL || udp->closed)
        return;
    udp_flush(udp);
    udp->closed = true;
    list_remove(&udp->node);
    list_remove(&udp->ready);
    list_remove(&udp->dirty);
    uv_close((uv_handle_t *)&udp->poll, udp_on_closed);
    bind_close(udp->loop, SOCK_DGRAM, udp->fd, &udp->in.local);
    udp->fd = -1;
}

void udp_close_all(struct loop *loop)
{
    list_for_each_safe(node, &loop->udp_sockets)
    {
        udp_close(container_of(node, struct udp, node));
    }
}

struct address udp_local(const struct udp *udp)
{
    return udp->in.local;
}

/* What the system says of the socket's memory; false when it does not. */
static bool read_memory_info(const struct udp *udp, uint32_t ret_info[SK_MEMINFO_VARS])
{
    socklen_t length = sizeof(uint32_t) * SK_MEMINFO_VARS;
    memset(ret_info, 0, length);
    return getsockopt(udp->fd, SOL_SOCKET, SO_MEMINFO, ret_info, &length) == 0;
}

unsigned udp_waiting(struct udp *udp, unsigned *ret_fresh, unsigned *ret_room)
{
    uint32_t info[SK_MEMINFO_VARS];
    *ret_fresh = (unsigned)(udp->counts[UDP_RECEIVED] - udp->seen_waiting);
    udp->seen_waiting = udp->counts[UDP_RECEIVED];
    if (*ret_fresh < UDP_BATCH || !read_memory_info(udp, info))
        return 0;
    *ret_room = info[SK_MEMINFO_RCVBUF] / DATAGRAM_MEMORY;
    return info[SK_MEMINFO_RMEM_ALLOC] / DATAGRAM_MEMORY;
}

void udp_sift(struct udp *udp, const struct sift *sift)
{
    if (sift == NULL || sift_attach(udp->fd, sift) < 0)
        sift_detach(udp->fd);
}

uint64_t udp_count(const struct udp *udp, unsigned which)
{
    assert(which < UDP_COUNTS);
    uint32_t info[SK_MEMINFO_VARS];
    if (which == UDP_RECEIVE_DROPPED) /* in 32 bits, since the socket was opened */
        return read_memory_info(udp, info) ? info[SK_MEMINFO_DROPS] : 0;
    return udp->counts[which];
}
