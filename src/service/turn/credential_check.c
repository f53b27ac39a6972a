#include "base/error.h"
#include "service/turn/credential_private.h"
#include "stun/bytes.h"

enum { USER_NAMED, USER_EXPIRING, USER_EXPIRY_ONLY, USER_TOKEN }; /* kinds of names apart */

/* ---- What is claimed ---- */

/* RFC 8489 section 9.2.2: without quotes around it and NULs behind it, as old clients write it. */
static struct slice plain(struct slice value)
{
    while (value.len > 0 && value.ptr[value.len - 1] == '\0')
        value.len--;
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
        return slice_of(value.ptr + 1, value.len - 2);
    return value;
}

static bool offers(const struct turn_credential_rules *rules, struct slice algorithm)
{
    for (size_t at = 0; at < rules->offer_len; at += 4) {
        if (slice_equal(algorithm, slice_of(rules->offer + at, 4)))
            return true;
    }
    return false;
}

/* Is algorithm one entry of list, which may be one that we did not offer? */
static bool lists(struct slice list, struct slice algorithm)
{
    while (list.len >= 4) {
        size_t length = 4 + ((size_t)bytes_get16(list.ptr + 2) + 3) / 4 * 4;
        if (length > list.len)
            return false;
        if (slice_equal(slice_of(list.ptr, length), algorithm))
            return true;
        list = slice_from(list, length);
    }
    return false;
}

/* Section 9.2.4, the third item. What an old nonce came with we do not know any more: then it is
 * for the 438 to say what is offered now. */
static enum turn_verdict read_algorithm(const struct turn_credentials *c,
                                        const struct stun_message *request,
                                        struct turn_claim *claim)
{
    const struct turn_credential_rules *rules = &c->rules;
    bool both = stun_has(request, STUN_PASSWORD_ALGORITHMS);
    struct slice algorithm = stun_value(request, STUN_PASSWORD_ALGORITHM);
    struct slice list = stun_value(request, STUN_PASSWORD_ALGORITHMS);
    claim->algorithm = TURN_MD5;
    claim->answer_hmac = STUN_HMAC_SHA1;
    if (algorithm.ptr == NULL && list.ptr == NULL)
        return rules->config.md5 ? TURN_OK : TURN_CHALLENGE;
    if (algorithm.ptr == NULL || !both || !lists(list, algorithm))
        return TURN_BAD;
    if (claim->fresh && !slice_equal(list, slice_of(rules->offer, rules->offer_len)))
        return TURN_BAD;
    if (!offers(rules, algorithm))
        return TURN_CHALLENGE;
    claim->algorithm = bytes_get16(algorithm.ptr) == TURN_SHA256 ? TURN_SHA256 : TURN_MD5;
    claim->answer_hmac = STUN_HMAC_SHA256;
    return TURN_OK;
}

enum turn_verdict turn_claim_read(struct turn_credentials *c, const struct stun_message *request,
                                  const struct flow *flow, uint64_t now_ms,
                                  struct turn_claim *ret_claim)
{
    bool sha256 = stun_has(request, STUN_MESSAGE_INTEGRITY_SHA256);
    struct turn_claim claim = {.name = plain(stun_value(request, STUN_USERNAME)),
                               .userhash = stun_value(request, STUN_USERHASH),
                               .token = stun_value(request, STUN_ACCESS_TOKEN),
                               .request_hmac = sha256 ? STUN_HMAC_SHA256 : STUN_HMAC_SHA1};
    if (claim.token.ptr != NULL && c->rules.token_key_count == 0)
        return TURN_UNKNOWN;
    if (!sha256 && !stun_has(request, STUN_MESSAGE_INTEGRITY))
        return TURN_CHALLENGE;
    if (stun_has(request, STUN_USERNAME) == (claim.userhash.ptr != NULL) ||
        !stun_has(request, STUN_REALM) || !stun_has(request, STUN_NONCE))
        return TURN_BAD;
    int status = turn_nonce_check(&c->nonces, stun_value(request, STUN_NONCE), flow, now_ms);
    if (status == ERR_NO_MEMORY)
        return TURN_FAILED;
    claim.fresh = status == 0;
    enum turn_verdict verdict = TURN_OK;
    if (claim.token.ptr == NULL)
        verdict = read_algorithm(c, request, &claim);
    *ret_claim = claim;
    return verdict;
}

/* ---- Who it is ---- */

static void set_name(struct turn_identity *identity, struct slice name)
{
    identity->name_len = (uint8_t)(name.len < TURN_NAME_MAX ? name.len : TURN_NAME_MAX);
    (void)slice_to_string(name, identity->name, sizeof identity->name);
}

