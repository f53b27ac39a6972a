#include "app/config/check.h"

#include <sys/un.h>

#include "app/config/compound.h"
#include "app/text/nearest.h"
#include "base/error.h"
#include "service/turn/credential_token.h"
#include "service/turn/credential_users.h"

#include <openssl/crypto.h>

/* A host of RFC 3261 section 25.1, nothing more. */
static bool is_uri_host(struct slice item)
{
    char text[300];
    struct writer w;
    struct sip_uri uri;
    writer_init(&w, text, sizeof text);
    writer_literal(&w, "sip:");
    writer_put(&w, item);
    return writer_status(&w) == 0 && item.len <= 253 &&
           sip_uri_parse(writer_slice(&w), &uri) == 0 &&
           slice_equal(uri.host, slice_from(uri.raw, 4));
}

int config_check_domain(struct slice item, struct writer *why)
{
    if (is_uri_host(item))
        return 0;
    writer_format(why, "\"%.*s\" is no domain; write a name like example.org, without a port",
                  SLICE_ARG(item));
    return ERR_SYNTAX;
}

/* IPv6 without brackets too. */
static bool is_host(struct slice item)
{
    struct address address;
    if (address_parse_host(item, 0, &address) < 0)
        return is_uri_host(item);
    return !address_is_wildcard(&address) && !address_is_multicast_or_broadcast(&address);
}

int config_check_host(struct slice item, struct writer *why)
{
    if (is_host(item))
        return 0;
    writer_format(why,
                  "\"%.*s\" is no address and no name; write for example 203.0.113.7 or "
                  "sip.example.org, without a port",
                  SLICE_ARG(item));
    return ERR_SYNTAX;
}

int config_check_host_port(struct slice item, struct writer *why)
{
    struct slice host;
    uint16_t port;
    if (config_host_port(item, &host, &port) == 0 && is_host(host))
        return 0;
    writer_format(why,
                  "\"%.*s\" is no HOST or HOST:PORT; write for example stun.example.org or "
                  "192.0.2.1:3478",
                  SLICE_ARG(item));
    return ERR_SYNTAX;
}

int config_check_network(struct slice item, struct writer *why)
{
    struct network network;
    if (network_parse(item, &network) == 0)
        return 0;
    writer_format(why, "\"%.*s\" is no network; write for example 192.168.1.0/24 or fd00::/8",
                  SLICE_ARG(item));
    return ERR_SYNTAX;
}

static bool is_plain_text(struct slice item, const char *banned)
{
    for (size_t i = 0; i < item.len; i++) {
        unsigned char c = (unsigned char)item.ptr[i];
        if (c < 0x20 || c == 0x7f || strchr(banned, c) != NULL)
            return false;
    }
    return true;
}

/* It stands in a quoted string of every challenge. */
int config_check_realm(struct slice item, struct writer *why)
{
    if (is_plain_text(item, "\"\\:"))
        return 0;
    writer_literal(why, "a realm holds no quotes, backslashes, colons or control characters");
    return ERR_SYNTAX;
}

int config_check_turn_relay(struct slice item, struct writer *why)
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

int config_parse_range(struct slice text, uint16_t *ret_low, uint16_t *ret_high)
{
    enum { LOWEST = 1024 }; /* RFC 8656 section 7.2: no well-known ports */
    uint32_t low = 0, high = 0;
    struct slice rest = text;
    int status = slice_to_u32(slice_cut(&rest, '-'), UINT16_MAX, &low);
    if (status == 0)
        status = slice_to_u32(rest, UINT16_MAX, &high);
    if (status == 0 && (low < LOWEST || high < low))
        status = ERR_RANGE;
    if (status < 0)
        return status;
    *ret_low = (uint16_t)low;
    *ret_high = (uint16_t)high;
    return 0;
}

int config_check_turn_range(struct slice item, struct writer *why)
{
    uint16_t low, high;
    if (config_parse_range(item, &low, &high) == 0)
        return 0;
    writer_format(why,
                  "\"%.*s\" is no range of ports from 1024 to 65535; write for example "
                  "49152-65535",
                  SLICE_ARG(item));
    return ERR_SYNTAX;
}

