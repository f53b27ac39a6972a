#include "app/control/dry_walk.h"

#include "app/control/answer.h"
#include "base/error.h"
#include "stack/resolver.h"

#define URI_MAX 2048

struct walk {
    const struct settings *settings; /* borrowed */
    struct loop *loop;
    struct resolver *resolver;
    struct dry_steps steps;
    json_t *targets;
};

static void on_plan(void *user)
{
    struct walk *walk = user;
    loop_stop(walk->loop);
}

static struct locate_speaks speaks_of(const struct app_config *config)
{
    struct locate_speaks speaks = {.family = {{false}}};
    for (unsigned i = 0; i < config->listen.count; i++) {
        const struct endpoint_listener *listener = &config->listen.items[i];
        speaks.family[listener->transport][address_is_v6(&listener->local)] = true;
    }
    return speaks;
}

static int open_walk(struct walk *walk, struct log *log)
{
    struct loop_config config = {.log = log};
    int status = loop_new(&config, &walk->loop);
    if (status == 0)
        status = dns_configure(walk->loop, &walk->settings->config->dns);
    if (status < 0)
        return status;
    struct resolver_config resolver = {.loop = walk->loop,
                                       .speaks = speaks_of(walk->settings->config),
                                       .trace = &walk->steps.trace};
    return resolver_new(&resolver, &walk->resolver);
}

static void close_walk(struct walk *walk)
{
    resolver_free(walk->resolver);
    loop_free(walk->loop);
}

static void add_target(struct walk *walk, const struct endpoint_target *target)
{
    char address[ADDRESS_TEXT_MAX];
    struct slice transport = transport_via_name((enum transport)target->transport);
    json_array_append_new(walk->targets,
                          json_pack("{s:o, s:s}", "transport", answer_text(transport), "address",
                                    address_text(&target->address, address)));
    locate_say(&walk->steps.trace, "RFC 3263 4.3", "target %zu: %s by %.*s",
               json_array_size(walk->targets), address, SLICE_ARG(transport));
}

/* All targets, in the order in which a call would try them. The last status. */
static int find_targets(struct walk *walk, const struct sip_uri *uri)
{
    struct resolver_plan *plan;
    struct endpoint_target target;
    struct resolver_ask ask = {
        .uri = uri, .seed = random_u64(loop_random(walk->loop)), .done = on_plan, .user = walk};
    int status = resolver_locate(walk->resolver, &ask, &target, &plan);
    while (status >= 0) {
        if (status == 1)
            add_target(walk, &target);
        else
            (void)loop_run(walk->loop);
        status = plan != NULL ? resolver_next(plan, &target) : ERR_NOT_FOUND;
    }
    resolver_forget(plan);
    return status;
}

/* RFC 3261 section 16.5 comes first: a domain of ours is not looked up, and a static route leads
 * elsewhere. False: there is nothing to look up. */
static bool find_next_hop(struct walk *walk, const struct sip_uri *uri, struct sip_uri *ret_uri)
{
    const struct locate_trace *trace = &walk->steps.trace;
    struct slice domain = SLICE_NULL;
    bool ours = uri->scheme == SIP_URI_TEL ||
                domains_local(walk->settings->domains, uri->host, uri->port, &domain);
    struct sip_uri dialled = *uri;
    char number[URI_MAX];
    struct writer w;
    writer_init(&w, number, sizeof number);
    if (uri->scheme == SIP_URI_TEL || uri->user_phone) {
        proxy_number_write(&w, uri->user);
        dialled.user = writer_slice(&w);
    }
    const struct proxy_route *route =
        proxy_config_route(&walk->settings->config->proxy, &dialled, ours);
    struct slice user = uri->user.len > 0 ? uri->user : SLICE("the user");
    *ret_uri = *uri;
    if (ours && uri->scheme != SIP_URI_TEL)
        locate_say(trace, "RFC 3261 16.5",
                   "%.*s is a domain of this server: a request goes to the phones that %.*s has "
                   "registered (see: trapezoid contacts)%s",
                   SLICE_ARG(domain), SLICE_ARG(user),
                   route != NULL ? "; when nobody of that name is known, to the static route" : "");
    if (route == NULL)
        return !ours;
    locate_say(trace, "routes", "the static route with prefix \"%s\"%s%s leads to %s",
               route->prefix, route->domain[0] != '\0' ? " and domain " : "", route->domain,
               route->next_hop);
    return sip_uri_parse(slice_from_string(route->next_hop), ret_uri) == 0;
}

static const char *reason(int status)
{
    switch (status) {
    case ERR_UNSUPPORTED: return "this server has no listener of the transport that is needed";
    case ERR_NOT_FOUND: return "no server was found";
    case ERR_UNREACHABLE: return "no DNS server answers";
    case ERR_INVALID: return "DNS gave an answer that is false or malformed";
    default: return error_text(status);
    }
}

static int parse(const char *text, char *buf, struct sip_uri *ret_uri)
{
    if (sip_uri_parse(slice_from_string(text), ret_uri) == 0 && ret_uri->scheme != SIP_URI_OTHER)
        return 0;
    struct writer w;
    writer_init(&w, buf, URI_MAX);
    writer_literal(&w, "sip:");
    writer_string(&w, text);
    return writer_status(&w) < 0 ? ERR_LIMIT : sip_uri_parse(writer_slice(&w), ret_uri);
}

static const char *run(struct walk *walk, const char *text)
{
    char buf[URI_MAX];
    struct sip_uri uri, next_hop;
    if (parse(text, buf, &uri) < 0)
        return "that is no SIP URI";
    if (!find_next_hop(walk, &uri, &next_hop))
        return "no server is looked up for it";
    int status = find_targets(walk, &next_hop);
    return json_array_size(walk->targets) > 0 ? NULL : reason(status);
}

json_t *dry_walk(const struct settings *settings, struct log *log, const char *uri)
{
    struct walk walk = {.settings = settings, .targets = json_array()};
    const char *error = "out of memory";
    if (walk.targets != NULL && dry_steps_init(&walk.steps) == 0 && open_walk(&walk, log) == 0)
        error = run(&walk, uri);
    close_walk(&walk);
    return json_pack("{s:o, s:o, s:o, s:s?}", "uri", answer_text(slice_from_string(uri)), "steps",
                     dry_steps_take(&walk.steps), "targets", walk.targets, "error", error);
}
