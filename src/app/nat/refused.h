/* Silence over UDP may be a firewall's, or nobody listens: then the server's host may say so. */
#ifndef APP_NAT_REFUSED_H
#define APP_NAT_REFUSED_H

#include "base/address.h"
#include "base/random.h"

/* Sends requests from a socket of its own and waits wait_ms at most. True: port unreachable (ICMP
 * type 3 code 3, ICMPv6 type 1 code 4) came from the server's own address, so UDP passes both ways.
 * From any other address it may be a firewall's word. */
bool nat_is_refused(const struct address *server, unsigned wait_ms, struct random *random);

#endif
