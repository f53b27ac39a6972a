#include "service/turn/mobility.h"

#include <assert.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/mesh.h"
#include "service/turn/ticket.h"
#include "stun/write.h"

#define REPEAT_MS 60000   /* section 3.2.2: at least 30 s in which the old ticket may come again */
#define IDLE_MS   7200000 /* a 5-tuple that nothing comes along is handed on no more */

/* A 5-tuple that an allocation moves to, or one that is handed on to another worker. */
struct mover {
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
    struct mover *next; /* owned: the new 5-tuple, until something comes along it */
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

enum { HANDED, MOVED, FORGET, CLOSED };

struct mail {
    struct flow flow;
    uint32_t what;
};

static unsigned self(const struct turn_mobility_worker *worker)
{
    return loop_worker(worker->turn->loop);
}

static int tell(struct turn_mobility_worker *worker, unsigned to, uint32_t what,
                const struct flow *flow, struct slice data)
{
    struct turn *turn = worker->turn;
    struct mail mail = {.flow = *flow, .what = what};
    const struct slice parts[] = {slice_of((const char *)&mail, sizeof mail), data};
    return mesh_post(turn->parts.mesh, self(worker), to, MAIL_TURN_MOVED, parts, 2);
}

/* ---- Movers ---- */

static uint64_t hash_of(const struct turn_mobility_worker *worker, const struct flow *flow)
{
    return address_hash(worker->turn->seed, &flow->remote);
}

static bool is_flow(const struct table_node *node, const void *key)
{
    const struct mover *mover = container_of_const(node, struct mover, node);
    return turn_same_tuple(&mover->flow, key);
}

static struct mover *mover_find(struct turn_mobility_worker *worker, const struct flow *flow)
{
    if (worker->movers.count == 0)
        return NULL;
    struct table_node *node = table_find(&worker->movers, hash_of(worker, flow), is_flow, flow);
    return node == NULL ? NULL : container_of(node, struct mover, node);
}

static void mover_free(struct mover *mover)
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
    struct mover *mover = container_of(timer, struct mover, timer);
    struct loop *loop = mover->worker->turn->loop;
    uint64_t idle_ms = loop_now_ms(loop) - mover->used_ms;
    if (idle_ms >= IDLE_MS)
        mover_free(mover);
    else
        wheel_start(loop_wheel(loop), timer, IDLE_MS - idle_ms);
}

/* NULL: no memory. */
static struct mover *mover_new(struct turn_mobility_worker *worker, const struct flow *flow)
{
    struct mover *mover = memory_zalloc(1, sizeof *mover);
    if (mover == NULL)
        return NULL;
    mover->flow = *flow;
    mover->worker = worker;
    timer_init(&mover->timer, on_idle);
    table_add(&worker->movers, &mover->node, hash_of(worker, flow));
    return mover;
}

/* What comes along flow is for the allocation of another worker. */
static void hand_on(struct turn_mobility_worker *worker, const struct flow *flow, unsigned owner)
{
    struct mover *mover = mover_find(worker, flow);
    if (mover == NULL && worker->handed_on < TURN_MOVERS_MAX) {
        mover = mover_new(worker, flow);
        worker->handed_on += mover != NULL;
    }
    if (mover == NULL || mover->mobility != NULL)
        return;
    mover->owner = (uint8_t)owner;
    mover->used_ms = loop_now_ms(worker->turn->loop);
    wheel_start(loop_wheel(worker->turn->loop), &mover->timer, IDLE_MS);
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
    if (where != self(worker))
        (void)tell(worker, where, FORGET, flow, SLICE_NULL);
}

static void drop_next(struct turn_mobility *mobility, bool forgotten)
{
    if (mobility->next == NULL)
        return;
    struct turn_mobility_worker *worker = mobility->next->worker;
    if (forgotten)
        forget(worker, mobility->there, &mobility->next->flow);
    mover_free(mobility->next);
}

