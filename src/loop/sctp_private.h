/* Associations as their own files know them.
 *
 *   sctp.c          what users call: send, close, find, counts
 *   sctp_packet.c   headers and checksums
 *   sctp_wire.c     what carries packets: UDP sockets and (sctp_raw.c) raw sockets
 *   sctp_listen.c   listeners
 *   sctp_input.c    from the wire into the stack
 *   sctp_output.c   from the stack to the wire
 *   sctp_stack.c    the library: start, options, notifications, time, end
 *   sctp_table.c    associations by slot, path and remote address; counts per source
 *   sctp_life.c     events for the user, closing, time-outs
 *   sctp_far.c      associations as workers other than 0 see them
 *
 * The library knows peers by port alone. Each path (listener, remote address, UDP port, SCTP port)
 * gets a slot; packets go in with the slot as source port and the listener's number as destination
 * port, and come out the other way round. So any number of addresses, ports and families share one
 * stack, strangers cost no memory before their cookie comes back, and no address is registered. */
#ifndef LOOP_SCTP_PRIVATE_H
#define LOOP_SCTP_PRIVATE_H

#include "base/pool.h"
#include "base/table.h"
#include "loop/loop_private.h"
#include "loop/sctp.h"
#include "loop/sctp_packet.h"
#include "loop/udp.h"

struct socket; /* the library's */

#define ASSOC_SLOTS       65536u      /* slot 0 is unused */
#define ASSOC_CANDIDATES  8u          /* slots that a path may have */
#define ASSOC_CONNECTION  0x80000000u /* in flow.connection: not a stream's */
#define ASSOC_FAR         0x40000000u /* and this: a name that another worker gave it */
#define ASSOC_GENERATIONS INT32_MAX
#define ASSOC_STRANGERS   5000u /* packets of strangers per second, and as many cookies */

enum assoc_state {
    ASSOC_TENTATIVE,  /* a COOKIE ECHO is being looked at */
    ASSOC_CONNECTING, /* our INIT is out */
    ASSOC_IS_OPEN,
    ASSOC_CLOSING, /* SHUTDOWN, by either side */
    ASSOC_ENDED    /* on_close is due */
};

struct assoc_wire {
    struct assocs *owner;
    struct list node;
    struct address local; /* our address and UDP port (0: raw) */
    struct udp *udp;      /* owned; NULL: raw */
    int fd;               /* raw; owned */
    uv_poll_t poll;       /* on fd */
    struct list ready;
    unsigned users;
};

struct assoc_listener {
    struct assocs *owner;
    struct list node;
    struct assoc_options options; /* no limit is zero */
    struct address local;         /* with the SCTP port */
    struct assoc_wire *wire;      /* NULL on workers other than 0 */
    struct socket *socket;        /* the library's; NULL there */
    uint16_t number;              /* its port inside the library */
};

/* Where a packet came from, or goes to. */
struct assoc_path {
    struct assoc_listener *listener;
    struct address local;  /* ours, with the SCTP port */
    struct address remote; /* with the UDP port, 0 on raw IP */
    uint16_t port;         /* SCTP port of the peer */
};

struct assoc_source {
    struct table_node node;
    struct address host; /* port 0; IPv6: the /64 */
    uint32_t count;
};

struct assoc {
    struct assocs *owner;
    struct assoc_path path;
    struct flow flow;
    struct table_node by_path;
    struct table_node by_remote;
    bool found; /* in by_path */
    bool named; /* in by_remote */
    bool accepted;
    bool counted; /* in ASSOC_OPEN */
    bool busy;    /* queued messages may wait */
    bool broken;  /* a message was lost for want of memory */
    uint8_t state;
    uint8_t reason; /* enum stream_reason, from ASSOC_CLOSING on */
    uint16_t slot;
    uint32_t id;        /* the library's */
    uint32_t local_tag; /* verification tag of what the peer sends */
    struct assoc_source *source;
    struct list ended;
    struct list names; /* struct assoc_name: what other workers call it */
    struct timer timer;
    char *partial; /* owned: the message so far, when the library hands it out in parts */
    uint32_t partial_length;
    uint64_t entered_ms;  /* when the state was entered */
    uint64_t active_ms;   /* last message in or out */
    uint64_t progress_ms; /* last time that what waits grew less than what was sent */
    uint64_t looked_ms;   /* last time that was looked at */
    uint32_t waiting;     /* chunks and messages not acknowledged, when last looked */
    uint32_t sent_since;  /* messages since then */
};

