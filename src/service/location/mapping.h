/* What a phone's bindings tell of the NAT that it is behind, as far as they do. Pure. */
#ifndef SERVICE_LOCATION_MAPPING_H
#define SERVICE_LOCATION_MAPPING_H

#include "service/location/location.h"

enum mapping_kind {
    MAPPING_NONE,      /* no NAT shows: its packets come from the address in its contact */
    MAPPING_UNKNOWN,   /* there is one */
    MAPPING_CONE,      /* the same port towards several of ours (RFC 4787: endpoint-independent) */
    MAPPING_SYMMETRIC, /* another port towards each (RFC 4787: address and port-dependent) */
};

/* Do these two bindings of one user show how a NAT maps? They do when the same socket of the phone
 * has registered at two addresses or ports of ours; else MAPPING_UNKNOWN. */
enum mapping_kind mapping_compare(const struct binding *a, const struct binding *b);
/* others: all bindings of the user, this one may be among them. */
enum mapping_kind mapping_of(const struct binding *binding, const struct binding *const *others,
                             unsigned count);
/* Has the NAT kept the port that the contact names? */
bool mapping_keeps_port(const struct binding *binding);

#endif
