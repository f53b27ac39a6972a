/* The registrar of one worker (RFC 3261 chapter 10, RFC 3327, RFC 3608, RFC 5626 section 6). */
#ifndef SERVICE_REGISTRAR_REGISTRAR_H
#define SERVICE_REGISTRAR_REGISTRAR_H

#include "service/authenticator/authenticator.h"
#include "service/gruu/gruu.h"
#include "service/location/location.h"

struct registrar;

struct registrar_config {
    bool auth;                  /* ask for credentials */
    bool durable;               /* location.durability commit: the 200 waits for the commit */
    uint32_t expires_default_s; /* 3,600 */
    uint32_t expires_min_s;     /* 60: below, 423 */
    uint32_t expires_max_s;     /* 86,400: above is cut */
    uint32_t flow_timer_s;      /* Flow-Timer for phones with outbound; 0: none */
    bool service_route;         /* give phones a Service-Route that leads here (RFC 3608) */
    uint32_t waiting_max;       /* registrations waiting for their commit; beyond: 503; 100,000 */
};

#define REGISTRAR_METRIC_LIST(X)                                                                   \
    X(REGISTRAR_ACCEPTED, "registrations_accepted_total", METRIC_COUNTER,                          \
      "REGISTER requests answered 200.")                                                           \
    X(REGISTRAR_REFUSED, "registrations_refused_total", METRIC_COUNTER,                            \
      "REGISTER requests answered otherwise, challenges aside.")                                   \
    X(REGISTRAR_WAITING, "registrations_waiting", METRIC_GAUGE,                                    \
      "Registrations waiting for the store.")

enum registrar_metric { REGISTRAR_METRIC_LIST(METRIC_ID) REGISTRAR_METRICS };
extern const struct metric_info registrar_metric_infos[REGISTRAR_METRICS];

/* What a registrar works with; borrowed. */
struct registrar_parts {
    struct endpoint *endpoint;
    struct authenticator *authenticator;
    struct location *location;
    const struct domains *domains;
    const uint8_t
        *gruu_key; /* GRUU_KEY bytes: secret, the same for all workers, kept over restarts */
};

int registrar_new(const struct registrar_config *config, const struct registrar_parts *parts,
                  struct registrar **ret_registrar);
void registrar_free(struct registrar *registrar);
void registrar_reload(struct registrar *registrar, const struct registrar_config *config,
                      const struct domains *domains);
const metric *registrar_metrics(const struct registrar *registrar);

/* A REGISTER for a domain of ours. */
void registrar_on_request(struct registrar *registrar, const struct endpoint_request *request);
/* The store has committed (or failed, status < 0) everything up to ticket. On the worker's own
 * thread (MAIL_STORE). */
void registrar_on_commit(struct registrar *registrar, int64_t ticket, int status);

#endif
