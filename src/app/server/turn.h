/* What the workers share of TURN: the relayed addresses. */
#ifndef APP_SERVER_TURN_H
#define APP_SERVER_TURN_H

#include "app/server/server.h"

/* Where turn.enabled is on: finds the addresses to relay from where none are configured, and makes
 * server->turn_ports. Says in the log what is wrong. ERR_NOT_FOUND (no address to relay from, or
 * not one of this machine), ERR_NO_MEMORY. */
int turn_open(struct server *server, struct app_config *config);

#endif
