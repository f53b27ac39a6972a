/* Networks: an address and how many of its bits count (CIDR, RFC 4632 section 3.1). */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include "base/address.h"

struct network {
    struct address address; /* port 0, bits beyond length 0 */
    uint8_t length;
};

#define NETWORK_TEXT_MAX (ADDRESS_TEXT_MAX + 4)

/* "10.0.0.0/8", "2001:db8::/32"; an address alone is a network of itself. Errors: ERR_SYNTAX,
 * ERR_RANGE (length). */
int network_parse(struct slice text, struct network *ret_network);
/* The network of so many bits that a lies in; more bits than the family has mean all of them. */
struct network network_of(const struct address *a, unsigned length);
/* Looks through the mapped form of a. */
bool network_has(const struct network *network, const struct address *a);
bool network_has_any(const struct network *networks, size_t count, const struct address *a);
/* What counts as one source of floods: the host, of IPv6 its /64, which one user may have whole.
 * Port 0, never the mapped form. */
static inline struct address network_source(const struct address *remote)
{
    struct address source = *remote;
    address_unmap(&source);
    address_set_port(&source, 0);
    if (address_is_v6(&source)) {
        memset(source.in6.sin6_addr.s6_addr + 8, 0, 8);
        source.in6.sin6_scope_id = 0;
        source.in6.sin6_flowinfo = 0;
    }
    return source;
}

/* "10.0.0.0/8" into buf (at least NETWORK_TEXT_MAX); returns buf. */
const char *network_text(const struct network *network, char *buf);

#endif
