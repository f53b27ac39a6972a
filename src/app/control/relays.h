/* The allocations of the TURN server. */
#ifndef APP_CONTROL_RELAYS_H
#define APP_CONTROL_RELAYS_H

#include "app/control/answer.h"
#include "app/server/server.h"

/* A page of "relays" after "worker" and "number" (0 or missing: the start), with the next two, and
 * "more". NULL without memory. */
json_t *relays_answer(struct server *server, const json_t *request);
/* Whether new allocations are made is as "on" says. */
json_t *relays_drain(struct server *server, const json_t *request);

#endif
