/* Which phones are registered, and why one is or is not reachable. */
#ifndef APP_CONTROL_CONTACTS_H
#define APP_CONTROL_CONTACTS_H

#include "app/control/answer.h"
#include "app/server/server.h"

/* request with "aor": its bindings and the reason in words. Without: a page of all from "cursor"
 * (0 or missing: the start), with the next cursor (0: the end). NULL without memory. */
json_t *contacts_answer(struct server *server, const json_t *request);
/* Removes all bindings of "aor". */
json_t *contacts_kick(struct server *server, const json_t *request);

#endif
