/* Who may have what forwarded. Calls to our users come in from anywhere; our own users prove who
 * they are; nobody relays through us to a third party. */
#include "base/error.h"
#include "service/proxy/proxy_private.h"

#define TELL_EACH_MS 60000

static void refuse(struct proxy *proxy, const struct endpoint_request *request, unsigned status,
                   const char *reason)
{
    struct sip_response response = {.status = status, .reason = reason};
    proxy_explain_fault(proxy, &(struct proxy_fault){.status = status, .reason = reason});
    proxy_count(proxy, PROXY_REFUSED);
    endpoint_reply(request, &response); /* as a challenge: once (26.3.2.4) */
}

/* Does it go to one of our own users (or to nobody), as far as the Request-URI and Route say? */
static bool goes_to_ours(struct proxy *proxy, const struct proxy_route_info *info)
{
    if (info->has_route || info->elsewhere || !info->ours)
        return false;
    if (info->gruu)
        return true;
    if (info->flow_use != PROXY_FLOW_NONE) /* to the other end of a dialog, whoever that is */
        return false;
    if (info->uri.scheme == SIP_URI_TEL)
        return info->static_route == NULL;
    return info->to_tag.len == 0 || domains_is_self(proxy->domains, &info->uri);
}

/* The canonical AOR of a From or To of ours; empty when it is longer than any user's. */
static bool local_aor(struct proxy *proxy, struct slice uri_text, struct slice *ret_domain,
                      struct writer *w)
{
    struct sip_uri uri;
    if (sip_uri_parse(uri_text, &uri) < 0 || uri.scheme == SIP_URI_TEL ||
        !domains_local(proxy->domains, uri.host, uri.port, ret_domain))
        return false;
    if (domains_aor(proxy->domains, &uri, w) < 0)
        writer_rewind(w, 0);
    return true;
}

static bool same_place(const struct sip_uri *target, const struct binding *binding)
{
    struct sip_uri contact;
    if (sip_uri_parse(binding->contact, &contact) < 0)
        return false;
    /* Some phones use another port or user in a dialog than they registered. */
    return slice_equal_nocase(contact.host, target->host) &&
           slice_equal_nocase(contact.maddr, target->maddr);
}

/* The proxy that the phone registered through: the first of its Path (RFC 3327). */
static bool edge_of(const struct binding *binding, struct sip_uri *ret_uri)
{
    struct slice rest = binding->path, value;
    struct sip_address address;
    return rest.len > 0 && sip_list_next(&rest, &value) &&
           sip_address_parse(value, false, &address) == 0 &&
           sip_uri_parse(address.uri, ret_uri) == 0;
}

static unsigned port_of(const struct sip_uri *uri)
{
    bool secure = uri->scheme == SIP_URI_SIPS || slice_equal_nocase(uri->transport, SLICE("tls"));
    return uri->port != 0 ? uri->port : secure ? 5061 : 5060;
}

/* Does a request to the one arrive where one to the other does? maddr goes before the host (RFC
 * 3263 section 4). */
static bool same_server(const struct sip_uri *a, const struct sip_uri *b)
{
    return slice_equal_nocase(a->host, b->host) && slice_equal_nocase(a->maddr, b->maddr) &&
           port_of(a) == port_of(b);
}

/* In a dialog that we have record-routed the next hop of such a phone is its proxy, and the
 * Request-URI the phone's own or, where that one hides phones, the proxy's: whom that one leads to
 * we cannot know, so what could open something new does not go there. */
static bool same_edge(const struct proxy_route_info *info, const struct binding *binding,
                      bool harmless)
{
    struct sip_address next;
    struct sip_uri edge, hop;
    return info->token != PROXY_TOKEN_NONE && edge_of(binding, &edge) &&
           sip_address_parse(info->next_route, false, &next) == 0 &&
           sip_uri_parse(next.uri, &hop) == 0 && same_server(&hop, &edge) &&
           (same_place(&info->uri, binding) || (harmless && same_server(&info->uri, &edge)));
}

/* A request inside a dialog that goes straight to a phone registered by the user in To, or to the
 * proxy that it registered through: that is no third party. */
