/* TCP connections of the simulated world: bytes arrive whole and in order, in pieces of any size,
 * after a while; what the network loses comes late. Peers may die without a word. */
#ifndef SIM_WORLD_TCP_NET_H
#define SIM_WORLD_TCP_NET_H

#include "base/slice.h"
#include "sim/world/world.h"

struct sim_tcp;
struct sim_tcp_side;

/* One end of a connection as its owner sees it. on_end and on_error are the last calls. */
struct sim_tcp_handler {
    void (*on_open)(void *user);
    void (*on_bytes)(void *user, struct slice bytes); /* borrowed; takes all of it */
    void (*on_end)(void *user);                       /* the peer sends nothing more */
    void (*on_error)(void *user);                     /* refused, reset, or given up */
    void (*on_room)(void *user);                      /* the window is open again */
};

enum sim_tcp_state { SIM_TCP_CLOSED, SIM_TCP_OPENING, SIM_TCP_OPEN };

/* What is under way from one side to the other, in order. */
struct sim_tcp_way {
    struct sim_event arrival; /* of the first segment */
    struct list segments;
    uint64_t last_us;        /* arrival of the last one */
    uint64_t stuck_since_us; /* the first segment could not be delivered since then; 0: no */
    uint32_t tries;
};

struct sim_tcp_side {
    struct sim_tcp *tcp;
    struct list node; /* in host->sides */
    struct sim_host *host;
    struct address local;
    struct address remote;
    enum sim_tcp_state state;
    bool dead;    /* its host has forgotten the connection */
    bool ended;   /* our FIN is queued */
    bool paused;  /* takes nothing for now: the window fills */
    bool blocked; /* wants on_room */
    size_t unacked;
    struct sim_tcp_way way;                /* from this side to the other */
    const struct sim_tcp_handler *handler; /* NULL: the owner has let go */
    void *user;
};

struct sim_tcp {
    struct sim_world *world;
    struct list node;
    struct sim_tcp_side sides[2]; /* [0] has connected */
};

struct sim_listener {
    struct sim_host *host;
    struct list node;
    struct address local;
    const void *sharer;
    /* A connection has come; the owner sets its handler and user, or aborts it. */
    void (*on_accept)(void *user, struct sim_tcp_side *side);
    void *user;
};

int sim_listen(struct sim_listener *listener, struct sim_host *host, const struct address *local);
void sim_listener_close(struct sim_listener *listener);

/* The side is the caller's until on_end or on_error was called, or it closes or aborts it. */
struct sim_tcp_side *sim_tcp_connect(struct sim_host *host, const struct address *remote,
                                     const struct sim_tcp_handler *handler, void *user);
/* Takes as much as the window has room for; returns how much. The rest: after on_room. */
size_t sim_tcp_send(struct sim_tcp_side *side, struct slice bytes);
/* What is queued goes out, then FIN. The owner lets go: nothing is called any more. */
void sim_tcp_close(struct sim_tcp_side *side);
/* Reset: what is under way is lost. The owner lets go. */
void sim_tcp_abort(struct sim_tcp_side *side);
/* A paused side reads nothing until it goes on. */
void sim_tcp_pause(struct sim_tcp_side *side, bool paused);
/* The host has forgotten its connections. */
void sim_tcp_host_down(struct sim_host *host, bool power_cut);
void sim_tcps_free(struct sim_world *world);

#endif
