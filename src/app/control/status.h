/* How the server does, in figures. */
#ifndef APP_CONTROL_STATUS_H
#define APP_CONTROL_STATUS_H

#include "app/control/answer.h"
#include "app/server/server.h"

/* NULL without memory. */
json_t *status_answer(const struct server *server);

#endif
