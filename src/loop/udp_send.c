/* Sending: the groups that wait go out in batches. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include "base/error.h"
#include "loop/capture.h"
#include "loop/udp_output.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103 /* linux/udp.h */
#endif

#define FAILURE_MEMORY_MS 1000  /* how long an unreachable address stays so: past one T1 */
#define SEPARATE_MS       60000 /* how long no groups are tried that the system did not take */

#define LOOK_MS 2000 /* between two looks for captures */

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

bool udp_failed_lately(struct udp *udp, const struct address *remote)
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

/* ---- messages for the system ---- */

static bool goes_together(const struct udp_group *group)
{
    return group->count > 1 && !group->separate;
}

/* RFC 768 knows nothing of it: the system cuts what it gets into datagrams of that size. */
static void add_segment_size(struct udp_group *group, struct msghdr *m)
{
    struct cmsghdr c = {.cmsg_level = IPPROTO_UDP,
                        .cmsg_type = UDP_SEGMENT,
                        .cmsg_len = CMSG_LEN(sizeof(group->size))};
    char *at = group->control.bytes + group->control_length;
    memcpy(at, &c, sizeof(c));
    memcpy(at + CMSG_LEN(0), &group->size, sizeof(group->size));
    m->msg_controllen = group->control_length + CMSG_SPACE(sizeof(group->size));
}

static void fill_message(struct udp *udp, struct udp_group *group, struct iovec *parts,
                         unsigned count)
{
    struct msghdr *m = &udp->output->messages[udp->output->message_count++].msg_hdr;
    m->msg_name = &group->remote;
    m->msg_namelen = udp->v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    m->msg_iov = parts;
    m->msg_iovlen = count;
    m->msg_control = &group->control;
    m->msg_controllen = group->control_length;
    if (count > 1)
        add_segment_size(group, m);
}

/* As many of the groups that wait as one call sends. */
static void fill_messages(struct udp *udp)
{
    struct udp_output *out = udp->output;
    unsigned used = 0;
    out->message_count = 0;
    for (unsigned i = out->sent; i < out->group_count; i++) {
        struct udp_group *group = &out->groups[i];
        bool together = goes_together(group);
        unsigned first = used;
        for (unsigned n = 0, at = group->first; n < group->count; n++) {
            if (!together && out->message_count == UDP_BATCH)
                return;
            out->parts[used++] = out->datagrams[at].part;
            at = out->datagrams[at].next;
            if (!together)
                fill_message(udp, group, &out->parts[used - 1], 1);
        }
        if (together)
            fill_message(udp, group, &out->parts[first], group->count);
        if (out->message_count == UDP_BATCH)
            return;
    }
}

/* ---- what came of them ---- */

static void count_sent(struct udp *udp, const struct udp_group *group, unsigned datagrams)
{
    const struct udp_output *out = udp->output;
    udp->counts[UDP_SENT] += datagrams;
    for (unsigned n = 0, at = group->first; n < datagrams; n++, at = out->datagrams[at].next)
        udp->counts[UDP_SENT_BYTES] += out->datagrams[at].part.iov_len;
}

/* The first message has been dealt with: a whole group, or one datagram of it. */
static void take_first(struct udp_output *out, struct udp_group *group)
{
    if (goes_together(group) || group->count == 1) {
        out->sent++;
        return;
    }
    group->first = out->datagrams[group->first].next;
    group->count--;
}

static void on_sent(struct udp *udp, unsigned messages)
{
    struct udp_output *out = udp->output;
    while (messages-- > 0) {
        struct udp_group *group = &out->groups[out->sent];
        count_sent(udp, group, goes_together(group) ? group->count : 1);
        take_first(out, group);
    }
}

/* The first message cannot be sent; it alone is given up. */
static void give_up_first(struct udp *udp, int error)
{
    struct udp_output *out = udp->output;
    struct udp_group *group = &out->groups[out->sent];
    if (error == ENOBUFS || error == ENOMEM) {
        udp->counts[UDP_SEND_DROPPED]++;
    } else {
        udp->counts[UDP_SEND_ERRORS]++;
        if (error == ENETUNREACH || error == EHOSTUNREACH || error == ENETDOWN || error == EPERM ||
            error == EACCES || error == ECONNREFUSED)
            remember_failure(udp, &group->remote);
    }
    take_first(out, group);
}

void udp_set_whole(struct udp *udp, bool whole)
{
    int value = whole ? IP_PMTUDISC_DO : IP_PMTUDISC_WANT;
    udp->whole =
        setsockopt(udp->fd, IPPROTO_IP, IP_MTU_DISCOVER, &value, sizeof value) == 0 && whole;
}

static void wait_until_writable(struct udp *udp)
{
    udp->blocked = true;
    udp_poll(udp, true);
}

/* The first message, a datagram larger than the way's MTU. */
static void send_in_fragments(struct udp *udp)
{
    udp_set_whole(udp, false);
    ssize_t sent = sendmsg(udp->fd, &udp->output->messages[0].msg_hdr, MSG_DONTWAIT);
    int error = errno;
    udp_set_whole(udp, true);
    if (sent >= 0)
        on_sent(udp, 1);
    else if (error == EAGAIN)
        wait_until_writable(udp);
    else if (error != EINTR)
        give_up_first(udp, error);
}

/* A group that fails is tried again datagram by datagram. An old kernel, a way with a smaller MTU
 * or without checksums in hardware (EIO) take no groups at all. */
static void on_error(struct udp *udp, int error)
{
    struct udp_group *group = &udp->output->groups[udp->output->sent];
    if (!goes_together(group)) {
        if (error == EMSGSIZE && udp->whole)
            send_in_fragments(udp);
        else
            give_up_first(udp, error);
        return;
    }
    group->separate = true;
    if (error == EINVAL || error == EIO || error == EMSGSIZE || error == EOPNOTSUPP)
        udp->separate_until_ms = udp->loop->now_ms + SEPARATE_MS;
}

void udp_flush(struct udp *udp)
{
    struct udp_output *out = udp->output;
    list_remove(&udp->dirty);
    while (out->sent < out->group_count && !udp->blocked && !udp->closed) {
        fill_messages(udp);
        int n = sendmmsg(udp->fd, out->messages, out->message_count, MSG_DONTWAIT);
        if (n > 0) {
            on_sent(udp, (unsigned)n);
        } else if (errno == EAGAIN) {
            wait_until_writable(udp);
        } else if (errno != EINTR) {
            on_error(udp, errno);
        }
    }
    if (out->sent == out->group_count) {
        out->sent = out->group_count = out->count = 0;
        out->used = 0;
        memset(out->orders, 0, sizeof(out->orders));
    }
}

/* A capture on this host would show what leaves together as one large datagram. */
static void look_for_captures(struct loop *loop)
{
    if (loop->now_ms < loop->udp_look_ms)
        return;
    loop->udp_look_ms = loop->now_ms + LOOK_MS;
    loop->udp_captured = capture_runs();
}

void udp_flush_all(struct loop *loop)
{
    if (!list_empty(&loop->udp_dirty))
        look_for_captures(loop);
    while (!list_empty(&loop->udp_dirty))
        udp_flush(container_of(loop->udp_dirty.next, struct udp, dirty));
}
