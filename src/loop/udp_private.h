/* A UDP socket as its own files know it. */
#ifndef LOOP_UDP_PRIVATE_H
#define LOOP_UDP_PRIVATE_H

#include <sys/socket.h>

#include "loop/loop_private.h"
#include "loop/udp.h"

#define UDP_PAYLOAD_MAX 65507u /* RFC 768 over RFC 791 without options */
#define UDP_BATCH       64u    /* datagrams per system call */
#define UDP_FAILED      8u     /* addresses remembered as unreachable */

/* Room for one IP_PKTINFO or IPV6_PKTINFO. */
union udp_control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct udp_output;

struct udp_failure {
    struct address remote;
    uint64_t until_ms;
};

struct udp {
    struct loop *loop; /* borrowed */
    uv_poll_t poll;
    int fd;         /* owned */
    bool wildcard;  /* the local address comes with each datagram */
    bool v6;        /* an AF_INET6 socket */
    bool dual;      /* and it carries IPv4 too */
    bool closed;    /* freed when libuv lets go of poll */
    bool blocked;   /* the socket's buffer is full: wait until it is writable */
    bool unwatched; /* not polled: each turn looks for itself (udp_receive_ready) */
    uint8_t streak; /* turns in a row that had many datagrams */
    bool whole;     /* the system is told not to fragment (udp_set_whole) */
    struct flow in; /* what is the same in all flows of received datagrams */
    struct list node;
    struct list ready;
    struct list dirty;
    udp_datagram_fn *on_datagram;
    void (*on_ahead)(void *user, const struct address *remote, unsigned ahead); /* may be NULL */
    void *user;
    struct udp_output *output; /* owned; mapped, taken as it is touched */
    struct udp_failure failed[UDP_FAILED];
    uint64_t separate_until_ms; /* no groups: udp_output.h */
    unsigned failures;          /* those of failed that may still count */
    uint64_t counts[UDP_COUNTS];
    uint64_t seen_waiting; /* UDP_RECEIVED when udp_waiting was last asked */
};

int udp_output_new(struct udp_output **ret_output);
void udp_output_free(struct udp_output *output);
/* Sends until all is gone or the socket's buffer is full. */
void udp_flush(struct udp *udp);
/* Poll for writability too, or no more. */
void udp_poll(struct udp *udp, bool writable);
/* How many. */
unsigned udp_receive(struct udp *udp);
int udp_input_new(struct udp_input **ret_input);
/* Of IPv4: each datagram in one piece, or in fragments where the way's MTU is too small. The
 * system needs no Identification for those in one piece (RFC 6864 section 4.1), and to find one
 * takes it as long as a twentieth of sending. */
void udp_set_whole(struct udp *udp, bool whole);

#endif
