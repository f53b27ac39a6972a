#include "sip/auth/check.h"

#include "base/error.h"
#include "sip/message/credentials.h"
#include "sip/message/uri.h"

#define VALUE_MAX 256 /* bytes of nonce and cnonce: hashing must stay cheap */
#define NC_DIGITS 8   /* RFC 7616 section 3.4 */

/* Credentials for our realm, with what was made out of them. */
struct claim {
    struct sip_credentials sent;
    enum sip_digest_algorithm algorithm;
    bool session;
    uint32_t nc;
};

int sip_auth_init(struct sip_auth *auth, const struct sip_auth_options *options)
{
    *auth = (struct sip_auth){.options = *options};
    if (options->algorithm_count == 0) {
        /* RFC 8760 section 2.3: the most preferred first. */
        auth->options.algorithms[0] = SIP_DIGEST_SHA256;
        auth->options.algorithms[1] = SIP_DIGEST_MD5;
        auth->options.algorithm_count = 2;
    }
    int rc = sip_digest_init(&auth->digest);
    if (rc == 0) {
        rc = sip_nonce_maker_init(&auth->nonces, options->nonce_key, options->nonce_lifetime_s);
    }
    if (rc < 0) {
        sip_auth_done(auth);
    }
    return rc;
}

void sip_auth_done(struct sip_auth *auth)
{
    sip_digest_done(&auth->digest);
    sip_nonce_maker_done(&auth->nonces);
}

/* The algorithms of an offer in their order; how many. */
static unsigned offered(const struct sip_auth_options *options, enum sip_auth_offer offer,
                        enum sip_digest_algorithm *ret_algorithms)
{
    unsigned count = options->algorithm_count;
    unsigned last = count - 1;
    if (offer == SIP_AUTH_OFFER_LAST_ONLY) {
        ret_algorithms[0] = options->algorithms[last];
        return 1;
    }
    for (unsigned i = 0; i < count; i++) {
        bool backwards = offer == SIP_AUTH_OFFER_LAST_FIRST;
        ret_algorithms[i] = options->algorithms[backwards ? last - i : i];
    }
    return count;
}

int sip_auth_challenge(struct sip_auth *auth, enum sip_auth_offer offer, bool proxy, bool stale,
                       uint64_t now_ms, struct writer *w)
{
    enum sip_digest_algorithm algorithms[SIP_DIGEST_COUNT];
    char nonce[SIP_NONCE_LENGTH];
    int rc = sip_nonce_write(&auth->nonces, now_ms, random_u64(auth->options.random), nonce);
    if (rc < 0) {
        return rc;
    }
    struct sip_challenge challenge = {
        .proxy = proxy,
        .stale = stale,
        .realm = auth->options.realm,
        .nonce = slice_of(nonce, sizeof(nonce)),
        .algorithms = algorithms,
        .algorithm_count = offered(&auth->options, offer, algorithms),
    };
    sip_challenge_write(w, &challenge);
    return writer_status(w);
}

/* Is the quoted text, without its quotes, the plain one? */
static bool quoted_equal(struct slice quoted, struct slice plain)
{
    size_t k = 0;
    for (size_t i = 0; i < quoted.len; i++, k++) {
        if (quoted.ptr[i] == '\\' && i + 1 < quoted.len) {
            i++;
        }
        if (k == plain.len || quoted.ptr[i] != plain.ptr[k]) {
            return false;
        }
    }
    return k == plain.len;
}

static bool takes_algorithm(const struct sip_auth *auth, enum sip_digest_algorithm algorithm)
{
    for (unsigned i = 0; i < auth->options.algorithm_count; i++) {
        if (auth->options.algorithms[i] == algorithm) {
            return true;
        }
    }
    return false;
}

/* The first credentials for our realm in an algorithm that we offer (RFC 3261 section 22.3: there
 * may be others for other realms). 1 found, 0 none, ERR_SYNTAX. */
static int find_claim(const struct sip_auth *auth, const struct sip_message *request,
                      enum sip_header_id header, struct claim *ret_claim)
{
    for (const struct sip_header *line = sip_message_first(request, header); line;
         line = sip_message_next(request, line)) {
        int rc = sip_credentials_parse(sip_header_value(line), &ret_claim->sent);
        if (rc < 0) {
            return rc;
        }
        if (ret_claim->sent.digest && quoted_equal(ret_claim->sent.realm, auth->options.realm) &&
            sip_digest_algorithm_parse(ret_claim->sent.algorithm, &ret_claim->algorithm,
                                       &ret_claim->session) == 0 &&
            takes_algorithm(auth, ret_claim->algorithm)) {
            return 1;
        }
    }
    return 0;
}

/* nc-value = 8LHEX, counted from 1 (RFC 7616 section 3.4). ERR_SYNTAX. */
static int parse_nc(struct slice text, uint32_t *ret_nc)
{
    uint32_t nc = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool digit = c >= '0' && c <= '9';
        char lower = (char)(c | 0x20);
        if (!digit && (lower < 'a' || lower > 'f')) {
            return ERR_SYNTAX;
        }
        nc = nc << 4 | (uint32_t)(digit ? c - '0' : lower - 'a' + 10);
    }
    if (text.len != NC_DIGITS || nc == 0) {
        return ERR_SYNTAX;
    }
    *ret_nc = nc;
    return 0;
}

