#include "service/authenticator/authenticator.h"

#include "base/error.h"
#include "base/memory.h"
#include "sip/message/credentials.h"

struct authenticator {
    struct authenticator_config config;
    struct authenticator_parts parts;
    struct sip_auth auth;
    struct slice domain; /* of the request being checked */
    metric metrics[AUTHENTICATOR_METRICS];
};

const struct metric_info authenticator_metric_infos[AUTHENTICATOR_METRICS] = {
    AUTHENTICATOR_METRIC_LIST(METRIC_ROW)};

/* A username may be "alice" or "alice@example.com". */
static int look_up(void *user, struct slice name, struct slice realm,
                   enum sip_digest_algorithm algorithm, uint8_t *ret_ha1)
{
    struct authenticator *authenticator = user;
    (void)realm; /* sip_auth_check has compared it */
    if (algorithm != SIP_DIGEST_MD5 && algorithm != SIP_DIGEST_SHA256)
        return ERR_NOT_FOUND;
    return accounts_ha1(authenticator->parts.accounts, name, authenticator->domain,
                        (unsigned)algorithm, ret_ha1);
}

static int init_auth(struct authenticator *authenticator)
{
    const struct authenticator_config *config = &authenticator->config;
    struct sip_auth_options options = {
        .realm = slice_from_string(config->realm),
        .nonce_lifetime_s = config->nonce_lifetime_s,
        .allow_no_qop = true, /* RFC 3261 section 22.4 rule 8, RFC 8760 section 2.6 */
        .replay = authenticator->parts.replay,
        .random = loop_random(endpoint_loop(authenticator->parts.endpoint)),
        .lookup = look_up,
        .user = authenticator,
    };
    memcpy(options.nonce_key, authenticator->parts.nonce_key, sizeof(options.nonce_key));
    if (config->sha256) /* the stronger first: RFC 8760 section 2.4 */
        options.algorithms[options.algorithm_count++] = SIP_DIGEST_SHA256;
    if (config->md5)
        options.algorithms[options.algorithm_count++] = SIP_DIGEST_MD5;
    return sip_auth_init(&authenticator->auth, &options);
}

int authenticator_new(const struct authenticator_config *config,
                      const struct authenticator_parts *parts,
                      struct authenticator **ret_authenticator)
{
    struct authenticator *authenticator = memory_zalloc(1, sizeof(*authenticator));
    if (authenticator == NULL)
        return ERR_NO_MEMORY;
    authenticator->config = *config;
    authenticator->parts = *parts;
    int status = init_auth(authenticator);
    if (status < 0) {
        memory_free(authenticator);
        return status;
    }
    *ret_authenticator = authenticator;
    return 0;
}

void authenticator_free(struct authenticator *authenticator)
{
    if (authenticator == NULL)
        return;
    sip_auth_done(&authenticator->auth);
    memory_free(authenticator);
}

void authenticator_reload(struct authenticator *authenticator,
                          const struct authenticator_config *config, const struct domains *domains)
{
    struct sip_auth old = authenticator->auth;
    struct authenticator_config old_config = authenticator->config;
    authenticator->parts.domains = domains;
    authenticator->config = *config;
    if (init_auth(authenticator) == 0) {
        sip_auth_done(&old);
        return;
    }
    authenticator->config = old_config; /* out of memory: goes on as before */
    authenticator->auth = old;
}

const metric *authenticator_metrics(const struct authenticator *authenticator)
{
    return authenticator->metrics;
}

bool authenticator_owns(const struct authenticator *authenticator, struct slice credentials)
{
    struct sip_credentials parsed;
    return sip_credentials_parse(credentials, &parsed) == 0 && parsed.digest &&
           slice_equal(parsed.realm, slice_from_string(authenticator->config.realm));
}

static void count(struct authenticator *authenticator, enum authenticator_metric which)
{
    metric_add(&authenticator->metrics[which], 1);
}

/* For the log alone: strangers learn no names. */
static const char *why_denied(const struct authenticator *authenticator, struct slice user)
{
    struct accounts *accounts = authenticator->parts.accounts;
    uint8_t ha1[16];
    bool known = accounts_known(accounts, user, authenticator->domain);
    bool full = accounts_ha1(accounts, user, authenticator->domain, 0, ha1) == 0;
    return known || full ? "wrong-credentials" : "no-such-user";
}

/* One line of a fixed form that tools can follow (contrib/fail2ban). The address is the socket's,
 * never one from the message. */
static void log_failure(struct authenticator *authenticator, const struct endpoint_request *request,
                        struct slice user, const char *reason)
{
    char host[ADDRESS_TEXT_MAX];
    struct writer w;
    writer_init(&w, host, sizeof(host) - 1);
    address_write_host(&w, &request->flow.remote, false);
    *w.at = '\0';
    struct slice transport = transport_via_name((enum transport)request->flow.transport);
    log_warn(loop_log(endpoint_loop(authenticator->parts.endpoint)), LOG_AUTH,
             "auth-failure src=%s port=%u proto=%.*s method=%.*s user=%.*s reason=%s", host,
             address_port(&request->flow.remote), SLICE_ARG(transport),
             SLICE_ARG(request->msg->method_name), SLICE_ARG(user), reason);
}

