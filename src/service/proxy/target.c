/* Where a request goes (RFC 3261 section 16.5). */
#include "base/error.h"
#include "service/proxy/proxy_private.h"

static int fault(struct proxy_fault *ret_fault, unsigned status, const char *reason)
{
    *ret_fault = (struct proxy_fault){.status = status, .reason = reason};
    return ERR_NOT_FOUND;
}

/* The longest prefix wins, then the first in the configuration. */
const struct proxy_route *proxy_static_route(const struct proxy *proxy, const struct sip_uri *uri)
{
    const struct proxy_route *best = NULL;
    size_t best_len = 0;
    struct slice domain;
    bool ours =
        uri->scheme == SIP_URI_TEL || domains_local(proxy->domains, uri->host, uri->port, &domain);
    for (unsigned i = 0; i < proxy->config.route_count; i++) {
        const struct proxy_route *route = &proxy->config.routes[i];
        struct slice prefix = slice_from_string(route->prefix);
        struct slice host = slice_from_string(route->domain);
        bool domain_fits = host.len > 0 ? slice_equal_nocase(host, uri->host) : ours;
        if (!domain_fits || !slice_starts_with(uri->user, prefix))
            continue;
        if (best == NULL || prefix.len > best_len) {
            best = route;
            best_len = prefix.len;
        }
    }
    return best;
}

static void add_static(const struct proxy_route *route, struct proxy_targets *targets)
{
    targets->items[targets->count++] =
        (struct proxy_target){.next_hop = slice_from_string(route->next_hop), .q = 1000};
}

/* A binding is reached along its flow where that is a connection, or where a NAT stands before the
 * phone; else at its contact. */
static void add_binding(const struct binding *binding, struct slice aor,
                        struct proxy_targets *targets)
{
    struct proxy_target *target = &targets->items[targets->count++];
    bool stream = flow_reliable(&binding->flow) && binding->flow.connection != 0;
    *target = (struct proxy_target){
        .uri = binding->contact,
        .path = binding->path,
        .q = binding->q,
        .has_flow = binding->path.len == 0 && (stream || binding->behind_nat),
        .flow = binding->flow,
        .aor = aor,
    };
}

static int find_bindings(struct proxy *proxy, const struct sip_uri *uri,
                         struct proxy_targets *targets)
{
    char text[AUTHENTICATOR_AOR_MAX];
    struct writer w;
    struct slice aor;
    writer_init(&w, text, sizeof(text));
    int status = domains_aor(proxy->domains, uri, &w);
    if (status < 0)
        return status;
    if (arena_copy(&proxy->arena, writer_slice(&w), &aor) < 0)
        return ERR_NO_MEMORY;
    int64_t now = loop_wall_ms(endpoint_loop(proxy->endpoint));
    status = location_find(proxy->location, aor, now, &proxy->arena, &proxy->bindings);
    if (status < 0)
        return status;
    for (unsigned i = 0; i < proxy->bindings.count && targets->count < PROXY_BRANCHES_MAX; i++)
        add_binding(&proxy->bindings.items[i], aor, targets);
    return 0;
}

/* A user of ours: its phones, else a static route, else 480 or 404. */
static int find_local(struct proxy *proxy, const struct proxy_route_info *info, struct slice domain,
                      struct proxy_targets *targets, struct proxy_fault *ret_fault)
{
    if (info->uri.scheme != SIP_URI_TEL) {
        int status = find_bindings(proxy, &info->uri, targets);
        if (status < 0)
            return fault(ret_fault, status == ERR_NO_MEMORY ? 500 : 404, NULL);
    }
    if (targets->count > 0)
        return 0;
    const struct proxy_route *route = proxy_static_route(proxy, &info->uri);
    if (route != NULL) {
        add_static(route, targets);
        return 0;
    }
    if (accounts_known(proxy->accounts, info->uri.user, domain))
        return fault(ret_fault, 480, NULL);
    return fault(ret_fault, 404, NULL);
}

int proxy_targets_find(struct proxy *proxy, const struct sip_message *msg,
                       const struct proxy_route_info *info, struct proxy_targets *ret_targets,
                       struct proxy_fault *ret_fault)
{
    struct slice domain = domains_primary(proxy->domains);
    ret_targets->count = 0;
    (void)msg;
    bool ours = info->uri.scheme == SIP_URI_TEL ||
                domains_local(proxy->domains, info->uri.host, info->uri.port, &domain);
    /* In a dialog the Request-URI is a contact: an address without port is then not ours just
     * because the host is (19.1.2). */
    if (ours && info->to_tag.len > 0 && info->uri.scheme != SIP_URI_TEL)
        ours = domains_is_self(proxy->domains, &info->uri);
    if (!info->has_route && ours)
        return find_local(proxy, info, domain, ret_targets, ret_fault);
    const struct proxy_route *route =
        info->has_route ? NULL : proxy_static_route(proxy, &info->uri);
    if (route != NULL) {
        add_static(route, ret_targets);
        return 0;
    }
    ret_targets->items[ret_targets->count++] = (struct proxy_target){.q = 1000};
    return 0;
}
