#include "service/registrar/registrar.h"

#include "base/error.h"
#include "base/memory.h"
#include "service/registrar/registrar_private.h"

const struct metric_info registrar_metric_infos[REGISTRAR_METRICS] = {
    REGISTRAR_METRIC_LIST(METRIC_ROW)};

static size_t waiting_max(const struct registrar_config *config)
{
    return config->waiting_max ? config->waiting_max : 100000;
}

int registrar_new(const struct registrar_config *config, const struct registrar_parts *parts,
                  struct registrar **ret_registrar)
{
    struct registrar *registrar = memory_zalloc(1, sizeof(*registrar));
    if (registrar == NULL)
        return ERR_NO_MEMORY;
    int status = gruu_new(parts->gruu_key, &registrar->gruu);
    if (status < 0) {
        memory_free(registrar);
        return status;
    }
    registrar->config = *config;
    registrar->parts = *parts;
    arena_init(&registrar->arena, 64 << 10, 1 << 20);
    pool_init(&registrar->waiting_pool, sizeof(struct registrar_waiting), waiting_max(config));
    blocks_init(&registrar->blocks, 0);
    list_init(&registrar->waiting);
    timer_init(&registrar->trying, registrar_on_trying);
    *ret_registrar = registrar;
    return 0;
}

void registrar_free(struct registrar *registrar)
{
    if (registrar == NULL)
        return;
    registrar_forget_waiting(registrar);
    gruu_free(registrar->gruu);
    arena_done(&registrar->arena);
    pool_done(&registrar->waiting_pool);
    blocks_done(&registrar->blocks);
    memory_free(registrar);
}

void registrar_reload(struct registrar *registrar, const struct registrar_config *config,
                      const struct domains *domains)
{
    registrar->config = *config;
    registrar->waiting_pool.limit = waiting_max(config);
    registrar->parts.domains = domains;
}

const metric *registrar_metrics(const struct registrar *registrar)
{
    return registrar->metrics;
}

void registrar_refuse(struct registrar *registrar, const struct endpoint_request *request,
                      unsigned status, const char *reason, struct slice headers)
{
    struct sip_response response = {.status = status, .reason = reason, .headers = headers};
    metric_add(&registrar->metrics[REGISTRAR_REFUSED], 1);
    endpoint_answer(request, &response);
}

/* RFC 3261 section 10.3 step 2: Path (RFC 3327), outbound (RFC 5626), gruu
 * (RFC 5627) and no other. */
static bool refuse_required(struct registrar *registrar, const struct endpoint_request *request)
{
    char line[512];
    struct writer w;
    struct sip_values values;
    struct slice value;
    unsigned count = 0;
    writer_init(&w, line, sizeof(line));
    writer_literal(&w, "Unsupported: ");
    sip_values_init(&values, request->msg, SIP_HEADER_REQUIRE);
    while (sip_values_next(&values, &value)) {
        if (slice_equal_nocase(value, SLICE("path")) ||
            slice_equal_nocase(value, SLICE("outbound")) ||
            slice_equal_nocase(value, SLICE("gruu")))
            continue;
        if (count++ > 0)
            writer_literal(&w, ", ");
        writer_put(&w, value);
    }
    if (count == 0)
        return false;
    writer_literal(&w, "\r\n");
    registrar_refuse(registrar, request, 420, NULL,
                     writer_status(&w) == 0 ? writer_slice(&w) : SLICE_NULL);
    return true;
}

/* "Valid for the domain in the Request-URI": a domain of ours by its name. Our addresses stand for
 * all of them. */
static bool names_other_domain(struct registrar *registrar, const struct endpoint_request *request,
                               struct slice domain)
{
    struct slice asked;
    const struct sip_uri *uri = &request->uri;
    return request->uri_status == 0 &&
           domains_local(registrar->parts.domains, uri->host, uri->port, &asked) &&
           slice_equal_nocase(asked, uri->host) && !slice_equal(asked, domain);
}

/* Step 5: the address-of-record in To, in its canonical form. */
static bool find_aor(struct registrar *registrar, const struct endpoint_request *request,
                     struct slice *ret_domain, struct writer *w)
{
    struct sip_uri uri;
    if (sip_uri_parse(request->msg->parts.to.uri, &uri) < 0) {
        registrar_refuse(registrar, request, 400, "Bad Request - To Malformed", SLICE_NULL);
        return false;
    }
    if (uri.scheme == SIP_URI_TEL || uri.scheme == SIP_URI_OTHER) { /* RFC 4475 section 3.3.4 */
        registrar_refuse(registrar, request, 400, "Bad Request - To Is No SIP URI", SLICE_NULL);
        return false;
    }
    if (!domains_local(registrar->parts.domains, uri.host, uri.port, ret_domain) ||
        names_other_domain(registrar, request, *ret_domain) || uri.user.len == 0 ||
        domains_aor(registrar->parts.domains, &uri, w) < 0) {
        registrar_refuse(registrar, request, 404, "Not Found - No Such Address-of-Record",
                         SLICE_NULL);
        return false;
    }
    return true;
}

/* Steps 3 and 4: who is it, and may he change this address-of-record? */
static bool authorize(struct registrar *registrar, const struct endpoint_request *request,
                      struct slice domain, struct slice aor)
{
    struct authenticator_identity identity;
    if (!registrar->config.auth)
        return true;
    if (authenticator_check(registrar->parts.authenticator, request, false, domain, &identity) == 0)
        return false;
    if (slice_equal(slice_of(identity.aor, identity.aor_len), aor))
        return true;
    registrar_refuse(registrar, request, 403, "Forbidden - Another User's Address-of-Record",
                     SLICE_NULL);
    return false;
}

void registrar_on_request(struct registrar *registrar, const struct endpoint_request *request)
{
    char text[AUTHENTICATOR_AOR_MAX];
    struct writer w;
    struct slice domain;
    int64_t ticket = 0;
    arena_reset(&registrar->arena);
    writer_init(&w, text, sizeof(text));
    if (refuse_required(registrar, request) || !find_aor(registrar, request, &domain, &w))
        return;
    struct slice aor = writer_slice(&w);
    if (!authorize(registrar, request, domain, aor))
        return;
    if (!registrar_read(registrar, request, aor, &registrar->update) ||
        !registrar_apply(registrar, request, aor, &ticket))
        return;
    registrar_acknowledge(registrar, request, ticket);
}
