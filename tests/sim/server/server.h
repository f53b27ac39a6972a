/* The whole server on a simulated host: endpoint, authenticator, registrar, proxy and dispatch of
 * every worker, one location and its journal. It can be stopped, killed, and started again on what
 * its disk holds. */
#ifndef SIM_SERVER_SERVER_H
#define SIM_SERVER_SERVER_H

#include "service/dispatch/dispatch.h"
#include "service/keepalive/keepalive.h"
#include "sim/server/journal.h"

#define SIM_WORKERS_MAX 4
#define SIM_DOMAIN      "example.com"
#define SIM_DOMAIN_2    "second.example.com"
#define SIM_PASSWORD    "secret"

struct sim_server_config {
    unsigned workers;
    uint16_t port;
    bool wildcard; /* listens on 0.0.0.0 and, if the host has IPv6, on [::] */
    bool via_maddr;
    bool auth_register;
    bool auth_call;
    bool durable;
    struct proxy_config proxy; /* auth is set from auth_call */
    struct sip_tx_times times;
    struct stream_limits stream;
    uint32_t nonce_lifetime_s;
    uint32_t expires_min_s;
    uint32_t flow_timer_s;
    bool service_route;
    struct keepalive_config keepalive;
};

struct sim_worker {
    struct sim_server *server;
    struct loop *loop;
    struct endpoint *endpoint;
    struct authenticator *authenticator;
    struct registrar *registrar;
    struct proxy *proxy;
    struct keepalive *keepalive;
    struct dispatch *dispatch;
    struct timer sweep;    /* the first worker's */
    struct prober *prober; /* as well */
    uint64_t idle_timers;
};

struct sim_server {
    struct sim_world *world;
    struct sim_host *host;
    struct sim_server_config config;
    struct endpoint_config endpoint;
    struct log log;
    struct address address; /* what phones send to: UDP and TCP */
    /* The disk: stays over a crash. */
    struct journal journal;
    struct accounts *accounts; /* borrowed */
    uint8_t nonce_key[SIP_NONCE_KEY];
    struct hash_key token_key;
    uint8_t gruu_key[GRUU_KEY];
    uint32_t run; /* of the process */
    /* The process: gone after a crash. */
    bool running;
    struct mesh *mesh;
    struct domains *domains;
    struct location *location;
    struct sip_replay *replay;
    struct health *health;
    struct sim_worker workers[SIM_WORKERS_MAX];
};

struct sim_server_config sim_server_config_default(void);
/* accounts: borrowed; see accounts.h. Not started yet. */
void sim_server_init(struct sim_server *server, struct sim_host *host,
                     const struct sim_server_config *config, struct accounts *accounts);
void sim_server_done(struct sim_server *server);
void sim_server_start(struct sim_server *server);
/* SIGTERM at a quiet moment: sockets are closed, the journal is written. */
void sim_server_stop(struct sim_server *server);
/* SIGTERM: what is new is refused, what is under way goes on. True when nothing is. */
bool sim_server_drain(struct sim_server *server);
/* As after a flood that has just ended: nearly all new calls are refused, fewer as time goes. */
void sim_server_flood(struct sim_server *server);
/* power_cut: the host goes with it (sim_server_start brings it back). */
void sim_server_crash(struct sim_server *server, bool power_cut);

/* What should be gone when nobody talks to the server any more: writes what is left into text, and
 * returns false when something is. */
bool sim_server_is_idle(struct sim_server *server, char *text, size_t size);
/* A number of its counters, all workers. */
int64_t sim_server_proxy_count(const struct sim_server *server, enum proxy_metric which);
int64_t sim_server_endpoint_count(const struct sim_server *server, enum endpoint_metric which);
/* Live bindings of "sip:user@example.com". */
unsigned sim_server_bindings(struct sim_server *server, const char *user);

#endif
