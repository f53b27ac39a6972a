/* Checks of one text beyond its type that several keys share; what one key alone asks for stands
 * beside it in schema/. */
#ifndef APP_CONFIG_CHECK_H
#define APP_CONFIG_CHECK_H

#include "base/slice.h"
#include "base/writer.h"

/* All: 0, or ERR_SYNTAX with what is wrong and what would be right in *why. */

/* A host name or an address of RFC 3261 section 25.1, without a port. */
int config_check_domain(struct slice item, struct writer *why);
/* A name or a numeric address that can be sent to, without and with a port. */
int config_check_host(struct slice item, struct writer *why);
int config_check_host_port(struct slice item, struct writer *why);
/* ADDRESS/BITS. */
int config_check_network(struct slice item, struct writer *why);
/* What may stand in the quoted string of a challenge. */
int config_check_realm(struct slice item, struct writer *why);

/* No control characters, and none of `banned`. */
bool config_is_plain_text(struct slice item, const char *banned);

#endif
