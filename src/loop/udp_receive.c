/* Receiving: batches into slots that all sockets of the loop share. */
#include <errno.h>

#include "base/error.h"
#include "loop/pages.h"
#include "loop/udp_private.h"

#define BUSY             8u    /* datagrams in a turn */
#define BUSY_TURNS       4u    /* in a row, after which a socket is not polled any more */
#define CALM             4u    /* datagrams: with fewer it is polled again */
#define BATCHES_PER_TURN 4u    /* of one socket, so that none starves the others */
#define SLOT_BYTES       65536 /* no datagram is longer; only what is used is ever touched */
/* Successive slots start at other cache lines of their page. */
#define SLOT_STRIDE (SLOT_BYTES + 704)

struct udp_input {
    struct mmsghdr messages[UDP_BATCH];
    struct iovec parts[UDP_BATCH];
    struct address remotes[UDP_BATCH];
    union udp_control controls[UDP_BATCH];
    size_t control_length; /* what the messages are set to */
    char *slots;           /* owned, mapped */
};

int udp_input_new(struct udp_input **ret_input)
{
    struct udp_input *input = memory_zalloc(1, sizeof(*input));
    if (input == NULL)
        return ERR_NO_MEMORY;
    input->slots = pages_map((size_t)UDP_BATCH * SLOT_STRIDE);
    if (input->slots == NULL) {
        memory_free(input);
        return ERR_NO_MEMORY;
    }
    for (unsigned i = 0; i < UDP_BATCH; i++) {
        input->parts[i].iov_base = input->slots + (size_t)i * SLOT_STRIDE;
        input->parts[i].iov_len = SLOT_BYTES;
        struct msghdr *m = &input->messages[i].msg_hdr;
        m->msg_name = &input->remotes[i];
        m->msg_namelen = sizeof(input->remotes[i]);
        m->msg_iov = &input->parts[i];
        m->msg_iovlen = 1;
        m->msg_control = &input->controls[i];
        m->msg_controllen = 0;
    }
    *ret_input = input;
    return 0;
}

void udp_input_free(struct udp_input *input)
{
    if (input == NULL)
        return;
    pages_unmap(input->slots, (size_t)UDP_BATCH * SLOT_STRIDE);
    memory_free(input);
}

static void set_control_length(struct udp_input *input, size_t length)
{
    if (input->control_length == length)
        return;
    input->control_length = length;
    for (unsigned i = 0; i < UDP_BATCH; i++)
        input->messages[i].msg_hdr.msg_controllen = length;
}

/* Where the datagram was sent to; for IPv4 multicast and broadcast the address to answer from. */
static void read_local_address(struct msghdr *m, struct address *local)
{
    uint16_t port = address_port(local);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            memset(local, 0, sizeof(*local));
            local->in4.sin_family = AF_INET;
            local->in4.sin_addr = info.ipi_spec_dst;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            memset(local, 0, sizeof(*local));
            local->in6.sin6_family = AF_INET6;
            local->in6.sin6_addr = info.ipi6_addr;
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
                local->in6.sin6_scope_id = info.ipi6_ifindex;
        }
    }
    address_set_port(local, port);
    address_unmap(local);
}

static void deliver(struct udp *udp, struct mmsghdr *message, const struct address *remote)
{
    struct msghdr *m = &message->msg_hdr;
    udp->counts[UDP_RECEIVED]++;
    udp->counts[UDP_RECEIVED_BYTES] += message->msg_len;
    if ((m->msg_flags & MSG_TRUNC) != 0) {
        udp->counts[UDP_TRUNCATED]++;
        return;
    }
    struct flow flow = udp->in;
    flow.remote = *remote;
    if (udp->dual)
        address_unmap(&flow.remote);
    if (udp->wildcard)
        read_local_address(m, &flow.local);
    udp->on_datagram(udp->user, &flow, slice_of(m->msg_iov->iov_base, message->msg_len));
}

/* Datagram i is about to be delivered. Addresses of sockets for both families are as the system
 * gave them: those who want to know more ask for one family. */
static void look_ahead(const struct udp *udp, const struct udp_input *input, int i, int got)
{
    if (i + 2 < got)
        udp->on_ahead(udp->user, &input->remotes[i + 2], 2);
    if (i + 1 < got)
        udp->on_ahead(udp->user, &input->remotes[i + 1], 1);
}

/* One batch: how many, or a negative number when there may be more after an error. */
static int receive_batch(struct udp *udp, struct udp_input *input)
{
    int got;
    do {
        got = recvmmsg(udp->fd, input->messages, UDP_BATCH, MSG_DONTWAIT, NULL);
    } while (got < 0 && errno == EINTR);
    /* An error that an earlier send left on the socket is taken by this call; the next one reads.
     */
    if (got < 0)
        return errno != EAGAIN && errno != EBADF ? -1 : 0;
    for (int i = 0; i < got; i++) {
        if (udp->on_ahead != NULL && !udp->closed)
            look_ahead(udp, input, i, got);
        if (!udp->closed)
            deliver(udp, &input->messages[i], &input->remotes[i]);
        struct msghdr *m = &input->messages[i].msg_hdr;
        m->msg_namelen = sizeof(input->remotes[i]);
        m->msg_controllen = input->control_length;
    }
    return got;
}

unsigned udp_receive(struct udp *udp)
{
    struct udp_input *input = udp->loop->udp_input;
    unsigned total = 0;
    set_control_length(input, udp->wildcard ? sizeof(input->controls[0]) : 0);
    for (unsigned i = 0; i < BATCHES_PER_TURN && !udp->closed; i++) {
        int got = receive_batch(udp, input);
        total += got > 0 ? (unsigned)got : 0;
        if (got >= 0 && got < (int)UDP_BATCH)
            break;
    }
    return total;
}

/* Who waits for a socket to become readable is also asked for each datagram that has left, whether
 * that is what he waits for: a twentieth of sending it. So as long as every turn finds many
 * datagrams, nobody waits, and the next turn looks for itself. */
static void watch(struct udp *udp, unsigned got)
{
    if (got < BUSY)
        udp->streak = 0;
    else if (udp->streak < BUSY_TURNS)
        udp->streak++;
    if (!udp->unwatched && udp->streak == BUSY_TURNS && !udp->blocked) {
        udp->unwatched = uv_poll_stop(&udp->poll) == 0;
    } else if (udp->unwatched && got < CALM) {
        udp_poll(udp, udp->blocked);
    }
}

/* Polling is level-triggered: a socket that has more comes back next turn. */
void udp_receive_ready(struct loop *loop)
{
    struct list again;
    list_init(&again);
    while (!list_empty(&loop->udp_ready)) {
        struct udp *udp = container_of(loop->udp_ready.next, struct udp, ready);
        list_remove(&udp->ready);
        unsigned got = udp_receive(udp);
        if (!udp->closed)
            watch(udp, got);
        if (!udp->closed && udp->unwatched)
            list_append(&again, &udp->ready);
    }
    while (!list_empty(&again)) {
        struct list *node = again.next;
        list_remove(node);
        list_append(&loop->udp_ready, node);
    }
}