void turn_mobility_free(struct turn_mobility *mobility)
{
    if (mobility == NULL)
        return;
    struct turn_mobility_worker *worker = mobility->allocation->turn->mobility;
    drop_next(mobility, true);
    forget(worker, mobility->here, &mobility->allocation->flow);
    table_remove(&worker->mobile, &mobility->node);
    memory_free(mobility);
}

/* Section 3.2.2: from now on the new 5-tuple is the allocation's. */
static void arrive(struct turn_mobility *mobility)
{
    struct turn_allocation *allocation = mobility->allocation;
    struct flow flow = mobility->next->flow;
    forget(allocation->turn->mobility, mobility->here, &allocation->flow);
    mobility->here = mobility->there;
    drop_next(mobility, false);
    turn_allocation_move(allocation, &flow);
}

/* ---- Refresh with a ticket ---- */

static bool is_repeated(const struct turn_request *request, const struct turn_mobility *mobility,
                        const struct turn_ticket *ticket)
{
    const struct flow *latest =
        mobility->next != NULL ? &mobility->next->flow : &mobility->allocation->flow;
    return ticket->sequence + 1 == mobility->sequence && turn_same_tuple(latest, request->flow) &&
           request->now_ms - mobility->moved_ms < REPEAT_MS;
}

/* The new 5-tuple is noted. 0, or the code of the error response. */
static unsigned move(struct turn_request *request, struct turn_mobility *mobility)
{
    struct turn_mobility_worker *worker = request->turn->mobility;
    struct mover *mover = mover_find(worker, request->flow);
    if (mover != NULL && mover->mobility != mobility)
        return 437; /* another allocation's */
    if (mover == NULL) {
        drop_next(mobility, true);
        mover = mover_new(worker, request->flow);
        if (mover == NULL)
            return 508;
        mover->mobility = mobility;
        mobility->next = mover;
    }
    mobility->there = worker->is_handed ? worker->handed_by : (uint8_t)self(worker);
    mobility->moved_ms = request->now_ms;
    mobility->sequence++;
    return 0;
}

static struct turn_mobility *mobility_of(struct turn *turn, const struct turn_ticket *ticket)
{
    struct turn_mobility_worker *worker = turn->mobility;
    struct table_node *node = table_find(&worker->mobile, hash_of_number(worker, ticket->number),
                                         is_number, &ticket->number);
    return node == NULL ? NULL : container_of(node, struct turn_mobility, node);
}

/* 0, or the code of the error response. */
static unsigned judge(struct turn_request *request, const struct turn_ticket *ticket,
                      struct turn_mobility *mobility)
{
    if (!request->turn->config->mobility)
        return 405;
    if (ticket == NULL)
        return 400;
    if (mobility == NULL)
        return 437;
    if (is_repeated(request, mobility, ticket))
        return 0;
    if (turn_same_tuple(&mobility->allocation->flow, request->flow) ||
        ticket->sequence != mobility->sequence)
        return 400;
    return request->allocation != NULL ? 437 : move(request, mobility);
}

void turn_on_move(struct turn_request *request)
{
    struct turn *turn = request->turn;
    struct turn_mobility_worker *worker = turn->mobility;
    const struct stun_message *message = request->message;
    struct turn_ticket ticket;
    bool good =
        turn_ticket_open(&worker->sealer, stun_value(message, STUN_MOBILITY_TICKET), &ticket) == 0;
    if (good && ticket.worker != self(worker) && !worker->is_handed && turn->parts.mesh != NULL &&
        request->allocation == NULL && ticket.worker < mesh_workers(turn->parts.mesh)) {
        if (tell(worker, ticket.worker, HANDED, request->flow, message->raw) < 0)
            turn_refuse_stranger(request, 500);
        return;
    }
    bool ours = good && ticket.worker == self(worker); /* numbers are of one worker */
    struct turn_mobility *mobility = ours ? mobility_of(turn, &ticket) : NULL;
    const struct turn_identity *owner = mobility == NULL ? NULL : &mobility->allocation->identity;
    enum turn_verdict verdict =
        turn_credential_check(turn->parts.credentials, message, request->flow,
                              (uint64_t)loop_wall_ms(turn->loop), owner, &request->identity);
    if (verdict == TURN_OK && owner != NULL && !turn_credential_owner(&request->identity, owner))
        verdict = TURN_MISMATCH;
    if (verdict != TURN_OK) {
        turn_refuse_credentials(request, verdict);
        return;
    }
    unsigned code =
        message->unknown_count > 0 ? 420 : judge(request, good ? &ticket : NULL, mobility);
    if (code != 0) {
        turn_refuse(request, code);
        return;
    }
    assert(mobility != NULL);
    request->allocation = mobility->allocation;
    request->moved = true;
    turn_on_refresh(request);
}

