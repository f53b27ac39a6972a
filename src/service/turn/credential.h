/* Who asks, and may he? STUN's long-term credential mechanism (RFC 8489 section 9.2) for the TURN
 * server of one worker: SIP accounts, turn.users, credentials that expire (turn.secret) and tokens
 * of a third party (RFC 7635). Nonces need no memory. One thread at a time. */
#ifndef SERVICE_TURN_CREDENTIAL_H
#define SERVICE_TURN_CREDENTIAL_H

#include "base/flow.h"
#include "base/log.h"
#include "base/metric.h"
#include "service/account/account.h"
#include "stun/write.h"

#define TURN_NAME_MAX         63 /* bytes of a user's name that are kept, for people to read */
#define TURN_KEY_MAX          32
#define TURN_USERS_MAX        1024
#define TURN_SECRETS_MAX      8
#define TURN_TOKEN_KEYS_MAX   8
#define TURN_CHALLENGE_MAX    512 /* bytes of the attributes that turn_credential_refuse writes */
#define TURN_NONCE_KEY        32
#define TURN_NONCE_LIFETIME_S 600

enum turn_verdict {
    TURN_OK,
    TURN_CHALLENGE, /* 401: the request is not signed, or not in a way that is offered */
    TURN_STALE,     /* 438: rightly signed, with a nonce that is none of ours or too old */
    TURN_BAD,       /* 400 */
    TURN_WRONG,     /* 401: nobody's name, or wrongly signed */
    TURN_UNKNOWN,   /* 420: ACCESS-TOKEN where no third party is known (RFC 7635 section 7) */
    TURN_MISMATCH,  /* 441: another user's allocation; said by turn_credential_owner's callers */
    TURN_FAILED     /* 500: out of memory */
};

/* Who proved himself. Plain data, some 170 bytes; an allocation keeps the one that made it. */
struct turn_identity {
    struct hash128 user; /* equal: the same user (441 otherwise) */
    uint64_t account;    /* whose quota counts; as user, but per token with RFC 7635 */
    uint64_t until_ms; /* Unix time when the credentials end, and allocations with them; 0: never */
    uint8_t key[TURN_KEY_MAX]; /* signs the answer */
    uint8_t key_len;
    uint8_t hmac; /* enum stun_hmac: of the answer */
    bool token;   /* of RFC 7635 */
    uint8_t name_len;
    char name[TURN_NAME_MAX + 1]; /* as sent, cut; for logs and lists, with NUL */
};

/* Borrowed until turn_credentials_reload says another. */
struct turn_credential_config {
    const char *realm;         /* of TURN; NUL-terminated, not empty */
    const char *account_realm; /* of the SIP accounts: when it differs, they cannot be used here */
    bool md5, sha256;          /* password algorithms offered; at least one */
    bool userhash;             /* clients shall send hashed names (username anonymity) */
    uint32_t nonce_lifetime_s; /* 0: TURN_NONCE_LIFETIME_S */
    const struct slice *users; /* "NAME:PASSWORD" */
    unsigned user_count;
    const struct slice *secrets; /* of credentials that expire; all are taken */
    unsigned secret_count;
    const struct slice *token_keys; /* "KID:ALGORITHM:BASE64" (RFC 7635) */
    unsigned token_key_count;
    const char *server_name; /* what tokens are made for; NULL or empty: the realm */
};

/* Secrets that all workers share and that should outlive the process. */
struct turn_credential_secret {
    uint8_t nonce_key[TURN_NONCE_KEY];
    struct hash_key user_key;
};

#define TURN_CREDENTIAL_METRIC_LIST(X)                                                             \
    X(TURN_CREDENTIAL_CHALLENGES, "turn_auth_challenges_total", METRIC_COUNTER,                    \
      "TURN requests without credentials, answered with a challenge (401).")                       \
    X(TURN_CREDENTIAL_ACCEPTED, "turn_auth_accepted_total", METRIC_COUNTER,                        \
      "TURN requests rightly signed.")                                                             \
    X(TURN_CREDENTIAL_FAILED, "turn_auth_failed_total", METRIC_COUNTER,                            \
      "TURN requests with wrong or broken credentials (400, 401, 420).")                           \
    X(TURN_CREDENTIAL_STALE, "turn_auth_stale_total", METRIC_COUNTER,                              \
      "TURN requests rightly signed with a nonce too old or of another source (438).")             \
    X(TURN_CREDENTIAL_UNLOGGED, "turn_auth_unlogged_total", METRIC_COUNTER,                        \
      "Wrong credentials that are in no log line, because there were too many.")

