/* A host as 128 bits: IPv6, or IPv4 in its mapped form (RFC 4291 section 2.5.5.2). Quick to
 * compare.
 */
#ifndef SERVICE_TURN_HOST_H
#define SERVICE_TURN_HOST_H

#include <endian.h>

#include "base/address.h"

#define TURN_HOST_V4 UINT64_C(0xffff00000000) /* the upper part of low */

struct turn_host {
    uint64_t high, low; /* in host order */
};

static inline struct turn_host turn_host_of(const struct address *a)
{
    if (a->sa.sa_family == AF_INET)
        return (struct turn_host){0, TURN_HOST_V4 | be32toh(a->in4.sin_addr.s_addr)};
    uint64_t parts[2];
    memcpy(parts, &a->in6.sin6_addr, sizeof parts);
    return (struct turn_host){be64toh(parts[0]), be64toh(parts[1])};
}

static inline bool turn_host_equal(struct turn_host a, struct turn_host b)
{
    return a.low == b.low && a.high == b.high;
}

static inline bool turn_host_is_v4(struct turn_host h)
{
    return h.high == 0 && h.low >> 32 == TURN_HOST_V4 >> 32;
}

/* The address that turn_host_of made it from; a mapped one becomes IPv4. */
static inline void turn_host_address(struct turn_host h, uint16_t port, struct address *ret)
{
    memset(ret, 0, sizeof *ret);
    if (turn_host_is_v4(h)) {
        ret->in4.sin_family = AF_INET;
        ret->in4.sin_port = htobe16(port);
        ret->in4.sin_addr.s_addr = htobe32((uint32_t)h.low);
        return;
    }
    uint64_t parts[2] = {htobe64(h.high), htobe64(h.low)};
    ret->in6.sin6_family = AF_INET6;
    ret->in6.sin6_port = htobe16(port);
    memcpy(&ret->in6.sin6_addr, parts, sizeof parts);
}

#endif