bool turn_mobility_answer(const struct turn_request *request, struct slice answer)
{
    struct turn_mobility_worker *worker = request->turn->mobility;
    return request->moved && worker->is_handed &&
           tell(worker, worker->handed_by, MOVED, request->flow, answer) == 0;
}

/* ---- What comes along new 5-tuples ---- */

static bool hand_over(struct turn_mobility_worker *worker, struct mover *mover, struct slice data)
{
    if (worker->is_handed)
        return false; /* it has come from where it would go */
    mover->used_ms = loop_now_ms(worker->turn->loop);
    if (tell(worker, mover->owner, HANDED, &mover->flow, data) < 0)
        turn_count(worker->turn, TURN_SEND_FAILED, 1);
    return true;
}

struct turn_allocation *turn_mobility_find(struct turn *turn, const struct flow *flow,
                                           struct slice data, bool *ret_handed)
{
    struct turn_mobility_worker *worker = turn->mobility;
    struct mover *mover = mover_find(worker, flow);
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
        arrive(allocation->mobility);
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
            arrive(allocation->mobility);
        return true;
    }
    struct mover *mover = mover_find(worker, flow);
    if (mover == NULL)
        return false;
    if (mover->mobility == NULL && !worker->is_handed)
        (void)tell(worker, mover->owner, CLOSED, flow, SLICE_NULL);
    mover_free(mover);
    return true;
}

/* ---- Mail ---- */

static void on_handed(struct turn_mobility_worker *worker, unsigned from, const struct flow *flow,
                      struct slice data)
{
    worker->is_handed = true;
    worker->handed_by = (uint8_t)from;
    if (data.len > 0)
        turn_on_message(worker->turn, flow, data);
    else
        turn_on_close(worker->turn, flow);
    worker->is_handed = false;
}

/* The answer leaves from here, so that what the client then sends finds the way. */
static void on_moved(struct turn_mobility_worker *worker, unsigned from, const struct flow *flow,
                     struct slice answer)
{
    struct turn *turn = worker->turn;
    hand_on(worker, flow, from);
    (void)turn->parts.send(turn->parts.send_user, flow, answer);
}

static void on_mail(void *user, unsigned from, struct slice data)
{
    struct turn_mobility_worker *worker = user;
    struct mail mail;
    memcpy(&mail, data.ptr, sizeof mail);
    struct mover *mover = mover_find(worker, &mail.flow);
    switch (mail.what) {
    case HANDED: on_handed(worker, from, &mail.flow, slice_from(data, sizeof mail)); break;
    case MOVED: on_moved(worker, from, &mail.flow, slice_from(data, sizeof mail)); break;
    case FORGET:
        if (mover != NULL && mover->mobility == NULL && mover->owner == from)
            mover_free(mover);
        break;
    default: on_handed(worker, from, &mail.flow, SLICE_NULL);
    }
}

/* ---- Making and freeing ---- */

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
    if (turn->parts.mesh != NULL)
        mesh_on_mail(turn->loop, MAIL_TURN_MOVED, on_mail, worker);
    *ret_worker = worker;
    return 0;
}

static void free_mover(struct table_node *node, void *user)
{
    (void)user;
    mover_free(container_of(node, struct mover, node));
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
