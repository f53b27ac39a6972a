/* The certificates of the configuration, and the one that is made when there is none. */
#ifndef APP_SERVER_SECURE_H
#define APP_SERVER_SECURE_H

#include "app/config/config.h"

/* Are the files that the configuration names good? Adds to problems; ERR_INVALID. Our own
 * certificate may still be missing. note: what is allowed and probably not meant, or empty. */
#define SECURE_NOTE_MAX 512
int secure_check(const struct app_config *config, struct config_problems *problems,
                 char note[SECURE_NOTE_MAX]);
/* The same for what is open; tls may be NULL. */
void secure_note(const struct app_config *config, struct tls *tls, char note[SECURE_NOTE_MAX]);
/* Makes our own certificate when it is needed and missing (*ret_made), and opens all. It names our
 * outside addresses too (hosts, OUTSIDE_FAMILIES of them). *ret_tls is NULL when no listener needs
 * TLS. Says in the log what is wrong. */
int secure_open(const struct app_config *config, const struct outside_host *hosts, struct log *log,
                struct tls **ret_tls, bool *ret_made);
/* The first domain of the configuration that a certificate proves; none where the certificates
 * prove our addresses, which need no DNS. In the configuration. */
struct slice secure_domain(const struct app_config *config, struct tls *tls);
/* The files as they are now. Whole or not at all. */
int secure_reload(const struct app_config *config, struct tls *tls,
                  struct config_problems *problems);

#endif
