#include "service/turn/credential.h"

#include "base/error.h"
#include "base/memory.h"
#include "service/turn/credential_private.h"
#include "stun/bytes.h"

#define FAILURE_LINES_MAX 20 /* per second and worker */

const struct metric_info turn_credential_metric_infos[TURN_CREDENTIAL_METRICS] = {
    TURN_CREDENTIAL_METRIC_LIST(METRIC_ROW)};

/* ---- Rules ---- */

/* In order of preference (RFC 8489 section 14.11); the parameters of both are empty. */
static void make_offer(struct turn_credential_rules *rules)
{
    const bool offered[] = {rules->config.sha256, rules->config.md5};
    const enum turn_algorithm algorithms[] = {TURN_SHA256, TURN_MD5};
    rules->offer_len = 0;
    for (unsigned i = 0; i < 2; i++) {
        if (!offered[i])
            continue;
        bytes_put16(rules->offer + rules->offer_len, (uint16_t)algorithms[i]);
        bytes_put16(rules->offer + rules->offer_len + 2, 0);
        rules->offer_len += 4;
    }
}

static int rules_init(struct turn_credential_rules *rules, struct turn_hasher *hasher,
                      const struct turn_credential_config *config)
{
    *rules = (struct turn_credential_rules){.config = *config};
    if (config->token_key_count > TURN_TOKEN_KEYS_MAX || config->user_count > TURN_USERS_MAX ||
        config->secret_count > TURN_SECRETS_MAX)
        return ERR_SYNTAX;
    for (unsigned i = 0; i < config->token_key_count; i++) {
        int status = turn_token_key_parse(config->token_keys[i], &rules->token_keys[i]);
        if (status < 0)
            return status;
        rules->token_key_count++;
    }
    const char *own = config->account_realm;
    rules->accounts_fit = own != NULL && strcmp(own, config->realm) == 0;
    make_offer(rules);
    return turn_users_init(&rules->users, hasher, slice_from_string(config->realm), config->users,
                           config->user_count);
}

/* Accounts are found by hashed names only from when such names are asked for. */
static int want_hashes(struct turn_credentials *c, const struct turn_credential_rules *rules)
{
    bool wanted = rules->config.userhash && rules->accounts_fit && c->accounts != NULL;
    return wanted ? accounts_keep_hashes(c->accounts) : 0;
}

/* What a challenge says beside the nonce's features. */
static void set_nonces(struct turn_credentials *c)
{
    const struct turn_credential_config *config = &c->rules.config;
    uint32_t lifetime_s =
        config->nonce_lifetime_s > 0 ? config->nonce_lifetime_s : TURN_NONCE_LIFETIME_S;
    c->nonces.lifetime_ms = (uint64_t)lifetime_s * 1000;
    c->nonces.features = TURN_FEATURE_ALGORITHMS | (config->userhash ? TURN_FEATURE_USERHASH : 0);
    c->nonces.offer = (uint8_t)(config->md5 | config->sha256 << 1);
}

/* ---- The object ---- */

int turn_credentials_new(const struct turn_credential_config *config,
                         const struct turn_credential_secret *secret, struct accounts *accounts,
                         struct log *log, struct turn_credentials **ret_credentials)
{
    struct turn_credentials *c = memory_zalloc(1, sizeof *c);
    if (c == NULL)
        return ERR_NO_MEMORY;
    c->accounts = accounts;
    c->user_key = secret->user_key;
    c->failures.log = log;
    c->nonces.integrity = &c->integrity;
    memcpy(c->nonces.key, secret->nonce_key, sizeof c->nonces.key);
    int status = stun_integrity_init(&c->integrity);
    if (status == 0)
        status = turn_hasher_init(&c->hasher);
    if (status == 0)
        status = turn_token_opener_init(&c->opener);
    if (status == 0)
        status = rules_init(&c->rules, &c->hasher, config);
    if (status == 0)
        status = want_hashes(c, &c->rules);
    if (status < 0) {
        turn_credentials_free(c);
        return status;
    }
    set_nonces(c);
    *ret_credentials = c;
    return 0;
}

void turn_credentials_free(struct turn_credentials *c)
{
    if (c == NULL)
        return;
    turn_users_done(&c->rules.users);
    turn_token_opener_done(&c->opener);
    turn_hasher_done(&c->hasher);
    stun_integrity_done(&c->integrity);
    memory_free(c);
}

int turn_credentials_reload(struct turn_credentials *c, const struct turn_credential_config *config)
{
    struct turn_credential_rules rules;
    int status = rules_init(&rules, &c->hasher, config);
    if (status == 0)
        status = want_hashes(c, &rules);
    if (status < 0) {
        turn_users_done(&rules.users);
        return status;
    }
    turn_users_done(&c->rules.users);
    c->rules = rules;
    set_nonces(c);
    return 0;
}

const metric *turn_credential_metrics(const struct turn_credentials *c)
{
    return c->metrics;
}

/* ---- Checks ---- */

static void count(struct turn_credentials *c, enum turn_credential_metric which)
{
    metric_add(&c->metrics[which], 1);
}

static const char *method_name(unsigned method)
{
    switch (method) {
    case STUN_ALLOCATE: return "Allocate";
    case STUN_REFRESH: return "Refresh";
    case STUN_CREATE_PERMISSION: return "CreatePermission";
    case STUN_CHANNEL_BIND: return "ChannelBind";
    case STUN_CONNECT: return "Connect";
    case STUN_CONNECTION_BIND: return "ConnectionBind";
    default: return "other";
    }
}

