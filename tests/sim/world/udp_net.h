/* Datagrams of the simulated world. */
#ifndef SIM_WORLD_UDP_NET_H
#define SIM_WORLD_UDP_NET_H

#include "base/slice.h"
#include "sim/world/world.h"

/* Called when a datagram has arrived; to is the address that it was sent to. bytes are borrowed. */
typedef void sim_udp_fn(void *user, const struct address *to, const struct address *from,
                        struct slice bytes);

struct sim_udp {
    struct sim_host *host;
    struct list node;
    struct address local; /* may be a wildcard */
    const void *sharer;   /* sockets of the same one may share the address */
    sim_udp_fn *on_datagram;
    void *user;
};

/* Binds it; local with port 0 gets one. ERR_EXISTS, ERR_NOT_FOUND (not an address of the host). */
int sim_udp_open(struct sim_udp *udp, struct sim_host *host, const struct address *local);
/* Harmless when it is not open. */
void sim_udp_close(struct sim_udp *udp);
/* from: the source address. Whatever happens to it on the way is silent; ERR_UNREACHABLE: the host
 * knows no way there. */
int sim_udp_send(struct sim_udp *udp, const struct address *from, const struct address *to,
                 struct slice bytes);
/* Local addresses of hosts: ERR_NOT_FOUND where the host has none that fits. */
int sim_bind_check(const struct sim_host *host, const struct address *local);
/* Which of the host's addresses is used towards remote. ERR_UNREACHABLE. */
int sim_source_address(const struct sim_host *host, const struct address *remote,
                       struct address *ret_local);

/* Time that a packet takes; at least 1. */
uint64_t sim_delay_us(struct sim_world *world, const struct sim_host *from,
                      const struct sim_host *to);
const struct sim_link *sim_link_between(const struct sim_host *from, const struct sim_host *to);

#endif
