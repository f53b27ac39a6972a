/* TURN, what is relayed: `turn`. */
#include "app/config/check.h"
#include "app/config/compound.h"
#include "app/config/schema/section.h"
#include "base/error.h"

static int check_relay(struct slice item, struct writer *why)
{
    struct address address;
    if (address_parse_host(item, 0, &address) == 0 && !address_is_wildcard(&address) &&
        !address_is_multicast_or_broadcast(&address))
        return 0;
    writer_format(why,
                  "\"%.*s\" is no address to relay from; write one of this machine's, for example "
                  "192.0.2.1 or 2001:db8::1",
                  SLICE_ARG(item));
    return ERR_SYNTAX;
}

static int check_range(struct slice item, struct writer *why)
{
    uint16_t low, high;
    if (config_port_range_parse(item, &low, &high) == 0)
        return 0;
    writer_format(why,
                  "\"%.*s\" is no range of ports from 1024 to 65535; write for example "
                  "49152-65535",
                  SLICE_ARG(item));
    return ERR_SYNTAX;
}

static const struct config_key keys[] = {
    {.name = "turn.enabled",
     .type = CONFIG_BOOL,
     CONFIG_FIELD(turn.enabled),
     .standard = "off",
     .help =
         "Serve TURN on the addresses of stun.listen: clients whose NAT leaves no other way are "
         "relayed."},
    {.name = "turn.relay",
     .type = CONFIG_STRINGS,
     CONFIG_FIELD(turn_relays),
     .max = TURN_RELAYS_MAX,
     .standard = "",
     .automatic = "the addresses of stun.listen",
     .check = check_relay,
     .help = "Addresses of this machine to relay from, IPv4 and IPv6, without a port."},
    {.name = "turn.ports",
     .type = CONFIG_STRING,
     CONFIG_FIELD(turn_range),
     .max = 11,
     .standard = "49152-65535",
     .check = check_range,
     .help = "Ports to relay from: LOW-HIGH."},
    {.name = "turn.allow_peers",
     .type = CONFIG_STRINGS,
     .live = true,
     CONFIG_FIELD(turn_allow_peers),
     .max = TURN_NETS_MAX,
     .standard = "",
     .check = config_check_network,
     .help = "Networks (ADDRESS/BITS) that relays may reach though they are loopback, private, "
             "link-local, multicast, reserved or this machine, which no relay reaches otherwise."},
    {.name = "turn.deny_peers",
     .type = CONFIG_STRINGS,
     .live = true,
     CONFIG_FIELD(turn_deny_peers),
     .max = TURN_NETS_MAX,
     .standard = "",
     .check = config_check_network,
     .help = "Networks (ADDRESS/BITS) that no relay reaches, whatever turn.allow_peers says."},
    {.name = "turn.unrefused",
     .type = CONFIG_STRINGS,
     .live = true,
     CONFIG_FIELD(turn_unrefused),
     .max = 64,
     .standard = "libre v",
     .help =
         "Clients, by the beginning of their SOFTWARE, that give up their relay when one peer is "
         "refused (baresip does): they are told that each peer is permitted, and what no relay "
         "may reach gets nothing and sends nothing all the same."},
    {.name = "turn.lifetime",
     .type = CONFIG_SECONDS,
     .live = true,
     CONFIG_FIELD(turn.lifetime_s),
     .min = 1,
     .max = HOUR_S,
     .standard = "10m",
     .help = "How long an allocation lasts that is not refreshed and for which no more was asked "
             "(RFC 8656 section 2: 10 minutes)."},
    {.name = "turn.max_lifetime",
     .type = CONFIG_SECONDS,
     .live = true,
     CONFIG_FIELD(turn.lifetime_max_s),
     .min = 1,
     .max = DAY_S,
     .standard = "1h",
     .help = "The longest lifetime that a client gets (RFC 8656 section 7.2)."},
    {.name = "turn.max_allocations",
     .type = CONFIG_UINT,
     .live = true,
     CONFIG_FIELD(turn.allocations),
     .min = 1,
     .max = TURN_ALLOCATION_LIMIT,
     .unit = "allocations",
     .standard = "100000",
     .help = "Allocations at a time, of all users; beyond, they are answered 508."},
    {.name = "turn.max_permissions",
     .type = CONFIG_UINT,
     .live = true,
     CONFIG_FIELD(turn.permissions),
     .min = 1,
     .max = TURN_PEERS_MAX_LIMIT,
     .unit = "permissions",
     .standard = "128",
     .help = "Permissions of one allocation at a time; beyond, they are answered 508."},
    {.name = "turn.max_channels",
     .type = CONFIG_UINT,
     .live = true,
     CONFIG_FIELD(turn.channels),
     .min = 1,
     .max = TURN_PEERS_MAX_LIMIT,
     .unit = "channels",
     .standard = "128",
     .help = "Channels of one allocation at a time; beyond, they are answered 508."},
    {.name = "turn.tcp",
     .type = CONFIG_BOOL,
     .live = true,
     CONFIG_FIELD(turn.tcp),
     .standard = "on",
     .help = "Relay connections too (RFC 6062), for clients that come along TCP or TLS."},
    {.name = "turn.mobility",
     .type = CONFIG_BOOL,
     .live = true,
     CONFIG_FIELD(turn.mobility),
     .standard = "on",
     .help =
         "Give clients that ask for it a ticket, by which their allocation goes along with them "
         "when their address changes (RFC 8016)."},
    {.name = "turn.alternate",
     .type = CONFIG_ADDRESS,
     .live = true,
     CONFIG_FIELD(turn_alternate),
     .standard = "",
     .help = "ADDRESS:PORT of another TURN server, to which new clients are sent (300) after "
             "`trapezoid relays drain on`; empty: they are answered 508."},
};

const struct config_section config_section_turn = CONFIG_SECTION(keys);