int config_check_turn_user(struct slice item, struct writer *why)
{
    struct slice name, password;
    if (turn_user_parse(item, &name, &password) == 0)
        return 0;
    writer_literal(why, "an item is no NAME:PASSWORD; write for example alice:wonderland");
    return ERR_SYNTAX;
}

int config_check_partner_secret(struct slice item, struct writer *why)
{
    enum { SECRET_MIN = 16 };
    if (item.len >= SECRET_MIN && item.len <= LINK_SECRET_MAX)
        return 0;
    writer_format(why, "a secret has %d to %u characters; make one with: openssl rand -hex 32",
                  SECRET_MIN, LINK_SECRET_MAX);
    return ERR_SYNTAX;
}

int config_check_turn_token_key(struct slice item, struct writer *why)
{
    struct turn_token_key key;
    int status = turn_token_key_parse(item, &key);
    OPENSSL_cleanse(&key, sizeof key);
    if (status == 0)
        return 0;
    writer_literal(why, "an item is no KID:ALGORITHM:KEY; write A128GCM or A256GCM for the "
                        "algorithm and the key, of 16 or 32 bytes, in base64");
    return ERR_SYNTAX;
}

int config_check_server(struct slice item, struct writer *why)
{
    if (is_plain_text(item, ""))
        return 0;
    writer_literal(why, "a header holds no control characters");
    return ERR_SYNTAX;
}

int config_check_socket_path(struct slice item, struct writer *why)
{
    struct sockaddr_un *address = NULL;
    if (item.len < sizeof address->sun_path)
        return 0;
    writer_format(why, "a socket's path has at most %zu bytes, this one has %zu",
                  sizeof address->sun_path - 1, item.len);
    return ERR_SYNTAX;
}

int config_check_dns_server(struct slice item, struct writer *why)
{
    struct address address;
    if (address_parse(item, &address) == 0 && address_port(&address) != 0)
        return 0;
    writer_format(why, "\"%.*s\" is no ADDRESS:PORT; write for example 192.0.2.1:53 or [::1]:53",
                  SLICE_ARG(item));
    return ERR_SYNTAX;
}

/* RFC 3986 section 3.3, without percent-encoding: it is compared byte by byte. */
int config_check_path(struct slice item, struct writer *why)
{
    if (slice_starts_with(item, SLICE("/")) && is_plain_text(item, " ?#%"))
        return 0;
    writer_format(why, "\"%.*s\" is no path; write for example / or /sip", SLICE_ARG(item));
    return ERR_SYNTAX;
}

/* RFC 6454 section 6.1: scheme and host, the port when it is not the scheme's own. */
int config_check_origin(struct slice item, struct writer *why)
{
    struct slice host = slice_from(item, sizeof("http://") - 1);
    bool scheme = slice_starts_with(item, SLICE("http://"));
    if (slice_starts_with(item, SLICE("https://"))) {
        host = slice_from(item, sizeof("https://") - 1);
        scheme = true;
    }
    if (scheme && host.len > 0 && item.len <= 255 && is_plain_text(host, " /?#@"))
        return 0;
    writer_format(why, "\"%.*s\" is no origin; write for example https://phone.example.org",
                  SLICE_ARG(item));
    return ERR_SYNTAX;
}

static void hint_subsystem(struct slice name, struct writer *why)
{
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (int i = 0; i < LOG_SUBSYSTEMS; i++)
        nearest_try(&nearest, slice_from_string(log_subsystem_name((enum log_subsystem)i)));
    writer_format(why, "there is no subsystem \"%.*s\"", SLICE_ARG(name));
    if (nearest.best[0] != '\0') {
        writer_format(why, "; did you mean %s?", nearest.best);
        return;
    }
    writer_literal(why, "; there are");
    for (int i = 0; i < LOG_SUBSYSTEMS; i++)
        writer_format(why, "%s %s", i == 0 ? "" : ",", log_subsystem_name((enum log_subsystem)i));
}

