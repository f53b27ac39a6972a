/* What the files mobility*.c share. */
#ifndef SERVICE_TURN_MOBILITY_PRIVATE_H
#define SERVICE_TURN_MOBILITY_PRIVATE_H

#include "loop/mesh.h"
#include "service/turn/mobility.h"
#include "service/turn/ticket.h"

/* A 5-tuple that an allocation moves to, or one that is handed on to another worker. */
struct turn_mover {
    struct table_node node; /* by flow */
    struct flow flow;
    struct turn_mobility *mobility; /* NULL: handed on */
    struct turn_mobility_worker *worker;
    struct timer timer; /* handed on: when it has been idle */
    uint64_t used_ms;
    uint8_t owner; /* handed on: to that worker */
};

struct turn_mobility {
    struct table_node node; /* by number of the allocation */
    struct turn_allocation *allocation;
    struct turn_mover *next; /* owned: the new 5-tuple, until something comes along it */
    uint64_t moved_ms;
    uint32_t sequence; /* of its ticket */
    uint8_t here;      /* the worker at which its 5-tuple arrives */
    uint8_t there;     /* the same of next */
};

struct turn_mobility_worker {
    struct turn *turn;
    struct turn_ticket_sealer sealer;
    struct table movers;
    struct table mobile; /* of struct turn_mobility */
    unsigned handed_on;
    bool is_handed;    /* a message is being handled that another worker handed on: */
    uint8_t handed_by; /* that one */
};

static inline unsigned turn_mobility_self(const struct turn_mobility_worker *worker)
{
    return loop_worker(worker->turn->loop);
}

/* ---- mobility.c ---- */

/* The allocation of that number at this worker, if it has a ticket; or NULL. */
struct turn_mobility *turn_mobility_find_number(struct turn_mobility_worker *worker,
                                                uint64_t number);
/* Section 3.2.2: from now on the new 5-tuple is the allocation's. */
void turn_mobility_settle(struct turn_mobility *mobility);
/* The new 5-tuple, if there is one, is not the allocation's any more. forgotten: another worker
 * need not hand on what comes along it. */
void turn_mobility_drop_next(struct turn_mobility *mobility, bool forgotten);

/* ---- mobility_mover.c ---- */

struct turn_mover *turn_mover_find(struct turn_mobility_worker *worker, const struct flow *flow);
/* NULL: no memory. */
struct turn_mover *turn_mover_new(struct turn_mobility_worker *worker, const struct flow *flow);
void turn_mover_free(struct turn_mover *mover);
/* What comes along flow is for the allocation of another worker; not so beyond TURN_MOVERS_MAX. */
void turn_mover_hand_on(struct turn_mobility_worker *worker, const struct flow *flow,
                        unsigned owner);

/* ---- mobility_mail.c ---- */

enum turn_mobility_news {
    TURN_MAIL_HANDED, /* a message for an allocation of yours */
    TURN_MAIL_MOVED,  /* an answer for a client that arrives at you: hand on what it sends */
    TURN_MAIL_FORGET, /* hand nothing on along this 5-tuple */
    TURN_MAIL_CLOSED  /* its connection has ended */
};

/* ERR_LIMIT: the ring is full. */
int turn_mobility_tell(struct turn_mobility_worker *worker, unsigned to, uint32_t what,
                       const struct flow *flow, struct slice data);
void turn_mobility_listen_to_mail(struct turn_mobility_worker *worker);

#endif
