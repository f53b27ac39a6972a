/* Sending: datagrams are copied into a queue that goes out in batches. */
#include <errno.h>

#include "base/error.h"
#include "loop/pages.h"
#include "loop/udp_private.h"

#define QUEUE_DATAGRAMS   1024u /* at most; more are sent only while the socket's buffer is full */
#define QUEUE_BYTES       ((size_t)2 << 20)
#define FAILURE_MEMORY_MS 1000 /* how long an unreachable address stays so: past one T1 */

/* Datagrams [sent, count) wait. Room is taken again once all have gone. */
struct udp_output {
    unsigned count;
    unsigned sent;
    unsigned prepared; /* messages whose pointers are set */
    size_t used;       /* of bytes */
    struct mmsghdr messages[QUEUE_DATAGRAMS];
    struct iovec parts[QUEUE_DATAGRAMS];
    struct address remotes[QUEUE_DATAGRAMS];
    union udp_control controls[QUEUE_DATAGRAMS];
    char bytes[QUEUE_BYTES];
};

int udp_output_new(struct udp_output **ret_output)
{
    struct udp_output *output = pages_map(sizeof(*output));
    if (output == NULL)
        return ERR_NO_MEMORY;
    *ret_output = output;
    return 0;
}

void udp_output_free(struct udp_output *output)
{
    pages_unmap(output, sizeof(*output));
}

/* ---- addresses that just failed ---- */

static void remember_failure(struct udp *udp, const struct address *remote)
{
    uint64_t now = udp->loop->now_ms;
    struct udp_failure *oldest = &udp->failed[0];
    for (unsigned i = 0; i < UDP_FAILED; i++) {
        struct udp_failure *f = &udp->failed[i];
        if (address_equal(&f->remote, remote)) {
            oldest = f;
            break;
        }
        if (f->until_ms < oldest->until_ms)
            oldest = f;
    }
    oldest->remote = *remote;
    oldest->until_ms = now + FAILURE_MEMORY_MS;
    udp->failures = UDP_FAILED;
}

static bool failed_lately(struct udp *udp, const struct address *remote)
{
    unsigned alive = 0;
    bool found = false;
    for (unsigned i = 0; i < UDP_FAILED; i++) {
        if (udp->failed[i].until_ms <= udp->loop->now_ms)
            continue;
        alive++;
        found |= address_equal(&udp->failed[i].remote, remote);
    }
    udp->failures = alive;
    return found;
}

/* ---- sending ---- */

static void count_sent(struct udp *udp, const struct udp_output *out, unsigned n)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < n; i++)
        bytes += out->parts[out->sent + i].iov_len;
    udp->counts[UDP_SENT] += n;
    udp->counts[UDP_SENT_BYTES] += bytes;
}

/* The first datagram that waits cannot be sent; it alone is given up. */
static void give_up_first(struct udp *udp, struct udp_output *out, int error)
{
    if (error == ENOBUFS || error == ENOMEM) {
        udp->counts[UDP_SEND_DROPPED]++;
    } else {
        udp->counts[UDP_SEND_ERRORS]++;
        if (error == ENETUNREACH || error == EHOSTUNREACH || error == ENETDOWN || error == EPERM ||
            error == EACCES || error == ECONNREFUSED)
            remember_failure(udp, &out->remotes[out->sent]);
    }
    out->sent++;
}

void udp_flush(struct udp *udp)
{
    struct udp_output *out = udp->output;
    list_remove(&udp->dirty);
    while (out->sent < out->count && !udp->blocked && !udp->closed) {
        int n = sendmmsg(udp->fd, out->messages + out->sent, out->count - out->sent, MSG_DONTWAIT);
        if (n > 0) {
            count_sent(udp, out, (unsigned)n);
            out->sent += (unsigned)n;
        } else if (errno == EAGAIN) {
            udp->blocked = true;
            udp_poll(udp, true);
        } else if (errno != EINTR) {
            give_up_first(udp, out, errno);
        }
    }
    if (out->sent == out->count) {
        out->sent = out->count = 0;
        out->used = 0;
    }
}

