/* UDP sockets of a discovery: each on a port that nothing was sent from before. */
#ifndef APP_NAT_SOCKET_H
#define APP_NAT_SOCKET_H

#include "base/address.h"
#include "base/random.h"

/* Which of our addresses (port 0) leads to remote, and the MTU of the way. ERR_UNREACHABLE: no
 * route goes there, ERR_IO. */
int nat_socket_source(const struct address *remote, struct address *ret_local, unsigned *ret_mtu);
/* A socket of local's host with a random port (RFC 5780 section 4.1); large datagrams leave in
 * fragments. ERR_IO. */
int nat_socket_open(const struct address *local, struct random *random, int *ret_fd,
                    struct address *ret_local);

#endif
