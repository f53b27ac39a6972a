/* The addresses of this machine, as they are now. */
#ifndef APP_OUTSIDE_INTERFACES_H
#define APP_OUTSIDE_INTERFACES_H

#include "base/network.h"

#define INTERFACES_MAX 256

struct interface_address {
    struct address address; /* port 0 */
    uint8_t length;         /* of its network, in bits */
    bool loopback;
};

/* Those of interfaces that are up; returns how many were written. */
unsigned interfaces_read(struct interface_address *ret, unsigned max);
/* Is it an address of this machine? */
bool interfaces_have(const struct address *address);
/* The private networks that this machine is in (base/network.h). */
unsigned interfaces_private(struct network *ret, unsigned max);

#endif
