/* A phone with ICE's way of finding a path, in the simulated world: it learns its addresses (its
 * own, its NAT's, a relayed one), tries those of the other phone from its socket and from its
 * relay, and then speaks along the straightest that answers. */
#ifndef SIM_TURN_CALLER_H
#define SIM_TURN_CALLER_H

#include "sim/turn/client.h"
#include "sim/world/nat.h"

enum caller_way { CALLER_DIRECT, CALLER_RELAY, CALLER_WAYS };
/* SEEN: where its checks came from, when that is none of the others: its NAT's mapping for us. */
enum caller_candidate {
    CALLER_HOST,
    CALLER_MAPPED,
    CALLER_RELAYED,
    CALLER_SEEN,
    CALLER_CANDIDATES
};

struct caller {
    struct sim_world *world;
    struct sim_host *host;
    struct sim_nat nats[2]; /* from the inside out */
    enum sim_nat_kind kind; /* of both together */
    struct sim_udp udp;
    struct client client;
    struct caller *other;
    bool has[CALLER_CANDIDATES];
    struct address candidates[CALLER_CANDIDATES]; /* its own, but SEEN */
    bool has_seen[CALLER_WAYS];                   /* of the other */
    struct address seen[CALLER_WAYS];
    bool valid[CALLER_WAYS][CALLER_CANDIDATES]; /* the other one's candidates that answer */
    bool chosen;
    enum caller_way way;
    enum caller_candidate candidate;
    struct sim_event tick;
    unsigned rounds;
    unsigned said, heard; /* of the call, both ways */
    const char *failure;  /* NULL: nothing */
};

/* nats[1] may be SIM_NAT_NONE. number: of its addresses. channels: at its relay. */
void caller_open(struct caller *caller, struct sim_world *world, unsigned number,
                 const enum sim_nat_kind nats[2], const struct address *server, bool channels);
/* Both begin to look for a way to the other; each has allocated. */
void caller_connect(struct caller *a, struct caller *b);
/* Which way was found? False: none. */
bool caller_choose(struct caller *caller);
/* Is it one on which no relay is? */
bool caller_is_straight(const struct caller *caller);
/* Says something along the chosen way, and again until so many answers were due. */
void caller_talk(struct caller *caller, unsigned times, uint64_t pause_us);
/* What went wrong, or NULL. */
const char *caller_failure(const struct caller *caller);
void caller_close(struct caller *caller);

#endif
