/* The relayed addresses of the whole server: which ports are in use, which are reserved
 * (RESERVATION-TOKEN), and the clients' way to another relay of ours. Any thread; a lock that only
 * making and ending allocations takes. */
#ifndef SERVICE_TURN_PORTS_H
#define SERVICE_TURN_PORTS_H

#include "loop/port.h"
#include "service/turn/turn.h"

enum turn_port_wish { TURN_PORT_ANY, TURN_PORT_EVEN, TURN_PORT_PAIR };

/* A relayed address that is ours: bound, and marked as in use. */
struct turn_place {
    struct address address;
    struct port_hold *hold; /* owned, until it is opened */
};

struct turn_port_ask {
    struct loop *loop; /* who opens it */
    bool v6;
    const struct address *near; /* where the client came in */
    enum turn_port_wish wish;
    uint64_t account; /* whose reservation a pair's is */
};

/* A free address of the family; on the host of near if that is one of the relays. TURN_PORT_PAIR:
 * the port above it is reserved, *ret_token says how it is asked for. Errors: ERR_UNSUPPORTED (no
 * relay of the family: 440), ERR_LIMIT (none is free: 508), ERR_NO_MEMORY. */
int turn_ports_take(struct turn_ports *ports, const struct turn_port_ask *ask,
                    struct turn_place *ret_place, uint64_t *ret_token);
/* The address that was reserved. ERR_NOT_FOUND (508). */
int turn_ports_redeem(struct turn_ports *ports, uint64_t token, uint64_t now_ms,
                      struct turn_place *ret_place);
/* Is a token good still (for the answer to a retransmission)? */
bool turn_ports_reserved(struct turn_ports *ports, uint64_t token, uint64_t now_ms);
/* The address is free again; its socket is closed already. */
void turn_ports_give(struct turn_ports *ports, const struct address *address);
/* Ends reservations that nobody asked for in time. */
void turn_ports_sweep(struct turn_ports *ports, uint64_t now_ms);
bool turn_ports_has(const struct turn_ports *ports, bool v6);
/* Is that a relayed address of ours, in use now? No lock. */
bool turn_ports_is_relay(const struct turn_ports *ports, struct turn_host host, uint16_t port);
/* Their hosts. */
unsigned turn_ports_hosts(const struct turn_ports *ports, struct turn_host *ret_hosts);
/* 32 bytes that all workers share and that are made with it: the key of tickets (RFC 8016). */
const uint8_t *turn_ports_secret(const struct turn_ports *ports);
/* One allocation more, of max at most: false when there are as many. */
bool turn_ports_enter(struct turn_ports *ports, uint32_t max);
void turn_ports_leave(struct turn_ports *ports);
/* One open file more, of turn_config's files at most, for a connection of a TCP relay; those of
 * addresses are counted when they are taken. */
bool turn_ports_file_take(struct turn_ports *ports);
void turn_ports_file_give(struct turn_ports *ports);

#endif
