/* One worker: a thread with its loop, its endpoint and its services. */
#ifndef APP_SERVER_WORKER_H
#define APP_SERVER_WORKER_H

#include "app/server/commits.h"
#include "app/server/settings.h"
#include "service/dispatch/dispatch.h"
#include "service/keepalive/keepalive.h"
#include "service/stun/stun.h"
#include "service/turn/turn.h"

struct worker;

/* What all workers share. Borrowed; the same object for all of them, it stays. */
struct worker_shared {
    struct log *log;
    struct mesh *mesh;
    unsigned count;  /* of workers */
    unsigned sender; /* the place in the mesh of the thread that calls worker_... below */
    struct commits *commits;
    struct location *location;
    struct accounts *accounts;
    struct sip_replay *replay;
    struct health *health;
    struct turn_quota *turn_quota;
    struct turn_ports *turn_ports; /* NULL: nothing is relayed */
    uint8_t nonce_key[SIP_NONCE_KEY];
    struct hash_key token_key;
    uint8_t gruu_key[GRUU_KEY];
    struct turn_credential_secret turn_secret;
    uint32_t run; /* proxy_parts.run */
    /* The worker's thread has left its loop. On that thread. */
    void (*on_end)(void *user);
    void *user;
};

/* Opens the loop and the listeners of config. *ret_failed is the listener that could not be opened
 * (ERR_EXISTS, ERR_DENIED, ERR_IO from there). */
int worker_new(const struct worker_shared *shared, unsigned index,
               const struct endpoint_config *config, unsigned *ret_failed,
               struct worker **ret_worker);
/* Opens the STUN sockets, if there are any. *ret_failed is the address that could not be opened. */
int worker_open_stun(struct worker *worker, const struct stun_server_config *config,
                     struct address *ret_failed);
/* Makes the services. settings must stay until worker_settings says another. */
int worker_equip(struct worker *worker, const struct settings *settings);
/* Starts the thread. ERR_NO_MEMORY. */
int worker_start(struct worker *worker);
/* Waits for the thread, if there is one, and frees all. NULL is accepted. */
void worker_free(struct worker *worker);

/* ---- From the controlling thread, while it runs ---- */

/* Asks the worker to go over to settings; worker_settings says when it has. ERR_LIMIT. */
int worker_reload(struct worker *worker, const struct settings *settings);
/* New requests are refused from now on; worker_drained says when nothing is under way any more.
 * ERR_LIMIT. */
int worker_drain(struct worker *worker);
/* What turn_list says of the worker: allocations after a number. Waits for the worker,
 * WORKER_ASK_MS at most. ERR_LIMIT, ERR_NO_MEMORY, ERR_TIMEOUT. */
int worker_relays(struct worker *worker, uint64_t after, struct turn_relay_info *ret_infos,
                  unsigned max, unsigned *ret_count);
#define WORKER_ASK_MS 2000
/* The thread ends at once. */
void worker_stop(struct worker *worker);

/* ---- Any thread ---- */

const struct settings *worker_settings(const struct worker *worker);
bool worker_drained(const struct worker *worker);
unsigned worker_busy_permille(const struct worker *worker);
/* Of a STUN listener. */
struct address worker_stun_address(const struct worker *worker, unsigned listener);
struct address worker_listener_address(const struct worker *worker, unsigned listener);

enum worker_metrics {
    WORKER_METRICS_ENDPOINT,
    WORKER_METRICS_AUTHENTICATOR,
    WORKER_METRICS_REGISTRAR,
    WORKER_METRICS_PROXY,
    WORKER_METRICS_DNS,
    WORKER_METRICS_STUN,
    WORKER_METRICS_TURN,
    WORKER_METRICS_TURN_CREDENTIAL,
    WORKER_METRICS_KEEPALIVE,
    WORKER_METRIC_TABLES
};
struct worker_metric_table {
    const struct metric_info *infos;
    size_t count;
};
/* The table of a kind. */
struct worker_metric_table worker_metric_table(enum worker_metrics which);
/* The worker's own numbers of that table. */
const metric *worker_metric_set(const struct worker *worker, enum worker_metrics which);

#endif
