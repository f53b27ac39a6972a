/* STUN: `stun`. */
#include "app/config/schema/section.h"
#include "base/error.h"

static const char *const stun_words[] = {"udp", "tcp", "tls", "dtls", NULL};

static int check_partner_secret(struct slice item, struct writer *why)
{
    enum { SECRET_MIN = 16 };
    if (item.len >= SECRET_MIN && item.len <= LINK_SECRET_MAX)
        return 0;
    writer_format(why, "a secret has %d to %u characters; make one with: openssl rand -hex 32",
                  SECRET_MIN, LINK_SECRET_MAX);
    return ERR_SYNTAX;
}

static const struct config_key keys[] = {
    {.name = "stun.listen",
     .type = CONFIG_LISTENERS,
     CONFIG_FIELD(stun_listen),
     .words = stun_words,
     .max = STUN_SERVER_LISTENERS_MAX,
     .standard = "",
     .help =
         "Where STUN is served: udp:ADDRESS:PORT or tcp:ADDRESS:PORT, usually port 3478, and "
         "tls:ADDRESS:PORT or dtls:ADDRESS:PORT, usually port 5349, with the certificates of "
         "tls.*; empty: nowhere but on the SIP UDP ports, where phones keep their mappings alive."},
    {.name = "stun.alternate",
     .type = CONFIG_ADDRESS,
     CONFIG_FIELD(stun_alternate),
     .standard = "",
     .help = "A second address of this machine, or of stun.partner, with another port, "
             "ADDRESS:PORT: NAT behaviour discovery (RFC 5780, RFC 3489) is served from both "
             "addresses and both ports; empty: change requests are answered 420."},
    {.name = "stun.partner",
     .type = CONFIG_ADDRESS,
     CONFIG_FIELD(stun_partner),
     .standard = "",
     .help = "Where a second Trapezoid on another machine is asked, which has the address of "
             "stun.alternate, ADDRESS:PORT: both together serve NAT behaviour discovery, each with "
             "its own address and both ports; while it is away, change requests are answered 420."},
    {.name = "stun.partner_listen",
     .type = CONFIG_ADDRESS,
     CONFIG_FIELD(stun_partner_listen),
     .standard = "",
     .automatic = "all addresses, with the port of stun.partner",
     .help = "Where the partner asks this machine, ADDRESS:PORT of UDP: its stun.partner."},
    {.name = "stun.partner_secret",
     .type = CONFIG_STRINGS,
     .secret = true,
     CONFIG_FIELD(stun_partner_secret),
     .max = 1,
     .standard = "",
     .check = check_partner_secret,
     .help = "What the two sign by, the same on both machines."},
    {.name = "stun.dtls_sessions",
     .type = CONFIG_UINT,
     CONFIG_FIELD(stun.dtls.sessions),
     .min = 1,
     .max = 1000000,
     .unit = "sessions",
     .standard = "10000",
     .help = "DTLS sessions that each worker has on each socket; each takes some 50 KiB. Of one "
             "source address it takes as many as tcp.per_source says, and they end after "
             "tcp.idle_time of silence."},
    {.name = "stun.rate",
     .type = CONFIG_UINT,
     .live = true,
     CONFIG_FIELD(stun.rate),
     .max = 1000000,
     .unit = "per second",
     .standard = "10000",
     .help = "Answers that one source address (IPv6: /64) gets on the STUN ports; 0 means no "
             "limit."},
};

const struct config_section config_section_stun = CONFIG_SECTION(keys);
