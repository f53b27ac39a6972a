#include "app/config/whole_private.h"

enum port_space config_port_space_of(uint8_t transport)
{
    switch (transport) {
    case TRANSPORT_UDP:
    case TRANSPORT_DTLS: return PORT_SPACE_UDP;
    case TRANSPORT_SCTP: return PORT_SPACE_SCTP;
    default: return PORT_SPACE_TCP;
    }
}

bool config_port_is_taken(const struct config_listeners *listen, unsigned count,
                          enum port_space space, const struct address *local)
{
    for (unsigned i = 0; i < count; i++) {
        if (config_port_space_of(listen->items[i].transport) == space && address_port(local) != 0 &&
            address_equal(&listen->items[i].local, local))
            return true;
    }
    return false;
}

/* A wildcard and an address that it has in it. */
static bool has_in_it(const struct endpoint_listener *wide, const struct endpoint_listener *narrow)
{
    return config_port_space_of(wide->transport) == config_port_space_of(narrow->transport) &&
           address_port(&wide->local) != 0 &&
           address_port(&wide->local) == address_port(&narrow->local) &&
           address_is_v6(&wide->local) == address_is_v6(&narrow->local) &&
           address_is_wildcard(&wide->local) && !address_is_wildcard(&narrow->local);
}

static void check_wildcards(const struct app_config *c, struct config_problems *problems)
{
    char wide[ADDRESS_TEXT_MAX], narrow[ADDRESS_TEXT_MAX];
    const struct config_listeners *sip = &c->listen;
    for (unsigned i = 0; i < sip->count * sip->count; i++) {
        const struct endpoint_listener *a = &sip->items[i / sip->count];
        const struct endpoint_listener *b = &sip->items[i % sip->count];
        if (has_in_it(a, b))
            COMPLAIN(c, problems, "listen", "%s has %s in it; write one of them",
                     address_text(&a->local, wide), address_text(&b->local, narrow));
    }
}

void config_check_listeners(const struct app_config *c, struct config_problems *problems)
{
    char text[ADDRESS_TEXT_MAX];
    const struct config_listeners *sip = &c->listen, *stun = &c->stun_listen;
    for (unsigned i = 0; i < sip->count; i++) {
        const struct endpoint_listener *l = &sip->items[i];
        if (config_port_is_taken(sip, i, config_port_space_of(l->transport), &l->local))
            COMPLAIN(c, problems, "listen", "%s is there twice", address_text(&l->local, text));
    }
    check_wildcards(c, problems);
    for (unsigned i = 0; i < stun->count; i++) {
        const struct endpoint_listener *l = &stun->items[i];
        (void)address_text(&l->local, text);
        if (config_port_is_taken(stun, i, config_port_space_of(l->transport), &l->local))
            COMPLAIN(c, problems, "stun.listen",
                     "%s is there twice; UDP and DTLS need a port each, and TCP and TLS", text);
        if (config_port_is_taken(sip, sip->count, config_port_space_of(l->transport), &l->local))
            COMPLAIN(c, problems, "stun.listen",
                     "%s is in listen too; STUN needs a port of its own, usually 3478", text);
    }
}
