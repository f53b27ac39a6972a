/* UDP sockets of one worker: received in batches (recvmmsg), sent in batches at the end of the turn
 * (sendmmsg). Each worker binds its own socket to the same address (SO_REUSEPORT). A socket whose
 * buffer is full keeps up to 1,024 datagrams or 2 MiB until it is writable again. What is larger
 * than the way's MTU goes in fragments. */
#ifndef LOOP_UDP_H
#define LOOP_UDP_H

#include "loop/loop.h"
#include "loop/sift.h"

struct udp;

/* flow: transport UDP, listener as given, local address the datagram was sent to (also on wildcard
 * sockets: IP_PKTINFO), remote its source. data is borrowed for the call. */
typedef void udp_datagram_fn(void *user, const struct flow *flow, struct slice data);

struct udp_options {
    struct address local;    /* port 0: the system chooses */
    uint16_t listener;       /* copied into flows */
    unsigned receive_buffer; /* SO_RCVBUF bytes; 0: 4 MiB, cut to what the system grants */
    bool v6_only;            /* for IPv6 wildcards */
    const char *steer;       /* the mark by which workers share (loop/steer.h), or NULL; static */
    udp_datagram_fn *on_datagram;
    /* Of a batch that was received: a datagram from remote comes after ahead (2, then 1) others, so
     * that what it will need can be fetched into the caches. May be NULL. */
    void (*on_ahead)(void *user, const struct address *remote, unsigned ahead);
    void *user;
};

enum {
    UDP_RECEIVED,
    UDP_RECEIVED_BYTES,
    UDP_SENT,
    UDP_SENT_BYTES,
    UDP_SEND_DROPPED /* queue full or EAGAIN */,
    UDP_SEND_ERRORS,
    UDP_TRUNCATED,
    UDP_RECEIVE_DROPPED /* by the system: the receive buffer was full, or udp_sift */,
    UDP_COUNTS
};

/* Each worker of a mesh may open the same address; nobody else can. Errors: ERR_EXISTS (address in
 * use), ERR_DENIED, ERR_NOT_FOUND (not a local address), ERR_LIMIT (descriptors), ERR_NO_MEMORY,
 * ERR_IO. */
int udp_open(struct loop *loop, const struct udp_options *options, struct udp **ret_udp);
/* Sends what is queued, then closes. NULL is accepted. */
void udp_close(struct udp *udp);
/* With the port that the system chose. */
struct address udp_local(const struct udp *udp);
/* Copies data into the batch. local: source address to send from (wildcard sockets; NULL or
 * wildcard: the system chooses). Errors: ERR_LIMIT (larger than 65,507 or queue full),
 * ERR_UNREACHABLE (the system refused to send to that address within the last second, or it is of
 * the other family; ICMP errors on unconnected sockets are not reported). */
int udp_send(struct udp *udp, const struct address *local, const struct address *remote,
             struct slice data);
/* Datagrams to one address that are sent under the same order, from this call to the next one,
 * leave one after the other. Of different orders the later one may overtake the earlier within a
 * turn: datagrams of equal length travel together. */
void loop_order(struct loop *loop, uint64_t order);
/* About how many datagrams wait to be read. 0 while fewer come than one batch holds. *ret_fresh:
 * how many have come since this was last asked. *ret_room: about how many the receive buffer holds,
 * set when the answer is not 0. */
unsigned udp_waiting(struct udp *udp, unsigned *ret_fresh, unsigned *ret_room);
/* Datagrams that the system is to drop unread from now on (loop/sift.h); NULL: none. Where it has
 * no such filters all are read. They count as UDP_RECEIVE_DROPPED. */
void udp_sift(struct udp *udp, const struct sift *sift);
uint64_t udp_count(const struct udp *udp, unsigned which);
/* The address that the system would send from to reach remote; cached for some seconds.
 * ERR_UNREACHABLE. */
int loop_source_address(struct loop *loop, const struct address *remote, struct address *ret_local);

#endif
