/* What ports receive and send. */
#include <errno.h>
#include <time.h> /* what linux/errqueue.h needs */

#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/bind.h"
#include "loop/pages.h"
#include "loop/port_private.h"

#define BATCH        16u   /* datagrams of one port per turn, so that none starves the others */
#define SLOT_BYTES   65536 /* no datagram is longer; only what is used is ever touched */
#define ERRORS       16    /* taken at once */
#define STREAK       4     /* rounds in a row after which more than one is asked for */
#define QUEUED_BYTES 2000  /* larger datagrams go by themselves */
/* Successive slots start at other cache lines of their page. */
#define SLOT_STRIDE (PORT_HEADROOM + SLOT_BYTES + PORT_TAILROOM + 700)

struct port_input {
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    struct address remotes[BATCH];
    char *slots; /* owned, mapped */
};

/* What the turn has sent so far. */
struct port_output {
    struct uring *uring; /* owned */
    unsigned count;
    struct uring_send sends[URING_SENDS];
    struct port *ports[URING_SENDS];
    struct address remotes[URING_SENDS];
    char bytes[URING_SENDS][QUEUED_BYTES];
};

int port_input_new(struct port_input **ret_input)
{
    struct port_input *input = memory_zalloc(1, sizeof *input);
    if (input == NULL)
        return ERR_NO_MEMORY;
    input->slots = pages_map((size_t)BATCH * SLOT_STRIDE);
    if (input->slots == NULL) {
        memory_free(input);
        return ERR_NO_MEMORY;
    }
    for (unsigned i = 0; i < BATCH; i++) {
        input->parts[i].iov_base = input->slots + (size_t)i * SLOT_STRIDE + PORT_HEADROOM;
        input->parts[i].iov_len = SLOT_BYTES;
        struct msghdr *m = &input->messages[i].msg_hdr;
        m->msg_name = &input->remotes[i];
        m->msg_namelen = sizeof input->remotes[i];
        m->msg_iov = &input->parts[i];
        m->msg_iovlen = 1;
    }
    *ret_input = input;
    return 0;
}

void port_input_free(struct port_input *input)
{
    if (input == NULL)
        return;
    pages_unmap(input->slots, (size_t)BATCH * SLOT_STRIDE);
    memory_free(input);
}

/* ---- Receiving ---- */

static void receive_one(struct port *port)
{
    struct port_input *input = port->ports->input;
    struct address *remote = &input->remotes[0];
    char *data = input->slots + PORT_HEADROOM;
    socklen_t length = sizeof *remote;
    ssize_t got = recvfrom(port->fd, data, SLOT_BYTES, MSG_DONTWAIT, &remote->sa, &length);
    if (got >= 0)
        port->handler->on_datagram(port->user, remote, data, (size_t)got);
}

static void receive_batch(struct port *port)
{
    struct port_input *input = port->ports->input;
    int got = recvmmsg(port->fd, input->messages, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < got; i++) {
        struct mmsghdr *m = &input->messages[i];
        m->msg_hdr.msg_namelen = sizeof input->remotes[i];
        if (port->fd >= 0)
            port->handler->on_datagram(port->user, &input->remotes[i], m->msg_hdr.msg_iov->iov_base,
                                       m->msg_len);
    }
}

/* The set is level-triggered: what is left comes with the next round. Most ports have one datagram
 * when they are looked at, and to ask whether there is a second one costs half as much as to take
 * the first. */
void port_receive(struct port *port)
{
    if (port->fd < 0)
        return;
    bool again = port->round + 1 == port->ports->round;
    port->streak = again ? port->streak + 1 : 0;
    port->round = port->ports->round;
    if (port->streak < STREAK)
        receive_one(port);
    else
        receive_batch(port);
}

/* ---- Errors ---- */

/* What our own system says of a datagram larger than the way takes, as a router would say it. */
static bool read_local_error(const struct sock_extended_err *e, bool v6, struct port_error *error)
{
    if (e->ee_errno != EMSGSIZE)
        return false;
    error->type = v6 ? ICMP6_PACKET_TOO_BIG : ICMP_DEST_UNREACH;
    error->code = v6 ? 0 : ICMP_FRAG_NEEDED;
    error->mtu = e->ee_info;
    return true;
}

static bool read_error(const struct sock_extended_err *e, bool v6, struct port_error *error)
{
    if (e->ee_origin == SO_EE_ORIGIN_LOCAL)
        return read_local_error(e, v6, error);
    if (e->ee_origin != (v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP))
        return false;
    error->type = e->ee_type;
    error->code = e->ee_code;
    bool too_big = v6 ? e->ee_type == ICMP6_PACKET_TOO_BIG
                      : e->ee_type == ICMP_DEST_UNREACH && e->ee_code == ICMP_FRAG_NEEDED;
    error->mtu = too_big ? e->ee_info : 0;
    return true;
}

/* Of its own errors with IPv4 the system tells the host only. */
static void name_port(const struct port *port, struct address *remote)
{
    if (!port->v6 && remote->in4.sin_port == 0 &&
        remote->in4.sin_addr.s_addr == port->large_host.s_addr)
        remote->in4.sin_port = port->large_port;
}

