/* Looks whether the listeners can be opened, before anything is: SO_REUSEPORT, which the workers
 * need, would let a second server take half of the first one's datagrams without a word. */
#ifndef APP_SERVER_LISTEN_H
#define APP_SERVER_LISTEN_H

#include "app/config/config.h"

/* When listen was not given: IPv6 listeners are taken out where there is no IPv6. */
void listen_prepare(struct app_config *config, struct log *log);
/* Says in the log which listener cannot be opened, why, and what can be done. Errors: ERR_EXISTS,
 * ERR_DENIED, ERR_IO. */
int listen_check(const struct app_config *config, struct log *log);

#define LISTEN_MORE_MAX 4

/* The UDP sockets that stun.alternate and stun.partner need beside those of the lists (RFC 5780
 * section 6). Returns how many. */
unsigned listen_more(const struct app_config *config,
                     struct endpoint_listener ret_listeners[LISTEN_MORE_MAX]);
/* Are connections taken at all sockets of stun.alternate, as datagrams are? Only where a TCP
 * listener is at the first one and nobody has the others, so before anything is opened. */
void listen_corners(struct app_config *config);
/* Could this listener be opened now, by itself? 0 or an errno. */
int listen_probe(const struct app_config *config, const struct endpoint_listener *listener);

#endif