int config_check_log_level(struct slice item, struct writer *why)
{
    char text[64];
    struct log scratch;
    log_init(&scratch, -1, false, LOG_INFO);
    struct slice level = item;
    struct slice name = slice_cut(&level, '=');
    if (slice_index(item, '=') == item.len || item.len >= sizeof text) {
        writer_format(why, "\"%.*s\" is no SUBSYSTEM=LEVEL; write for example sip=debug",
                      SLICE_ARG(item));
        return ERR_SYNTAX;
    }
    int status = log_set(&scratch, slice_to_string(item, text, sizeof text));
    if (status == ERR_NOT_FOUND)
        hint_subsystem(name, why);
    else if (status < 0)
        writer_format(why, "\"%.*s\" is no level; write error, warn, info or debug",
                      SLICE_ARG(level));
    return status < 0 ? ERR_SYNTAX : 0;
}

static const struct config_origin *origin_of(const struct app_config *config, const char *name)
{
    return &config->origins[config_key_find(slice_from_string(name))];
}

/* False when one of the two was refused: what it holds means nothing. */
static bool both_good(const struct app_config *config, const char *a, const char *b)
{
    return !origin_of(config, a)->bad && !origin_of(config, b)->bad;
}

/* The complaint stands where the first key was given, else where the second was. */
static void complain_pair(const struct app_config *config, struct config_problems *problems,
                          const char *name, const char *other, const char *what)
{
    const struct config_origin *origin = origin_of(config, name);
    if (origin->file == NULL)
        origin = origin_of(config, other);
    config_problem(problems, origin, slice_from_string(name), "must be %s %s", what, other);
}

struct order {
    const char *less, *more; /* keys */
    uint64_t less_value, more_value;
};

static void check_orders(const struct app_config *c, struct config_problems *problems)
{
    const struct order orders[] = {
        {"registrar.expires_min", "registrar.expires_max", c->registrar.expires_min_s,
         c->registrar.expires_max_s},
        /* Defaults of these three that were not given follow the others: complete.c. */
        {"registrar.expires_min", "registrar.expires_default", c->registrar.expires_min_s,
         c->registrar.expires_default_s},
        {"registrar.expires_default", "registrar.expires_max", c->registrar.expires_default_s,
         c->registrar.expires_max_s},
        {"sip.t1", "sip.t2", c->endpoint.times.t1_ms, c->endpoint.times.t2_ms},
        {"sip.max_message", "tcp.buffer", c->endpoint.limits.message, c->endpoint.stream.buffer},
        {"sip.max_message", "tcp.send_queue", c->endpoint.limits.message,
         c->endpoint.stream.send_queue},
    };
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        const struct order *o = &orders[i];
        if (o->less_value <= o->more_value || !both_good(c, o->less, o->more))
            continue;
        if (origin_of(c, o->less)->file != NULL)
            complain_pair(c, problems, o->less, o->more, "at most");
        else
            complain_pair(c, problems, o->more, o->less, "at least");
    }
}

enum port_space { SPACE_UDP, SPACE_TCP, SPACE_SCTP };

/* What lies below a transport. */
static enum port_space space_of(uint8_t transport)
{
    switch (transport) {
    case TRANSPORT_UDP:
    case TRANSPORT_DTLS: return SPACE_UDP;
    case TRANSPORT_SCTP: return SPACE_SCTP;
    default: return SPACE_TCP;
    }
}

/* Which of the first `count` listeners has that port already? */
static bool is_taken(const struct config_listeners *listen, unsigned count, enum port_space space,
                     const struct address *local)
{
    for (unsigned i = 0; i < count; i++) {
        if (space_of(listen->items[i].transport) == space && address_port(local) != 0 &&
            address_equal(&listen->items[i].local, local))
            return true;
    }
    return false;
}

static void check_listeners(const struct app_config *c, struct config_problems *problems)
{
    char text[ADDRESS_TEXT_MAX];
    const struct config_listeners *sip = &c->listen, *stun = &c->stun_listen;
    for (unsigned i = 0; i < sip->count; i++) {
        const struct endpoint_listener *l = &sip->items[i];
        if (is_taken(sip, i, space_of(l->transport), &l->local))
            config_problem(problems, origin_of(c, "listen"), SLICE("listen"), "%s is there twice",
                           address_text(&l->local, text));
    }
    for (unsigned i = 0; i < stun->count; i++) {
        const struct endpoint_listener *l = &stun->items[i];
        (void)address_text(&l->local, text);
        if (is_taken(stun, i, space_of(l->transport), &l->local))
            config_problem(problems, origin_of(c, "stun.listen"), SLICE("stun.listen"),
                           "%s is there twice; UDP and DTLS need a port each, and TCP and TLS",
                           text);
        if (is_taken(sip, sip->count, space_of(l->transport), &l->local))
            config_problem(problems, origin_of(c, "stun.listen"), SLICE("stun.listen"),
                           "%s is in listen too; STUN needs a port of its own, usually 3478", text);
    }
}

