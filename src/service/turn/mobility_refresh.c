/* Refresh with a ticket (RFC 8016 section 3.2.2). */
#include <assert.h>

#include "base/error.h"
#include "service/turn/mobility_private.h"

#define REPEAT_MS 60000 /* at least 30 s in which the old ticket may come again */

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
    struct turn_mover *mover = turn_mover_find(worker, request->flow);
    if (mover != NULL && mover->mobility != mobility)
        return 437; /* another allocation's */
    if (mover == NULL) {
        turn_mobility_drop_next(mobility, true);
        mover = turn_mover_new(worker, request->flow);
        if (mover == NULL)
            return 508;
        mover->mobility = mobility;
        mobility->next = mover;
    }
    mobility->there = worker->is_handed ? worker->handed_by : (uint8_t)turn_mobility_self(worker);
    mobility->moved_ms = request->now_ms;
    mobility->sequence++;
    return 0;
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
    if (good && ticket.worker != turn_mobility_self(worker) && !worker->is_handed &&
        turn->parts.mesh != NULL && request->allocation == NULL &&
        ticket.worker < mesh_workers(turn->parts.mesh)) {
        if (turn_mobility_tell(worker, ticket.worker, TURN_MAIL_HANDED, request->flow,
                               message->raw) < 0)
            turn_refuse_stranger(request, 500);
        return;
    }
    bool ours = good && ticket.worker == turn_mobility_self(worker); /* numbers are of one worker */
    struct turn_mobility *mobility = ours ? turn_mobility_find_number(worker, ticket.number) : NULL;
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
           turn_mobility_tell(worker, worker->handed_by, TURN_MAIL_MOVED, request->flow, answer) ==
               0;
}
