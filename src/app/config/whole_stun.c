#include "app/config/whole_private.h"

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
    if (config_port_is_taken(&c->listen, c->listen.count, PORT_SPACE_UDP, local) ||
        config_port_is_taken(&c->stun_listen, c->stun_listen.count, PORT_SPACE_UDP, local))
        COMPLAIN(c, problems, key,
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
    if (c->stun_partner.given && missing != NULL &&
        config_both_good(c, "stun.partner", "stun.alternate"))
        COMPLAIN(c, problems, "stun.partner", "needs %s as well", missing);
    if (c->stun_partner.given && (address_is_wildcard(&c->stun_partner.address) ||
                                  address_port(&c->stun_partner.address) == 0))
        COMPLAIN(c, problems, "stun.partner", "names no machine; write for example 192.0.2.2:3480");
    if (c->stun_partner.given && c->stun_partner_listen.given)
        check_free(c, "stun.partner_listen", &c->stun_partner_listen.address, problems);
    if (c->stun_partner.given && c->stun_partner_listen.given &&
        address_is_v6(&c->stun_partner.address) != address_is_v6(&c->stun_partner_listen.address))
        COMPLAIN(c, problems, "stun.partner_listen", "must be IPv4 or IPv6 as stun.partner is");
}

/* DTLS 1.2 is all that OpenSSL 3 speaks. */
static void check_dtls(const struct app_config *c, struct config_problems *problems)
{
    bool dtls = false;
    for (unsigned i = 0; i < c->stun_listen.count; i++)
        dtls = dtls || c->stun_listen.items[i].transport == TRANSPORT_DTLS;
    if (dtls && c->tls.version != TLS_VERSION_1_2 &&
        config_both_good(c, "stun.listen", "tls.min_version"))
        COMPLAIN(c, problems, "tls.min_version",
                 "1.3 leaves nothing for dtls: in stun.listen, which is DTLS 1.2; write 1.2, "
                 "or take dtls: out");
}

void config_check_stun(const struct app_config *c, struct config_problems *problems)
{
    const struct config_listeners *listen = &c->stun_listen;
    bool pair = false;
    for (unsigned i = 0; i < listen->count && !pair && c->stun_alternate.given; i++) {
        pair = pairs_with(&listen->items[i], &c->stun_alternate.address);
        if (pair)
            check_corners(c, &listen->items[i].local, problems);
    }
    if (c->stun_alternate.given && !pair && config_both_good(c, "stun.listen", "stun.alternate"))
        COMPLAIN(c, problems, "stun.alternate",
                 "needs another address and another port than a udp: listener of "
                 "stun.listen that names its address; write for example stun.listen: "
                 "udp:192.0.2.1:3478 and stun.alternate: 192.0.2.2:3479");
    check_partner(c, problems);
    check_dtls(c, problems);
}

void config_check_turn(const struct app_config *c, struct config_problems *problems)
{
    if (c->turn.enabled && c->stun_listen.count == 0 &&
        config_both_good(c, "turn.enabled", "stun.listen"))
        COMPLAIN(c, problems, "turn.enabled",
                 "needs stun.listen, where TURN is served; write for example stun.listen: "
                 "udp:192.0.2.1:3478,tcp:192.0.2.1:3478");
    if (c->turn.lifetime_s > c->turn.lifetime_max_s &&
        config_both_good(c, "turn.lifetime", "turn.max_lifetime"))
        COMPLAIN(c, problems, "turn.lifetime",
                 "is longer than turn.max_lifetime; make one of them fit the other");
    /* RFC 8489 section 9.2.5: who is told so sends no name but its hash, and of a name that expires
     * there are too many to know it by its hash. */
    if (c->turn_credential.userhash && c->turn_secrets.count > 0 &&
        config_both_good(c, "turn.userhash", "turn.secret"))
        COMPLAIN(c, problems, "turn.userhash",
                 "cannot be on with turn.secret: names that expire cannot be sent hashed; "
                 "write off");
}