#define AGENT_MAX 256 /* characters that are looked at */

/* RFC 3261 section 20.41: a User-Agent is a list of products; libraries put theirs at the end. */
static bool has_product(struct slice agent, struct slice name)
{
    agent.len = agent.len < AGENT_MAX ? agent.len : AGENT_MAX;
    while (agent.len > 0 && !slice_starts_with(agent, name))
        (void)slice_cut(&agent, ' ');
    return agent.len > 0;
}

/* Some phones give up when an algorithm that they do not know stands beside MD5, against RFC 7616
 * section 3.7; test tools such as SIPp, which send no User-Agent, read the first challenge only. */
static enum sip_auth_offer offer_for(const struct authenticator *authenticator,
                                     const struct endpoint_request *request)
{
    struct slice agent = sip_message_value(request->msg, SIP_HEADER_USER_AGENT);
    if (!authenticator->config.md5)
        return SIP_AUTH_OFFER_BEST_FIRST;
    if (agent.len == 0)
        return SIP_AUTH_OFFER_LAST_FIRST;
    for (unsigned i = 0; i < authenticator->config.md5_only_count; i++) {
        if (has_product(agent, authenticator->config.md5_only[i]))
            return SIP_AUTH_OFFER_LAST_ONLY;
    }
    return SIP_AUTH_OFFER_BEST_FIRST;
}

static void challenge(struct authenticator *authenticator, const struct endpoint_request *request,
                      bool proxy, bool stale)
{
    char lines[1024];
    struct writer w;
    int64_t now = loop_steady_ms(endpoint_loop(authenticator->parts.endpoint));
    struct sip_response response = {.status = proxy ? 407 : 401};
    writer_init(&w, lines, sizeof(lines));
    if (sip_auth_challenge(&authenticator->auth, offer_for(authenticator, request), proxy, stale,
                           (uint64_t)now, &w) < 0)
        response.status = 500;
    else
        response.headers = writer_slice(&w);
    count(authenticator, AUTHENTICATOR_CHALLENGES);
    /* Once and without a transaction (RFC 3261 section 26.3.2.4): strangers cost no memory, and a
     * forged source is not sent the same again and again. The ACK is known by its tag. */
    endpoint_reply(request, &response);
}

static void refuse_malformed(struct authenticator *authenticator,
                             const struct endpoint_request *request,
                             const struct sip_auth_result *result)
{
    struct sip_response response = {.status = 400, .reason = result->reason};
    count(authenticator, AUTHENTICATOR_FAILED);
    endpoint_answer(request, &response);
}

/* The AOR of the account: the user name, at the domain that it names or that was claimed. */
static int identify(struct slice user, struct slice domain, struct authenticator_identity *identity)
{
    struct writer w;
    size_t at = slice_index(user, '@');
    struct slice own_domain = at < user.len ? slice_from(user, at + 1) : domain;
    writer_init(&w, identity->aor, sizeof(identity->aor));
    writer_literal(&w, "sip:");
    sip_uri_write_user(&w, slice_of(user.ptr, at));
    writer_char(&w, '@');
    writer_put(&w, own_domain);
    identity->aor_len = writer_length(&w);
    return writer_status(&w);
}

int authenticator_check(struct authenticator *authenticator, const struct endpoint_request *request,
                        bool proxy, struct slice domain,
                        struct authenticator_identity *ret_identity)
{
    enum sip_header_id header = proxy ? SIP_HEADER_PROXY_AUTHORIZATION : SIP_HEADER_AUTHORIZATION;
    uint64_t now = (uint64_t)loop_steady_ms(endpoint_loop(authenticator->parts.endpoint));
    struct sip_auth_result result;
    authenticator->domain = domain;
    switch (sip_auth_check(&authenticator->auth, request->msg, header, now, &result)) {
    case SIP_AUTH_OK:
        if (identify(result.user, domain, ret_identity) == 0) {
            count(authenticator, AUTHENTICATOR_ACCEPTED);
            return 1;
        }
        break;
    case SIP_AUTH_MALFORMED:
        log_failure(authenticator, request, SLICE_NULL, "malformed-credentials");
        refuse_malformed(authenticator, request, &result);
        return 0;
    case SIP_AUTH_STALE: count(authenticator, AUTHENTICATOR_STALE); break;
    case SIP_AUTH_FORGED:
    case SIP_AUTH_DENIED:
        count(authenticator, AUTHENTICATOR_FAILED);
        log_failure(authenticator, request, result.user, why_denied(authenticator, result.user));
        break;
    case SIP_AUTH_NONE:
    case SIP_AUTH_OUTCOME_COUNT: break;
    }
    challenge(authenticator, request, proxy, result.stale);
    return 0;
}
