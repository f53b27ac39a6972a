#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "wire.h"

enum { MANY = 16 };

struct queue {
    int fd;
    struct wire *wire; /* owned; NULL: UDP */
    unsigned count;
    struct mmsghdr headers[NET_BATCH];
    struct iovec parts[NET_BATCH];
    struct sockaddr_in to[NET_BATCH];
    char buffers[NET_BATCH][NET_SIZE];
};

struct net {
    unsigned sources;
    struct sockaddr_in peer;
    SSL_CTX *tls; /* owned; NULL: none */
    uint64_t refused;
    struct mmsghdr headers[NET_BATCH]; /* of receiving */
    struct iovec parts[NET_BATCH];
    char buffers[NET_BATCH][NET_SIZE];
    struct pollfd polls[NET_SOURCES_MAX];
    int epoll_fd; /* of many connections; -1: each is asked */
    bool ready[NET_SOURCES_MAX];
    struct queue queues[]; /* one per source, to send */
};

static int socket_open(struct sockaddr_in local, const struct sockaddr_in *peer, bool connected)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int size = 4 << 20;
    if (fd < 0)
        die("socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (bind(fd, (const struct sockaddr *)&local, sizeof local) < 0)
        die("bind to port %u: %s", ntohs(local.sin_port), strerror(errno));
    if (connected && connect(fd, (const struct sockaddr *)peer, sizeof *peer) < 0)
        die("connect: %s", strerror(errno));
    return fd;
}

static void queue_open(struct net *net, struct queue *queue, const struct net_options *o,
                       unsigned number)
{
    struct sockaddr_in address = o->local;
    address.sin_port = htons((uint16_t)(ntohs(o->local.sin_port) + number));
    if (o->transport == NET_UDP) {
        queue->fd = socket_open(address, &o->peer, o->connected);
    } else {
        queue->wire = calloc(1, sizeof *queue->wire);
        if (!queue->wire)
            die("out of memory");
        wire_open(queue->wire, &address, &o->peer, net->tls);
        queue->fd = queue->wire->fd;
    }
    for (unsigned i = 0; i < NET_BATCH; i++) {
        queue->headers[i].msg_hdr = (struct msghdr){.msg_iov = &queue->parts[i], .msg_iovlen = 1};
        if (!o->connected) {
            queue->headers[i].msg_hdr.msg_name = &queue->to[i];
            queue->headers[i].msg_hdr.msg_namelen = sizeof queue->to[i];
        }
    }
}

/* Asking each of a thousand connections would cost more than what they carry. And so many are not
 * accepted all at once: who called a phone whose connection still waits would not reach it. */
static void watch(struct net *net)
{
    net->epoll_fd = -1;
    if (!net->queues[0].wire || net->sources < MANY)
        return;
    for (unsigned s = 0; s < net->sources && !net->tls; s++)
        wire_ping(net->queues[s].wire);
    for (unsigned s = 0; s < net->sources && !net->tls; s++)
        wire_await_pong(net->queues[s].wire);
    net->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (net->epoll_fd < 0)
        die("epoll: %s", strerror(errno));
    for (unsigned s = 0; s < net->sources; s++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = s};
        if (epoll_ctl(net->epoll_fd, EPOLL_CTL_ADD, net->queues[s].fd, &event) < 0)
            die("epoll: %s", strerror(errno));
    }
}

void net_look(struct net *net)
{
    struct epoll_event events[NET_SOURCES_MAX];
    int n = net->epoll_fd < 0 ? 0 : epoll_wait(net->epoll_fd, events, NET_SOURCES_MAX, 0);
    for (int i = 0; i < n; i++)
        net->ready[events[i].data.u32] = true;
}

struct net *net_open(const struct net_options *options)
{
    struct net *net = calloc(1, sizeof *net + options->sources * sizeof net->queues[0]);
    if (!net)
        die("out of memory");
    net->sources = options->sources;
    net->peer = options->peer;
    if (options->transport == NET_TLS && !(net->tls = SSL_CTX_new(TLS_client_method())))
        die("no TLS context");
    for (unsigned i = 0; i < NET_BATCH; i++) {
        net->parts[i] = (struct iovec){net->buffers[i], NET_SIZE};
        net->headers[i].msg_hdr = (struct msghdr){.msg_iov = &net->parts[i], .msg_iovlen = 1};
    }
    for (unsigned s = 0; s < options->sources; s++) {
        queue_open(net, &net->queues[s], options, s);
        net->polls[s] = (struct pollfd){.fd = net->queues[s].fd, .events = POLLIN};
    }
    watch(net);
    return net;
}

static void queue_close(struct queue *queue)
{
    if (queue->wire) {
        wire_close(queue->wire);
        free(queue->wire);
    } else {
        close(queue->fd);
    }
}

void net_close(struct net *net)
{
    for (unsigned s = 0; s < net->sources; s++)
        queue_close(&net->queues[s]);
    if (net->epoll_fd >= 0)
        close(net->epoll_fd);
    SSL_CTX_free(net->tls);
    free(net);
}

static void queue_flush(struct net *net, struct queue *queue)
{
    unsigned done = 0;
    for (; queue->wire && done < queue->count; done++)
        wire_send(queue->wire, queue->parts[done].iov_base, queue->parts[done].iov_len);
    while (done < queue->count) {
        int n = sendmmsg(queue->fd, queue->headers + done, queue->count - done, 0);
        if (n > 0) {
            done += (unsigned)n;
        } else if (errno != EINTR) {
            /* A full buffer or a port that is gone (ICMP): this datagram is lost, as it may be on a
             * network. */
            net->refused++;
            done++;
        }
    }
    queue->count = 0;
}

struct text net_buffer(struct net *net, unsigned source)
{
    struct queue *queue = &net->queues[source];
    if (queue->count == NET_BATCH)
        queue_flush(net, queue);
    return text_init(queue->buffers[queue->count], NET_SIZE);
}

size_t net_send(struct net *net, unsigned source, const struct text *text,
                const struct sockaddr_in *to)
{
    struct queue *queue = &net->queues[source];
    if (text->full)
        die("a message does not fit into %d bytes", NET_SIZE);
    queue->parts[queue->count] = (struct iovec){text->start, text_len(text)};
    queue->to[queue->count] = to ? *to : net->peer;
    queue->count++;
    return text_len(text);
}

void net_flush(struct net *net)
{
    for (unsigned s = 0; s < net->sources; s++)
        queue_flush(net, &net->queues[s]);
}

unsigned net_receive(struct net *net, unsigned source, struct net_datagram ret_datagrams[NET_BATCH])
{
    if (net->epoll_fd >= 0 && !net->ready[source])
        return 0;
    if (net->queues[source].wire) {
        unsigned count = wire_receive(net->queues[source].wire, source, ret_datagrams);
        net->ready[source] = count == NET_BATCH;
        return count;
    }
    int n = recvmmsg(net->queues[source].fd, net->headers, NET_BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++)
        ret_datagrams[i] = (struct net_datagram){net->buffers[i], net->headers[i].msg_len, source};
    return n > 0 ? (unsigned)n : 0;
}

void net_wait(struct net *net, uint64_t timeout)
{
    struct timespec ts = {(time_t)(timeout / SECOND), (long)(timeout % SECOND)};
    ppoll(net->polls, net->sources, &ts, NULL);
}

uint64_t net_refused(const struct net *net)
{
    return net->refused;
}
