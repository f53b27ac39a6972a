/* From a SIP URI to the address to send to. Numeric hosts at once, names by A and AAAA. One
 * worker's. (NAPTR, SRV and failover of RFC 3263 are not here yet: docs/rfc/3263.md.) */
#ifndef STACK_RESOLVER_H
#define STACK_RESOLVER_H

#include "stack/endpoint.h"

struct resolver;
struct resolver_query;

/* status 0 and a target, or an error. */
typedef void resolver_fn(void *user, int status, const struct endpoint_target *target);

int resolver_new(struct endpoint *endpoint, struct resolver **ret_resolver);
/* Queries under way are forgotten without a call. */
void resolver_free(struct resolver *resolver);

/* Where a request for uri goes: maddr before host, transport parameter, default ports (RFC 3263
 * section 4). 1: *ret_target is it. 0: done will be called, *ret_query can be cancelled until then.
 * Errors: ERR_UNSUPPORTED (scheme, transport), ERR_LIMIT, ERR_UNREACHABLE. */
int resolver_locate(struct resolver *resolver, const struct sip_uri *uri, resolver_fn *done,
                    void *user, struct endpoint_target *ret_target,
                    struct resolver_query **ret_query);
void resolver_cancel(struct resolver_query *query);

#endif
