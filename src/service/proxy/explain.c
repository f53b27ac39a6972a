/* A dry run in words: whose a request is, and where it goes (RFC 3261 sections 16.3 to 16.5). */
#include "service/proxy/proxy_private.h"

static void explain_way(const struct proxy *proxy, const struct proxy_route_info *info)
{
    const struct locate_trace *trace = proxy->trace;
    if (info->own_routes > 0)
        locate_say(trace, "RFC 3261 16.4", "%u Route value%s of this server's own taken off",
                   info->own_routes, info->own_routes == 1 ? " is" : "s are");
    if (info->strict)
        locate_say(trace, "RFC 3261 16.4",
                   "a strict router sent it: the last Route value becomes the Request-URI");
    if (info->reached)
        locate_say(trace, "RFC 3261 16.4",
                   "the Request-URI's maddr is this server: it is taken off");
    if (info->has_route)
        locate_say(trace, "RFC 3261 16.6 step 7", "it follows the next Route value, %.*s",
                   SLICE_ARG(info->next_route));
    if (info->elsewhere)
        locate_say(trace, "RFC 3261 16.5", "the Request-URI has an maddr: it is the only target");
}

void proxy_explain_route(const struct proxy *proxy, const struct proxy_route_info *info)
{
    static const char *const tokens[] = {
        [PROXY_TOKEN_NONE] = "it proves nothing about who opened the dialog",
        [PROXY_TOKEN_STRANGER] = "its Route proves that a stranger opened the dialog through us",
        [PROXY_TOKEN_USER] = "its Route proves that a user of ours opened the dialog",
    };
    const struct locate_trace *trace = proxy->trace;
    if (trace == NULL)
        return;
    locate_say(trace, "RFC 3261 16.5", "the Request-URI is %.*s", SLICE_ARG(info->uri_text));
    explain_way(proxy, info);
    if (info->uri.scheme == SIP_URI_TEL)
        locate_say(trace, "RFC 3261 16.5", "it is a number: looked up as a user of %.*s",
                   SLICE_ARG(info->domain));
    else if (info->ours)
        locate_say(trace, "RFC 3261 16.5", "%.*s is this server's: it is a user of the domain %.*s",
                   SLICE_ARG(info->uri.host), SLICE_ARG(info->domain));
    else
        locate_say(trace, "RFC 3261 16.5", "%.*s is not this server's: a foreign domain",
                   SLICE_ARG(info->uri.host));
    if (info->static_route != NULL)
        locate_say(
            trace, "routes", "the static route with prefix \"%s\" and domain \"%s\" fits: %s",
            info->static_route->prefix, info->static_route->domain, info->static_route->next_hop);
    if (info->to_tag.len > 0)
        locate_say(trace, "RFC 3261 16.6", "it has a To tag, so it belongs to a dialog; %s",
                   tokens[info->token]);
}

static void explain_target(const struct proxy *proxy, const struct proxy_target *target)
{
    char address[ADDRESS_TEXT_MAX];
    const struct locate_trace *trace = proxy->trace;
    if (target->next_hop.len > 0)
        locate_say(trace, "RFC 3261 16.5", "target: the static route's next hop, %.*s",
                   SLICE_ARG(target->next_hop));
    else if (target->aor.len > 0 && target->has_flow)
        locate_say(trace, "RFC 3261 16.5",
                   "target: the phone %.*s of %.*s, along the way that it registered by (%.*s %s)",
                   SLICE_ARG(target->uri), SLICE_ARG(target->aor),
                   SLICE_ARG(transport_via_name((enum transport)target->flow.transport)),
                   address_text(&target->flow.remote, address));
    else if (target->aor.len > 0)
        locate_say(trace, "RFC 3261 16.5", "target: the phone %.*s of %.*s%s",
                   SLICE_ARG(target->uri), SLICE_ARG(target->aor),
                   target->path.len > 0 ? ", along its Path" : "");
    else if (target->uri.len > 0)
        locate_say(trace, "RFC 3261 16.5", "target: %.*s", SLICE_ARG(target->uri));
    else
        locate_say(trace, "RFC 3261 16.5", "target: the Request-URI stays as it is");
}

void proxy_explain_targets(const struct proxy *proxy, const struct proxy_targets *targets)
{
    bool said = false;
    for (unsigned i = 0; proxy->trace != NULL && i < targets->count; i++) {
        if (!said && targets->items[i].q != targets->items[0].q) {
            locate_say(proxy->trace, "RFC 3261 16.6",
                       "those that follow have a lower q and are asked later:");
            said = true;
        }
        explain_target(proxy, &targets->items[i]);
    }
}

void proxy_explain_fault(const struct proxy *proxy, const struct proxy_fault *fault)
{
    locate_say(proxy->trace, "RFC 3261 16", "it is refused: %u %s", fault->status,
               fault->reason != NULL ? fault->reason : sip_status_reason(fault->status));
}
