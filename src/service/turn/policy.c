#include "service/turn/policy.h"

#include "base/network.h"

#define V4(a, b, c, d, n)                                                                          \
    {                                                                                              \
        {0, TURN_HOST_V4 | (uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d)}, 96 + (n)             \
    }
#define V6(h, n)                                                                                   \
    {                                                                                              \
        {UINT64_C(h), 0}, n                                                                        \
    }

/* RFC 6890 and what it was updated with; documentation addresses lead nowhere and harm nobody. */
static const struct turn_net not_public[] = {
    V4(0, 0, 0, 0, 8),                       /* "this network" */
    V4(10, 0, 0, 0, 8),                      /* RFC 1918 */
    V4(100, 64, 0, 0, 10),                   /* RFC 6598: between carrier and customer */
    V4(127, 0, 0, 0, 8),                     /* loopback */
    V4(169, 254, 0, 0, 16),                  /* link-local, and the metadata of clouds */
    V4(172, 16, 0, 0, 12),                   /* RFC 1918 */
    V4(192, 0, 0, 0, 24),                    /* IETF protocol assignments */
    V4(192, 168, 0, 0, 16),                  /* RFC 1918 */
    V4(198, 18, 0, 0, 15),                   /* RFC 2544: benchmarks */
    V4(224, 0, 0, 0, 4),                     /* multicast */
    V4(240, 0, 0, 0, 4),                     /* reserved, and the broadcast address */
    {{0, 0}, 96},                            /* unspecified, loopback, IPv4-compatible */
    {{0, UINT64_C(0xffff000000000000)}, 96}, /* RFC 2765: IPv4-translated */
    V6(0x2001000200000000, 48),              /* RFC 5180: benchmarks */
    V6(0x0064ff9b00010000, 48),              /* RFC 8215: local NAT64 */
    V6(0x0100000000000000, 64),              /* RFC 6666: discard */
    V6(0xfc00000000000000, 7),               /* RFC 4193: unique local */
    V6(0xfe80000000000000, 10),              /* link-local */
    V6(0xfec0000000000000, 10),              /* RFC 3879: site-local */
    V6(0xff00000000000000, 8),               /* multicast */
};

/* Never, whatever is configured. */
static const struct turn_net tunnels[] = {
    V6(0x2002000000000000, 16), /* RFC 3056: 6to4 */
    V6(0x2001000000000000, 32), /* RFC 4380: Teredo */
};

static const struct turn_net nat64 = {{UINT64_C(0x0064ff9b00000000), 0}, 96}; /* RFC 6052 */

/* The mapped form is how IPv4 is kept here, and no part of a larger IPv6 network. */
static bool is_in(struct turn_host host, const struct turn_net *net)
{
    if (net->bits < 96 && turn_host_is_v4(host))
        return false;
    unsigned high = net->bits < 64 ? net->bits : 64;
    unsigned low = net->bits - high;
    uint64_t high_mask = high == 0 ? 0 : ~UINT64_C(0) << (64 - high);
    uint64_t low_mask = low == 0 ? 0 : ~UINT64_C(0) << (64 - low);
    return ((host.high ^ net->host.high) & high_mask) == 0 &&
           ((host.low ^ net->host.low) & low_mask) == 0;
}

static bool is_in_any(struct turn_host host, const struct turn_net *nets, size_t count)
{
    bool found = false;
    for (size_t i = 0; i < count && !found; i++)
        found = is_in(host, &nets[i]);
    return found;
}

#define IN_TABLE(host, table) is_in_any((host), (table), sizeof(table) / sizeof(table)[0])

static bool is_one_of(struct turn_host host, const struct turn_host *hosts, unsigned count)
{
    bool found = false;
    for (unsigned i = 0; i < count && !found; i++)
        found = turn_host_equal(host, hosts[i]);
    return found;
}

int turn_net_parse(struct slice text, struct turn_net *ret_net)
{
    struct network network;
    int status = network_parse(text, &network);
    if (status < 0)
        return status;
    unsigned before = address_is_v6(&network.address) ? 0 : 96; /* turn_host's form of IPv4 */
    *ret_net =
        (struct turn_net){turn_host_of(&network.address), (uint8_t)(network.length + before)};
    return 0;
}

enum turn_reach turn_policy_judge(const struct turn_policy *policy, const struct turn_own *own,
                                  const struct address *peer)
{
    struct turn_host host = turn_host_of(peer);
    struct turn_host within = host;
    bool mapped = address_is_v6(peer) && turn_host_is_v4(host);
    if (is_in(host, &nat64))
        within = (struct turn_host){0, TURN_HOST_V4 | (uint32_t)host.low};
    if (mapped || IN_TABLE(host, tunnels) ||
        is_in_any(host, policy->deny.items, policy->deny.count) ||
        is_in_any(within, policy->deny.items, policy->deny.count))
        return TURN_REACH_NO;
    /* A socket address for the kernel to choose by, or everybody's, is nobody's. */
    if (host.low == 0 && host.high == 0)
        return TURN_REACH_NO;
    if (is_in_any(host, policy->allow.items, policy->allow.count) ||
        is_in_any(within, policy->allow.items, policy->allow.count))
        return TURN_REACH_YES;
    /* Before the private ones: so may our own be, and both ends of a call may be relayed by us. */
    if (is_one_of(host, own->relays, own->relay_count))
        return TURN_REACH_RELAYS;
    if (IN_TABLE(host, not_public) || IN_TABLE(within, not_public))
        return TURN_REACH_NO;
    if (is_one_of(host, own->addresses, own->count) ||
        is_one_of(within, own->addresses, own->count) ||
        is_one_of(within, own->relays, own->relay_count))
        return TURN_REACH_NO;
    return TURN_REACH_YES;
}

bool turn_policy_tunneled(const struct address *source)
{
    return address_is_v6(source) && IN_TABLE(turn_host_of(source), tunnels);
}
