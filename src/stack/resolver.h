/* From a SIP URI to the targets that its request may be sent to, one after the other (RFC 3263;
 * RFC 2782 for the choice among servers, RFC 7984 for both address families). One worker's. How it
 * works: resolver.md. */
#ifndef STACK_RESOLVER_H
#define STACK_RESOLVER_H

#include "stack/endpoint.h"
#include "stack/health.h"
#include "stack/locate.h"

struct resolver;
/* A walk over the targets of one URI; the caller frees it with resolver_forget. */
struct resolver_plan;

#define RESOLVER_TARGETS_MAX 16    /* that one walk gives out */
#define RESOLVER_PLANS_MAX   20000 /* that wait for DNS at a time; beyond: ERR_LIMIT */

/* resolver_next has something to say. From the loop, never from within a call of the resolver. */
typedef void resolver_fn(void *user);

struct resolver_config {
    struct loop *loop;                /* borrowed, as all below */
    struct locate_speaks speaks;      /* see resolver_speaks_of */
    struct health *health;            /* shared by all workers; NULL: nothing is remembered */
    const struct locate_trace *trace; /* NULL: silent */
};

/* What the listeners of endpoint can send by. */
struct locate_speaks resolver_speaks_of(const struct endpoint *endpoint);
/* ERR_NO_MEMORY. */
int resolver_new(const struct resolver_config *config, struct resolver **ret_resolver);
/* All plans must have been forgotten. NULL is accepted. */
void resolver_free(struct resolver *resolver);

/* Forgets every decision: DNS is another now. Plans go on. */
void resolver_reset(struct resolver *resolver);

struct resolver_ask {
    const struct sip_uri *uri;
    uint64_t seed; /* decides the weighted choices: the same seed, the same order */
    resolver_fn *done;
    void *user;
};

/* Where a request for a URI goes first.
 * 1: *ret_target is it; *ret_plan leads to the others, and is NULL when there is no other.
 * 0: DNS is being asked; done is called when resolver_next(*ret_plan) can tell.
 * Errors: ERR_UNSUPPORTED (scheme; no listener of that transport and address family), ERR_NOT_FOUND
 * (no such host), ERR_UNREACHABLE (no DNS server answers), ERR_INVALID (bogus DNS), ERR_LIMIT,
 * ERR_NO_MEMORY. *ret_plan is NULL then. */
int resolver_locate(struct resolver *resolver, const struct resolver_ask *ask,
                    struct endpoint_target *ret_target, struct resolver_plan **ret_plan);
/* The next target: those that are down come after all others. 1, or 0: done will be called. Errors
 * as above; ERR_NOT_FOUND also when no target is left. */
int resolver_next(struct resolver_plan *plan, struct endpoint_target *ret_target);
/* May there be a further one? */
bool resolver_more(const struct resolver_plan *plan);
/* Who is called from now on. */
void resolver_set_user(struct resolver_plan *plan, resolver_fn *done, void *user);
/* Frees it; nobody is called any more. NULL is accepted. */
void resolver_forget(struct resolver_plan *plan);

/* How a request to a target ended, for all who come later. */
void resolver_report(struct resolver *resolver, uint8_t transport, const struct address *address,
                     enum health_outcome outcome, uint64_t retry_after_ms);
/* A request goes to target, which a certificate or a WebSocket handshake concerns: its name is kept
 * with its health. */
void resolver_name(struct resolver *resolver, const struct endpoint_target *target);
struct health *resolver_health(struct resolver *resolver);

#endif