/* kind tells names apart that are given out by different parties. fold: case does not count in the
 * second part (a domain). */
static void set_user(const struct turn_credentials *c, struct turn_identity *identity,
                     uint64_t kind, struct slice name, struct slice fold)
{
    struct hash_state state;
    hash_begin(&state, &c->user_key);
    hash_add_u64(&state, kind);
    hash_add(&state, name);
    hash_add_nocase(&state, fold);
    identity->user = hash_end128(&state);
    identity->account = identity->user.low;
}

/* One account may be written alice, alice@REALM, and with any case in its domain. */
static void set_named(const struct turn_credentials *c, struct turn_identity *identity,
                      struct slice name)
{
    size_t at = slice_index(name, '@');
    struct slice domain = slice_from(name, at + 1);
    if (slice_equal_nocase(domain, turn_realm(c)))
        domain = SLICE_NULL;
    set_user(c, identity, USER_NAMED, slice_of(name.ptr, at), domain);
    set_name(identity, name);
}

static bool signed_with(struct turn_credentials *c, const struct stun_message *request,
                        const struct turn_claim *claim, const uint8_t *key, size_t key_len,
                        struct turn_identity *ret_identity)
{
    struct slice secret = slice_of((const char *)key, key_len);
    /* RFC 8489 section 14.6: as short as a usage allows, and TURN allows nothing (RFC 8656). */
    if (claim->request_hmac == STUN_HMAC_SHA256 &&
        stun_value(request, STUN_MESSAGE_INTEGRITY_SHA256).len != stun_hmac_size(STUN_HMAC_SHA256))
        return false;
    if (stun_integrity_check(&c->integrity, request, claim->request_hmac, secret) < 0)
        return false;
    memcpy(ret_identity->key, key, key_len);
    ret_identity->key_len = (uint8_t)key_len;
    return true;
}

static bool accounts_serve(const struct turn_credentials *c)
{
    return c->rules.accounts_fit && c->accounts != NULL;
}

/* The key of a SIP account; buf holds its name where that was hashed (section 14.4). */
static bool find_account_key(struct turn_credentials *c, const struct turn_claim *claim,
                             char buf[ACCOUNT_NAME_MAX], struct slice *ret_name,
                             uint8_t ret_key[TURN_KEY_MAX])
{
    size_t length;
    if (!accounts_serve(c))
        return false;
    if (claim->userhash.ptr != NULL) {
        const uint8_t *hash = (const uint8_t *)claim->userhash.ptr;
        if (accounts_name_of_hash(c->accounts, hash, buf, &length) < 0)
            return false;
        *ret_name = slice_of(buf, length);
    }
    return ret_name->len > 0 && accounts_ha1(c->accounts, *ret_name, turn_realm(c),
                                             claim->algorithm == TURN_SHA256, ret_key) == 0;
}

/* The key of a user or account; false when there is none: *ret_key is then nobody's, so that the
 * rest takes its time all the same. */
static bool find_key(struct turn_credentials *c, const struct turn_claim *claim,
                     char buf[ACCOUNT_NAME_MAX], struct slice *ret_name,
                     uint8_t ret_key[TURN_KEY_MAX])
{
    const struct turn_user *user;
    *ret_name = claim->name;
    memset(ret_key, 0x5a, TURN_KEY_MAX);
    user = claim->userhash.ptr == NULL
               ? turn_users_find(&c->rules.users, claim->name)
               : turn_users_find_hash(&c->rules.users, (const uint8_t *)claim->userhash.ptr);
    if (user != NULL) {
        *ret_name = user->name;
        bool md5 = claim->algorithm == TURN_MD5;
        memcpy(ret_key, md5 ? user->md5 : user->sha256, turn_key_size(claim->algorithm));
        return true;
    }
    return find_account_key(c, claim, buf, ret_name, ret_key);
}

static bool prove_named(struct turn_credentials *c, const struct stun_message *request,
                        const struct turn_claim *claim, struct turn_identity *identity)
{
    uint8_t key[TURN_KEY_MAX];
    char buf[ACCOUNT_NAME_MAX];
    struct slice name;
    bool known = find_key(c, claim, buf, &name, key);
    size_t size = turn_key_size(claim->algorithm);
    if (!(signed_with(c, request, claim, key, size, identity) & known))
        return false;
    set_named(c, identity, name);
    return true;
}

