/* Values made of parts: listeners, routes, HTTP addresses. */
#ifndef APP_CONFIG_COMPOUND_H
#define APP_CONFIG_COMPOUND_H

#include "app/config/schema.h"

/* All: 0, or ERR_SYNTAX, ERR_RANGE with what is wrong and what would be right in *why. */

/* "udp:192.0.2.1:5060", "tcp:[::]:5060", "sctp:192.0.2.1:5060". transports: the names that may
 * stand in front, NULL at the end. */
int config_listener_parse(struct slice text, const char *const *transports, struct writer *why,
                          struct endpoint_listener *ret);
void config_listener_write(const struct endpoint_listener *listener, struct writer *w);

/* "PREFIX@DOMAIN=NEXT_HOP"; prefix or "@DOMAIN" may be missing, not both. */
int config_route_parse(struct slice text, struct writer *why, struct proxy_route *ret);
/* In that form. */
void config_route_write(const struct proxy_route *route, struct writer *w);

/* "127.0.0.1:9060", empty for none. */
int config_address_parse(struct slice text, struct writer *why, struct config_address *ret);

/* "HOST", "HOST:PORT", "[IPV6]:PORT", "IPV6"; port 0 when there is none. ERR_SYNTAX, ERR_RANGE; the
 * host itself is not looked at. */
int config_host_port(struct slice text, struct slice *ret_host, uint16_t *ret_port);

/* "LOW-HIGH", both from 1024 to 65535. ERR_SYNTAX, ERR_RANGE. */
int config_port_range_parse(struct slice text, uint16_t *ret_low, uint16_t *ret_high);

#endif
