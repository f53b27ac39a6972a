/* The inside of the server, shared by the files of this folder only. */
#ifndef APP_SERVER_PRIVATE_H
#define APP_SERVER_PRIVATE_H

#include "app/server/server.h"

/* data.c: what all workers share and what must survive. Opens directory, store, accounts, secrets,
 * location, health and quotas; says in the log what fails and what can be done. */
int server_open_data(struct server *server, const struct app_config *config);
/* Frees it; a store that this start made and never served is removed. The workers have ended. */
void server_close_data(struct server *server);

/* reload.c: settings, and how the workers go over to others. */
/* Takes config over, on errors too. Errors: settings_new. */
int server_make_settings(struct server *server, struct app_config *config,
                         const struct outside_found *found, struct settings **ret_settings);
void server_free_settings(struct server *server);
/* Names that the certificates do not cover go to the log. */
void server_warn_of_names(const struct server *server, const struct app_config *config);
/* Every worker is told to use settings, or none; those of before are freed when nobody uses them
 * any more. Errors: ERR_NO_MEMORY, ERR_LIMIT; settings stay the caller's then. */
int server_hand_over(struct server *server, struct settings *settings);

/* addresses.c: the addresses of the interfaces as the settings know them now. */
void server_addresses_note(struct server *server);

/* outside.c */
/* Looks for our outside address, some seconds at most. Before anything writes it down. */
void server_outside_find(struct server *server, const struct app_config *config);
/* Looks for it again and again from now on, by the configuration in force. ERR_NO_MEMORY. */
int server_outside_watch(struct server *server);
/* What is known for sure under a new configuration, and of the rest what was known before. */
void server_outside_foresee(const struct server *server, const struct app_config *config,
                            struct outside_found *ret_found);
/* The configuration of now has been taken over with what was foreseen. */
void server_outside_reloaded(struct server *server, const struct outside_found *found);

#endif
