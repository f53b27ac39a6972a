/* 5-tuples that allocations move to, and those that are handed on to another worker. */
#include "base/memory.h"
#include "service/turn/mobility_private.h"

#define IDLE_MS 7200000 /* a 5-tuple that nothing comes along is handed on no more */

static uint64_t hash_of(const struct turn_mobility_worker *worker, const struct flow *flow)
{
    return address_hash(worker->turn->seed, &flow->remote);
}

static bool is_flow(const struct table_node *node, const void *key)
{
    const struct turn_mover *mover = container_of_const(node, struct turn_mover, node);
    return turn_same_tuple(&mover->flow, key);
}

struct turn_mover *turn_mover_find(struct turn_mobility_worker *worker, const struct flow *flow)
{
    if (worker->movers.count == 0)
        return NULL;
    struct table_node *node = table_find(&worker->movers, hash_of(worker, flow), is_flow, flow);
    return node == NULL ? NULL : container_of(node, struct turn_mover, node);
}

void turn_mover_free(struct turn_mover *mover)
{
    struct turn_mobility_worker *worker = mover->worker;
    if (mover->mobility == NULL)
        worker->handed_on--;
    else
        mover->mobility->next = NULL;
    wheel_stop(loop_wheel(worker->turn->loop), &mover->timer);
    table_remove(&worker->movers, &mover->node);
    memory_free(mover);
}

static void on_idle(struct timer *timer)
{
    struct turn_mover *mover = container_of(timer, struct turn_mover, timer);
    struct loop *loop = mover->worker->turn->loop;
    uint64_t idle_ms = loop_now_ms(loop) - mover->used_ms;
    if (idle_ms >= IDLE_MS)
        turn_mover_free(mover);
    else
        wheel_start(loop_wheel(loop), timer, IDLE_MS - idle_ms);
}

struct turn_mover *turn_mover_new(struct turn_mobility_worker *worker, const struct flow *flow)
{
    struct turn_mover *mover = memory_zalloc(1, sizeof *mover);
    if (mover == NULL)
        return NULL;
    mover->flow = *flow;
    mover->worker = worker;
    timer_init(&mover->timer, on_idle);
    table_add(&worker->movers, &mover->node, hash_of(worker, flow));
    return mover;
}

void turn_mover_hand_on(struct turn_mobility_worker *worker, const struct flow *flow,
                        unsigned owner)
{
    struct turn_mover *mover = turn_mover_find(worker, flow);
    if (mover == NULL && worker->handed_on < TURN_MOVERS_MAX) {
        mover = turn_mover_new(worker, flow);
        worker->handed_on += mover != NULL;
    }
    if (mover == NULL || mover->mobility != NULL)
        return;
    mover->owner = (uint8_t)owner;
    mover->used_ms = loop_now_ms(worker->turn->loop);
    wheel_start(loop_wheel(worker->turn->loop), &mover->timer, IDLE_MS);
}
