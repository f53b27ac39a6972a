#include "stack/outside.h"

struct address outside_of(const struct outside *outside, const struct address *local)
{
    const struct outside_host *host =
        &outside->hosts[address_is_v6(local) ? OUTSIDE_V6 : OUTSIDE_V4];
    if (host->source == OUTSIDE_INTERFACES || address_is_loopback(local) ||
        (host->source == OUTSIDE_STUN && !address_is_private(local) && !address_is_wildcard(local)))
        return *local;
    struct address there = host->address;
    address_set_port(&there, address_port(local));
    return there;
}

struct address outside_towards(const struct outside *outside, const struct address *local,
                               const struct address *remote)
{
    if (!outside_is_known(outside) || address_is_loopback(remote) ||
        network_has_any(outside->local, outside->local_count, remote))
        return *local;
    return outside_of(outside, local);
}