/* Room for one more line in this second? */
static bool may_log(struct turn_failure_log *failures, uint64_t now_ms)
{
    if (failures->second != now_ms / 1000) {
        failures->second = now_ms / 1000;
        failures->lines = 0;
    }
    if (failures->lines == FAILURE_LINES_MAX) {
        failures->left_out++;
        return false;
    }
    failures->lines++;
    return true;
}

/* The form of the SIP authenticator's line, so that one filter follows both. Of a source that has
 * not shown by a nonce that it is there nothing is said: whoever bans by these lines would ban whom
 * a forger likes. */
static void log_failure(struct turn_credentials *c, const struct stun_message *request,
                        const struct flow *flow, struct slice user, uint64_t now_ms)
{
    char host[ADDRESS_TEXT_MAX];
    struct writer w;
    if (!may_log(&c->failures, now_ms)) {
        count(c, TURN_CREDENTIAL_UNLOGGED);
        return;
    }
    if (c->failures.left_out > 0)
        log_warn(c->failures.log, LOG_AUTH, "%llu failures of TURN logins were not logged",
                 (unsigned long long)c->failures.left_out);
    c->failures.left_out = 0;
    writer_init(&w, host, sizeof host - 1);
    address_write_host(&w, &flow->remote, false);
    *w.at = '\0';
    struct slice transport = transport_via_name((enum transport)flow->transport);
    log_warn(c->failures.log, LOG_AUTH,
             "auth-failure src=%s port=%u proto=%.*s method=%s user=%.*s reason=wrong-credentials",
             host, address_port(&flow->remote), SLICE_ARG(transport), method_name(request->method),
             SLICE_ARG(user));
}

static enum turn_verdict judge(struct turn_credentials *c, const struct stun_message *request,
                               const struct flow *flow, uint64_t now_ms,
                               const struct turn_identity *allocation,
                               struct turn_identity *ret_identity)
{
    struct turn_claim claim;
    struct turn_identity identity;
    enum turn_verdict verdict = turn_claim_read(c, request, flow, now_ms, &claim);
    if (verdict != TURN_OK)
        return verdict;
    int status = turn_claim_prove(c, request, &claim, now_ms, allocation, &identity);
    if (status == ERR_NO_MEMORY)
        return TURN_FAILED;
    if (status < 0) {
        if (claim.fresh)
            log_failure(c, request, flow, claim.name, now_ms);
        return TURN_WRONG;
    }
    if (!claim.fresh)
        return TURN_STALE;
    *ret_identity = identity;
    return TURN_OK;
}

enum turn_verdict turn_credential_check(struct turn_credentials *c,
                                        const struct stun_message *request, const struct flow *flow,
                                        uint64_t now_ms, const struct turn_identity *allocation,
                                        struct turn_identity *ret_identity)
{
    enum turn_verdict verdict = judge(c, request, flow, now_ms, allocation, ret_identity);
    switch (verdict) {
    case TURN_OK: count(c, TURN_CREDENTIAL_ACCEPTED); break;
    case TURN_CHALLENGE: count(c, TURN_CREDENTIAL_CHALLENGES); break;
    case TURN_STALE: count(c, TURN_CREDENTIAL_STALE); break;
    default: count(c, TURN_CREDENTIAL_FAILED);
    }
    return verdict;
}

bool turn_credential_nonce_of(struct turn_credentials *c, const struct stun_message *request,
                              const struct flow *source, uint64_t now_ms)
{
    return turn_nonce_check(&c->nonces, stun_value(request, STUN_NONCE), source, now_ms) == 0;
}

/* ---- Answers ---- */

static const struct {
    unsigned code;
    bool challenge;
    struct slice reason;
} answers[] = {
    [TURN_OK] = {200, false, SLICE_LITERAL("OK")},
    [TURN_CHALLENGE] = {401, true, SLICE_LITERAL("Unauthenticated")},
    [TURN_STALE] = {438, true, SLICE_LITERAL("Stale Nonce")},
    [TURN_BAD] = {400, false, SLICE_LITERAL("Bad Request")},
    [TURN_WRONG] = {401, true, SLICE_LITERAL("Unauthenticated")},
    [TURN_UNKNOWN] = {420, false, SLICE_LITERAL("Unknown Attribute")},
    [TURN_MISMATCH] = {441, false, SLICE_LITERAL("Wrong Credentials")},
    [TURN_FAILED] = {500, false, SLICE_LITERAL("Server Error")},
};

unsigned turn_verdict_code(enum turn_verdict verdict)
{
    return answers[verdict].code;
}

void turn_credential_refuse(struct turn_credentials *c, enum turn_verdict verdict,
                            const struct flow *flow, uint64_t now_ms, struct stun_writer *w)
{
    static const uint16_t unknown = 0x001b; /* ACCESS-TOKEN */
    char nonce[TURN_NONCE_SIZE];
    bool challenge = answers[verdict].challenge;
    if (challenge && turn_nonce_write(&c->nonces, flow, now_ms, nonce) < 0) {
        verdict = TURN_FAILED;
        challenge = false;
    }
    stun_write_error(w, answers[verdict].code, answers[verdict].reason);
    if (verdict == TURN_UNKNOWN)
        stun_write_unknown(w, &unknown, 1);
    if (!challenge)
        return;
    stun_write(w, STUN_REALM, turn_realm(c));
    stun_write(w, STUN_NONCE, slice_of(nonce, sizeof nonce));
    stun_write(w, STUN_PASSWORD_ALGORITHMS, slice_of(c->rules.offer, c->rules.offer_len));
    if (c->rules.token_key_count > 0) /* RFC 7635 section 6.1 */
        stun_write(w, STUN_THIRD_PARTY_AUTHORIZATION, turn_server_name(c));
}
