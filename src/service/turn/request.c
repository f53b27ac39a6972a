/* Requests: who asks, for what allocation (RFC 8656 section 5). */
#include "base/error.h"
#include "service/turn/mobility.h"
#include "service/turn/tcp.h"
#include "service/turn/turn_private.h"
#include "stun/fingerprint.h"

typedef void turn_method_fn(struct turn_request *request);

static turn_method_fn *method_of(unsigned method)
{
    switch (method) {
    case STUN_ALLOCATE: return turn_on_allocate;
    case STUN_REFRESH: return turn_on_refresh;
    case STUN_CREATE_PERMISSION: return turn_on_create_permission;
    case STUN_CHANNEL_BIND: return turn_on_channel_bind;
    case STUN_CONNECT: return turn_on_connect;
    case STUN_CONNECTION_BIND: return turn_on_connection_bind;
    default: return NULL;
    }
}

/* True: the method may go on. */
static bool admit(struct turn_request *request)
{
    struct turn *turn = request->turn;
    const struct turn_allocation *allocation = request->allocation;
    const struct stun_message *message = request->message;
    enum turn_verdict verdict = turn_credential_check(
        turn->parts.credentials, message, request->flow, (uint64_t)loop_wall_ms(turn->loop),
        allocation != NULL ? &allocation->identity : NULL, &request->identity);
    if (verdict == TURN_OK && allocation != NULL && message->method != STUN_ALLOCATE &&
        !turn_credential_owner(&request->identity, &allocation->identity))
        verdict = TURN_MISMATCH;
    if (verdict != TURN_OK) {
        turn_refuse_credentials(request, verdict);
        return false;
    }
    /* RFC 8489 section 6.3.1, after section 9.2.4. */
    unsigned code = message->unknown_count > 0                               ? 420
                    : allocation == NULL && message->method != STUN_ALLOCATE ? 437
                                                                             : 0;
    if (code != 0)
        turn_refuse(request, code);
    return code == 0;
}

void turn_on_request(struct turn *turn, const struct flow *flow, struct slice data)
{
    struct stun_message message;
    int status = stun_parse(data, &message);
    turn_method_fn *method = NULL;
    if (status != ERR_SYNTAX && message.class == STUN_REQUEST && !message.classic)
        method = method_of(message.method);
    if (method == NULL ||
        (stun_has(&message, STUN_FINGERPRINT) && stun_fingerprint_check(&message) < 0)) {
        turn_count(turn, TURN_IGNORED, 1);
        return;
    }
    struct turn_request request = {
        .turn = turn, .flow = flow, .message = &message, .now_ms = loop_now_ms(turn->loop)};
    turn_count(turn, TURN_REQUESTS, 1);
    if (status < 0) {
        turn_refuse_stranger(&request, 400);
        return;
    }
    request.allocation = turn_find(turn, flow);
    if (method == turn_on_refresh && stun_has(&message, STUN_MOBILITY_TICKET)) {
        turn_on_move(&request);
        return;
    }
    bool handed = false;
    if (request.allocation == NULL)
        request.allocation = turn_mobility_find(turn, flow, data, &handed);
    if (!handed && (method == turn_on_connection_bind || admit(&request)))
        method(&request);
}
