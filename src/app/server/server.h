/* The running server: store, accounts, location and workers, wired together. Belongs to one
 * controlling thread; what others may read of it is marked so. */
#ifndef APP_SERVER_SERVER_H
#define APP_SERVER_SERVER_H

#include "app/outside/watch.h"
#include "app/server/commits.h"
#include "app/server/worker.h"
#include "store/store.h"

#define SERVER_WORKERS_MAX 64

/* What was found out about our outside address; counts: any thread. */
struct server_outside {
    struct outside_found found;   /* in force */
    struct outside_watch *watch;  /* owned; NULL: nothing of it can change */
    bool complained;              /* that nobody says it; not again until somebody does */
    void (*on_found)(void *user); /* of server_options */
    void *user;
    _Atomic uint64_t checks, failures, changes;
    _Atomic bool known;
};

struct server {
    struct log *log;                    /* borrowed */
    const struct config_source *source; /* borrowed: what a reload reads again */
    struct settings *settings;          /* owned: in force; its own thread only */
    struct retired *retired;            /* owned: settings that a worker may still use */
    struct store *store;                /* owned, as all below */
    struct accounts *accounts;
    struct location *location;
    struct sip_replay *replay;
    struct health *health;
    struct turn_quota *turn_quota;
    struct turn_ports *turn_ports; /* NULL: turn.enabled is off */
    struct mesh *mesh;
    struct tls *tls; /* NULL: no listener needs it */
    struct server_outside outside;
    struct commits commits;
    struct worker_shared shared;
    struct worker *workers[SERVER_WORKERS_MAX];
    unsigned worker_count;
    bool new_store;     /* nothing was there before this start */
    bool served;        /* it was started */
    uint64_t addresses; /* fingerprint of those of the interfaces */
    char store_path[4096];
    bool new_certificate;  /* made by this start */
    uint64_t started_us;   /* monotonic */
    int64_t started_ms;    /* Unix time */
    _Atomic bool draining; /* any thread */
};

struct server_options {
    struct log *log;
    const struct config_source *source;
    void (*on_worker_end)(void *user); /* on the worker's thread */
    /* There is news of our outside address: server_on_outside is to be called. On another thread.
     */
    void (*on_outside)(void *user);
    void *user;
};

/* Opens everything; nothing is served yet. Says in the log what fails and what can be done. config
 * is taken over, on errors too. */
int server_new(const struct server_options *options, struct app_config *config,
               struct server **ret_server);
/* Starts the workers. */
int server_start(struct server *server);
/* Ends the workers if they have not ended, writes what waits, frees all. NULL is accepted. */
void server_free(struct server *server);

/* Reads the configuration anew. Whole: 0. Not at all: ERR_INVALID with complaints, ERR_DENIED with
 * the keys that need a restart in complaints, or another error. */
int server_reload(struct server *server, struct config_problems *complaints);
/* Have the addresses of the interfaces changed? Then those of wildcard listeners are ours. To be
 * called now and then. */
void server_on_addresses(struct server *server);
/* Takes news of our outside address over. */
void server_on_outside(struct server *server);
/* on_outside is not called any more. */
void server_watch_end(struct server *server);
/* No new requests from now on. */
void server_drain(struct server *server);
/* Nothing is under way on any worker. */
bool server_drained(const struct server *server);
/* All workers end now. */
void server_stop(struct server *server);

/* Levels as the configuration says. Any thread. */
void server_set_log(struct log *log, const struct app_config *config);
/* Bound address of a listener (port 0 resolved). Any thread. */
struct address server_listener_address(const struct server *server, unsigned listener);
/* The sum over all workers. Any thread. */
int64_t server_metric(const struct server *server, enum worker_metrics table, unsigned which);

#endif
