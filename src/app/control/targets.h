/* How the servers that requests go to are doing. */
#ifndef APP_CONTROL_TARGETS_H
#define APP_CONTROL_TARGETS_H

#include "app/control/answer.h"
#include "app/server/server.h"

/* A page of "targets" from "cursor" (0 or missing: the start), with the next cursor (0: the end).
 * NULL without memory. */
json_t *targets_answer(struct server *server, const json_t *request);

#endif
