#include "service/location/mapping.h"

static bool hidden_place(const struct binding *binding, struct address *ret_place)
{
    struct sip_uri uri;
    return binding->behind_nat && binding->path.len == 0 &&
           binding->flow.transport == TRANSPORT_UDP && sip_uri_parse(binding->contact, &uri) == 0 &&
           address_parse_host(uri.host, uri.port ? uri.port : 5060, ret_place) == 0;
}

enum mapping_kind mapping_compare(const struct binding *a, const struct binding *b)
{
    struct address a_place, b_place;
    if (!hidden_place(a, &a_place) || !hidden_place(b, &b_place) ||
        !address_equal(&a_place, &b_place) || address_equal(&a->flow.local, &b->flow.local) ||
        !address_equal_host(&a->flow.remote, &b->flow.remote))
        return MAPPING_UNKNOWN;
    return address_equal(&a->flow.remote, &b->flow.remote) ? MAPPING_CONE : MAPPING_SYMMETRIC;
}

enum mapping_kind mapping_of(const struct binding *binding, const struct binding *const *others,
                             unsigned count)
{
    enum mapping_kind found = binding->behind_nat ? MAPPING_UNKNOWN : MAPPING_NONE;
    for (unsigned i = 0; found != MAPPING_NONE && i < count; i++) {
        enum mapping_kind kind = mapping_compare(binding, others[i]);
        found = kind > found ? kind : found;
    }
    return found;
}

bool mapping_keeps_port(const struct binding *binding)
{
    struct address place;
    return hidden_place(binding, &place) &&
           address_port(&place) == address_port(&binding->flow.remote);
}
