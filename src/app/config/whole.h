/* Values that must fit each other. */
#ifndef APP_CONFIG_WHOLE_H
#define APP_CONFIG_WHOLE_H

#include "app/config/config.h"

/* Adds what does not fit to problems; values that were refused on their own are left out. */
void config_check_whole(const struct app_config *config, struct config_problems *problems);

#endif
