/* Where a request goes (RFC 3261 section 16.5). */
#include "base/error.h"
#include "service/proxy/proxy_private.h"

static int fault(struct proxy_fault *ret_fault, unsigned status, const char *reason)
{
    *ret_fault = (struct proxy_fault){.status = status, .reason = reason};
    return ERR_NOT_FOUND;
}

const struct proxy_route *proxy_config_route(const struct proxy_config *config,
                                             const struct sip_uri *uri, bool ours)
{
    const struct proxy_route *best = NULL;
    size_t best_len = 0;
    for (unsigned i = 0; i < config->route_count; i++) {
        const struct proxy_route *route = &config->routes[i];
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

uint64_t proxy_target_hash(const struct proxy *proxy, const struct proxy_target *target)
{
    char text[512];
    struct sip_uri uri;
    struct writer w;
    writer_init(&w, text, sizeof(text));
    if (target->uri.len > 0 && sip_uri_parse(target->uri, &uri) == 0) {
        sip_uri_write_key(&w, &uri);
        if (writer_status(&w) == 0)
            return hash_slice(&proxy->loop_key, writer_slice(&w));
    }
    return hash_slice(&proxy->loop_key, target->uri);
}

void proxy_targets_sort(struct proxy_target *targets, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        struct proxy_target moved = targets[i];
        unsigned at = i;
        for (; at > 0 && targets[at - 1].q < moved.q; at--)
            targets[at] = targets[at - 1];
        targets[at] = moved;
    }
}

/* A target can be in the set once only (16.5); two flows to one contact are two: of one instance,
 * or of two phones with the same private address behind different NATs. */
static bool same_target(const struct proxy_target *a, const struct proxy_target *b)
{
    return a->uri.len > 0 && slice_equal(a->uri, b->uri) &&
           (a->instance == 0 || a->instance != b->instance) &&
           (!a->flow_only || !b->flow_only || proxy_flow_same(&a->flow, &b->flow));
}

static void add(const struct proxy_target *target, struct proxy_targets *targets)
{
    for (unsigned i = 0; i < targets->count; i++) {
        if (same_target(target, &targets->items[i]))
            return;
    }
    if (targets->count < PROXY_BRANCHES_MAX)
        targets->items[targets->count++] = *target;
}

static void add_static(const struct proxy_route *route, struct proxy_targets *targets)
{
    struct proxy_target target = {.next_hop = slice_from_string(route->next_hop),
                                  .q = PROXY_Q(PROXY_Q_MAX, PROXY_Q_MAX)};
    add(&target, targets);
}

static enum binding_reach reach_of(const struct proxy *proxy, const struct binding *binding)
{
    return location_reach(proxy->location, binding, loop_wall_ms(endpoint_loop(proxy->endpoint)));
}

static void take_flow(struct proxy_target *target, const struct binding *binding,
                      enum binding_reach reach)
{
    target->has_flow = reach == BINDING_BY_FLOW || reach == BINDING_BY_FLOW_ONLY;
    target->flow_only = reach == BINDING_BY_FLOW_ONLY;
    target->flow = binding->flow;
}

/* RFC 5626 section 7: the flows of one instance are tried one after the other. */
static uint64_t instance_hash(const struct proxy *proxy, struct slice aor, struct slice instance)
{
    struct hash_state hash;
    if (instance.len == 0)
        return 0;
    hash_begin(&hash, &proxy->token_key); /* flow tokens have a part of it */
    hash_add(&hash, aor);
    hash_add(&hash, instance);
    return hash_end(&hash) | 1;
}

static bool is_sips(struct slice uri)
{
    return slice_starts_with_nocase(uri, SLICE("sips:"));
}

/* RFC 5630 section 5.3: what came for sip goes to a sips contact as sip, but by TLS. */
static int lower_scheme(struct proxy *proxy, struct proxy_target *target)
{
    char *text = arena_alloc(&proxy->arena, target->uri.len);
    struct writer w;
    if (text == NULL)
        return ERR_NO_MEMORY;
    writer_init(&w, text, target->uri.len);
    writer_literal(&w, "sip:");
    writer_put(&w, slice_from(target->uri, 5));
    if (!target->has_flow && target->path.len == 0)
        target->next_hop = target->uri;
    target->uri = writer_slice(&w);
    return 0;
}

static void add_binding(struct proxy *proxy, const struct binding *binding, struct slice aor,
                        uint32_t q, struct proxy_targets *targets)
{
    enum binding_reach reach = reach_of(proxy, binding);
    if (reach == BINDING_GONE) {
        targets->gone = true;
        return;
    }
    struct proxy_target target = {
        .uri = binding->contact,
        .path = binding->path,
        .q = q,
        .gruu = binding->gruu,
        .aor = aor,
        .instance = instance_hash(proxy, aor, binding->instance),
    };
    take_flow(&target, binding, reach);
    if (!targets->secure && is_sips(target.uri) && lower_scheme(proxy, &target) < 0)
        return;
    add(&target, targets);
}

/* ---- users who lead to other users ---- */

#define USERS_MAX 16 /* looked up for one request */

struct user {
    struct slice aor; /* canonical, in proxy->arena */
    unsigned q;
    bool outer; /* the one that was asked for: q is of its contacts */
};

struct search {
    struct proxy *proxy;
    struct proxy_targets *targets;
    unsigned count;
    struct user users[USERS_MAX];
    bool circle;                  /* a user led back to one that has been looked up */
    const struct gruu_name *gruu; /* only the bindings that it leads to; NULL: all */
};

/* 0, also when the user is known already. */
static int add_user(struct search *search, const struct sip_uri *uri, unsigned q, bool outer)
{
    struct proxy *proxy = search->proxy;
    char text[AUTHENTICATOR_AOR_MAX];
    struct writer w;
    writer_init(&w, text, sizeof(text));
    int status = domains_aor(proxy->domains, uri, &w);
    if (status < 0)
        return status;
    for (unsigned i = 0; i < search->count; i++) {
        if (slice_equal(search->users[i].aor, writer_slice(&w))) {
            search->circle = true;
            return 0;
        }
    }
    if (search->count == USERS_MAX)
        return ERR_LIMIT;
    struct user *user = &search->users[search->count];
    if (arena_copy(&proxy->arena, writer_slice(&w), &user->aor) < 0)
        return ERR_NO_MEMORY;
    user->q = q;
    user->outer = outer;
    search->count++;
    return 0;
}

/* Does the contact name a user of ours? Then his phones are looked up here and now: a request sent
 * to ourselves would only lose the proof of who sent it. */
static bool leads_to_user(const struct search *search, const struct binding *binding,
                          struct sip_uri *ret_uri)
{
    struct slice domain;
    return binding->path.len == 0 && sip_uri_parse(binding->contact, ret_uri) == 0 &&
           (ret_uri->scheme == SIP_URI_SIP || ret_uri->scheme == SIP_URI_SIPS) &&
           ret_uri->user.len > 0 &&
           domains_local(search->proxy->domains, ret_uri->host, ret_uri->port, &domain);
}

static int look_up(struct search *search, const struct user *user)
{
    struct proxy *proxy = search->proxy;
    struct sip_uri uri;
    int64_t now = loop_wall_ms(endpoint_loop(proxy->endpoint));
    int status = location_find(proxy->location, user->aor, now, &proxy->arena, &proxy->bindings);
    for (unsigned i = 0; status == 0 && i < proxy->bindings.count; i++) {
        const struct binding *binding = &proxy->bindings.items[i];
        if (search->gruu != NULL && !gruu_leads_to(search->gruu, binding))
            continue;
        if (search->targets->secure && !is_sips(binding->contact)) {
            search->targets->plain = true;
            continue;
        }
        if (search->gruu == NULL && leads_to_user(search, binding, &uri))
            (void)add_user(search, &uri, user->outer ? binding->q : user->q, false);
        else
            add_binding(proxy, binding, user->aor,
                        user->outer ? PROXY_Q(binding->q, PROXY_Q_MAX)
                                    : PROXY_Q(user->q, binding->q),
                        search->targets);
    }
    return status;
}

static int look_up_all(struct search *search)
{
    int status = 0;
    search->targets->count += search->targets->spare_count;
    search->targets->spare_count = 0;
    for (unsigned i = 0; status == 0 && i < search->count; i++)
        status = look_up(search, &search->users[i]);
    proxy_targets_sort(search->targets->items, search->targets->count);
    proxy_instances_part(search->targets);
    return status;
}

bool proxy_targets_add(struct proxy *proxy, struct slice uri_text, unsigned q,
                       struct proxy_targets *targets)
{
    struct search search = {.proxy = proxy, .targets = targets};
    struct sip_uri uri;
    struct slice domain;
    unsigned before = targets->count;
    if (sip_uri_parse(uri_text, &uri) < 0)
        return true;
    if (uri.user.len == 0 || !domains_local(proxy->domains, uri.host, uri.port, &domain)) {
        struct proxy_target target = {.uri = uri_text, .q = PROXY_Q(q, PROXY_Q_MAX)};
        add(&target, targets);
        return true;
    }
    if (add_user(&search, &uri, q, false) == 0)
        (void)look_up_all(&search);
    return !search.circle || targets->count > before;
}

/* A user of ours: its phones, else a static route, else 480 or 404. */
static int find_local(struct proxy *proxy, const struct proxy_route_info *info,
                      struct proxy_targets *targets, struct proxy_fault *ret_fault)
{
    struct search search = {.proxy = proxy, .targets = targets};
    struct sip_uri uri = info->uri;
    targets->responsible = true;
    if (info->uri.scheme == SIP_URI_TEL)
        uri = (struct sip_uri){
            .scheme = SIP_URI_SIP, .has_user = true, .user = info->number, .host = info->domain};
    int status = add_user(&search, &uri, PROXY_Q_MAX, true);
    if (status == 0)
        status = look_up_all(&search);
    if (status < 0)
        return fault(ret_fault, status == ERR_NO_MEMORY ? 500 : 404, NULL);
    if (targets->count > 0)
        return 0;
    if (search.circle)
        return fault(ret_fault, 482, NULL);
    if (targets->plain) {
        (void)fault(ret_fault, 480, NULL);
        ret_fault->headers = SLICE("Warning: 380 trapezoid \"SIPS Not Allowed\"\r\n");
        return ERR_NOT_FOUND;
    }
    if (targets->gone) /* he has registered, but all his flows have ended */
        return fault(ret_fault, 480, NULL);
    if (info->static_route != NULL) {
        add_static(info->static_route, targets);
        return 0;
    }
    if (proxy_user_known(proxy, uri.user, info->domain))
        return fault(ret_fault, 480, NULL);
    return fault(ret_fault, 404, NULL);
}

static bool has_account(struct proxy *proxy, struct slice aor)
{
    struct slice domain = slice_from(aor, 4); /* "sip:" */
    struct slice user = slice_cut(&domain, '@');
    return proxy_user_known(proxy, user, domain);
}

/* RFC 5627 section 6.1: the contacts of one instance, and no forwarding. A public GRUU is as valid
 * as its address-of-record; a temporary one ends with the registration that it was made for. */
static int find_gruu(struct proxy *proxy, const struct proxy_route_info *info,
                     struct proxy_targets *targets, struct proxy_fault *ret_fault)
{
    struct gruu_name name;
    struct sip_uri uri;
    struct search search = {.proxy = proxy, .targets = targets, .gruu = &name};
    targets->responsible = true;
    int status = gruu_read(proxy->gruu, &info->uri, info->domain, &proxy->arena, &name);
    if (status == 0)
        status = sip_uri_parse(name.aor, &uri);
    if (status == 0)
        status = add_user(&search, &uri, PROXY_Q_MAX, true);
    if (status == 0)
        status = look_up_all(&search);
    if (status < 0)
        return fault(ret_fault, status == ERR_NO_MEMORY ? 500 : 404, NULL);
    if (targets->count > 0)
        return 0;
    bool valid = targets->gone || targets->plain ||
                 (!name.temporary && (proxy->bindings.count > 0 || has_account(proxy, name.aor)));
    return fault(ret_fault, valid ? 480 : 404, NULL);
}

/* Is the binding that of the phone at the other end? It has registered the Request-URI, or the flow
 * token names its instance. */
static bool is_of_dialog(const struct proxy *proxy, const struct proxy_route_info *info,
                         struct slice aor, const struct binding *binding)
{
    struct sip_uri contact;
    if (info->flow_use != PROXY_FLOW_NONE && info->flow.instance != 0 &&
        (uint32_t)instance_hash(proxy, aor, binding->instance) == info->flow.instance)
        return true;
    return sip_uri_parse(binding->contact, &contact) == 0 &&
           slice_equal(contact.user, info->uri.user) && contact.port == info->uri.port &&
           slice_equal_nocase(contact.host, info->uri.host);
}

/* Has the user registered the Request-URI? Then the target is reached as calls to him reach it.
 * True: he has, and no flow that leads there lives. */
static bool take_flow_of_user(struct proxy *proxy, const struct proxy_route_info *info,
                              struct slice aor, struct proxy_target *target)
{
    int64_t now = loop_wall_ms(endpoint_loop(proxy->endpoint));
    bool gone = false;
    if (location_find(proxy->location, aor, now, &proxy->arena, &proxy->bindings) < 0)
        return false;
    for (unsigned i = 0; i < proxy->bindings.count; i++) {
        const struct binding *binding = &proxy->bindings.items[i];
        enum binding_reach reach = reach_of(proxy, binding);
        bool of_dialog = is_of_dialog(proxy, info, aor, binding);
        if (reach == BINDING_BY_CONTACT && of_dialog && !target->has_flow)
            target->flow = binding->flow;
        if (reach == BINDING_BY_CONTACT ||
            (info->uri.scheme == SIP_URI_SIPS &&
             !transport_secure((enum transport)binding->flow.transport)) ||
            !of_dialog)
            continue;
        gone = gone || reach == BINDING_GONE;
        bool same =
            info->flow_use != PROXY_FLOW_NONE && proxy_flow_same(&info->flow.flow, &binding->flow);
        if (reach != BINDING_GONE && (same || !target->has_flow))
            take_flow(target, binding, reach);
    }
    return gone && !target->has_flow;
}

/* Most phones put their user into their contact. That is all there is to go by when To is that
 * contact, as in the call that a transfer makes (RFC 5589 section 7.3). */
static int user_by_contact(const struct proxy *proxy, const struct proxy_route_info *info,
                           const struct sip_uri *to, struct writer *w)
{
    struct sip_uri from, uri = {.scheme = SIP_URI_SIP, .has_user = true, .user = info->uri.user};
    uri.host = info->domain;
    bool same = to->scheme == info->uri.scheme && slice_equal(to->user, info->uri.user) &&
                slice_equal_nocase(to->host, info->uri.host) && to->port == info->uri.port;
    if (!same || info->uri.scheme == SIP_URI_TEL || info->uri.user.len == 0 ||
        info->flow_use != PROXY_FLOW_NONE)
        return ERR_NOT_FOUND;
    if (sip_uri_parse(info->from, &from) == 0 && from.scheme != SIP_URI_TEL)
        (void)domains_local(proxy->domains, from.host, from.port, &uri.host);
    writer_rewind(w, 0);
    return domains_aor(proxy->domains, &uri, w);
}

/* In a dialog the Request-URI is the contact of the user in To. A contact by TCP may be no more
 * than the far end of a connection, which another worker may own. When that has ended, another flow
 * of the phone is taken. */
static int take_registered_flow(struct proxy *proxy, const struct proxy_route_info *info,
                                struct proxy_target *target)
{
    char text[AUTHENTICATOR_AOR_MAX];
    struct sip_uri to;
    struct writer w;
    bool gone = false;
    writer_init(&w, text, sizeof(text));
    if (sip_uri_parse(info->to, &to) < 0)
        return 0;
    if (domains_aor(proxy->domains, &to, &w) == 0)
        gone = take_flow_of_user(proxy, info, writer_slice(&w), target);
    bool found = gone || target->has_flow || target->flow.remote.sa.sa_family != 0;
    if (!found && user_by_contact(proxy, info, &to, &w) == 0)
        gone = take_flow_of_user(proxy, info, writer_slice(&w), target);
    return gone ? ERR_CLOSED : 0;
}

/* Where the user has registered the Request-URI, the location knows best whether it still lives,
 * and how else it is reached; else the token says (RFC 5626 section 5.3.1). */
static int take_flow_of_dialog(struct proxy *proxy, const struct proxy_route_info *info,
                               struct proxy_target *target, struct proxy_fault *ret_fault)
{
    int status = take_registered_flow(proxy, info, target);
    if (target->has_flow)
        return 0;
    if (info->flow_use == PROXY_FLOW_GONE)
        return fault(ret_fault, 430, NULL);
    if (info->flow_use == PROXY_FLOW_NONE)
        return status < 0 ? fault(ret_fault, 480, NULL) : 0;
    /* RFC 5630 section 5.3: no downgrade along the way. */
    if (info->uri.scheme == SIP_URI_SIPS &&
        !transport_secure((enum transport)info->flow.flow.transport))
        return fault(ret_fault, 480, NULL);
    target->has_flow = target->flow_only = true;
    target->flow = info->flow.flow;
    return 0;
}

int proxy_targets_find(struct proxy *proxy, const struct sip_message *msg,
                       const struct proxy_route_info *info, struct proxy_targets *ret_targets,
                       struct proxy_fault *ret_fault)
{
    bool ours = info->ours;
    ret_targets->count = ret_targets->spare_count = 0;
    ret_targets->responsible = ret_targets->gone = ret_targets->plain = false;
    ret_targets->secure = info->uri.scheme == SIP_URI_SIPS;
    (void)msg;
    /* In a dialog the Request-URI is a contact: an address without port is then not ours just
     * because the host is (19.1.2). */
    if (ours && info->to_tag.len > 0 && info->uri.scheme != SIP_URI_TEL)
        ours = domains_is_self(proxy->domains, &info->uri);
    if (info->gruu && !info->has_route && !info->elsewhere)
        return find_gruu(proxy, info, ret_targets, ret_fault);
    bool routed = info->has_route || info->elsewhere || info->flow_use != PROXY_FLOW_NONE;
    if (!routed && ours)
        return find_local(proxy, info, ret_targets, ret_fault);
    if (!routed && info->static_route != NULL) {
        add_static(info->static_route, ret_targets);
        return 0;
    }
    struct proxy_target *target = &ret_targets->items[ret_targets->count++];
    *target = (struct proxy_target){.q = PROXY_Q_MAX};
    return info->has_route ? 0 : take_flow_of_dialog(proxy, info, target, ret_fault);
}