void udp_flush_all(struct loop *loop)
{
    while (!list_empty(&loop->udp_dirty))
        udp_flush(container_of(loop->udp_dirty.next, struct udp, dirty));
}

/* ---- queueing ---- */

static void map_to_v6(const struct address *a, struct in6_addr *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->s6_addr[10] = ret->s6_addr[11] = 0xff;
    memcpy(ret->s6_addr + 12, &a->in4.sin_addr, 4);
}

/* In the form that the socket takes; ERR_UNREACHABLE for an address of the other family. */
static int set_remote(const struct udp *udp, const struct address *remote, struct msghdr *m)
{
    struct address *to = m->msg_name;
    bool v6 = address_is_v6(remote);
    if (v6 == udp->v6) {
        *to = *remote;
    } else if (udp->dual && !v6) {
        memset(to, 0, sizeof(*to));
        to->in6.sin6_family = AF_INET6;
        to->in6.sin6_port = remote->in4.sin_port;
        map_to_v6(remote, &to->in6.sin6_addr);
    } else {
        return ERR_UNREACHABLE;
    }
    m->msg_namelen = udp->v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    return 0;
}

static void set_control(struct msghdr *m, int level, int type, const void *info, size_t length)
{
    struct cmsghdr *c = m->msg_control;
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(length);
    memcpy(CMSG_DATA(c), info, length);
    m->msg_controllen = CMSG_SPACE(length);
}

/* The source address; left to the system where local is no address to send from. */
static void set_local(const struct udp *udp, const struct address *local, struct msghdr *m)
{
    m->msg_controllen = 0;
    if (!udp->wildcard || local == NULL || address_is_wildcard(local) ||
        address_is_multicast_or_broadcast(local))
        return;
    if (!udp->v6) {
        if (address_is_v6(local))
            return;
        struct in_pktinfo info = {.ipi_spec_dst = local->in4.sin_addr};
        set_control(m, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
        return;
    }
    struct in6_pktinfo info = {.ipi6_ifindex = 0};
    if (address_is_v6(local))
        info.ipi6_addr = local->in6.sin6_addr;
    else
        map_to_v6(local, &info.ipi6_addr);
    if (address_is_v6(local) && IN6_IS_ADDR_LINKLOCAL(&local->in6.sin6_addr))
        info.ipi6_ifindex = local->in6.sin6_scope_id;
    set_control(m, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
}

static void prepare(struct udp_output *out, unsigned i)
{
    struct msghdr *m = &out->messages[i].msg_hdr;
    m->msg_name = &out->remotes[i];
    m->msg_iov = &out->parts[i];
    m->msg_iovlen = 1;
    m->msg_control = &out->controls[i];
    out->prepared = i + 1;
}

int udp_send(struct udp *udp, const struct address *local, const struct address *remote,
             struct slice data)
{
    struct udp_output *out = udp->output;
    if (data.len > UDP_PAYLOAD_MAX || udp->closed)
        return ERR_LIMIT;
    if (out->count - out->sent >= UDP_BATCH && !udp->blocked)
        udp_flush(udp);
    if (out->count == QUEUE_DATAGRAMS || data.len > QUEUE_BYTES - out->used) {
        if (!udp->blocked)
            udp_flush(udp);
        if (out->count == QUEUE_DATAGRAMS || data.len > QUEUE_BYTES - out->used) {
            udp->counts[UDP_SEND_DROPPED]++;
            return ERR_LIMIT;
        }
    }
    unsigned i = out->count;
    if (i == out->prepared)
        prepare(out, i);
    struct msghdr *m = &out->messages[i].msg_hdr;
    int err = set_remote(udp, remote, m);
    if (err == 0 && udp->failures > 0 && failed_lately(udp, m->msg_name))
        err = ERR_UNREACHABLE;
    if (err != 0)
        return err;
    set_local(udp, local, m);
    char *bytes = out->bytes + out->used;
    if (data.len > 0)
        memcpy(bytes, data.ptr, data.len);
    out->parts[i] = (struct iovec){.iov_base = bytes, .iov_len = data.len};
    out->used += data.len;
    out->count++;
    if (list_empty(&udp->dirty))
        list_append(&udp->loop->udp_dirty, &udp->dirty);
    return 0;
}
