#include "app/nat/server.h"

#include <netdb.h>

#include "base/error.h"

static int take_port(struct nat_server *server, struct slice text)
{
    uint32_t port;
    int status = slice_to_u32(text, UINT16_MAX, &port);
    if (status < 0)
        return status;
    if (port == 0)
        return ERR_RANGE;
    server->port = (uint16_t)port;
    server->port_given = true;
    return 0;
}

static bool is_host(struct slice host)
{
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.ptr[i];
        if (c <= ' ' || c == 0x7f || c == '/' || c == '@' || c == '[' || c == ']')
            return false;
    }
    return host.len > 0 && host.len < NAT_HOST_MAX;
}

int nat_server_parse(struct slice text, struct nat_server *ret_server)
{
    struct nat_server server = {.port = NAT_PORT};
    struct address plain;
    if (slice_starts_with_nocase(text, SLICE("stun:")))
        text = slice_from(text, 5);
    struct slice host = text, rest = SLICE_NULL;
    if (text.len > 0 && text.ptr[0] == '[') {
        rest = slice_from(text, 1);
        host = slice_cut(&rest, ']');
        bool closed = host.len + 1 < text.len;
        if (!closed || address_parse_host(host, 0, &plain) < 0 || !address_is_v6(&plain))
            return ERR_SYNTAX;
    } else if (address_parse_host(text, 0, &plain) < 0) {
        host = slice_of(text.ptr, slice_index(text, ':'));
        rest = slice_from(text, host.len);
    }
    if (!is_host(host) || (rest.len > 0 && rest.ptr[0] != ':'))
        return ERR_SYNTAX;
    if (rest.len > 0) {
        int status = take_port(&server, slice_from(rest, 1));
        if (status < 0)
            return status;
    }
    slice_to_string(host, server.host, sizeof server.host);
    *ret_server = server;
    return 0;
}

static void take_address(struct nat_server *server, const struct addrinfo *info)
{
    struct address a = {.in6 = {0}};
    if (info->ai_addrlen > sizeof a || server->count == NAT_ADDRESSES_MAX)
        return;
    memcpy(&a, info->ai_addr, info->ai_addrlen);
    server->addresses[server->count++] = a;
}

static int resolve_family(struct nat_server *server, int family)
{
    struct addrinfo *list;
    struct addrinfo hints = {
        .ai_family = family, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV};
    char port[8];
    struct writer w;
    writer_init(&w, port, sizeof port);
    writer_u64(&w, server->port);
    writer_char(&w, '\0');
    int status = getaddrinfo(server->host, port, &hints, &list);
    if (status != 0)
        return status;
    take_address(server, list);
    freeaddrinfo(list);
    return 0;
}

int nat_server_resolve(struct nat_server *server)
{
    server->count = 0;
    int v4 = resolve_family(server, AF_INET);
    int v6 = resolve_family(server, AF_INET6);
    if (server->count > 0)
        return 0;
    if (v4 == EAI_AGAIN || v6 == EAI_AGAIN)
        return ERR_AGAIN;
    return v4 == EAI_SYSTEM || v4 == EAI_MEMORY ? ERR_IO : ERR_NOT_FOUND;
}
