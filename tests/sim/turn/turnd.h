/* The STUN and TURN server on a simulated host: the real services on every worker of a mesh. */
#ifndef SIM_TURN_TURND_H
#define SIM_TURN_TURND_H

#include "service/stun/stun.h"
#include "service/turn/turn.h"
#include "sim/world/world.h"

#define TURND_WORKERS_MAX 4
#define TURND_USER        "alice"
#define TURND_PASSWORD    "secret"

struct turnd;

struct turnd_worker {
    struct turnd *turnd;
    struct loop *loop;
    struct stun_server *stun;
    struct turn_credentials *credentials;
    struct turn *turn;
    struct stun_server_turn hook;
};

struct turnd {
    struct sim_host *host;
    struct address address; /* UDP and TCP */
    struct log log;
    struct mesh *mesh;
    struct turn_config config;
    struct stun_server_config stun;
    struct turn_ports *ports;
    struct turn_quota *quota;
    struct turnd_worker workers[TURND_WORKERS_MAX];
    unsigned count;
};

/* Serves at once; aborts when it cannot. */
void turnd_start(struct turnd *turnd, struct sim_host *host, unsigned workers);
void turnd_stop(struct turnd *turnd);
/* A number of all workers. */
int64_t turnd_metric(const struct turnd *turnd, enum turn_metric which);
/* Relayed addresses that are bound now. */
unsigned turnd_bound(const struct turnd *turnd);

#endif
