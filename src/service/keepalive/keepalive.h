/* Keeps the mappings of phones behind NATs alive: small requests over UDP, CRLFs over TCP and TLS
 * (RFC 5626 section 3.5.1 from our side), at an interval that follows what is measured
 * (service/location/pace.h). One per worker; each looks after a part of the location table. */
#ifndef SERVICE_KEEPALIVE_KEEPALIVE_H
#define SERVICE_KEEPALIVE_KEEPALIVE_H

#include "service/location/location.h"
#include "stack/endpoint.h"

struct keepalive;

struct keepalive_config {
    struct location_pace pace;
    uint32_t rate; /* pings per second of all workers together; what is over waits */
};

#define KEEPALIVE_METRIC_LIST(X)                                                                   \
    X(KEEPALIVE_PINGS, "keepalive_pings_total", METRIC_COUNTER,                                    \
      "Pings sent so that NATs keep the mappings of phones, repetitions included.")                \
    X(KEEPALIVE_BYTES, "keepalive_bytes_total", METRIC_COUNTER, "Bytes of these pings.")           \
    X(KEEPALIVE_AGAIN, "keepalive_repeated_total", METRIC_COUNTER,                                 \
      "Pings sent again for want of an answer.")                                                   \
    X(KEEPALIVE_ANSWERED, "keepalive_answered_total", METRIC_COUNTER,                              \
      "Answers to pings over UDP.")                                                                \
    X(KEEPALIVE_LOST, "keepalive_lost_total", METRIC_COUNTER,                                      \
      "Pings over UDP that were not answered.")                                                    \
    X(KEEPALIVE_UNREACHABLE, "keepalive_unreachable_total", METRIC_COUNTER,                        \
      "Phones that had answered pings and did not any more, three times in a row.")                \
    X(KEEPALIVE_RETURNED, "keepalive_returned_total", METRIC_COUNTER,                              \
      "Unreachable phones that answered again.")                                                   \
    X(KEEPALIVE_MOVED, "keepalive_moved_total", METRIC_COUNTER,                                    \
      "Phones found at another address because they answered a ping from there.")                  \
    X(KEEPALIVE_DEFERRED, "keepalive_deferred_total", METRIC_COUNTER,                              \
      "Times that pings had to wait because of nat.keepalive_rate.")

enum keepalive_metric { KEEPALIVE_METRIC_LIST(METRIC_ID) KEEPALIVE_METRICS };
extern const struct metric_info keepalive_metric_infos[KEEPALIVE_METRICS];

/* What it works with; borrowed. */
struct keepalive_parts {
    struct endpoint *endpoint;
    struct location *location;
    unsigned workers;
};

int keepalive_new(const struct keepalive_config *config, const struct keepalive_parts *parts,
                  struct keepalive **ret_keepalive);
/* NULL is accepted. */
void keepalive_free(struct keepalive *keepalive);
/* The pace is set for all workers by the first one that is told. */
void keepalive_reload(struct keepalive *keepalive, const struct keepalive_config *config);
const metric *keepalive_metrics(const struct keepalive *keepalive);

/* A response that belongs to no transaction came along flow. False: it answers no ping. */
bool keepalive_on_response(struct keepalive *keepalive, const struct sip_message *response,
                           const struct flow *flow);

#endif
