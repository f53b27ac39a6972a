/* The simplest address translator: a full cone that keeps the port. Its host is reached under the
 * outside address only. (The other kinds of RFC 3489 section 5 stand on the same hook.) */
#ifndef SIM_WORLD_NAT_H
#define SIM_WORLD_NAT_H

#include "sim/world/world.h"

struct sim_nat {
    struct sim_middlebox box;
    struct sim_host *host; /* inside */
};

/* outside: text without port. nat must live as long as the host. */
void sim_nat_init(struct sim_nat *nat, struct sim_host *host, const char *outside);

#endif