static void check_dns(const struct app_config *c, struct config_problems *problems)
{
    if (!both_good(c, "dns.dnssec", "dns.trust_anchor") || dns_check(&c->dns) == 0)
        return;
    const struct config_origin *origin = origin_of(c, "dns.trust_anchor");
    config_problem(problems, origin->file != NULL ? origin : origin_of(c, "dns.dnssec"),
                   SLICE("dns.trust_anchor"),
                   "\"%s\" is no file of DS or DNSKEY records, which dns.dnssec needs; write for "
                   "example /usr/share/dns/root.key (Debian: apt install dns-root-data)",
                   c->dns.trust_anchor);
}

/* One key for each certificate, or each key in its certificate's file. */
static void check_pairs(const struct app_config *c, struct config_problems *problems)
{
    unsigned certificates = c->tls_certificates.count, keys = c->tls_keys.count;
    if (keys != 0 && keys != certificates && both_good(c, "tls.key", "tls.certificate"))
        config_problem(problems, origin_of(c, "tls.key"), SLICE("tls.key"),
                       "has %u files for the %u of tls.certificate; write one for each, in the "
                       "same order",
                       keys, certificates);
}

/* RFC 5780 section 6: two addresses and two ports, all four corners of them. */
static bool pairs_with(const struct endpoint_listener *listener, const struct address *alternate)
{
    const struct address *local = &listener->local;
    return listener->transport == TRANSPORT_UDP && !address_is_wildcard(local) &&
           address_is_v6(local) == address_is_v6(alternate) && address_port(local) != 0 &&
           !address_equal_host(local, alternate) && address_port(local) != address_port(alternate);
}

/* Sockets that stun.alternate and stun.partner ask for beside those of the lists. */
static void check_free(const struct app_config *c, const char *key, const struct address *local,
                       struct config_problems *problems)
{
    char text[ADDRESS_TEXT_MAX];
    if (is_taken(&c->listen, c->listen.count, SPACE_UDP, local) ||
        is_taken(&c->stun_listen, c->stun_listen.count, SPACE_UDP, local))
        config_problem(problems, origin_of(c, key), slice_from_string(key),
                       "needs the UDP port of %s, which is a listener already; write another port",
                       address_text(local, text));
}

static void check_corners(const struct app_config *c, const struct address *primary,
                          struct config_problems *problems)
{
    struct address corner = *primary;
    address_set_port(&corner, address_port(&c->stun_alternate.address));
    check_free(c, "stun.alternate", &corner, problems);
    if (c->stun_partner.given)
        return;
    corner = c->stun_alternate.address;
    check_free(c, "stun.alternate", &corner, problems);
    address_set_port(&corner, address_port(primary));
    check_free(c, "stun.alternate", &corner, problems);
}

static void check_partner(const struct app_config *c, struct config_problems *problems)
{
    const char *missing = !c->stun_alternate.given ? "stun.alternate, the partner's address"
                          : c->stun_partner_secret.count == 0 ? "stun.partner_secret"
                                                              : NULL;
    if (c->stun_partner.given && missing != NULL && both_good(c, "stun.partner", "stun.alternate"))
        config_problem(problems, origin_of(c, "stun.partner"), SLICE("stun.partner"),
                       "needs %s as well", missing);
    if (c->stun_partner.given && (address_is_wildcard(&c->stun_partner.address) ||
                                  address_port(&c->stun_partner.address) == 0))
        config_problem(problems, origin_of(c, "stun.partner"), SLICE("stun.partner"),
                       "names no machine; write for example 192.0.2.2:3480");
    if (c->stun_partner.given && c->stun_partner_listen.given)
        check_free(c, "stun.partner_listen", &c->stun_partner_listen.address, problems);
    if (c->stun_partner.given && c->stun_partner_listen.given &&
        address_is_v6(&c->stun_partner.address) != address_is_v6(&c->stun_partner_listen.address))
        config_problem(problems, origin_of(c, "stun.partner_listen"), SLICE("stun.partner_listen"),
                       "must be IPv4 or IPv6 as stun.partner is");
}

