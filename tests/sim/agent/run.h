/* One run: a server, some phones, a network, and what happens to them, all drawn from one seed. At
 * the end everything must have ended, and the server must have let go of all of it. */
#ifndef SIM_AGENT_RUN_H
#define SIM_AGENT_RUN_H

#include "sim/agent/agent.h"
#include "sim/server/server.h"

/* What kind of trouble a run has. */
struct run_kind {
    const char *name;
    struct sim_link link;
    bool crashes;    /* of the server */
    bool deaths;     /* of phones */
    bool partitions; /* phones that are cut off for a while */
    bool resets;     /* of TCP connections */
    bool memory;     /* allocations of the server fail now and then */
    unsigned tcp;    /* thousandths of the phones speak TCP */
    unsigned nat;    /* thousandths of the phones are behind a NAT or a firewall */
    unsigned two;    /* of those: behind another one besides */
    unsigned lost;   /* thousandths of the calls that may get no final response at all */
};

extern const struct run_kind run_kinds[];
extern const size_t run_kind_count;

#define RUN_EVENTS_MAX 64

struct run;

struct run_event {
    struct sim_event event;
    struct run *run;
};

struct run {
    const struct run_kind *kind;
    struct sim_world world;
    struct sim_server server;
    struct crowd crowd;
    struct run_event events[RUN_EVENTS_MAX];
    struct sim_event crash;
    struct sim_event restart;
    struct sim_event heal;
    unsigned users;
    /* What happened, for statistics and to compare two plays of a seed. */
    uint64_t messages; /* datagrams and bytes of TCP */
    uint64_t fired;
    uint64_t orders;
};

/* False: run->crowd.failure tells what went wrong. The run is freed either way. */
bool run_play(struct run *run, const struct run_kind *kind, uint64_t seed,
              struct accounts *accounts, bool trace);

#endif
