/* SCTP associations (RFC 9260) for SIP (RFC 4168), over UDP encapsulation (RFC 6951) or raw IP.
 * One message is one SIP message, sent unordered on stream 0; messages come on any stream. The
 * stack is usrsctp, which is global to the process, so all associations belong to worker 0; other
 * workers reach them through the mesh, with the same calls. sctp.md tells how. The prefix is assoc_
 * because the library exports some 300 names that begin with sctp_. */
#ifndef LOOP_SCTP_H
#define LOOP_SCTP_H

#include "loop/loop.h"
#include "loop/stream.h" /* enum stream_reason */

#define ASSOC_UDP_PORT 9899 /* RFC 6951 section 7 */

struct assoc_listener;

struct assoc_handler {
    /* A whole message. Negative ends the association by ABORT (STREAM_BAD_INPUT). May send on and
     * close its own flow. */
    int (*on_message)(void *user, const struct flow *flow, struct slice message);
    /* The association is up; also when the peer began anew (RFC 9260 section 5.2): the old flow was
     * closed before. May be NULL. */
    void (*on_open)(void *user, const struct flow *flow, bool accepted);
    /* The last call for this flow; also when a connect fails. May be NULL. */
    void (*on_close)(void *user, const struct flow *flow, enum stream_reason reason);
    void *user;
};

/* Zero in a field means the default. */
struct assoc_limits {
    uint32_t associations;  /* default 10,000, at most 50,000; beyond: ABORT */
    uint32_t per_source;    /* accepted, per source address (IPv6: /64); default 1,000 */
    uint32_t message;       /* bytes of a message; default and most 128 KiB; beyond: ABORT */
    uint32_t send_queue;    /* bytes per association; default and most 192 KiB; beyond: ERR_LIMIT */
    uint32_t connect_ms;    /* default 5,000 */
    uint32_t idle_ms;       /* no message in or out; default 900,000 */
    uint32_t heartbeat_ms;  /* while idle (RFC 9260 section 8.3); default 10,000 */
    uint32_t send_stall_ms; /* queued messages make no progress; default 10,000 */
};

struct assoc_options {
    bool udp;             /* encapsulated (RFC 6951), else raw IP (needs CAP_NET_RAW) */
    bool v6_only;         /* listening on the IPv6 wildcard: leave IPv4 alone */
    uint16_t listener;    /* copied into flows */
    uint16_t udp_port;    /* ours; 0: the system chooses */
    uint16_t remote_port; /* UDP port of peers that we connect to; 0: 9899 */
    struct assoc_limits limits;
    struct assoc_handler handler;
};

enum {
    ASSOC_ACCEPTED,
    ASSOC_CONNECTED,
    ASSOC_REFUSED_LIMIT,
    ASSOC_REFUSED_SOURCE,
    ASSOC_REFUSED_RATE /* packets of strangers beyond so many per second */,
    ASSOC_CLOSED,
    ASSOC_OPEN /* now */,
    ASSOC_RESTARTS,
    ASSOC_SEND_LATE /* association gone */,
    ASSOC_SEND_FULL,
    ASSOC_MESSAGES_IN,
    ASSOC_MESSAGES_OUT,
    ASSOC_PACKETS_IN,
    ASSOC_PACKETS_OUT,
    ASSOC_BAD_PACKETS /* too short, or the checksum is wrong */,
    ASSOC_NO_LISTENER /* for a port that nobody listens on */,
    ASSOC_COUNTS
};

/* Listens on an address and SCTP port (0: one is chosen). Listeners of one address share the UDP
 * port, or the raw socket. On workers other than 0 nothing is opened: it only says how they
 * connect. Errors: as udp_open; ERR_DENIED also when raw sockets are not permitted; ERR_EXISTS. */
int assoc_listen(struct loop *loop, const struct address *local,
                 const struct assoc_options *options, struct assoc_listener **ret_listener);
/* With the port that was chosen. */
struct address assoc_listener_local(const struct assoc_listener *listener);
/* Our encapsulation port; 0 for raw IP and on workers other than 0. */
uint16_t assoc_listener_udp_port(const struct assoc_listener *listener);
/* From now on; also for associations that exist, whose queue and heartbeats stay as they are. */
void assoc_listener_set_limits(struct assoc_listener *listener, const struct assoc_limits *limits);
/* Aborts the listener's associations, without callbacks. NULL is accepted. */
void assoc_listener_close(struct assoc_listener *listener);

/* Starts an association from the listener's own port, so that either end finds it again; what is
 * sent meanwhile waits for it. The flow is valid at once; on_open or on_close follows. remote's
 * port is the SCTP port. Errors: ERR_LIMIT, ERR_UNREACHABLE, ERR_IO. */
int assoc_connect(struct assoc_listener *listener, const struct address *remote,
                  struct flow *ret_flow);
/* An open (or opening) association with remote that this worker knows, whoever made it.
 * ERR_NOT_FOUND. */
int assoc_find(struct loop *loop, const struct address *remote, struct flow *ret_flow);
/* Sends one message (copied). From another worker: posted, errors there close or count. Errors:
 * ERR_CLOSED (gone), ERR_LIMIT (queue full, or longer than it). */
int assoc_send(struct loop *loop, const struct flow *flow, struct slice data);
/* Worker 0 only: what is queued is sent first, then SHUTDOWN; ABORT with STREAM_IO_ERROR,
 * STREAM_SEND_STALLED, STREAM_CONNECT_FAILED and STREAM_BAD_INPUT. on_close is called from the
 * loop, not from within. Harmless when gone. */
void assoc_close(struct loop *loop, const struct flow *flow, enum stream_reason reason);
/* Does the association exist? Flows of worker 0, asked elsewhere: unknown, true. */
bool assoc_alive(struct loop *loop, const struct flow *flow);
uint64_t assoc_count(struct loop *loop, unsigned which);

#endif
