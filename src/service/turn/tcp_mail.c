/* What workers tell each other about the connections of TCP relays. */
#include "base/error.h"
#include "service/turn/tcp_private.h"

enum { BIND, JOIN, REFUSED, END, OVER };

/* The head of every such mail; a request or an answer follows. */
struct mail {
    uint64_t bytes[TURN_WAYS]; /* OVER */
    struct turn_tcp_join join; /* client: BIND, JOIN, REFUSED; id: JOIN, END, OVER */
    uint32_t what;
};

unsigned turn_tcp_workers(const struct turn_tcp_worker *worker)
{
    struct mesh *mesh = worker->turn->parts.mesh;
    return mesh == NULL ? 1 : mesh_workers(mesh);
}

static int post(struct turn_tcp_worker *worker, unsigned to, const struct mail *mail,
                struct slice more)
{
    struct turn *turn = worker->turn;
    const struct slice parts[] = {slice_of((const char *)mail, sizeof *mail), more};
    return mesh_post(turn->parts.mesh, loop_worker(turn->loop), to, MAIL_TURN, parts, 2);
}

int turn_tcp_tell_bind(struct turn_tcp_worker *worker, unsigned owner, const struct flow *client,
                       struct slice request)
{
    struct mail mail = {.what = BIND, .join = {.client = *client}};
    return post(worker, owner, &mail, request);
}

int turn_tcp_tell_over(struct turn_tcp_worker *worker, const struct turn_tcp_pair *pair)
{
    struct mail mail = {.what = OVER, .join = {.id = pair->id}};
    memcpy(mail.bytes, pair->bytes, sizeof mail.bytes);
    return post(worker, pair->owner, &mail, SLICE_NULL);
}

int turn_tcp_tell_join(struct turn_tcp_worker *worker, const struct turn_tcp_join *join,
                       struct slice answer)
{
    struct mail mail = {.what = JOIN, .join = *join};
    return post(worker, join->client.worker, &mail, answer);
}

int turn_tcp_tell_refused(struct turn_tcp_worker *worker, const struct flow *client)
{
    struct mail mail = {.what = REFUSED, .join = {.client = *client}};
    return post(worker, client->worker, &mail, SLICE_NULL);
}

int turn_tcp_tell_end(struct turn_tcp_worker *worker, unsigned holder, uint32_t id)
{
    struct mail mail = {.what = END, .join = {.id = id}};
    return post(worker, holder, &mail, SLICE_NULL);
}

/* The request as it came, at the worker of its CONNECTION-ID. */
static void on_bind(struct turn_tcp_worker *worker, const struct flow *client, struct slice data)
{
    struct turn *turn = worker->turn;
    struct stun_message message;
    if (stun_parse(data, &message) < 0)
        return; /* it was parsed where it came from */
    struct turn_request request = {
        .turn = turn, .flow = client, .message = &message, .now_ms = loop_now_ms(turn->loop)};
    if (!turn_tcp_bind(&request))
        (void)turn_tcp_tell_refused(worker, client);
}

static void on_mail(void *user, unsigned from, struct slice data)
{
    struct turn_tcp_worker *worker = user;
    struct mail mail;
    (void)from;
    memcpy(&mail, data.ptr, sizeof mail);
    struct slice more = slice_from(data, sizeof mail);
    switch (mail.what) {
    case BIND: on_bind(worker, &mail.join.client, more); break;
    case JOIN: (void)turn_tcp_pair_new(worker, &mail.join, more); break;
    case REFUSED: stream_pause(worker->turn->loop, &mail.join.client, false); break;
    case END: turn_tcp_pair_end(worker, mail.join.id); break;
    default: turn_tcp_bound_over(worker, mail.join.id, mail.bytes);
    }
}

void turn_tcp_listen_to_mail(struct turn_tcp_worker *worker)
{
    if (worker->turn->parts.mesh != NULL)
        mesh_on_mail(worker->turn->loop, MAIL_TURN, on_mail, worker);
}