static bool goes_to_registered_phone(struct proxy *proxy, const struct proxy_route_info *info,
                                     bool harmless)
{
    char text[AUTHENTICATOR_AOR_MAX];
    struct writer w;
    struct slice domain;
    writer_init(&w, text, sizeof(text));
    if (!local_aor(proxy, info->to, &domain, &w))
        return false;
    int64_t now = loop_wall_ms(endpoint_loop(proxy->endpoint));
    if (location_find(proxy->location, writer_slice(&w), now, &proxy->arena, &proxy->bindings) < 0)
        return false;
    for (unsigned i = 0; i < proxy->bindings.count; i++) {
        const struct binding *binding = &proxy->bindings.items[i];
        if (info->has_route ? same_edge(info, binding, harmless) : same_place(&info->uri, binding))
            return true;
    }
    return false;
}

static bool comes_from_edge(const struct endpoint_request *request, const struct binding *binding)
{
    struct sip_uri edge;
    struct address address;
    return edge_of(binding, &edge) && address_parse_host(edge.host, 0, &address) == 0 &&
           address_equal_host(&address, &request->flow.remote);
}

/* An ACK in a dialog cannot be challenged (22.1): it comes from the very place where the user in
 * From is registered. */
static bool is_ack_of_phone(struct proxy *proxy, const struct endpoint_request *request,
                            const struct proxy_route_info *info, struct slice aor)
{
    int64_t now = loop_wall_ms(endpoint_loop(proxy->endpoint));
    if (info->to_tag.len == 0 ||
        location_find(proxy->location, aor, now, &proxy->arena, &proxy->bindings) < 0)
        return false;
    for (unsigned i = 0; i < proxy->bindings.count; i++) {
        if (address_equal(&proxy->bindings.items[i].flow.remote, &request->flow.remote))
            return true;
    }
    return false;
}

/* Without auth.call: the sender counts as our user when the user in From is registered from the
 * same address, or through it. */
static bool from_registered_phone(struct proxy *proxy, const struct endpoint_request *request,
                                  struct slice aor)
{
    int64_t now = loop_wall_ms(endpoint_loop(proxy->endpoint));
    if (location_find(proxy->location, aor, now, &proxy->arena, &proxy->bindings) < 0)
        return false;
    for (unsigned i = 0; i < proxy->bindings.count; i++) {
        const struct binding *binding = &proxy->bindings.items[i];
        if (address_equal_host(&binding->flow.remote, &request->flow.remote) ||
            comes_from_edge(request, binding))
            return true;
    }
    return false;
}

/* 1: the user in From has proved itself. 0: challenged or refused. */
static int authenticate(struct proxy *proxy, const struct endpoint_request *request,
                        struct slice domain, struct slice aor)
{
    struct authenticator_identity identity;
    if (proxy->trace != NULL) {
        locate_say(
            proxy->trace, "RFC 3261 22.3",
            "From is %.*s: this user is asked for credentials (407); from here on as if they "
            "were right",
            SLICE_ARG(aor));
        return 1;
    }
    if (authenticator_check(proxy->authenticator, request, true, domain, &identity) == 0)
        return 0;
    if (slice_equal(slice_of(identity.aor, identity.aor_len), aor))
        return 1;
    refuse(proxy, request, 403, "Forbidden - From Is Another User");
    return 0;
}

/* The operator who has given his phone another name of this machine finds out here why it does not
 * register. Strangers make one line a minute of it. */
static void tell_of_domain(struct proxy *proxy, const struct endpoint_request *request)
{
    struct loop *loop = endpoint_loop(proxy->endpoint);
    char from[ADDRESS_TEXT_MAX];
    if (proxy->told_of_domain_ms != 0 &&
        loop_now_ms(loop) - proxy->told_of_domain_ms < TELL_EACH_MS)
        return;
    proxy->told_of_domain_ms = loop_now_ms(loop);
    log_info(loop_log(loop), LOG_PROXY,
             "%s wants to register at %.*s, which is no domain of this server: it must stand in "
             "domains",
             address_text(&request->flow.remote, from), SLICE_ARG(request->uri.host));
}