/* DTLS 1.2 is all that OpenSSL 3 speaks. */
static void check_dtls(const struct app_config *c, struct config_problems *problems)
{
    bool dtls = false;
    for (unsigned i = 0; i < c->stun_listen.count; i++)
        dtls = dtls || c->stun_listen.items[i].transport == TRANSPORT_DTLS;
    if (dtls && c->tls.version != TLS_VERSION_1_2 && both_good(c, "stun.listen", "tls.min_version"))
        config_problem(problems, origin_of(c, "tls.min_version"), SLICE("tls.min_version"),
                       "1.3 leaves nothing for dtls: in stun.listen, which is DTLS 1.2; write 1.2, "
                       "or take dtls: out");
}

static void check_stun(const struct app_config *c, struct config_problems *problems)
{
    const struct config_listeners *listen = &c->stun_listen;
    bool pair = false;
    for (unsigned i = 0; i < listen->count && !pair && c->stun_alternate.given; i++) {
        pair = pairs_with(&listen->items[i], &c->stun_alternate.address);
        if (pair)
            check_corners(c, &listen->items[i].local, problems);
    }
    if (c->stun_alternate.given && !pair && both_good(c, "stun.listen", "stun.alternate"))
        config_problem(problems, origin_of(c, "stun.alternate"), SLICE("stun.alternate"),
                       "needs another address and another port than a udp: listener of "
                       "stun.listen that names its address; write for example stun.listen: "
                       "udp:192.0.2.1:3478 and stun.alternate: 192.0.2.2:3479");
    check_partner(c, problems);
}

static void check_turn(const struct app_config *c, struct config_problems *problems)
{
    if (c->turn.enabled && c->stun_listen.count == 0 && both_good(c, "turn.enabled", "stun.listen"))
        config_problem(problems, origin_of(c, "turn.enabled"), SLICE("turn.enabled"),
                       "needs stun.listen, where TURN is served; write for example stun.listen: "
                       "udp:192.0.2.1:3478,tcp:192.0.2.1:3478");
    if (c->turn.lifetime_s > c->turn.lifetime_max_s &&
        both_good(c, "turn.lifetime", "turn.max_lifetime"))
        config_problem(problems, origin_of(c, "turn.lifetime"), SLICE("turn.lifetime"),
                       "is longer than turn.max_lifetime; make one of them fit the other");
    /* RFC 8489 section 9.2.5: who is told so sends no name but its hash, and of a name that expires
     * there are too many to know it by its hash. */
    if (c->turn_credential.userhash && c->turn_secrets.count > 0 &&
        both_good(c, "turn.userhash", "turn.secret"))
        config_problem(problems, origin_of(c, "turn.userhash"), SLICE("turn.userhash"),
                       "cannot be on with turn.secret: names that expire cannot be sent hashed; "
                       "write off");
}

/* One address of each family; names may have both. */
static void check_outside(const struct app_config *c, struct config_problems *problems)
{
    unsigned seen[2] = {0};
    for (unsigned i = 0; i < c->outside_addresses.count; i++) {
        struct address address;
        if (address_parse_host(c->outside_addresses.items[i], 0, &address) == 0 &&
            ++seen[address_is_v6(&address)] == 2)
            config_problem(problems, origin_of(c, "outside.address"), SLICE("outside.address"),
                           "has two addresses of one family; write one of IPv4 and one of IPv6");
    }
}

void config_check_whole(const struct app_config *config, struct config_problems *problems)
{
    check_orders(config, problems);
    check_listeners(config, problems);
    check_dns(config, problems);
    check_pairs(config, problems);
    check_stun(config, problems);
    check_dtls(config, problems);
    check_turn(config, problems);
    check_outside(config, problems);
}
