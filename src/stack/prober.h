/* Asks servers that are down whether they are back: OPTIONS (RFC 3261 section 11) when their time
 * is over, so that no caller has to try. What is down, and for how long, health.h knows. One prober
 * per process, of one worker. */
#ifndef STACK_PROBER_H
#define STACK_PROBER_H

#include "stack/endpoint.h"
#include "stack/health.h"

struct prober;

#define PROBER_EVERY_MS 1000
#define PROBER_AT_ONCE  16   /* probes under way; the others wait for their turn */
#define PROBER_PER_TURN 4    /* begun every PROBER_EVERY_MS */
#define PROBER_TIME_MS  4000 /* for an answer */

/* Both borrowed. Starts with prober_start. ERR_NO_MEMORY. */
int prober_new(struct endpoint *endpoint, struct health *health, struct prober **ret_prober);
/* On the endpoint's thread, as prober_stop. */
void prober_start(struct prober *prober);
/* No more probes; those under way are forgotten. */
void prober_stop(struct prober *prober);
/* Before the endpoint. NULL is accepted. */
void prober_free(struct prober *prober);

#endif
