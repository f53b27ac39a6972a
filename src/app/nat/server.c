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

/* The first address of each family. */
static void take_addresses(struct nat_server *server, const struct addrinfo *list, int family)
{
    for (const struct addrinfo *info = list; info != NULL; info = info->ai_next) {
        struct address *a = &server->addresses[server->count];
        if (info->ai_family != family || info->ai_addrlen > sizeof *a)
            continue;
        memset(a, 0, sizeof *a);
        memcpy(a, info->ai_addr, info->ai_addrlen);
        address_set_port(a, server->port);
        server->count++;
        return;
    }
}

int nat_server_resolve(struct nat_server *server)
{
    struct addrinfo *list;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    int status = getaddrinfo(server->host, NULL, &hints, &list);
    server->count = 0;
    if (status == EAI_AGAIN)
        return ERR_AGAIN;
    if (status != 0)
        return status == EAI_SYSTEM || status == EAI_MEMORY ? ERR_IO : ERR_NOT_FOUND;
    take_addresses(server, list, AF_INET);
    take_addresses(server, list, AF_INET6);
    freeaddrinfo(list);
    return server->count > 0 ? 0 : ERR_NOT_FOUND;
}
