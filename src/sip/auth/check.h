/* Does a request carry credentials that prove who sent it? RFC 3261 section 22, RFC 7616, RFC 8760.
 * userhash (RFC 7616 section 3.4.4) is never offered and not taken. */
#ifndef SIP_AUTH_CHECK_H
#define SIP_AUTH_CHECK_H

#include "base/random.h"
#include "sip/auth/challenge.h"
#include "sip/auth/digest.h"
#include "sip/auth/nonce.h"
#include "sip/auth/replay.h"
#include "sip/message/message.h"

/* HA1 of a user for an algorithm: sip_digest_size bytes and 0, or negative when there is none.
 * name is the username without quotes and backslashes. */
typedef int sip_auth_lookup(void *user, struct slice name, struct slice realm,
                            enum sip_digest_algorithm algorithm, uint8_t *ret_ha1);

struct sip_auth_options {
    struct slice realm; /* borrowed as long as the sip_auth lives */
    enum sip_digest_algorithm algorithms[SIP_DIGEST_COUNT]; /* offered and taken, best first */
    unsigned algorithm_count;                               /* 0: SHA-256, MD5 */
    uint32_t nonce_lifetime_s;                              /* 0: SIP_NONCE_LIFETIME */
    uint8_t nonce_key[SIP_NONCE_KEY];                       /* the same for all workers */
    bool allow_no_qop;         /* take responses without qop (RFC 2069), each nonce once */
    struct sip_replay *replay; /* borrowed, the same for all workers */
    struct random *random;     /* borrowed, of this worker */
    sip_auth_lookup *lookup;
    void *user; /* for lookup */
};

#define SIP_AUTH_USER_MAX 256 /* bytes of a username; longer ones are nobody's */

/* One per worker; nothing but init allocates (see sip/auth/digest.h). */
struct sip_auth {
    struct sip_auth_options options;
    struct sip_digest digest;      /* owned */
    struct sip_nonce_maker nonces; /* owned */
    char user[SIP_AUTH_USER_MAX];  /* of the last check */
};

/* Errors: those of sip_digest_init and sip_nonce_maker_init. */
int sip_auth_init(struct sip_auth *auth, const struct sip_auth_options *options);
void sip_auth_done(struct sip_auth *auth);

enum sip_auth_outcome {
    SIP_AUTH_NONE,      /* no credentials for our realm and algorithms: challenge */
    SIP_AUTH_MALFORMED, /* answer 400 with the reason */
    SIP_AUTH_FORGED,    /* the nonce is not ours: challenge, with stale if the result says so */
    SIP_AUTH_STALE,     /* right, but the nonce is old or its count was used: challenge, stale */
    SIP_AUTH_DENIED, /* unknown user or wrong password, which cost and look the same: challenge */
    SIP_AUTH_OK,
    SIP_AUTH_OUTCOME_COUNT
};

struct sip_auth_result {
    struct slice user;  /* the username without quotes and backslashes, until the next check;
                           empty for NONE, MALFORMED and what is longer than SIP_AUTH_USER_MAX */
    bool stale;         /* for the next challenge: credentials right but for their nonce */
    const char *reason; /* MALFORMED: static text, what is wrong; else NULL */
    enum sip_digest_algorithm algorithm; /* of the credentials, with user */
};

/* header: SIP_HEADER_AUTHORIZATION or SIP_HEADER_PROXY_AUTHORIZATION. now_ms: Unix time.
 * Retransmissions must have been absorbed before: they look like replays. */
enum sip_auth_outcome sip_auth_check(struct sip_auth *auth, const struct sip_message *request,
                                     enum sip_header_id header, uint64_t now_ms,
                                     struct sip_auth_result *ret_result);

/* Which algorithms a challenge offers, and in which order. */
enum sip_auth_offer {
    SIP_AUTH_OFFER_BEST_FIRST, /* as RFC 8760 section 2.3 wants it */
    SIP_AUTH_OFFER_LAST_FIRST, /* for clients that look at the first challenge only */
    SIP_AUTH_OFFER_LAST_ONLY,  /* for clients that give up when an algorithm that they do not know
                                  stands beside it (against RFC 7616 section 3.7) */
};

/* The challenge lines with a new nonce. Errors: ERR_NO_MEMORY, ERR_LIMIT (room in w). */
int sip_auth_challenge(struct sip_auth *auth, enum sip_auth_offer offer, bool proxy, bool stale,
                       uint64_t now_ms, struct writer *w);

#endif
