/* ConnectionBind (RFC 6062 section 5.4). It comes along a connection of its own, which may be at
 * another worker than the allocation; the CONNECTION-ID says which one decides. */
#include <unistd.h>

#include "base/error.h"
#include "service/turn/tcp_private.h"
#include "stun/write.h"

void turn_on_connection_bind(struct turn_request *request)
{
    struct turn *turn = request->turn;
    struct turn_tcp_worker *worker = turn->tcp;
    uint32_t id = 0;
    (void)stun_get_u32(request->message, STUN_CONNECTION_ID, &id);
    unsigned owner = id >> TURN_TCP_SEQUENCE_BITS;
    bool data = turn_tcp_is_stream(request->flow) && request->allocation == NULL;
    if (!data || owner == loop_worker(turn->loop) || owner >= turn_tcp_workers(worker)) {
        (void)turn_tcp_bind(request);
        return;
    }
    /* Until there is an answer, what follows is not for us to read. */
    stream_pause(turn->loop, request->flow, true);
    if (turn_tcp_tell_bind(worker, owner, request->flow, request->message->raw) < 0) {
        stream_pause(turn->loop, request->flow, false);
        turn_refuse_stranger(request, 500);
    }
}

/* ---- At the worker of the allocation ---- */

/* Whom the request's nonce was given to: the control connection of the same host, or this one. */
static const struct flow *nonce_source(const struct turn_request *request,
                                       const struct turn_tcp_connection *connection)
{
    const struct turn *turn = request->turn;
    if (connection == NULL)
        return request->flow;
    const struct flow *control = &connection->tcp->allocation->flow;
    bool same = address_equal_host(&control->remote, &request->flow->remote) &&
                turn_credential_nonce_of(turn->parts.credentials, request->message, control,
                                         (uint64_t)loop_wall_ms(turn->loop));
    return same ? control : request->flow;
}

/* The connection that is asked for; or NULL, after an answer. */
static struct turn_tcp_connection *admit(struct turn_request *request)
{
    struct turn *turn = request->turn;
    const struct stun_message *message = request->message;
    struct turn_tcp_connection *connection = NULL;
    uint32_t id;
    if (stun_get_u32(message, STUN_CONNECTION_ID, &id) == 0)
        connection = turn_tcp_find(turn->tcp, id);
    if (connection != NULL && connection->state != TURN_TCP_PENDING)
        connection = NULL;
    const struct turn_identity *owner =
        connection == NULL ? NULL : &connection->tcp->allocation->identity;
    enum turn_verdict verdict =
        turn_credential_check(turn->parts.credentials, message, nonce_source(request, connection),
                              (uint64_t)loop_wall_ms(turn->loop), owner, &request->identity);
    /* Section 4.3: the credentials are those of the control connection. */
    if (verdict == TURN_OK && owner != NULL && !turn_credential_owner(&request->identity, owner))
        verdict = TURN_MISMATCH;
    if (verdict != TURN_OK) {
        turn_refuse_credentials(request, verdict);
        return NULL;
    }
    if (message->unknown_count > 0) {
        turn_refuse(request, 420);
        return NULL;
    }
    if (connection == NULL || !turn_tcp_is_stream(request->flow) || request->allocation != NULL) {
        turn_refuse(request, 400);
        return NULL;
    }
    return connection;
}

static struct slice write_answer(const struct turn_request *request)
{
    struct turn *turn = request->turn;
    struct stun_writer w;
    turn_answer_begin(request, &w);
    stun_write_integrity(&w, &turn->integrity, (enum stun_hmac)request->identity.hmac,
                         turn_identity_key(&request->identity));
    if (stun_has(request->message, STUN_FINGERPRINT))
        stun_write_fingerprint(&w);
    return stun_write_end(&w);
}

static bool hand_out(struct turn_request *request, struct turn_tcp_connection *connection, int fd)
{
    struct turn *turn = request->turn;
    struct turn_tcp_worker *worker = turn->tcp;
    struct slice answer = write_answer(request);
    struct turn_tcp_join join = {.client = *request->flow,
                                 .quota = connection->tcp->allocation->quota,
                                 .fd = fd,
                                 .id = connection->id,
                                 .owner = (uint8_t)loop_worker(turn->loop)};
    turn_quota_keep(join.quota);
    turn_end_remove(worker, &connection->end);
    wheel_stop(loop_wheel(turn->loop), &connection->timer);
    connection->state = TURN_TCP_BOUND;
    connection->holder = request->flow->worker;
    if (connection->holder == join.owner) {
        (void)turn_tcp_pair_new(worker, &join, answer);
        return true;
    }
    if (turn_tcp_tell_join(worker, &join, answer) == 0)
        return true;
    (void)close(fd);
    turn_quota_drop(turn->parts.quota, join.quota);
    turn_tcp_connection_free(connection);
    turn_refuse(request, 500);
    return false;
}

bool turn_tcp_bind(struct turn_request *request)
{
    struct turn *turn = request->turn;
    struct turn_tcp_connection *connection = admit(request);
    int fd = -1;
    if (connection == NULL)
        return false;
    if (stream_release(turn->loop, &connection->end.flow, &fd) < 0) {
        stream_close(turn->loop, &connection->end.flow, STREAM_CLOSED_BY_US);
        turn_tcp_connection_free(connection);
        turn_refuse(request, 400);
        return false;
    }
    return hand_out(request, connection, fd);
}

void turn_tcp_bound_over(struct turn_tcp_worker *worker, uint32_t id,
                         const uint64_t bytes[TURN_WAYS])
{
    struct turn_tcp_connection *connection = turn_tcp_find(worker, id);
    if (connection == NULL)
        return; /* the allocation has ended before */
    for (unsigned way = 0; way < TURN_WAYS && connection->tcp != NULL; way++)
        connection->tcp->allocation->bytes[way] += bytes[way];
    turn_tcp_connection_free(connection);
}
