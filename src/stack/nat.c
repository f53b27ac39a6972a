#include "stack/nat.h"

static uint16_t port_of(uint16_t port, const struct flow *flow)
{
    return port != 0 ? port : transport_default_port((enum transport)flow->transport);
}

bool nat_answers_source(const struct sip_via *via, const struct flow *flow)
{
    struct address sent_by;
    return address_parse_host(via->host, 0, &sent_by) == 0 && address_is_private(&sent_by) &&
           !address_equal_host(&sent_by, &flow->remote);
}

/* Connections come from ports that say nothing. */
static bool other_port(const struct sip_via *via, const struct flow *flow, uint16_t contact_port)
{
    uint16_t port = port_of(via->port, flow);
    return !flow_reliable(flow) && via->rport && contact_port == port &&
           port != address_port(&flow->remote);
}

bool nat_hides(const struct sip_via *via, const struct flow *flow, const struct sip_uri *contact)
{
    struct address sent_by, place;
    if (address_parse_host(contact->host, 0, &place) < 0)
        return false;
    bool numeric = address_parse_host(via->host, 0, &sent_by) == 0;
    bool other_host = numeric && !address_equal_host(&sent_by, &flow->remote);
    if (numeric && address_equal_host(&sent_by, &place))
        return other_host || other_port(via, flow, port_of(contact->port, flow));
    if (address_equal_host(&place, &flow->remote))
        return other_host;
    return address_is_private(&place) && !address_is_private(&flow->remote);
}
