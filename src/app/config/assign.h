/* Gives a key its value and says what is wrong with it. Inside src/app/config only. */
#ifndef APP_CONFIG_ASSIGN_H
#define APP_CONFIG_ASSIGN_H

#include "app/config/value.h"

/* Sets the field of the key index and remembers origin; every bad item is a problem of its own.
 * lines: of each item; NULL: all in origin's line. */
void config_assign(struct app_config *config, int index, const struct config_value *value,
                   const struct config_origin *origin, const unsigned *lines,
                   struct config_problems *problems);
/* The same from one text. */
void config_assign_text(struct app_config *config, int index, struct slice text,
                        const struct config_origin *origin, struct config_problems *problems);

#endif