struct assoc_name {
    struct list node;
    uint32_t connection;
    uint32_t generation;
    uint8_t worker;
};

/* What the library told us, in order; the user hears of it when the library has returned. */
struct assoc_event {
    struct list node;
    struct assoc *assoc;
    enum { ASSOC_EVENT_MESSAGE, ASSOC_EVENT_TOO_LONG, ASSOC_EVENT_OPEN, ASSOC_EVENT_RESTART } what;
    char *data; /* the library's malloc */
    size_t length;
};

struct assocs {
    struct loop *loop; /* borrowed */
    bool started;      /* the library is */
    bool delivering;
    struct list wires;
    struct list ready; /* raw wires */
    struct list listeners;
    struct assoc **slots;  /* owned */
    uint32_t *generations; /* owned */
    uint32_t used;
    uint16_t numbers; /* of listeners */
    struct table by_path;
    struct table by_remote;
    struct table sources;
    struct pool pool;
    struct pool source_pool;
    struct pool name_pool;
    struct pool event_pool;
    struct list events;
    struct list ended;
    struct timer tick;
    uint64_t ticked_ms;
    uint64_t seed;
    struct hash_key key; /* of slots */
    uint16_t stranger;   /* the slot whose packets go to stranger_path; 0: none */
    struct assoc_path stranger_path;
    uint64_t stranger_second; /* of strangers_left */
    uint32_t strangers_left;
    uint32_t cookies_left; /* the same: a flood of INITs keeps no cookie out */
    uint32_t input_tag;    /* of the packet that is being taken */
    struct assoc_far *far; /* owned; workers other than 0 */
    uint64_t counts[ASSOC_COUNTS];
    uint8_t scratch[ASSOC_PACKET_MAX];
};

/* sctp.c */
/* The loop's own, made when first asked for; NULL: memory is out. */
struct assocs *assocs_of(struct loop *loop);
/* Own, and open or opening; else NULL. */
struct assoc *assoc_of_flow(struct assocs *assocs, const struct flow *flow);
int assoc_queue(struct assoc *assoc, struct slice data);

/* sctp_table.c */
/* The first of the path's slots from *from on that is free; *from is then the next one to try.
 * ERR_LIMIT. */
int assoc_slot(const struct assocs *assocs, const struct assoc_path *path, unsigned *from,
               uint16_t *ret_slot);
/* ERR_NO_MEMORY. */
int assoc_add(struct assocs *assocs, const struct assoc_path *path, uint16_t slot,
              struct assoc **ret_assoc);
/* Frees it; the library must be done with it. */
void assoc_destroy(struct assoc *assoc);
struct assoc *assoc_by_path(const struct assocs *assocs, const struct assoc_path *path);
struct assoc *assoc_by_remote(const struct assocs *assocs, const struct address *remote);
/* Packets of its path are a stranger's from now on. */
void assoc_unpath(struct assoc *assoc);
void assoc_name(struct assoc *assoc);
void assoc_unname(struct assoc *assoc);
/* The peer sends from another UDP port now (RFC 6951 section 5.4). */
void assoc_move(struct assoc *assoc, const struct address *remote);
uint32_t assoc_source_count(const struct assocs *assocs, const struct address *remote);
int assoc_source_enter(struct assoc *assoc);
void assoc_source_leave(struct assoc *assoc);
/* Next generation of its slot. */
void assoc_renew(struct assoc *assoc);

