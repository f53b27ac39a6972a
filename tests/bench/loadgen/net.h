/* The generator's sockets, UDP, or one TCP or TLS connection each: received and sent in batches,
 * messages written straight into the send buffers. */
#ifndef LOADGEN_NET_H
#define LOADGEN_NET_H

#include <netinet/in.h>

#include "text.h"

enum { NET_BATCH = 64, NET_SIZE = 2048, NET_SOURCES_MAX = 1024 };

struct net; /* owned by whoever opened it */

struct net_datagram {
    const char *ptr; /* valid until the next net_receive */
    size_t len;
    unsigned source;
};

enum net_transport { NET_UDP, NET_TCP, NET_TLS };

struct net_options {
    struct sockaddr_in local; /* of the first socket; the others take the ports after it */
    unsigned sources;
    struct sockaddr_in peer;
    bool connected; /* cheaper, but talks to the peer only; TCP and TLS always do */
    enum net_transport transport;
};

struct net *net_open(const struct net_options *options);
void net_close(struct net *net);

/* A buffer to write the next datagram of that source into. net_send queues it, to `to` or (NULL) to
 * the peer, and returns its size; a text that is full is a bug of the generator and ends the
 * program. */
struct text net_buffer(struct net *net, unsigned source);
size_t net_send(struct net *net, unsigned source, const struct text *text,
                const struct sockaddr_in *to);
void net_flush(struct net *net);

/* Looks which of many connections have something to receive; before each round of net_receive. */
void net_look(struct net *net);
/* Up to NET_BATCH datagrams of one source; 0 when there is none. */
unsigned net_receive(struct net *net, unsigned source,
                     struct net_datagram ret_datagrams[NET_BATCH]);

/* Sleeps until something can be received, at most for so many nanoseconds. */
void net_wait(struct net *net, uint64_t timeout);

/* Datagrams that the kernel refused to send. */
uint64_t net_refused(const struct net *net);

#endif
