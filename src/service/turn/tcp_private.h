/* What the files of the TCP relays share. */
#ifndef SERVICE_TURN_TCP_PRIVATE_H
#define SERVICE_TURN_TCP_PRIVATE_H

#include "loop/mesh.h"
#include "loop/stream.h"
#include "service/turn/tcp.h"

#define TURN_TCP_SEQUENCE_BITS 26 /* of a CONNECTION-ID; above: the worker */
#define TURN_TCP_RETRY_MS      100

/* One end of something, found by its flow. */
enum turn_end_role { TURN_END_PENDING, TURN_END_CLIENT, TURN_END_PEER };

struct turn_end {
    struct table_node node;
    struct flow flow;
    uint8_t role; /* enum turn_end_role */
};

enum turn_tcp_state {
    TURN_TCP_CONNECTING, /* a Connect waits for its answer */
    TURN_TCP_PENDING,    /* ConnectionBind is awaited */
    TURN_TCP_BOUND,      /* a worker has the pair */
    TURN_TCP_ENDING      /* the allocation has let it go; that worker is to be told yet */
};

/* A connection with a peer, at the worker of its allocation. */
struct turn_tcp_connection {
    struct table_node node; /* by id */
    struct list link;       /* of tcp->connections */
    struct turn_tcp_worker *worker;
    struct turn_tcp *tcp; /* NULL while ending */
    struct turn_end end;  /* until it is bound */
    struct timer timer;
    struct address peer;
    uint32_t id;
    uint8_t state;
    uint8_t holder; /* bound: the worker of the pair */
    /* The Connect that made it. */
    bool fingerprint;
    uint8_t transaction[STUN_ID_SIZE];
    struct turn_identity asker;
};

struct turn_tcp {
    struct turn_allocation *allocation;
    struct stream_listener *listeners[TURN_FAMILIES]; /* owned */
    struct list connections;                          /* owned */
    unsigned count;
};

enum { TURN_PAUSED_QUEUE = 1, TURN_PAUSED_QUOTA = 2 };

/* A client's data connection and a peer's, at the worker of the former. */
struct turn_tcp_pair {
    struct table_node node; /* by id */
    struct turn_tcp_worker *worker;
    struct turn_end ends[TURN_WAYS]; /* by the way of what comes from it: the client's first */
    uint8_t paused[TURN_WAYS];       /* TURN_PAUSED_... */
    bool over;                       /* both are closed; the owner is to be told yet */
    struct timer timer;              /* of quota, then of telling */
    struct turn_quota_user *quota;   /* kept */
    uint64_t bytes[TURN_WAYS];
    uint32_t id;
    uint8_t owner; /* the worker of the allocation */
};

struct turn_tcp_worker {
    struct turn *turn;
    struct table ends;        /* of struct turn_end */
    struct table connections; /* owned */
    struct table pairs;       /* owned */
    uint32_t sequence;
};

/* RFC 6062 sections 4.1, 4.3: clients come along TCP or TLS. */
static inline bool turn_tcp_is_stream(const struct flow *flow)
{
    return flow->transport == TRANSPORT_TCP || flow->transport == TRANSPORT_TLS;
}

static inline void turn_tcp_close_stream(struct turn_tcp_worker *worker, const struct flow *flow)
{
    stream_close(worker->turn->loop, flow, STREAM_CLOSED_BY_US);
}

/* ---- tcp_connection.c ---- */

struct turn_end *turn_end_find(struct turn_tcp_worker *worker, const struct flow *flow);
void turn_end_add(struct turn_tcp_worker *worker, struct turn_end *end, const struct flow *flow,
                  enum turn_end_role role);
void turn_end_remove(struct turn_tcp_worker *worker, struct turn_end *end);
struct turn_tcp_connection *turn_tcp_find(struct turn_tcp_worker *worker, uint32_t id);
/* With the next CONNECTION-ID. NULL: no memory, or the allocation has as many as it may. */
struct turn_tcp_connection *turn_tcp_connection_new(struct turn_tcp *tcp,
                                                    const struct address *peer);
/* It is bound now, or gone: its end is removed, its stream is not closed. */
void turn_tcp_connection_free(struct turn_tcp_connection *connection);
/* Section 5.5: its allocation has ended. */
void turn_tcp_connection_end(struct turn_tcp_connection *connection);

/* ---- tcp_peer.c ---- */

/* Of streams with peers, before they are bound. */
struct stream_options turn_tcp_peer_options(struct turn *turn);

/* ---- tcp_connect.c ---- */

/* Answers the Connect that made the connection; the request is gone. code: 0, or of the error
 * response. */
void turn_tcp_answer_connect(const struct turn_tcp_connection *connection, unsigned code);

/* ---- tcp_pair.c ---- */

struct turn_tcp_join {
    struct flow client;
    struct turn_quota_user *quota; /* kept; the pair drops it */
    int fd;                        /* of the peer's connection */
    uint32_t id;
    uint8_t owner;
};

/* Joins both; answer goes to the client first. Takes everything over; on errors all is closed and
 * false is returned. */
bool turn_tcp_pair_new(struct turn_tcp_worker *worker, const struct turn_tcp_join *join,
                       struct slice answer);
/* By id: its allocation has ended. */
void turn_tcp_pair_end(struct turn_tcp_worker *worker, uint32_t id);

/* ---- tcp_mail.c ---- */

/* All: ERR_LIMIT when the ring is full. To the owner: */
int turn_tcp_tell_bind(struct turn_tcp_worker *worker, unsigned owner, const struct flow *client,
                       struct slice request);
int turn_tcp_tell_over(struct turn_tcp_worker *worker, const struct turn_tcp_pair *pair);
/* To the worker of the client: */
int turn_tcp_tell_join(struct turn_tcp_worker *worker, const struct turn_tcp_join *join,
                       struct slice answer);
int turn_tcp_tell_refused(struct turn_tcp_worker *worker, const struct flow *client);
int turn_tcp_tell_end(struct turn_tcp_worker *worker, unsigned holder, uint32_t id);
/* Sets the handler of such mail. */
void turn_tcp_listen_to_mail(struct turn_tcp_worker *worker);
/* How many workers there are. */
unsigned turn_tcp_workers(const struct turn_tcp_worker *worker);

/* ---- tcp_bind.c ---- */

/* ConnectionBind at the worker of the allocation. True: joined, or handed to the client's worker;
 * false: refused. Answered either way. */
bool turn_tcp_bind(struct turn_request *request);
/* The pair of a connection has ended. */
void turn_tcp_bound_over(struct turn_tcp_worker *worker, uint32_t id,
                         const uint64_t bytes[TURN_WAYS]);

#endif