static void deliver_error(struct port *port, struct msghdr *m, struct port_error *error)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
        bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
        struct sock_extended_err e;
        if (!v4 && !v6)
            continue;
        memcpy(&e, CMSG_DATA(c), sizeof e);
        if (!read_error(&e, v6, error) || port->handler->on_error == NULL)
            return;
        name_port(port, &error->remote);
        port->handler->on_error(port->user, error);
        return;
    }
}

void port_take_errors(struct port *port)
{
    for (unsigned i = 0; i < ERRORS && port->fd >= 0; i++) {
        struct port_error error = {.mtu = 0};
        char payload[1];
        union {
            struct cmsghdr align;
            char bytes[256];
        } control;
        struct iovec part = {.iov_base = payload, .iov_len = sizeof payload};
        struct msghdr m = {.msg_name = &error.remote,
                           .msg_namelen = sizeof error.remote,
                           .msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
        if (recvmsg(port->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
            return;
        deliver_error(port, &m, &error);
    }
}

/* ---- Sending ---- */

/* RFC 8656 sections 14 and 15. */
static int set_whole(struct port *port, bool whole)
{
    int level = port->v6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int option = port->v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER;
    int value = port->v6 ? IPV6_PMTUDISC_WANT : IP_PMTUDISC_DONT;
    if (whole)
        value = port->v6 ? IPV6_PMTUDISC_DO : IP_PMTUDISC_DO;
    if (setsockopt(port->fd, level, option, &value, sizeof value) != 0)
        return ERR_IO;
    port->whole = whole;
    return 0;
}

/* A datagram of earlier that failed is told by the next call, which then sends nothing: again. */
static ssize_t send_now(const struct port *port, const struct address *remote, struct slice data)
{
    ssize_t sent =
        sendto(port->fd, data.ptr, data.len, MSG_DONTWAIT, &remote->sa, address_length(remote));
    if (sent < 0 && errno != EAGAIN && errno != EMSGSIZE)
        sent =
            sendto(port->fd, data.ptr, data.len, MSG_DONTWAIT, &remote->sa, address_length(remote));
    return sent;
}

static int send_by_itself(struct port *port, const struct address *remote, struct slice data)
{
    if (send_now(port, remote, data) >= 0)
        return 0;
    if (errno == EMSGSIZE && !port->v6) {
        port->large_host = remote->in4.sin_addr;
        port->large_port = remote->in4.sin_port;
    }
    if (errno == EAGAIN || errno == EMSGSIZE || errno == ENOBUFS)
        return ERR_LIMIT;
    int status = bind_error(errno);
    return status == ERR_UNREACHABLE || status == ERR_DENIED ? ERR_UNREACHABLE : ERR_IO;
}

static void send_late(struct port *port, const struct uring_send *send)
{
    if (send_by_itself(port, send->remote, send->data) < 0 && port->handler->on_unsent != NULL)
        port->handler->on_unsent(port->user, send->data.len);
}

void ports_flush(struct ports *ports)
{
    struct port_output *out = ports != NULL ? ports->output : NULL;
    if (out == NULL || out->count == 0)
        return;
    unsigned count = out->count;
    out->count = 0;
    /* One alone is sent more quickly by itself. */
    bool sent = count > 1 && uring_send_all(out->uring, out->sends, count) == 0;
    for (unsigned i = 0; i < count; i++) {
        struct port *port = out->ports[i];
        port->queued--;
        if (!sent || out->sends[i].result < 0)
            send_late(port, &out->sends[i]);
    }
}

static void queue(struct port *port, const struct address *remote, struct slice data)
{
    struct port_output *out = port->ports->output;
    unsigned place = out->count++;
    out->ports[place] = port;
    out->remotes[place] = *remote;
    if (data.len > 0)
        memcpy(out->bytes[place], data.ptr, data.len);
    out->sends[place] = (struct uring_send){.fd = port->fd,
                                            .data = slice_of(out->bytes[place], data.len),
                                            .remote = &out->remotes[place]};
    port->queued++;
    if (out->count == URING_SENDS)
        ports_flush(port->ports);
}

int port_send(struct port *port, const struct address *remote, struct slice data, unsigned flags)
{
    bool whole = (flags & PORT_DONT_FRAGMENT) != 0;
    if (address_is_v6(remote) != port->v6)
        return ERR_UNREACHABLE;
    if (port->ports->output != NULL && !whole && !port->whole && data.len <= QUEUED_BYTES) {
        queue(port, remote, data);
        return 0;
    }
    if (port->queued > 0) /* in order */
        ports_flush(port->ports);
    if (whole != port->whole && set_whole(port, whole) < 0)
        return ERR_IO;
    return send_by_itself(port, remote, data);
}

/* ---- The queue ---- */

int port_output_new(struct port_output **ret_output)
{
    struct port_output *output = memory_zalloc(1, sizeof *output);
    if (output == NULL)
        return ERR_NO_MEMORY;
    int status = uring_new(&output->uring);
    if (status < 0) {
        memory_free(output);
        return status;
    }
    *ret_output = output;
    return 0;
}

void port_output_free(struct port_output *output)
{
    if (output == NULL)
        return;
    uring_free(output->uring);
    memory_free(output);
}
