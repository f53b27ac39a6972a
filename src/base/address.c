#include "base/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <limits.h>

#include "base/error.h"
#include "base/siphash.h"

/* text holds no NUL and fits. */
static int parse_v6(const char *text, struct slice scope, uint16_t port,
                    struct address *ret_address)
{
    struct address a = {.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
    if (inet_pton(AF_INET6, text, &a.in6.sin6_addr) != 1)
        return ERR_SYNTAX;
    if (scope.len > 0 && slice_to_u32(scope, UINT32_MAX, &a.in6.sin6_scope_id) != 0)
        return ERR_SYNTAX;
    *ret_address = a;
    return 0;
}

static bool take_digit(const char **at, const char *end, unsigned *number)
{
    unsigned digit = *at < end ? (unsigned char)**at - (unsigned)'0' : UINT_MAX;
    if (digit > 9)
        return false;
    *number = *number * 10 + digit;
    (*at)++;
    return true;
}

/* A number of at most three digits without leading zeros, up to 255. */
static bool take_octet(const char **at, const char *end, uint32_t *ret_octet)
{
    unsigned number = 0;
    if (!take_digit(at, end, &number))
        return false;
    if (number > 0 && take_digit(at, end, &number))
        (void)take_digit(at, end, &number);
    *ret_octet = number;
    return number <= 255;
}

/* Four numbers, divided by dots. What is left over after three digits, or after a zero, is no dot.
 */
static int parse_v4(struct slice text, uint16_t port, struct address *ret_address)
{
    if (text.len < sizeof("0.0.0.0") - 1)
        return ERR_SYNTAX;
    const char *at = text.ptr, *end = text.ptr + text.len;
    uint32_t host = 0, octet;
    for (unsigned i = 0; i < 4; i++) {
        if (i > 0 && (at == end || *at++ != '.'))
            return ERR_SYNTAX;
        if (!take_octet(&at, end, &octet))
            return ERR_SYNTAX;
        host = host << 8 | octet;
    }
    if (at != end)
        return ERR_SYNTAX;
    *ret_address = (struct address){
        .in4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(host)}}};
    return 0;
}

int address_parse_host(struct slice host, uint16_t port, struct address *ret_address)
{
    if (parse_v4(host, port, ret_address) == 0)
        return 0;
    if (slice_index(host, ':') == host.len) /* a name */
        return ERR_SYNTAX;
    bool bracket = host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (bracket)
        host = slice_of(host.ptr + 1, host.len - 2);
    size_t percent = slice_index(host, '%');
    struct slice scope = slice_from(host, percent + 1);
    if (percent < host.len && scope.len == 0)
        return ERR_SYNTAX;
    host.len = percent;

    char text[INET6_ADDRSTRLEN];
    if (host.len == 0 || host.len >= sizeof text || slice_index(host, '\0') < host.len)
        return ERR_SYNTAX;
    slice_to_string(host, text, sizeof text);
    return parse_v6(text, scope, port, ret_address);
}

int address_parse(struct slice text, struct address *ret_address)
{
    struct slice port_text = text;
    struct slice host;
    if (text.len > 0 && text.ptr[0] == '[') {
        host = slice_cut(&port_text, ']');
        if (port_text.len == 0 || port_text.ptr[0] != ':')
            return ERR_SYNTAX;
        host.len++; /* the bracket was there: something followed it */
        port_text = slice_from(port_text, 1);
    } else {
        host = slice_cut(&port_text, ':');
    }
    uint32_t port = 0;
    int port_rc = slice_to_u32(port_text, UINT16_MAX, &port);
    struct address a;
    int rc = address_parse_host(host, (uint16_t)port, &a);
    if (rc != 0 || port_rc != 0)
        return rc != 0 ? rc : port_rc;
    *ret_address = a;
    return 0;
}

static void write_v4(struct writer *w, uint32_t host)
{
    char text[INET_ADDRSTRLEN];
    char *at = text;
    for (int shift = 24; shift >= 0; shift -= 8) {
        unsigned octet = host >> shift & 0xff;
        if (octet >= 100)
            *at++ = (char)('0' + octet / 100);
        if (octet >= 10)
            *at++ = (char)('0' + octet / 10 % 10);
        *at++ = (char)('0' + octet % 10);
        *at++ = '.';
    }
    writer_bytes(w, text, (size_t)(at - text) - 1);
}

void address_write_host(struct writer *w, const struct address *a, bool bracket)
{
    char text[INET6_ADDRSTRLEN];
    switch (a->sa.sa_family) {
    case AF_INET: write_v4(w, ntohl(a->in4.sin_addr.s_addr)); return;
    case AF_INET6:
        if (bracket)
            writer_char(w, '[');
        writer_string(w, inet_ntop(AF_INET6, &a->in6.sin6_addr, text, sizeof text));
        if (bracket)
            writer_char(w, ']');
        return;
    default: writer_char(w, '-');
    }
}

static void write_port(struct writer *w, const struct address *a)
{
    writer_char(w, ':');
    writer_u64(w, address_port(a));
}

void address_write(struct writer *w, const struct address *a)
{
    address_write_host(w, a, true);
    write_port(w, a);
}

