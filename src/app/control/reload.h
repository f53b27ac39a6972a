/* A reload with all that belongs to it: what is logged and what systemd is told. */
#ifndef APP_CONTROL_RELOAD_H
#define APP_CONTROL_RELOAD_H

#include "app/server/server.h"

/* As server_reload; complaints end with why it was refused, in any case when it was. */
int reload_run(struct server *server, struct config_problems *complaints);

#endif
