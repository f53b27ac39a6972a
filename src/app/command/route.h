/* The two halves of `trapezoid route`. */
#ifndef APP_COMMAND_ROUTE_H
#define APP_COMMAND_ROUTE_H

#include <jansson.h>

#include "app/command/command.h"
#include "app/server/settings.h"

/* route_invite.c: returns an exit code. */
int route_invite(const struct options *options);

/* The steps of a dry run, one line each. */
void print_steps(const json_t *steps);
/* The settings as a server would use them. Takes config over, on errors too; errors as
 * settings_new. */
int route_settings(struct app_config *config, struct log *log, struct settings **ret_settings);

#endif
