/* Fills in what is worked out at start. Inside src/app/config only. */
#ifndef APP_CONFIG_COMPLETE_H
#define APP_CONFIG_COMPLETE_H

#include "app/config/config.h"

/* Automatic values, and the parts of the services' configurations that derive from other fields.
 * ERR_NO_MEMORY, ERR_INVALID (a problem says why). */
int config_complete(struct app_config *config, struct config_problems *problems);

#endif
