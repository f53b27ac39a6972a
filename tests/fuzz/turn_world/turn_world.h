/* The loop as the TURN server sees it, for its fuzz target: time is what the target says, ports
 * have no sockets, and there are no connections and no other workers. */
#ifndef FUZZ_TURN_WORLD_H
#define FUZZ_TURN_WORLD_H

#include "loop/port.h"

struct loop *turn_world_new(void (*on_sent)(void *user, const struct address *from,
                                            const struct address *to, struct slice data),
                            void *user);
void turn_world_free(struct loop *loop);
void turn_world_advance(struct loop *loop, uint64_t ms);
/* Addresses that are bound now. */
unsigned turn_world_bound(const struct loop *loop);
/* A datagram, or an ICMP error, for the port at that address; false: there is none. data has no
 * byte before or behind it that may be touched but those that port.h grants. */
bool turn_world_deliver(struct loop *loop, const struct address *to, const struct address *from,
                        struct slice data);
bool turn_world_complain(struct loop *loop, const struct address *to,
                         const struct port_error *error);

#endif
