/* The stateful proxy of one worker (RFC 3261 chapter 16, RFC 5393, RFC 6026). */
#ifndef SERVICE_PROXY_PROXY_H
#define SERVICE_PROXY_PROXY_H

#include "service/authenticator/authenticator.h"
#include "service/gruu/gruu.h"
#include "service/location/location.h"
#include "stack/health.h"
#include "stack/locate.h"

struct proxy;

#define PROXY_ROUTES_MAX 256

/* A static route: requests whose Request-URI fits go to next_hop. */
struct proxy_route {
    char prefix[64];    /* of the user part, when domain is ours or empty; empty: any */
    char domain[256];   /* of the Request-URI; empty: any of ours */
    char next_hop[256]; /* sip:host:port;transport=..., or sips: */
};

struct proxy_config {
    bool auth; /* auth.call: requests from our own domains need credentials (407) */
    bool record_route;
    bool follow_redirects; /* 3xx answers are followed (16.7 step 4) */
    uint32_t timer_c_s;    /* 180; RFC 3261 section 16.6 step 11 asks for more than 180 */
    uint32_t max_forwards; /* put in when missing: 70 */
    uint32_t max_breadth;  /* 60: RFC 5393 section 5.3.3 */
    uint32_t ring_s;       /* serial forking: how long one q group may ring; 20 */
    uint32_t
        failover_ms; /* how long a server may be silent while there are others; 0: timers B, F */
    uint32_t failover_targets; /* servers tried for one request at most; 8 */
    unsigned route_count;
    struct proxy_route routes[PROXY_ROUTES_MAX];
};

/* The static route for a URI, which is of a domain of ours or not, or NULL: the longest prefix
 * wins, then the first in the configuration. */
const struct proxy_route *proxy_config_route(const struct proxy_config *config,
                                             const struct sip_uri *uri, bool ours);
/* A number without what makes it readable: routes are looked up by this (RFC 3966 section 5.1.1).
 */
void proxy_number_write(struct writer *w, struct slice number);

#define PROXY_METRIC_LIST(X)                                                                       \
    X(PROXY_FORWARDED, "proxy_requests_forwarded_total", METRIC_COUNTER,                           \
      "Requests sent on, each branch counted.")                                                    \
    X(PROXY_CALLS, "proxy_calls_total", METRIC_COUNTER, "INVITEs that opened a call (no To tag).") \
    X(PROXY_CALLS_ANSWERED, "proxy_calls_answered_total", METRIC_COUNTER,                          \
      "Such calls answered 2xx.")                                                                  \
    X(PROXY_REFUSED, "proxy_requests_refused_total", METRIC_COUNTER,                               \
      "Requests answered by the proxy itself.")                                                    \
    X(PROXY_FAILOVERS, "proxy_failovers_total", METRIC_COUNTER,                                    \
      "Requests that went on to the next server of their domain.")                                 \
    X(PROXY_MOVED, "proxy_phones_moved_total", METRIC_COUNTER,                                     \
      "Phones behind NATs found at another address because they called from there.")               \
    X(PROXY_CONTEXTS, "proxy_response_contexts", METRIC_GAUGE, "Requests being worked on now.")

enum proxy_metric { PROXY_METRIC_LIST(METRIC_ID) PROXY_METRICS };
extern const struct metric_info proxy_metric_infos[PROXY_METRICS];

/* What a proxy works with; borrowed. */
struct proxy_parts {
    struct endpoint *endpoint;
    struct authenticator *authenticator;
    struct location *location;
    struct accounts *accounts;
    const struct domains *domains;
    struct health *health;            /* NULL: how servers do is not remembered */
    const struct locate_trace *trace; /* a dry run: every decision is told, and who From names is
                                         believed; NULL: silent */
    struct hash_key
        token_key; /* secret, the same for all workers and kept over restarts (store_secret) */
    const uint8_t *gruu_key; /* GRUU_KEY bytes, as token_key */
    uint32_t run; /* random, the same for all workers: tells the connections of this process from
                     those of an earlier one */
};

int proxy_new(const struct proxy_config *config, const struct proxy_parts *parts,
              struct proxy **ret_proxy);
/* Ends what is under way without a word. */
void proxy_free(struct proxy *proxy);
void proxy_reload(struct proxy *proxy, const struct proxy_config *config,
                  const struct domains *domains);
const metric *proxy_metrics(const struct proxy *proxy);

/* Does anything wait for an answer of DNS? */
bool proxy_waits_for_dns(const struct proxy *proxy);
void proxy_on_request(struct proxy *proxy, const struct endpoint_request *request);
void proxy_on_ack(struct proxy *proxy, const struct endpoint_request *request);
void proxy_on_cancel(struct proxy *proxy, const struct endpoint_request *request,
                     struct sip_server_tx *invite);

#endif
