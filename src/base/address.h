/* IPv4 and IPv6 addresses with port. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <netinet/in.h>

#include "base/slice.h"
#include "base/writer.h"

struct address {
    union {
        struct sockaddr sa;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
    };
};

#define ADDRESS_TEXT_MAX 64 /* "[v6%scope]:port" with NUL */

/* "192.0.2.1", "2001:db8::1" or "[2001:db8::1]", also with a scope as a number ("fe80::1%2"); no
 * names. Errors: ERR_SYNTAX. */
int address_parse_host(struct slice host, uint16_t port, struct address *ret_address);
/* "HOST:PORT" with IPv6 in brackets. Errors: ERR_SYNTAX, ERR_RANGE (port). */
int address_parse(struct slice text, struct address *ret_address);
/* Host alone; IPv6 in brackets when bracket is set. Never the scope: it means nothing to a peer. */
void address_write_host(struct writer *w, const struct address *a, bool bracket);
/* Host (IPv6 in brackets) and port. */
void address_write(struct writer *w, const struct address *a);
/* The same into buf (at least ADDRESS_TEXT_MAX), with the scope if there is one; returns buf, for
 * logs. */
const char *address_text(const struct address *a, char *buf);

/* Scopes count, mapped forms do not equal plain ones (see address_unmap). */
bool address_equal(const struct address *a, const struct address *b);
bool address_equal_host(const struct address *a, const struct address *b);
/* Is host, as a URI or Via names it, the host of a? Neither can say a scope, so none fits any. */
bool address_names_host(const struct address *host, const struct address *a);
/* Host and port. seed is secret: senders choose their addresses. */
uint64_t address_hash(uint64_t seed, const struct address *a);
uint64_t address_hash_host(uint64_t seed, const struct address *a);
uint16_t address_port(const struct address *a);
void address_set_port(struct address *a, uint16_t port);
bool address_is_v6(const struct address *a);
/* These four look through the mapped form. */
bool address_is_wildcard(const struct address *a);
bool address_is_loopback(const struct address *a);
/* Means nothing outside of some network: private, shared by a carrier, link-local, loopback. */
bool address_is_private(const struct address *a);
bool address_is_multicast_or_broadcast(const struct address *a);
/* Bytes of the sockaddr, for system calls. */
socklen_t address_length(const struct address *a);
/* ::ffff:a.b.c.d becomes a.b.c.d, anything else stays. */
void address_unmap(struct address *a);

#endif
