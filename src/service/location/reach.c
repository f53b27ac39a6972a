/* What leads to a binding now: its contact, its flow, or nothing any more (RFC 5626 section 7). */
#include "base/error.h"
#include "service/location/internal.h"
#include "sip/message/uri.h"

#define GRACE_LEAST_MS 10000

int64_t location_silence_max_ms(uint32_t flow_timer_s)
{
    int64_t timer_ms = (int64_t)flow_timer_s * 1000;
    int64_t grace_ms = timer_ms / 4 > GRACE_LEAST_MS ? timer_ms / 4 : GRACE_LEAST_MS;
    return flow_timer_s == 0 ? 0 : timer_ms + grace_ms;
}

/* RFC 7118 section 5: the host of who can only be reached along his connection. */
static bool is_invalid_host(struct slice host)
{
    static const struct slice invalid = SLICE_LITERAL(".invalid");
    return host.len >= invalid.len &&
           slice_equal_nocase(slice_from(host, host.len - invalid.len), invalid);
}

/* Is the contact the phone that registered it? Someone who registers another place on purpose is
 * taken at his word. */
static bool is_own_contact(const struct binding *binding, const struct sip_uri *uri)
{
    struct address address;
    return binding->reg_id != 0 || binding->behind_nat ||
           address_parse_host(uri->host, 0, &address) < 0 ||
           address_names_host(&address, &binding->flow.remote);
}

/* The far end of the connection itself: a port that the phone's system has picked for it. */
static bool is_ephemeral(const struct sip_uri *uri, const struct flow *flow)
{
    struct address address;
    return flow_reliable(flow) && uri->port != 0 && uri->port != 5060 && uri->port != 5061 &&
           address_parse_host(uri->host, uri->port, &address) == 0 &&
           address_names_host(&address, &flow->remote) && uri->port == address_port(&flow->remote);
}

/* Phones have no certificate for their address (RFC 5630 section 3.1.1); servers have names. */
static bool has_no_certificate(const struct sip_uri *uri, const struct flow *flow)
{
    struct address address;
    return flow->transport == TRANSPORT_TLS && address_parse_host(uri->host, 0, &address) == 0;
}

bool location_needs_flow(const struct sip_uri *contact, const struct flow *flow)
{
    return flow->transport == TRANSPORT_WS || flow->transport == TRANSPORT_WSS ||
           is_invalid_host(contact->host) || is_ephemeral(contact, flow) ||
           has_no_certificate(contact, flow);
}

/* May somebody listen at the contact, should the connection be gone? */
static bool is_connectable(const struct binding *binding, const struct sip_uri *uri)
{
    return binding->reg_id == 0 && !binding->behind_nat &&
           !location_needs_flow(uri, &binding->flow);
}

/* A phone that was told a Flow-Timer and keeps silent for longer (RFC 5626 section 5.4). */
static bool is_silent(const struct location *location, const struct binding *binding,
                      int64_t now_ms)
{
    return location->silence_max_ms > 0 && binding->reg_id != 0 &&
           (flow_reliable(&binding->flow) || binding->watched) &&
           now_ms - binding->seen_ms > location->silence_max_ms;
}

enum binding_reach location_reach(const struct location *location, const struct binding *binding,
                                  int64_t now_ms)
{
    struct sip_uri uri;
    bool stream = flow_reliable(&binding->flow);
    bool flow_only = binding->behind_nat || binding->reg_id != 0;
    if (binding->path.len > 0 || (!stream && !flow_only) ||
        sip_uri_parse(binding->contact, &uri) < 0 || !is_own_contact(binding, &uri))
        return BINDING_BY_CONTACT;
    if (!stream)
        return is_silent(location, binding, now_ms) ? BINDING_GONE : BINDING_BY_FLOW_ONLY;
    flow_only = !is_connectable(binding, &uri);
    if (binding->flow.connection == 0 || is_silent(location, binding, now_ms))
        return flow_only ? BINDING_GONE : BINDING_BY_CONTACT;
    return flow_only ? BINDING_BY_FLOW_ONLY : BINDING_BY_FLOW;
}
