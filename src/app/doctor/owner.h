/* Who has a port of this machine? */
#ifndef APP_DOCTOR_OWNER_H
#define APP_DOCTOR_OWNER_H

#include "base/address.h"

struct port_owner {
    long pid; /* 0: not told to us: another user's process */
    char name[64];
};

/* The process with a UDP socket on, or a TCP socket that listens on, the port of local at its
 * address or a wildcard. False: nobody has it. */
bool port_owner_find(const struct address *local, bool tcp, struct port_owner *ret_owner);

/* One line of /proc/net/{udp,tcp}{,6}: does the socket have that port (and does it listen, when
 * TCP) at an address that meets local's? Writes the inode. Pure. */
bool port_owner_line(const char *line, const struct address *local, bool tcp, uint64_t *ret_inode);

#endif
