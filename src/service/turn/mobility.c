#include "service/turn/mobility.h"

#include "base/error.h"
#include "base/memory.h"
#include "service/turn/mobility_private.h"
#include "stun/write.h"

/* ---- Workers ---- */

int turn_mobility_worker_new(struct turn *turn, struct turn_mobility_worker **ret_worker)
{
    struct turn_mobility_worker *worker = memory_zalloc(1, sizeof *worker);
    if (worker == NULL)
        return ERR_NO_MEMORY;
    worker->turn = turn;
    int status = turn_ticket_sealer_init(&worker->sealer, turn_ports_secret(turn->parts.ports));
    if (status == 0)
        status = table_init(&worker->movers, 0);
    if (status == 0)
        status = table_init(&worker->mobile, 0);
    if (status < 0) {
        turn_mobility_worker_free(worker);
        return status;
    }
    turn_mobility_listen_to_mail(worker);
    *ret_worker = worker;
    return 0;
}

static void free_mover(struct table_node *node, void *user)
{
    (void)user;
    turn_mover_free(container_of(node, struct turn_mover, node));
}

void turn_mobility_worker_free(struct turn_mobility_worker *worker)
{
    if (worker == NULL)
        return;
    if (worker->movers.buckets != NULL) {
        table_each(&worker->movers, free_mover, NULL);
        table_done(&worker->movers);
    }
    if (worker->mobile.buckets != NULL)
        table_done(&worker->mobile);
    turn_ticket_sealer_done(&worker->sealer);
    memory_free(worker);
}

/* ---- Allocations ---- */

static bool is_number(const struct table_node *node, const void *key)
{
    const uint64_t *number = key;
    return container_of_const(node, struct turn_mobility, node)->allocation->number == *number;
}

static uint64_t hash_of_number(const struct turn_mobility_worker *worker, uint64_t number)
{
    return hash_mix(worker->turn->seed, number);
}

struct turn_mobility *turn_mobility_find_number(struct turn_mobility_worker *worker,
                                                uint64_t number)
{
    struct table_node *node =
        table_find(&worker->mobile, hash_of_number(worker, number), is_number, &number);
    return node == NULL ? NULL : container_of(node, struct turn_mobility, node);
}

unsigned turn_mobility_examine(const struct turn_request *request)
{
    struct slice ticket = stun_value(request->message, STUN_MOBILITY_TICKET);
    if (ticket.ptr == NULL)
        return 0;
    if (ticket.len > 0)
        return 400;
    return request->turn->config->mobility ? 0 : 405;
}

int turn_mobility_add(struct turn_allocation *allocation)
{
    struct turn *turn = allocation->turn;
    struct turn_mobility *mobility = memory_zalloc(1, sizeof *mobility);
    if (mobility == NULL)
        return ERR_NO_MEMORY;
    mobility->allocation = allocation;
    mobility->here = (uint8_t)loop_worker(turn->loop);
    allocation->mobility = mobility;
    table_add(&turn->mobility->mobile, &mobility->node,
              hash_of_number(turn->mobility, allocation->number));
    return 0;
}

void turn_mobility_write(const struct turn_allocation *allocation, struct stun_writer *w)
{
    struct turn *turn = allocation->turn;
    char sealed[TURN_TICKET_SIZE];
    if (allocation->mobility == NULL)
        return;
    struct turn_ticket ticket = {.number = allocation->number,
                                 .sequence = allocation->mobility->sequence,
                                 .worker = (uint8_t)loop_worker(turn->loop)};
    if (turn_ticket_seal(&turn->mobility->sealer, &ticket, sealed) == 0)
        stun_write(w, STUN_MOBILITY_TICKET, slice_of(sealed, sizeof sealed));
}

/* Another worker need not hand on what comes along flow. When its ring is full it finds out by
 * itself, when the 5-tuple has been idle. */
static void forget(struct turn_mobility_worker *worker, unsigned where, const struct flow *flow)
{
    if (where != turn_mobility_self(worker))
        (void)turn_mobility_tell(worker, where, TURN_MAIL_FORGET, flow, SLICE_NULL);
}

void turn_mobility_drop_next(struct turn_mobility *mobility, bool forgotten)
{
    if (mobility->next == NULL)
        return;
    struct turn_mobility_worker *worker = mobility->next->worker;
    if (forgotten)
        forget(worker, mobility->there, &mobility->next->flow);
    turn_mover_free(mobility->next);
}

void turn_mobility_free(struct turn_mobility *mobility)
{
    if (mobility == NULL)
        return;
    struct turn_mobility_worker *worker = mobility->allocation->turn->mobility;
    turn_mobility_drop_next(mobility, true);
    forget(worker, mobility->here, &mobility->allocation->flow);
    table_remove(&worker->mobile, &mobility->node);
    memory_free(mobility);
}

void turn_mobility_settle(struct turn_mobility *mobility)
{
    struct turn_allocation *allocation = mobility->allocation;
    struct flow flow = mobility->next->flow;
    forget(allocation->turn->mobility, mobility->here, &allocation->flow);
    mobility->here = mobility->there;
    turn_mobility_drop_next(mobility, false);
    turn_allocation_move(allocation, &flow);
}

/* ---- What comes along new 5-tuples ---- */

static bool hand_over(struct turn_mobility_worker *worker, struct turn_mover *mover,
                      struct slice data)
{
    if (worker->is_handed)
        return false; /* it has come from where it would go */
    mover->used_ms = loop_now_ms(worker->turn->loop);
    if (turn_mobility_tell(worker, mover->owner, TURN_MAIL_HANDED, &mover->flow, data) < 0)
        turn_count(worker->turn, TURN_SEND_FAILED, 1);
    return true;
}

struct turn_allocation *turn_mobility_find(struct turn *turn, const struct flow *flow,
                                           struct slice data, bool *ret_handed)
{
    struct turn_mobility_worker *worker = turn->mobility;
    struct turn_mover *mover = turn_mover_find(worker, flow);
    *ret_handed = false;
    if (mover == NULL)
        return NULL;
    if (mover->mobility != NULL)
        return mover->mobility->allocation;
    *ret_handed = hand_over(worker, mover, data);
    return NULL;
}

struct turn_allocation *turn_mobility_arrive(struct turn *turn, const struct flow *flow,
                                             struct slice data, bool *ret_handed)
{
    struct turn_allocation *allocation = turn_mobility_find(turn, flow, data, ret_handed);
    if (allocation != NULL)
        turn_mobility_settle(allocation->mobility);
    return allocation;
}

/* Section 3.2.2: the end of the old connection is a reason to use the new 5-tuple; without one, a
 * client that may move has until the allocation expires to come back. */
bool turn_mobility_on_close(struct turn *turn, const struct flow *flow,
                            struct turn_allocation *allocation)
{
    struct turn_mobility_worker *worker = turn->mobility;
    if (allocation != NULL) {
        if (allocation->mobility == NULL)
            return false;
        if (allocation->mobility->next != NULL)
            turn_mobility_settle(allocation->mobility);
        return true;
    }
    struct turn_mover *mover = turn_mover_find(worker, flow);
    if (mover == NULL)
        return false;
    if (mover->mobility == NULL && !worker->is_handed)
        (void)turn_mobility_tell(worker, mover->owner, TURN_MAIL_CLOSED, flow, SLICE_NULL);
    turn_mover_free(mover);
    return true;
}
