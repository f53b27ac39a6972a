#include "app/config/check.h"

#include "app/config/compound.h"
#include "base/error.h"

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

bool config_is_plain_text(struct slice item, const char *banned)
{
    for (size_t i = 0; i < item.len; i++) {
        unsigned char c = (unsigned char)item.ptr[i];
        if (c < 0x20 || c == 0x7f || strchr(banned, c) != NULL)
            return false;
    }
    return true;
}

int config_check_realm(struct slice item, struct writer *why)
{
    if (config_is_plain_text(item, "\"\\:"))
        return 0;
    writer_literal(why, "a realm holds no quotes, backslashes, colons or control characters");
    return ERR_SYNTAX;
}
