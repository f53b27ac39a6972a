/* Reads a YAML file into a configuration. Inside src/app/config only. */
#ifndef APP_CONFIG_YAML_H
#define APP_CONFIG_YAML_H

#include "app/config/config.h"

/* Sets what the file gives, everything wrong goes to problems. name is kept in origins: borrowed.
 */
void config_yaml_load(struct app_config *config, const char *name, struct slice text,
                      struct config_problems *problems);

#endif
