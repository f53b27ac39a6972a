/* One UDP socket that plays many hosts of 127.0.0.0/8: each datagram has a source address of its
 * own (IP_PKTINFO), and is sent and received in batches. */
#ifndef TURNLOAD_NET_H
#define TURNLOAD_NET_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { NET_BATCH = 64, NET_SIZE = 2048 };

struct net_control {
    _Alignas(8) char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

struct net_batch {
    struct mmsghdr messages[NET_BATCH];
    struct iovec parts[NET_BATCH];
    struct sockaddr_in addresses[NET_BATCH]; /* of the far end */
    struct net_control controls[NET_BATCH];
    char buffers[NET_BATCH][NET_SIZE];
    unsigned count;
};

struct net {
    int fd;
    uint16_t port;
    uint64_t failed; /* datagrams that the system did not take */
    struct net_batch in, out;
};

/* host and to in host order; bytes is a buffer of NET_SIZE for the caller to fill: see net_send. */
void net_open(struct net *net);
/* Where the next datagram is to be written; flushes when there is no room. */
char *net_next(struct net *net);
/* Queues what was written there: length bytes from host (ours) to an address. */
void net_send(struct net *net, uint32_t host, const struct sockaddr_in *to, size_t length);
void net_flush(struct net *net);
/* Up to NET_BATCH datagrams into net->in; returns how many. */
unsigned net_receive(struct net *net);
/* The address of ours that a received datagram was sent to, in host order. */
uint32_t net_host(const struct net *net, unsigned index);

#endif
