/* The server that `trapezoid nat` asks, as a person names it. */
#ifndef APP_NAT_SERVER_H
#define APP_NAT_SERVER_H

#include "base/address.h"

#define NAT_PORT          3478u /* RFC 8489 section 18.4 */
#define NAT_HOST_MAX      256u
#define NAT_ADDRESSES_MAX 2u /* one of each family */

struct nat_server {
    char host[NAT_HOST_MAX]; /* a name, or an address without brackets */
    uint16_t port;
    bool port_given;
    unsigned count;
    struct address addresses[NAT_ADDRESSES_MAX]; /* IPv4 first */
};

/* "HOST", "HOST:PORT", "ADDRESS", "[V6]:PORT", each also behind "stun:" (RFC 7064). ERR_SYNTAX,
 * ERR_RANGE (port). */
int nat_server_parse(struct slice text, struct nat_server *ret_server);
/* Asks the system for the name's addresses; blocks. ERR_NOT_FOUND: there are none, ERR_AGAIN: the
 * name servers do not answer, ERR_IO. */
int nat_server_resolve(struct nat_server *server);

#endif
