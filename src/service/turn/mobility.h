/* Mobility (RFC 8016): an allocation goes along with a client whose address changes. It stays at
 * its worker; another worker at which the client's new 5-tuple arrives hands on what comes. */
#ifndef SERVICE_TURN_MOBILITY_H
#define SERVICE_TURN_MOBILITY_H

#include "service/turn/turn_private.h"

#define TURN_MOVERS_MAX 65536 /* 5-tuples that one worker hands on; beyond, 437 there */

struct turn_mobility;        /* of an allocation */
struct turn_mobility_worker; /* of a worker */

/* ERR_NO_MEMORY, ERR_UNSUPPORTED. */
int turn_mobility_worker_new(struct turn *turn, struct turn_mobility_worker **ret_worker);
/* After all allocations have ended. NULL is accepted. */
void turn_mobility_worker_free(struct turn_mobility_worker *worker);

/* May this Allocate go on? 0, or the code of the error response (section 3.1.2). */
unsigned turn_mobility_examine(const struct turn_request *request);
/* The allocation is given a ticket. ERR_NO_MEMORY. */
int turn_mobility_add(struct turn_allocation *allocation);
/* MOBILITY-TICKET, if the allocation has one. */
void turn_mobility_write(const struct turn_allocation *allocation, struct stun_writer *w);
/* The allocation ends. NULL is accepted. */
void turn_mobility_free(struct turn_mobility *mobility);

/* A Refresh with a ticket, before it is known who asks (section 3.2.2). */
void turn_on_move(struct turn_request *request);

/* False: the answer is for the caller to send. True: the worker at which the client's new 5-tuple
 * arrives sends it, once it knows whose that is. */
bool turn_mobility_answer(const struct turn_request *request, struct slice answer);

/* Messages along a 5-tuple that has no allocation. */

/* The allocation that moves to this 5-tuple, but has not done so yet; NULL: none. True in
 * *ret_handed: the message has been handed to the worker of the allocation. */
struct turn_allocation *turn_mobility_find(struct turn *turn, const struct flow *flow,
                                           struct slice data, bool *ret_handed);
/* The same for Send indications and ChannelData, with which the allocation moves for good. */
struct turn_allocation *turn_mobility_arrive(struct turn *turn, const struct flow *flow,
                                             struct slice data, bool *ret_handed);
/* A connection of a client has ended. True: nothing else is to be done. allocation: of that
 * 5-tuple, or NULL. */
bool turn_mobility_on_close(struct turn *turn, const struct flow *flow,
                            struct turn_allocation *allocation);

#endif
