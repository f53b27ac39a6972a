/* One configuration in force, with what is made from it. A reload makes a new one; the old one
 * stays until no worker uses it any more. */
#ifndef APP_SERVER_SETTINGS_H
#define APP_SERVER_SETTINGS_H

#include "app/config/config.h"
#include "stack/outside.h"

struct settings {
    struct app_config *config; /* owned */
    struct domains *domains;   /* owned */
    struct outside outside;    /* how others see our addresses */
};

/* bound: where the listeners of config are really bound (port 0 resolved), as many as it has; they
 * are written into its endpoint's listeners. hosts: OUTSIDE_FAMILIES of them, our outside
 * addresses. Takes config over, on errors too. Errors: ERR_NO_MEMORY, ERR_LIMIT, ERR_SYNTAX. */
int settings_new(struct app_config *config, const struct address *bound,
                 const struct outside_host *hosts, struct log *log, struct settings **ret_settings);
/* The same configuration with other outside addresses. Errors: ERR_NO_MEMORY, ERR_LIMIT. */
int settings_renew(const struct settings *settings, const struct outside_host *hosts,
                   struct log *log, struct settings **ret_settings);
/* NULL is accepted. */
void settings_free(struct settings *settings);

#endif
