#include "app/config/compound.h"

#include "app/config/check.h"
#include "base/error.h"
#include "stack/locate.h"

static int find_transport(struct slice name, const char *const *names, enum transport *ret)
{
    for (unsigned i = 0; names[i] != NULL; i++) {
        if (!slice_equal_nocase(name, slice_from_string(names[i])))
            continue;
        if (transport_lookup(name, ret) < 0)
            *ret = TRANSPORT_DTLS;
        return 0;
    }
    return ERR_SYNTAX;
}

static int refuse_transport(struct slice text, const char *const *names, struct writer *why)
{
    writer_format(why, "\"%.*s\" does not begin with ", SLICE_ARG(text));
    for (unsigned i = 0; names[i] != NULL; i++) {
        const char *before = i == 0 ? "" : names[i + 1] == NULL ? " or " : ", ";
        writer_format(why, "%s%s:", before, names[i]);
    }
    writer_literal(why, "; write for example udp:0.0.0.0:5060 or tls:[::]:5061");
    return ERR_SYNTAX;
}

int config_listener_parse(struct slice text, const char *const *transports, struct writer *why,
                          struct endpoint_listener *ret)
{
    struct slice rest = text;
    enum transport transport;
    struct slice name = slice_cut(&rest, ':');
    int status = find_transport(name, transports, &transport);
    if (status < 0)
        return refuse_transport(text, transports, why);
    struct address address;
    status = address_parse(rest, &address);
    if (status < 0) {
        writer_format(why,
                      "\"%.*s\" is no %s; write for example %.*s:192.0.2.1:5060 or "
                      "%.*s:[2001:db8::1]:5060",
                      SLICE_ARG(rest), status == ERR_RANGE ? "port (0 to 65535)" : "ADDRESS:PORT",
                      SLICE_ARG(name), SLICE_ARG(name));
        return status;
    }
    *ret = (struct endpoint_listener){.transport = (uint8_t)transport, .local = address};
    return 0;
}

void config_listener_write(const struct endpoint_listener *listener, struct writer *w)
{
    char text[ADDRESS_TEXT_MAX];
    writer_put(w, transport_uri_name((enum transport)listener->transport));
    writer_char(w, ':');
    writer_string(w, address_text(&listener->local, text));
}

static int check_prefix(struct slice prefix, struct writer *why)
{
    struct proxy_route *route = NULL;
    bool good = prefix.len < sizeof route->prefix;
    for (size_t i = 0; i < prefix.len; i++)
        good = good && prefix.ptr[i] > ' ' && prefix.ptr[i] < 0x7f;
    if (good)
        return 0;
    writer_format(why, "\"%.*s\" is no prefix; write at most %zu letters and digits",
                  SLICE_ARG(prefix), sizeof route->prefix - 1);
    return ERR_SYNTAX;
}

static int check_next_hop(struct slice next_hop, struct writer *why)
{
    struct proxy_route *route = NULL;
    struct locate_input input;
    struct sip_uri uri;
    if (next_hop.len < sizeof route->next_hop && sip_uri_parse(next_hop, &uri) == 0 &&
        locate_input_of(&uri, &input) == 0 && uri.headers.len == 0)
        return 0;
    writer_format(why,
                  "\"%.*s\" is no next hop; write a SIP or SIPS URI, for example "
                  "sip:192.0.2.1:5060;transport=tcp",
                  SLICE_ARG(next_hop));
    return ERR_SYNTAX;
}

int config_route_parse(struct slice text, struct writer *why, struct proxy_route *ret)
{
    struct slice next_hop = text;
    struct slice domain = slice_cut(&next_hop, '=');
    struct slice prefix = slice_cut(&domain, '@');
    if (slice_index(text, '=') == text.len || prefix.len + domain.len == 0) {
        writer_format(why,
                      "\"%.*s\" is no route; write PREFIX=NEXT_HOP, @DOMAIN=NEXT_HOP or "
                      "PREFIX@DOMAIN=NEXT_HOP, for example 00=sip:192.0.2.1",
                      SLICE_ARG(text));
        return ERR_SYNTAX;
    }
    int status = check_prefix(prefix, why);
    if (status == 0 && domain.len > 0)
        status = config_check_domain(domain, why);
    if (status == 0)
        status = check_next_hop(next_hop, why);
    if (status < 0)
        return status;
    *ret = (struct proxy_route){0};
    slice_to_string(prefix, ret->prefix, sizeof ret->prefix);
    slice_to_string(domain, ret->domain, sizeof ret->domain);
    slice_to_string(next_hop, ret->next_hop, sizeof ret->next_hop);
    return 0;
}

void config_route_write(const struct proxy_route *route, struct writer *w)
{
    writer_string(w, route->prefix);
    if (route->domain[0] != '\0') {
        writer_char(w, '@');
        writer_string(w, route->domain);
    }
    writer_char(w, '=');
    writer_string(w, route->next_hop);
}

int config_address_parse(struct slice text, struct writer *why, struct config_address *ret)
{
    struct config_address parsed = {0};
    if (!slice_empty(text)) {
        parsed.given = true;
        int status = address_parse(text, &parsed.address);
        if (status < 0) {
            writer_format(why,
                          "\"%.*s\" is no ADDRESS:PORT; write for example 127.0.0.1:9060 or "
                          "[::1]:9060, or nothing to turn it off",
                          SLICE_ARG(text));
            return status;
        }
    }
    *ret = parsed;
    return 0;
}

int config_host_port(struct slice text, struct slice *ret_host, uint16_t *ret_port)
{
    struct address address;
    struct slice host = text, port_text;
    uint32_t port = 0;
    if (address_parse_host(text, 0, &address) < 0) { /* else IPv6 with its colons */
        host = text.len > 0 && text.ptr[0] == '[' ? slice_of(text.ptr, slice_index(text, ']') + 1)
                                                  : slice_of(text.ptr, slice_index(text, ':'));
        if (host.len > text.len)
            return ERR_SYNTAX;
        port_text = slice_from(text, host.len);
        if (port_text.len > 0 && port_text.ptr[0] != ':')
            return ERR_SYNTAX;
        port_text = slice_from(port_text, 1);
        int status = host.len < text.len ? slice_to_u32(port_text, UINT16_MAX, &port) : 0;
        if (status < 0)
            return status;
    }
    if (host.len == 0)
        return ERR_SYNTAX;
    *ret_host = host;
    *ret_port = (uint16_t)port;
    return 0;
}

int config_port_range_parse(struct slice text, uint16_t *ret_low, uint16_t *ret_high)
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