/* A name that expires, under any of the secrets; all are tried, whichever fits. */
static bool prove_expiring(struct turn_credentials *c, const struct stun_message *request,
                           const struct turn_claim *claim, uint64_t now_ms,
                           struct turn_identity *identity)
{
    uint64_t expiry_s;
    struct slice user;
    bool right = false;
    if (!turn_rest_parse(claim->name, &expiry_s, &user))
        return false;
    for (unsigned i = 0; i < c->rules.config.secret_count; i++) {
        char password[TURN_REST_PASSWORD_MAX + 1];
        uint8_t key[TURN_KEY_MAX];
        if (turn_rest_password(&c->integrity, c->rules.config.secrets[i], claim->name, password) <
                0 ||
            turn_key_make(&c->hasher, claim->algorithm, claim->name, turn_realm(c),
                          slice_of(password, TURN_REST_PASSWORD_MAX), key) < 0)
            continue;
        right |= signed_with(c, request, claim, key, turn_key_size(claim->algorithm), identity);
    }
    if (!right || expiry_s * 1000 <= now_ms)
        return false;
    if (user.len > 0)
        set_user(c, identity, USER_EXPIRING, user, SLICE_NULL);
    else
        set_user(c, identity, USER_EXPIRY_ONLY, claim->name, SLICE_NULL);
    set_name(identity, claim->name);
    identity->until_ms = expiry_s * 1000;
    return true;
}

/* ---- RFC 7635 ---- */

static const struct turn_token_key *find_token_key(const struct turn_credentials *c,
                                                   struct slice kid)
{
    for (unsigned i = 0; i < c->rules.token_key_count; i++) {
        if (slice_equal(c->rules.token_keys[i].kid, kid))
            return &c->rules.token_keys[i];
    }
    return NULL;
}

/* Section 7. A token names no user: allocations are told apart by their 5-tuple and by who shares a
 * key, quotas by the token's own key. */
static int prove_token(struct turn_credentials *c, const struct stun_message *request,
                       const struct turn_claim *claim, uint64_t now_ms,
                       struct turn_identity *identity)
{
    struct turn_token token;
    const struct turn_token_key *key = find_token_key(c, claim->name);
    if (key == NULL)
        return ERR_DENIED;
    int status =
        turn_token_open(&c->opener, key, turn_server_name(c), claim->token, now_ms, &token);
    if (status < 0)
        return status;
    if (!signed_with(c, request, claim, token.key, token.key_len, identity))
        return ERR_DENIED;
    set_user(c, identity, USER_TOKEN, claim->name, SLICE_NULL);
    set_name(identity, claim->name);
    struct slice session = slice_of((const char *)token.key, token.key_len);
    identity->account = hash_slice(&c->user_key, session) ^ identity->user.high;
    identity->until_ms = token.until_ms;
    identity->token = true;
    return 0;
}

/* Section 9: only Allocate and Refresh carry the token; the rest is signed with its key. */
static bool prove_by_allocation(struct turn_credentials *c, const struct stun_message *request,
                                const struct turn_claim *claim, uint64_t now_ms,
                                const struct turn_identity *allocation,
                                struct turn_identity *identity)
{
    if (allocation == NULL || !allocation->token || allocation->until_ms <= now_ms ||
        !slice_equal(claim->name, slice_of(allocation->name, allocation->name_len)))
        return false;
    uint8_t key[TURN_KEY_MAX];
    memcpy(key, allocation->key, sizeof key);
    struct turn_identity found = *allocation;
    if (!signed_with(c, request, claim, key, allocation->key_len, &found))
        return false;
    *identity = found;
    return true;
}

int turn_claim_prove(struct turn_credentials *c, const struct stun_message *request,
                     const struct turn_claim *claim, uint64_t now_ms,
                     const struct turn_identity *allocation, struct turn_identity *ret_identity)
{
    struct turn_identity identity = {.hmac = (uint8_t)claim->answer_hmac};
    bool right = slice_equal(plain(stun_value(request, STUN_REALM)), turn_realm(c));
    if (claim->token.ptr != NULL) {
        int status = prove_token(c, request, claim, now_ms, &identity);
        if (status < 0)
            return status == ERR_NO_MEMORY ? status : ERR_DENIED;
        identity.hmac = (uint8_t)claim->request_hmac;
    } else if (prove_by_allocation(c, request, claim, now_ms, allocation, &identity)) {
        identity.hmac = (uint8_t)claim->request_hmac;
    } else {
        /* Both, always: how long it takes must not tell which of them knows the name. */
        struct turn_identity expiring = identity;
        bool named = prove_named(c, request, claim, &identity);
        if (prove_expiring(c, request, claim, now_ms, &expiring) && !named) {
            identity = expiring;
            named = true;
        }
        right &= named;
    }
    if (!right)
        return ERR_DENIED;
    *ret_identity = identity;
    return 0;
}
