/* A STUN server and a machine that finds out what it is behind, in the simulated world: the pure
 * machine of stun/discovery on simulated sockets. */
#ifndef SIM_STUN_FINDER_H
#define SIM_STUN_FINDER_H

#include "sim/world/udp_net.h"
#include "stun/discovery.h"

#define STUND_SOCKETS 4

/* Two addresses by two ports (RFC 5780 section 6), or one socket. */
struct stund {
    struct sim_host *host;
    struct sim_udp sockets[STUND_SOCKETS];
    struct address first; /* Da:Dp */
    struct address other; /* Ca:Cp */
    bool one;
    bool ignores_change; /* as some servers do: the answer comes from the first socket */
};

void stund_open(struct stund *stund, struct sim_host *host, bool one);
void stund_close(struct stund *stund);

struct finder;

struct finder_socket {
    struct finder *finder;
    enum discovery_socket number;
    struct sim_udp udp;
};

struct finder_test {
    struct finder *finder;
    enum discovery_test test;
    struct sim_event event; /* the next transmission, or the end */
    unsigned sent;
    uint64_t start_us;
    struct address to;
    struct stun_probe probe;
};

struct finder {
    struct sim_world *world;
    struct discovery discovery;
    struct finder_socket sockets[DISCOVERY_SOCKETS];
    struct finder_test tests[DISCOVERY_TESTS];
    unsigned sent; /* datagrams */
    bool over;
};

/* Begins; it goes on while the world runs. */
void finder_start(struct finder *finder, struct sim_host *host, const struct address *server);
void finder_close(struct finder *finder);

#endif