const char *address_text(const struct address *a, char *buf)
{
    struct writer w;
    writer_init(&w, buf, ADDRESS_TEXT_MAX);
    if (address_is_v6(a) && a->in6.sin6_scope_id != 0) {
        writer_char(&w, '[');
        address_write_host(&w, a, false);
        writer_char(&w, '%');
        writer_u64(&w, a->in6.sin6_scope_id);
        writer_char(&w, ']');
        write_port(&w, a);
    } else {
        address_write(&w, a);
    }
    writer_char(&w, '\0');
    assert(!w.overflow);
    return buf;
}

bool address_equal_host(const struct address *a, const struct address *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    switch (a->sa.sa_family) {
    case AF_INET: return a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr;
    case AF_INET6:
        return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof a->in6.sin6_addr) == 0 &&
               a->in6.sin6_scope_id == b->in6.sin6_scope_id;
    default: return true;
    }
}

bool address_names_host(const struct address *host, const struct address *a)
{
    struct address scoped = *host;
    if (address_is_v6(host) && address_is_v6(a) && host->in6.sin6_scope_id == 0)
        scoped.in6.sin6_scope_id = a->in6.sin6_scope_id;
    return address_equal_host(&scoped, a);
}

bool address_equal(const struct address *a, const struct address *b)
{
    return address_equal_host(a, b) && address_port(a) == address_port(b);
}

/* Senders choose their addresses (a whole /64 each), so this hash is keyed as well. */
static uint64_t hash_with_port(uint64_t seed, const struct address *a, uint16_t port)
{
    struct {
        uint16_t family;
        uint16_t port;
        uint32_t scope;
        unsigned char host[16];
    } plain = {.family = a->sa.sa_family, .port = port};
    size_t len = offsetof(__typeof__(plain), host);
    if (a->sa.sa_family == AF_INET) {
        memcpy(plain.host, &a->in4.sin_addr, sizeof a->in4.sin_addr);
        len += sizeof a->in4.sin_addr;
    } else if (a->sa.sa_family == AF_INET6) {
        plain.scope = a->in6.sin6_scope_id;
        memcpy(plain.host, &a->in6.sin6_addr, sizeof a->in6.sin6_addr);
        len += sizeof a->in6.sin6_addr;
    }
    struct hash_key key = {.k0 = seed, .k1 = ~seed};
    return siphash(&key, slice_of((const char *)&plain, len), 1, 3, false);
}

uint64_t address_hash(uint64_t seed, const struct address *a)
{
    return hash_with_port(seed, a, address_port(a));
}

uint64_t address_hash_host(uint64_t seed, const struct address *a)
{
    return hash_with_port(seed, a, 0);
}

uint16_t address_port(const struct address *a)
{
    switch (a->sa.sa_family) {
    case AF_INET: return ntohs(a->in4.sin_port);
    case AF_INET6: return ntohs(a->in6.sin6_port);
    default: return 0;
    }
}

void address_set_port(struct address *a, uint16_t port)
{
    if (a->sa.sa_family == AF_INET)
        a->in4.sin_port = htons(port);
    else if (a->sa.sa_family == AF_INET6)
        a->in6.sin6_port = htons(port);
}

bool address_is_v6(const struct address *a)
{
    return a->sa.sa_family == AF_INET6;
}

/* The IPv4 address in host order, also of a mapped one. */
static bool as_v4(const struct address *a, uint32_t *ret_host)
{
    struct address plain = *a;
    address_unmap(&plain);
    if (plain.sa.sa_family != AF_INET)
        return false;
    *ret_host = ntohl(plain.in4.sin_addr.s_addr);
    return true;
}

bool address_is_wildcard(const struct address *a)
{
    uint32_t v4;
    if (as_v4(a, &v4))
        return v4 == INADDR_ANY;
    return address_is_v6(a) && IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

bool address_is_loopback(const struct address *a)
{
    uint32_t v4;
    if (as_v4(a, &v4))
        return v4 >> 24 == IN_LOOPBACKNET;
    return address_is_v6(a) && IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

/* RFC 1918, 6598, 3927, 1122. */
static bool is_private_v4(uint32_t v4)
{
    return v4 >> 24 == 10 || v4 >> 20 == 0xac1 || v4 >> 16 == 0xc0a8 || v4 >> 22 == 0x191 ||
           v4 >> 16 == 0xa9fe || v4 >> 24 == IN_LOOPBACKNET;
}

bool address_is_private(const struct address *a)
{
    uint32_t v4;
    if (as_v4(a, &v4))
        return is_private_v4(v4);
    return address_is_v6(a) &&
           (IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr) || IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr) ||
            (a->in6.sin6_addr.s6_addr[0] & 0xfe) == 0xfc); /* RFC 4193 */
}

bool address_is_multicast_or_broadcast(const struct address *a)
{
    uint32_t v4;
    if (as_v4(a, &v4))
        return IN_MULTICAST(v4) || v4 == INADDR_BROADCAST;
    return address_is_v6(a) && IN6_IS_ADDR_MULTICAST(&a->in6.sin6_addr);
}

socklen_t address_length(const struct address *a)
{
    switch (a->sa.sa_family) {
    case AF_INET: return sizeof a->in4;
    case AF_INET6: return sizeof a->in6;
    default: return sizeof a->sa;
    }
}

void address_unmap(struct address *a)
{
    if (!address_is_v6(a) || !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
        return;
    struct address plain = {.in4 = {.sin_family = AF_INET, .sin_port = a->in6.sin6_port}};
    memcpy(&plain.in4.sin_addr, &a->in6.sin6_addr.s6_addr[12], sizeof plain.in4.sin_addr);
    *a = plain;
}