/* RFC 7616 section 3.4.6: the uri must name what the request line names. */
static bool uri_fits(struct slice sent, struct slice request_uri)
{
    if (slice_equal(sent, request_uri)) {
        return true;
    }
    struct sip_uri a, b;
    return sip_uri_parse(sent, &a) == 0 && sip_uri_parse(request_uri, &b) == 0 &&
           sip_uri_equal(&a, &b);
}

/* What is wrong with the form of the credentials, or NULL. */
static const char *find_fault(const struct sip_auth *auth, const struct sip_message *request,
                              struct claim *claim)
{
    const struct sip_credentials *sent = &claim->sent;
    if (!sent->username.ptr || !sent->nonce.ptr || !sent->uri.ptr || !sent->response.ptr) {
        return "Bad Request - credentials lack username, nonce, uri or response";
    }
    if (sent->nonce.len > VALUE_MAX || sent->cnonce.len > VALUE_MAX) {
        return "Bad Request - nonce or cnonce of credentials too long";
    }
    if (!uri_fits(sent->uri, request->uri)) {
        return "Bad Request - uri of credentials is not the Request-URI";
    }
    if (claim->session && !sent->cnonce.ptr) {
        return "Bad Request - credentials lack cnonce";
    }
    if (!sent->qop.ptr) {
        /* RFC 2617 section 3.2.2: without qop there is no count; then a nonce is good once. */
        claim->nc = 1;
        return auth->options.allow_no_qop ? NULL : "Bad Request - credentials lack qop";
    }
    if (!slice_equal_nocase(sent->qop, SLICE("auth"))) {
        return "Bad Request - qop of credentials was not offered";
    }
    if (!sent->cnonce.ptr || parse_nc(sent->nc, &claim->nc) < 0) {
        return "Bad Request - credentials lack cnonce or a correct nc";
    }
    return NULL;
}

/* The username without the backslashes of its quoted string; empty when it is longer than a name of
 * anybody's. */
static struct slice read_user(struct sip_auth *auth, struct slice quoted)
{
    size_t length = 0;
    if (quoted.len > sizeof(auth->user)) {
        return SLICE_NULL;
    }
    for (size_t i = 0; i < quoted.len; i++) {
        i += quoted.ptr[i] == '\\' && i + 1 < quoted.len;
        auth->user[length++] = quoted.ptr[i];
    }
    return slice_of(auth->user, length);
}

/* HA1 of the user; a made-up one when there is no such user, so that both cost the same. */
static bool find_ha1(const struct sip_auth *auth, const struct claim *claim, struct slice name,
                     uint8_t *ret_ha1)
{
    memset(ret_ha1, 0x5a, SIP_DIGEST_MAX);
    /* A hashed username was not asked for (RFC 7616 section 3.4.4) and is nobody's name. */
    return name.len > 0 && !slice_equal_nocase(claim->sent.userhash, SLICE("true")) &&
           auth->options.lookup(auth->options.user, name, auth->options.realm, claim->algorithm,
                                ret_ha1) == 0;
}

static bool response_right(struct sip_auth *auth, const struct sip_message *request,
                           const struct claim *claim, struct slice name)
{
    uint8_t ha1[SIP_DIGEST_MAX];
    bool known = find_ha1(auth, claim, name, ha1);
    const struct sip_digest_input input = {.algorithm = claim->algorithm,
                                           .session = claim->session,
                                           .ha1 = ha1,
                                           .method = request->method_name,
                                           .uri = claim->sent.uri,
                                           .nonce = claim->sent.nonce,
                                           .nc = claim->sent.nc,
                                           .cnonce = claim->sent.cnonce,
                                           .qop = claim->sent.qop};
    return (sip_digest_verify(&auth->digest, &input, claim->sent.response) == 0) & known;
}

enum sip_auth_outcome sip_auth_check(struct sip_auth *auth, const struct sip_message *request,
                                     enum sip_header_id header, uint64_t now_ms,
                                     struct sip_auth_result *ret_result)
{
    struct claim claim;
    struct sip_nonce nonce;
    *ret_result = (struct sip_auth_result){.reason = NULL};
    int found = find_claim(auth, request, header, &claim);
    if (found == 0) {
        return SIP_AUTH_NONE;
    }
    ret_result->reason =
        found < 0 ? "Bad Request - malformed credentials" : find_fault(auth, request, &claim);
    if (ret_result->reason) {
        return SIP_AUTH_MALFORMED;
    }
    ret_result->user = read_user(auth, claim.sent.username);
    ret_result->algorithm = claim.algorithm;
    int ours = sip_nonce_verify(&auth->nonces, claim.sent.nonce, now_ms, &nonce);
    if (ours == 0) {
        sip_replay_expect(auth->options.replay, &nonce); /* it arrives while we hash */
    }
    bool right = response_right(auth, request, &claim, ret_result->user);
    /* RFC 7616 section 3.3: stale only with a digest that is valid for that nonce. */
    ret_result->stale = right;
    if (ours < 0 && ours != ERR_STALE) {
        return SIP_AUTH_FORGED;
    }
    if (!right) {
        return SIP_AUTH_DENIED;
    }
    if (ours < 0 || sip_replay_accept(auth->options.replay, &nonce, claim.nc) < 0) {
        return SIP_AUTH_STALE;
    }
    ret_result->stale = false;
    return SIP_AUTH_OK;
}
