/* Whom a relay may reach. Pure. */
#ifndef SERVICE_TURN_POLICY_H
#define SERVICE_TURN_POLICY_H

#include "service/turn/host.h"

#define TURN_NETS_MAX 64  /* of each list */
#define TURN_OWN_MAX  256 /* addresses of this machine */

struct turn_net {
    struct turn_host host;
    uint8_t bits; /* of 128; IPv4 has 96 more than its own */
};

struct turn_nets {
    struct turn_net items[TURN_NETS_MAX];
    unsigned count;
};

struct turn_policy {
    struct turn_nets deny;
    struct turn_nets allow;
};

/* This machine as the policy sees it. */
struct turn_own {
    struct turn_host addresses[TURN_OWN_MAX]; /* of its interfaces and listeners */
    unsigned count;
    struct turn_host relays[8]; /* those that relays have */
    unsigned relay_count;
};

enum turn_reach {
    TURN_REACH_NO,
    TURN_REACH_YES,
    TURN_REACH_RELAYS /* our own relayed address: ports that are relays now, and no others */
};

/* "10.0.0.0/8", "2001:db8::/32", or one address. ERR_SYNTAX, ERR_RANGE (the length). */
int turn_net_parse(struct slice text, struct turn_net *ret_net);

/* In this order: what deny names is not reached, nor are 6to4 and Teredo (RFC 8656 section 21.4)
 * and mapped addresses; what allow names is; other relays of ours are, wherever they are; what is
 * not for the public Internet (loopback, private, link-local, multicast, reserved) is not, nor are
 * our own addresses. An IPv4 address within an IPv6 one (RFC 6052) counts too. The port does not.
 */
enum turn_reach turn_policy_judge(const struct turn_policy *policy, const struct turn_own *own,
                                  const struct address *peer);
/* A client that comes through a tunnel (6to4, Teredo) gets no relay (RFC 8656 section 21.4). */
bool turn_policy_tunneled(const struct address *source);

#endif
