#include "net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static void prepare(struct net_batch *batch)
{
    for (unsigned i = 0; i < NET_BATCH; i++) {
        batch->parts[i] = (struct iovec){batch->buffers[i], NET_SIZE};
        batch->messages[i].msg_hdr = (struct msghdr){.msg_name = &batch->addresses[i],
                                                     .msg_namelen = sizeof batch->addresses[i],
                                                     .msg_iov = &batch->parts[i],
                                                     .msg_iovlen = 1,
                                                     .msg_control = &batch->controls[i],
                                                     .msg_controllen = sizeof batch->controls[i]};
    }
}

void net_open(struct net *net)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    socklen_t length = sizeof any;
    int on = 1, size = 32 << 20;
    memset(net, 0, sizeof *net);
    net->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (net->fd < 0 || bind(net->fd, (const struct sockaddr *)&any, sizeof any) < 0 ||
        getsockname(net->fd, (struct sockaddr *)&any, &length) < 0 ||
        setsockopt(net->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) < 0)
        die("socket");
    if (setsockopt(net->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
        setsockopt(net->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (setsockopt(net->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
        setsockopt(net->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    net->port = ntohs(any.sin_port);
    prepare(&net->in);
    prepare(&net->out);
}

char *net_next(struct net *net)
{
    if (net->out.count == NET_BATCH)
        net_flush(net);
    return net->out.buffers[net->out.count];
}

void net_send(struct net *net, uint32_t host, const struct sockaddr_in *to, size_t length)
{
    struct net_batch *out = &net->out;
    struct cmsghdr *c = (struct cmsghdr *)out->controls[out->count].bytes;
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(host)};
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(c), &info, sizeof info);
    out->addresses[out->count] = *to;
    out->parts[out->count].iov_len = length;
    out->count++;
}

void net_flush(struct net *net)
{
    unsigned sent = 0;
    while (sent < net->out.count) {
        int n = sendmmsg(net->fd, net->out.messages + sent, net->out.count - sent, 0);
        if (n > 0) {
            sent += (unsigned)n;
        } else if (errno != EINTR) {
            net->failed++;
            sent++;
        }
    }
    net->out.count = 0;
}

unsigned net_receive(struct net *net)
{
    struct net_batch *in = &net->in;
    for (unsigned i = 0; i < in->count; i++) {
        in->messages[i].msg_hdr.msg_namelen = sizeof in->addresses[i];
        in->messages[i].msg_hdr.msg_controllen = sizeof in->controls[i];
    }
    int got = recvmmsg(net->fd, in->messages, NET_BATCH, MSG_DONTWAIT, NULL);
    in->count = got > 0 ? (unsigned)got : 0;
    return in->count;
}

uint32_t net_host(const struct net *net, unsigned index)
{
    struct msghdr m = net->in.messages[index].msg_hdr;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            return ntohl(info.ipi_addr.s_addr);
        }
    }
    return 0;
}
