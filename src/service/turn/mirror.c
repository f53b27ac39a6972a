/* A server behind a NAT relays from an address that clients and peers know by another name (RFC
 * 8656 section 7.2 asks for a relayed address that peers can reach). Clients hear of the outside
 * one; when the peer that a client names is another relay of ours, the datagrams stay inside, for
 * few NATs send back what comes from within. */
#include "service/turn/turn_private.h"

void turn_mirrors_set(struct turn *turn)
{
    struct turn_host hosts[TURN_RELAYS_MAX];
    unsigned count = turn_ports_hosts(turn->parts.ports, hosts);
    turn->mirror_count = 0;
    for (unsigned i = 0; i < count && turn->parts.outside != NULL; i++) {
        struct address inside;
        turn_host_address(hosts[i], 0, &inside);
        struct address outside = outside_of(turn->parts.outside, &inside);
        struct turn_mirror mirror = {hosts[i], turn_host_of(&outside)};
        if (!turn_host_equal(mirror.inside, mirror.outside))
            turn->mirrors[turn->mirror_count++] = mirror;
    }
}

struct turn_host turn_inside(const struct turn *turn, struct turn_host host, uint16_t port)
{
    struct turn_host inside = host;
    for (unsigned i = 0; i < turn->mirror_count; i++) {
        const struct turn_mirror *mirror = &turn->mirrors[i];
        if (!turn_host_equal(mirror->outside, host))
            continue;
        inside = mirror->inside;
        if (turn_ports_is_relay(turn->parts.ports, inside, port))
            break;
    }
    return inside;
}

struct address turn_outside(const struct turn *turn, const struct address *address)
{
    struct address told = *address;
    struct turn_host host = turn_host_of(address);
    for (unsigned i = 0; i < turn->mirror_count; i++) {
        if (turn_host_equal(turn->mirrors[i].inside, host))
            turn_host_address(turn->mirrors[i].outside, address_port(address), &told);
    }
    return told;
}
