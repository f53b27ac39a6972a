/* Our addresses as others see them: behind a NAT that maps this machine's address to another one
 * (one to one, or port by port to the same port), the far end must be told that one. Plain data,
 * read-only once made; any thread. */
#ifndef STACK_OUTSIDE_H
#define STACK_OUTSIDE_H

#include "base/network.h"

#define OUTSIDE_LOCAL_MAX 64

enum outside_family { OUTSIDE_V4, OUTSIDE_V6, OUTSIDE_FAMILIES };

/* How an outside address became known. */
enum outside_source {
    OUTSIDE_INTERFACES, /* it did not: our addresses are what the interfaces have */
    OUTSIDE_CONFIGURED,
    OUTSIDE_NAMED, /* configured as a name, looked up */
    OUTSIDE_STUN,
};

struct outside_host {
    enum outside_source source;
    struct address address; /* port 0; unless the source is the interfaces */
};

/* All zero: there is no NAT that we know of. */
struct outside {
    struct outside_host hosts[OUTSIDE_FAMILIES];
    struct network local[OUTSIDE_LOCAL_MAX]; /* who is there reaches us inside */
    unsigned local_count;
};

static inline bool outside_is_known(const struct outside *outside)
{
    return outside->hosts[OUTSIDE_V4].source != OUTSIDE_INTERFACES ||
           outside->hosts[OUTSIDE_V6].source != OUTSIDE_INTERFACES;
}

/* What stands for local (an address of a socket of ours) outside; its port stays. local itself when
 * no other is known, for loopback addresses, and where only STUN says so for public ones: a machine
 * with several addresses may have one of them behind a NAT. For what everybody sees, as a relayed
 * address (RFC 8656 section 7.2). */
struct address outside_of(const struct outside *outside, const struct address *local);
/* What remote sees of local: the same, but inside networks and this machine see the inside. */
struct address outside_towards(const struct outside *outside, const struct address *local,
                               const struct address *remote);

#endif
