/* Digest authentication for the services of one worker (RFC 3261 chapter 22, RFC 7616, RFC 8760):
 * who sent this request? Challenges that need no state, one shared record of used nonces. */
#ifndef SERVICE_AUTHENTICATOR_AUTHENTICATOR_H
#define SERVICE_AUTHENTICATOR_AUTHENTICATOR_H

#include "base/metric.h"
#include "service/account/account.h"
#include "service/domains/domains.h"
#include "sip/auth/check.h"
#include "stack/endpoint.h"

struct authenticator;

struct authenticator_config {
    char realm[128];
    bool md5, sha256;          /* offered, the stronger first (RFC 8760 section 2.4) */
    uint32_t nonce_lifetime_s; /* 300 */
    /* User-Agents, by their beginning, that are offered MD5 alone when both are on. Borrowed: they
     * stay until a reload brings others. */
    const struct slice *md5_only;
    unsigned md5_only_count;
};

#define AUTHENTICATOR_METRIC_LIST(X)                                                               \
    X(AUTHENTICATOR_CHALLENGES, "auth_challenges_total", METRIC_COUNTER,                           \
      "Challenges sent (401, 407).")                                                               \
    X(AUTHENTICATOR_ACCEPTED, "auth_accepted_total", METRIC_COUNTER,                               \
      "Requests with right credentials.")                                                          \
    X(AUTHENTICATOR_FAILED, "auth_failed_total", METRIC_COUNTER,                                   \
      "Requests with wrong credentials.")                                                          \
    X(AUTHENTICATOR_STALE, "auth_stale_total", METRIC_COUNTER,                                     \
      "Right credentials with a nonce too old or used before.")

enum authenticator_metric { AUTHENTICATOR_METRIC_LIST(METRIC_ID) AUTHENTICATOR_METRICS };
extern const struct metric_info authenticator_metric_infos[AUTHENTICATOR_METRICS];

/* What an authenticator works with; borrowed. */
struct authenticator_parts {
    struct endpoint *endpoint;
    struct accounts *accounts;
    const struct domains *domains;
    struct sip_replay *replay;        /* shared by all workers */
    uint8_t nonce_key[SIP_NONCE_KEY]; /* secret, the same for all workers and kept over restarts
                                         (store_secret) */
};

int authenticator_new(const struct authenticator_config *config,
                      const struct authenticator_parts *parts,
                      struct authenticator **ret_authenticator);
void authenticator_free(struct authenticator *authenticator);
void authenticator_reload(struct authenticator *authenticator,
                          const struct authenticator_config *config, const struct domains *domains);
const metric *authenticator_metrics(const struct authenticator *authenticator);

/* Are these credentials (the value of an Authorization or Proxy-Authorization line) for our realm?
 */
bool authenticator_owns(const struct authenticator *authenticator, struct slice credentials);

#define AUTHENTICATOR_AOR_MAX 512

struct authenticator_identity {
    char aor[AUTHENTICATOR_AOR_MAX]; /* canonical AOR of the account that proved itself */
    size_t aor_len;
};

/* 1: *ret_identity proved itself. 0: the request has been answered (challenge 401 or 407, 400),
 * nothing is left to do. proxy: 407 and Proxy-Authorization instead of 401 and Authorization.
 * domain: canonical, of the AOR or From that is claimed. A failure is one log line with the
 * socket's address ("auth-failure src=..."). */
int authenticator_check(struct authenticator *authenticator, const struct endpoint_request *request,
                        bool proxy, struct slice domain,
                        struct authenticator_identity *ret_identity);

#endif
