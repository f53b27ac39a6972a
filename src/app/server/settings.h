/* One configuration in force, with what is made from it. A reload makes a new one; the old one
 * stays until no worker uses it any more. */
#ifndef APP_SERVER_SETTINGS_H
#define APP_SERVER_SETTINGS_H

#include "app/config/config.h"

struct settings {
    struct app_config *config; /* owned */
    struct domains *domains;   /* owned */
};

/* bound: where the listeners of config are really bound (port 0 resolved), as many as it has; they
 * are written into its endpoint's listeners. Takes config over, on errors too. Errors:
 * ERR_NO_MEMORY, ERR_LIMIT, ERR_SYNTAX. */
int settings_new(struct app_config *config, const struct address *bound, struct log *log,
                 struct settings **ret_settings);
/* NULL is accepted. */
void settings_free(struct settings *settings);

#endif
