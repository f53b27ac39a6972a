/* SCTP over IP by a raw socket: the system hands it every SCTP packet for the address, and makes
 * the IP header of what is sent. Needs CAP_NET_RAW. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/bind.h"
#include "loop/sctp_private.h"

#define PACKETS_PER_TURN 256u
#define BUFFER_BYTES     (4 << 20) /* for each direction, cut to what the system grants */
#define IP_HEADER_LEAST  20u

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* ---- opening and closing ---- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct assoc_wire *wire = poll->data;
    (void)events;
    if (status < 0) /* an error waits on the socket; libuv stopped polling, receiving takes it */
        (void)uv_poll_start(poll, UV_READABLE, on_poll);
    list_remove(&wire->ready);
    list_append(&wire->owner->ready, &wire->ready);
}

static int set_up(struct assoc_wire *wire, const struct assoc_options *options)
{
    int on = 1, bytes = BUFFER_BYTES;
    bool v6 = address_is_v6(&wire->local);
    (void)setsockopt(wire->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    (void)setsockopt(wire->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    if (v6 && options->v6_only)
        (void)setsockopt(wire->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (setsockopt(wire->fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO,
                   &on, sizeof(on)) != 0)
        return bind_error(errno);
    if (bind(wire->fd, &wire->local.sa, address_length(&wire->local)) != 0)
        return bind_error(errno);
    return uv_poll_init(&wire->owner->loop->uv, &wire->poll, wire->fd) == 0 ? 0 : ERR_IO;
}

int assoc_raw_open(struct assoc_wire *wire, const struct assoc_options *options)
{
    int type = SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
    wire->fd = socket(wire->local.sa.sa_family, type, IPPROTO_SCTP);
    if (wire->fd < 0)
        return bind_error(errno);
    int status = set_up(wire, options);
    if (status < 0) {
        (void)close(wire->fd);
        return status;
    }
    wire->poll.data = wire;
    (void)uv_poll_start(&wire->poll, UV_READABLE, on_poll);
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    memory_free(handle->data);
}

void assoc_raw_close(struct assoc_wire *wire)
{
    uv_close((uv_handle_t *)&wire->poll, on_closed);
    (void)close(wire->fd);
}

/* ---- receiving ---- */

static void read_local(struct msghdr *m, struct address *local)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            local->in4.sin_addr = info.ipi_spec_dst;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            local->in6.sin6_addr = info.ipi6_addr;
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
                local->in6.sin6_scope_id = info.ipi6_ifindex;
        }
    }
}

/* IPv4 comes with its header, IPv6 without. */
static struct slice without_header(struct slice data, bool v6)
{
    if (v6)
        return data;
    size_t header = data.len == 0 ? 0 : ((size_t)data.ptr[0] & 15u) * 4;
    return header < IP_HEADER_LEAST ? slice_from(data, data.len) : slice_from(data, header);
}

static bool receive_one(struct assoc_wire *wire, char *buffer, size_t size)
{
    union control control;
    struct address remote = {0}, local = wire->local;
    struct iovec part = {buffer, size};
    struct msghdr m = {.msg_name = &remote,
                       .msg_namelen = sizeof(remote),
                       .msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof(control.bytes)};
    ssize_t n = recvmsg(wire->fd, &m, MSG_DONTWAIT);
    if (n < 0)
        return errno != EAGAIN && errno != EINTR; /* an error of an earlier packet: taken */
    read_local(&m, &local);
    address_set_port(&remote, 0);
    bool v6 = address_is_v6(&wire->local);
    assoc_on_packet(wire, &local, &remote, without_header(slice_of(buffer, (size_t)n), v6));
    return true;
}

void assoc_raw_receive(struct assoc_wire *wire)
{
    char buffer[ASSOC_PACKET_MAX];
    for (unsigned i = 0; i < PACKETS_PER_TURN; i++) {
        if (!receive_one(wire, buffer, sizeof(buffer))) {
            list_remove(&wire->ready);
            return;
        }
    }
}

/* ---- sending ---- */

static void write_source(struct msghdr *m, const struct address *local)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    if (address_is_v6(local)) {
        struct in6_pktinfo info = {.ipi6_addr = local->in6.sin6_addr,
                                   .ipi6_ifindex = local->in6.sin6_scope_id};
        c->cmsg_level = IPPROTO_IPV6;
        c->cmsg_type = IPV6_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(c), &info, sizeof(info));
        m->msg_controllen = CMSG_SPACE(sizeof(info));
    } else {
        struct in_pktinfo info = {.ipi_spec_dst = local->in4.sin_addr};
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(c), &info, sizeof(info));
        m->msg_controllen = CMSG_SPACE(sizeof(info));
    }
}

void assoc_raw_send(struct assoc_wire *wire, const struct assoc_path *path, struct slice packet)
{
    union control control;
    struct address remote = path->remote;
    struct iovec part = {.iov_len = packet.len};
    memcpy(&part.iov_base, &packet.ptr, sizeof(part.iov_base)); /* only read, though not const */
    memset(&control, 0, sizeof(control));
    struct msghdr m = {.msg_name = &remote,
                       .msg_namelen = address_length(&remote),
                       .msg_iov = &part,
                       .msg_iovlen = 1};
    if (address_is_wildcard(&wire->local) && !address_is_wildcard(&path->local)) {
        m.msg_control = control.bytes;
        m.msg_controllen = sizeof(control.bytes);
        write_source(&m, &path->local);
    }
    (void)sendmsg(wire->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}