/* sctp_wire.c; a raw wire's socket in sctp_raw.c */
int assoc_wire_get(struct assocs *assocs, const struct address *local,
                   const struct assoc_options *options, struct assoc_wire **ret_wire);
void assoc_wire_put(struct assoc_wire *wire);
void assoc_wire_send(struct assoc_wire *wire, const struct assoc_path *path, struct slice packet);
/* Errors as udp_open. */
int assoc_raw_open(struct assoc_wire *wire, const struct assoc_options *options);
/* Frees the wire, a little later. */
void assoc_raw_close(struct assoc_wire *wire);
void assoc_raw_send(struct assoc_wire *wire, const struct assoc_path *path, struct slice packet);
/* A bounded number of packets. */
void assoc_raw_receive(struct assoc_wire *wire);

/* sctp_input.c */
void assoc_on_packet(struct assoc_wire *wire, const struct address *local,
                     const struct address *remote, struct slice packet);

/* sctp_output.c */
/* The library's conn_output. */
int assoc_output(void *address, void *buffer, size_t length, uint8_t tos, uint8_t df);

/* sctp_stack.c */
int assoc_stack_start(struct assocs *assocs);
void assoc_stack_end(struct assocs *assocs);
/* A socket of the library for a listener. ERR_NO_MEMORY, ERR_IO. */
int assoc_stack_open(struct assoc_listener *listener);
/* For associations made from now on. */
void assoc_stack_set_limits(struct assoc_listener *listener);
void assoc_stack_close(struct assoc_listener *listener);
/* Its time is ours from now on: what it starts starts now. */
void assoc_stack_advance(struct assocs *assocs);
void assoc_stack_input(struct assoc_listener *listener, uint16_t slot, size_t length);
int assoc_stack_connect(struct assoc *assoc);
/* ERR_LIMIT, ERR_CLOSED. */
int assoc_stack_send(struct assoc *assoc, struct slice data);
void assoc_stack_shut_down(struct assoc *assoc);
void assoc_stack_abort(struct assoc *assoc);
/* Chunks and messages that are not acknowledged. */
uint32_t assoc_stack_waiting(struct assoc *assoc);

/* sctp_life.c */
void assoc_push(struct assoc *assoc, int what, char *data, size_t length);
/* Tells the user what has happened. */
void assocs_deliver(struct assocs *assocs);
void assoc_opened(struct assoc *assoc);
/* SHUTDOWN came. */
void assoc_peer_shuts(struct assoc *assoc);
/* SHUTDOWN goes out when all is sent. */
void assoc_shut(struct assoc *assoc, enum stream_reason reason);
/* ABORT goes out. */
void assoc_fail(struct assoc *assoc, enum stream_reason reason);
/* The library is done with it; on_close is due. */
void assoc_end(struct assoc *assoc, enum stream_reason reason);
/* Frees it and what the user has not heard of yet; without callbacks. */
void assoc_forget(struct assoc *assoc);
void assoc_on_timer(struct timer *timer);
void assoc_watch(struct assoc *assoc);

/* sctp_far.c */
int assoc_far_connect(struct assoc_listener *listener, const struct address *remote,
                      struct flow *ret_flow);
int assoc_far_find(struct assocs *assocs, const struct address *remote, struct flow *ret_flow);
int assoc_far_send(struct assocs *assocs, const struct flow *flow, struct slice data);
bool assoc_far_alive(struct assocs *assocs, const struct flow *flow);
void assoc_far_free(struct assocs *assocs);
/* On worker 0: those that gave it names are told that it is gone. */
void assoc_far_closed(struct assoc *assoc);
/* Takes mail from now on. ERR_NO_MEMORY. */
int assoc_far_start(struct assocs *assocs);

static inline uint64_t assocs_now(const struct assocs *assocs)
{
    return assocs->loop->now_ms;
}

#endif
