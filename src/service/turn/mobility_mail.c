/* What workers tell each other of clients that move. */
#include "service/turn/mobility_private.h"

struct mail {
    struct flow flow;
    uint32_t what; /* enum turn_mobility_news */
};

int turn_mobility_tell(struct turn_mobility_worker *worker, unsigned to, uint32_t what,
                       const struct flow *flow, struct slice data)
{
    struct turn *turn = worker->turn;
    struct mail mail = {.flow = *flow, .what = what};
    const struct slice parts[] = {slice_of((const char *)&mail, sizeof mail), data};
    return mesh_post(turn->parts.mesh, turn_mobility_self(worker), to, MAIL_TURN_MOVED, parts, 2);
}

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
    turn_mover_hand_on(worker, flow, from);
    (void)turn->parts.send(turn->parts.send_user, flow, answer);
}

static void on_mail(void *user, unsigned from, struct slice data)
{
    struct turn_mobility_worker *worker = user;
    struct mail mail;
    memcpy(&mail, data.ptr, sizeof mail);
    struct turn_mover *mover = turn_mover_find(worker, &mail.flow);
    switch (mail.what) {
    case TURN_MAIL_HANDED:
        on_handed(worker, from, &mail.flow, slice_from(data, sizeof mail));
        break;
    case TURN_MAIL_MOVED: on_moved(worker, from, &mail.flow, slice_from(data, sizeof mail)); break;
    case TURN_MAIL_FORGET:
        if (mover != NULL && mover->mobility == NULL && mover->owner == from)
            turn_mover_free(mover);
        break;
    default: on_handed(worker, from, &mail.flow, SLICE_NULL);
    }
}

void turn_mobility_listen_to_mail(struct turn_mobility_worker *worker)
{
    if (worker->turn->parts.mesh != NULL)
        mesh_on_mail(worker->turn->loop, MAIL_TURN_MOVED, on_mail, worker);
}