enum turn_credential_metric { TURN_CREDENTIAL_METRIC_LIST(METRIC_ID) TURN_CREDENTIAL_METRICS };
extern const struct metric_info turn_credential_metric_infos[TURN_CREDENTIAL_METRICS];

struct turn_credentials;

/* accounts may be NULL; log may be NULL; both are borrowed. Errors: ERR_NO_MEMORY, ERR_UNSUPPORTED
 * (the library lacks an algorithm), ERR_SYNTAX (a user or token key of config). */
int turn_credentials_new(const struct turn_credential_config *config,
                         const struct turn_credential_secret *secret, struct accounts *accounts,
                         struct log *log, struct turn_credentials **ret_credentials);
/* NULL is accepted. */
void turn_credentials_free(struct turn_credentials *credentials);
/* On errors (as new) all stays as it was. */
int turn_credentials_reload(struct turn_credentials *credentials,
                            const struct turn_credential_config *config);
const metric *turn_credential_metrics(const struct turn_credentials *credentials);

/* RFC 8489 section 9.2.4, RFC 7635 section 7. flow: where the request came along. now_ms: Unix time
 * (loop_wall_ms). allocation: the identity kept with the allocation of this 5-tuple or of the
 * CONNECTION-ID, NULL when there is none: its key serves requests under a token that carry none
 * (RFC 7635 section 9). *ret_identity is set with TURN_OK only. Counts, and logs failures of
 * sources that are proven by their nonce ("auth-failure src=..."), so many a second at most. */
enum turn_verdict turn_credential_check(struct turn_credentials *credentials,
                                        const struct stun_message *request, const struct flow *flow,
                                        uint64_t now_ms, const struct turn_identity *allocation,
                                        struct turn_identity *ret_identity);

/* Is the request's nonce one that was given to source, and fresh? A ConnectionBind may bring that
 * of its control connection (RFC 6062 section 4.3), which had another port. */
bool turn_credential_nonce_of(struct turn_credentials *credentials,
                              const struct stun_message *request, const struct flow *source,
                              uint64_t now_ms);

/* ERROR-CODE of a verdict and what goes with it: REALM, a new NONCE, PASSWORD-ALGORITHMS and
 * THIRD-PARTY-AUTHORIZATION with 401 and 438, UNKNOWN-ATTRIBUTES with 420. Such answers are not
 * signed, but for 441, which the caller signs with the asker's key. */
void turn_credential_refuse(struct turn_credentials *credentials, enum turn_verdict verdict,
                            const struct flow *flow, uint64_t now_ms, struct stun_writer *w);
/* 200 with TURN_OK. */
unsigned turn_verdict_code(enum turn_verdict verdict);

/* The same user (RFC 8656 section 5: else 441)? */
static inline bool turn_credential_owner(const struct turn_identity *identity,
                                         const struct turn_identity *of_allocation)
{
    return identity->user.low == of_allocation->user.low &&
           identity->user.high == of_allocation->user.high;
}

static inline struct slice turn_identity_key(const struct turn_identity *identity)
{
    return slice_of((const char *)identity->key, identity->key_len);
}

/* Seconds that credentials still last, at most wanted (RFC 7635 section 9). Not 0 while they do:
 * that would be no allocation. */
static inline uint32_t turn_identity_lifetime(const struct turn_identity *identity, uint64_t now_ms,
                                              uint32_t wanted)
{
    if (identity->until_ms == 0 || identity->until_ms >= now_ms + (uint64_t)wanted * 1000)
        return wanted;
    uint64_t left_ms = identity->until_ms > now_ms ? identity->until_ms - now_ms : 0;
    return left_ms > 0 && left_ms < 1000 ? 1 : (uint32_t)(left_ms / 1000);
}

#endif
