/* What the files of the credentials share. */
#ifndef SERVICE_TURN_CREDENTIAL_PRIVATE_H
#define SERVICE_TURN_CREDENTIAL_PRIVATE_H

#include "service/turn/credential.h"
#include "service/turn/credential_nonce.h"
#include "service/turn/credential_token.h"
#include "service/turn/credential_users.h"

#define TURN_OFFER_MAX 8 /* bytes of PASSWORD-ALGORITHMS */

/* What follows from a configuration. */
struct turn_credential_rules {
    struct turn_credential_config config; /* borrows */
    struct turn_users users;
    struct turn_token_key token_keys[TURN_TOKEN_KEYS_MAX];
    unsigned token_key_count;
    bool accounts_fit; /* the accounts' keys are for our realm */
    char offer[TURN_OFFER_MAX];
    size_t offer_len;
};

/* So many log lines a second at most, the first ones of a burst. */
struct turn_failure_log {
    struct log *log; /* borrowed */
    uint64_t second;
    unsigned lines;    /* written in that second */
    uint64_t left_out; /* since the last line */
};

struct turn_credentials {
    struct turn_credential_rules rules;
    struct accounts *accounts; /* borrowed */
    struct hash_key user_key;
    struct stun_integrity integrity;
    struct turn_hasher hasher;
    struct turn_token_opener opener;
    struct turn_nonce_maker nonces;
    struct turn_failure_log failures;
    metric metrics[TURN_CREDENTIAL_METRICS];
};

/* What a request claims, in a form that can be proved (RFC 8489 section 9.2.4). */
struct turn_claim {
    struct slice name;     /* empty: hashed */
    struct slice userhash; /* ptr NULL: not hashed */
    struct slice token;    /* ACCESS-TOKEN; ptr NULL: none */
    enum turn_algorithm algorithm;
    enum stun_hmac request_hmac; /* that signs the request */
    enum stun_hmac answer_hmac;
    bool fresh; /* its nonce is ours, of this source, and not too old */
};

/* The claim that a request makes. TURN_OK, or what is to be answered. */
enum turn_verdict turn_claim_read(struct turn_credentials *credentials,
                                  const struct stun_message *request, const struct flow *flow,
                                  uint64_t now_ms, struct turn_claim *ret_claim);
/* Is it so? 0 and *ret_identity, ERR_DENIED, ERR_NO_MEMORY. */
int turn_claim_prove(struct turn_credentials *credentials, const struct stun_message *request,
                     const struct turn_claim *claim, uint64_t now_ms,
                     const struct turn_identity *allocation, struct turn_identity *ret_identity);

static inline struct slice turn_realm(const struct turn_credentials *credentials)
{
    return slice_from_string(credentials->rules.config.realm);
}

static inline struct slice turn_server_name(const struct turn_credentials *credentials)
{
    const struct turn_credential_config *config = &credentials->rules.config;
    bool given = config->server_name != NULL && config->server_name[0] != '\0';
    return slice_from_string(given ? config->server_name : config->realm);
}

#endif
