/* The queue of datagrams that wait to be sent, for udp_queue.c and udp_send.c only.
 *
 * Datagrams of one length to one address form a group, which the system takes as one buffer and
 * cuts up itself (UDP_SEGMENT): the way down the network stack is gone once per group instead of
 * once per datagram. Groups leave in the order in which they were begun. A datagram joins one only
 * if it overtakes none of its own order by that (loop_order). While somebody captures packets on
 * this host there are no groups: he would see each as one datagram. */
#ifndef LOOP_UDP_OUTPUT_H
#define LOOP_UDP_OUTPUT_H

#include "loop/udp_private.h"

#define UDP_QUEUE_DATAGRAMS 1024u /* more than a turn sends only while the socket is blocked */
#define UDP_QUEUE_BYTES     ((size_t)2 << 20)
#define UDP_QUEUE_TURN      128u  /* so many are sent before the turn ends */
#define UDP_GROUP_LIMIT     64u   /* datagrams: what every kernel with UDP_SEGMENT takes */
#define UDP_SEGMENT_LIMIT   1400u /* bytes: larger ones may be larger than the way's MTU */
#define UDP_OPEN_GROUPS     64u
#define UDP_ORDERS          256u

/* Room for one IP_PKTINFO or IPV6_PKTINFO, and for UDP_SEGMENT behind it. */
union udp_send_control {
    size_t align; /* that of struct cmsghdr */
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
};

struct udp_datagram {
    struct iovec part;
    uint16_t next; /* of its group; the last one's is not set */
};

struct udp_group {
    struct address remote; /* in the form that the socket takes */
    union udp_send_control control;
    uint16_t control_length; /* of the source address alone; 0: none */
    uint16_t first;          /* datagrams */
    uint16_t last;
    uint16_t count;
    uint16_t size; /* of each datagram, if more may join; else 0 */
    bool separate; /* the system did not take them together */
};

/* Groups [sent, group_count) wait. Room is taken again once all have gone. */
struct udp_output {
    unsigned count; /* datagrams */
    unsigned group_count;
    unsigned sent;
    unsigned message_count; /* of messages, in the call under way */
    size_t used;            /* of bytes */
    /* By address and size: the last group begun. By order: one more than the last group that took
     * one. What they say is checked against the group, so that they may be stale. */
    uint16_t open[UDP_OPEN_GROUPS];
    uint16_t orders[UDP_ORDERS];
    struct udp_datagram datagrams[UDP_QUEUE_DATAGRAMS];
    struct udp_group groups[UDP_QUEUE_DATAGRAMS];
    struct mmsghdr messages[UDP_BATCH];
    struct iovec parts[UDP_QUEUE_DATAGRAMS];
    char bytes[UDP_QUEUE_BYTES];
};

/* Has the system refused to send to this address within the last second? */
bool udp_failed_lately(struct udp *udp, const struct address *remote);

#endif