static int deny_relay(struct proxy *proxy, const struct endpoint_request *request)
{
    if (request->msg->method == SIP_ACK)
        return 0;
    bool registers = request->msg->method == SIP_REGISTER;
    if (registers)
        tell_of_domain(proxy, request);
    refuse(proxy, request, 403,
           registers ? "Forbidden - Not A Domain Of This Server" : "Forbidden - No Relaying");
    return 0;
}

/* Would the request leave us for a static route, which may cost money? */
static bool takes_static_route(struct proxy *proxy, const struct proxy_route_info *info)
{
    if (info->has_route || info->elsewhere || info->static_route == NULL)
        return false;
    if (info->uri.scheme == SIP_URI_TEL || !info->ours)
        return true;
    return !proxy_user_known(proxy, info->uri.user, info->domain) &&
           !proxy_user_has_bindings(proxy, &info->uri);
}

/* Means nothing to whoever has no such dialog, so a To tag is enough on the way to ours. */
static bool only_lives_in_dialogs(const struct sip_message *msg)
{
    return msg->method == SIP_BYE || msg->method == SIP_PRACK || msg->method == SIP_UPDATE;
}

/* What goes along in a dialog that a stranger opened; whatever could open something new proves
 * itself again. */
static bool goes_with_stranger(const struct sip_message *msg)
{
    return only_lives_in_dialogs(msg) || msg->method == SIP_ACK || msg->method == SIP_INFO ||
           msg->method == SIP_NOTIFY;
}

/* Inside a dialog: has it been let in before, or does it end at a phone of ours? */
static bool admit_in_dialog(struct proxy *proxy, const struct endpoint_request *request,
                            const struct proxy_route_info *info)
{
    bool harmless = goes_with_stranger(request->msg);
    if (info->token == PROXY_TOKEN_USER || (info->token == PROXY_TOKEN_STRANGER && harmless))
        return true;
    struct sip_uri from;
    struct slice domain;
    bool claims_ours = sip_uri_parse(info->from, &from) == 0 && from.scheme != SIP_URI_TEL &&
                       domains_local(proxy->domains, from.host, from.port, &domain);
    if (claims_ours && proxy->config.auth && !harmless)
        return false; /* is asked for credentials */
    return goes_to_registered_phone(proxy, info, harmless);
}

int proxy_policy_admit(struct proxy *proxy, const struct endpoint_request *request,
                       struct proxy_route_info *info)
{
    char text[AUTHENTICATOR_AOR_MAX];
    struct writer w;
    struct slice domain;
    /* To a phone that has registered elsewhere through us, from who knows its Path (RFC 5626). */
    if (info->flow_use == PROXY_FLOW_PATH)
        return 1;
    bool to_ours = goes_to_ours(proxy, info);
    bool static_route = takes_static_route(proxy, info);
    /* A dialog's Request-URI is a contact; a number of ours that is routed away is none, and
     * anybody can write a To tag. */
    bool dialog = info->to_tag.len > 0 && !(static_route && info->ours);
    info->trusted = dialog && info->token == PROXY_TOKEN_USER;
    if (info->to_tag.len > 0 && to_ours && only_lives_in_dialogs(request->msg))
        return 1;
    if (dialog && admit_in_dialog(proxy, request, info))
        return 1;
    writer_init(&w, text, sizeof(text));
    bool local = local_aor(proxy, info->from, &domain, &w);
    if (request->msg->method == SIP_ACK) {
        bool passes =
            !static_route &&
            (to_ours || (local && is_ack_of_phone(proxy, request, info, writer_slice(&w))));
        return passes ? 1 : deny_relay(proxy, request);
    }
    if (!proxy->config.auth && (static_route || to_ours))
        return 1;
    if (local && proxy->config.auth) {
        info->trusted = authenticate(proxy, request, domain, writer_slice(&w)) == 1;
        info->proved = info->trusted;
        return info->trusted;
    }
    if (to_ours && !static_route)
        return 1;
    if (local && from_registered_phone(proxy, request, writer_slice(&w)))
        return 1;
    return deny_relay(proxy, request);
}
