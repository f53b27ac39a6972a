/* How requests are answered. */
#include "service/turn/mobility.h"
#include "service/turn/turn_private.h"
#include "stun/write.h"

struct slice turn_reason(unsigned code)
{
    switch (code) {
    case 300: return SLICE("Try Alternate");
    case 400: return SLICE("Bad Request");
    case 403: return SLICE("Forbidden");
    case 405: return SLICE("Mobility Forbidden");
    case 420: return SLICE("Unknown Attribute");
    case 437: return SLICE("Allocation Mismatch");
    case 440: return SLICE("Address Family not Supported");
    case 442: return SLICE("Unsupported Transport Protocol");
    case 443: return SLICE("Peer Address Family Mismatch");
    case 446: return SLICE("Connection Already Exists");
    case 447: return SLICE("Connection Timeout or Failure");
    case 486: return SLICE("Allocation Quota Reached");
    case 508: return SLICE("Insufficient Capacity");
    default: return SLICE("Server Error");
    }
}

void turn_answer_begin(const struct turn_request *request, struct stun_writer *w)
{
    struct turn *turn = request->turn;
    stun_write_response(w, turn->out, sizeof turn->out, request->message, STUN_SUCCESS);
}

/* RFC 8656 section 5: SOFTWARE in answers to Allocate and Refresh. */
void turn_answer_end(const struct turn_request *request, struct stun_writer *w, bool sign)
{
    struct turn *turn = request->turn;
    unsigned method = request->message->method;
    struct slice software = slice_from_string(turn->config->software);
    if (software.len > 0 && (method == STUN_ALLOCATE || method == STUN_REFRESH))
        stun_write(w, STUN_SOFTWARE, software);
    if (sign)
        stun_write_integrity(w, &turn->integrity, (enum stun_hmac)request->identity.hmac,
                             turn_identity_key(&request->identity));
    if (stun_has(request->message, STUN_FINGERPRINT))
        stun_write_fingerprint(w);
    struct slice answer = stun_write_end(w);
    if (answer.len > 0 && !turn_mobility_answer(request, answer))
        (void)turn->parts.send(turn->parts.send_user, request->flow, answer);
}

static void refuse_begin(const struct turn_request *request, struct stun_writer *w)
{
    struct turn *turn = request->turn;
    stun_write_response(w, turn->out, sizeof turn->out, request->message, STUN_ERROR);
}

static void refuse(const struct turn_request *request, unsigned code, bool sign)
{
    const struct turn_config *config = request->turn->config;
    const struct stun_message *message = request->message;
    struct stun_writer w;
    turn_count(request->turn, TURN_REFUSED, 1);
    if (code == 403)
        turn_count(request->turn, TURN_FORBIDDEN, 1);
    refuse_begin(request, &w);
    stun_write_error(&w, code, turn_reason(code));
    if (code == 420)
        stun_write_unknown(&w, message->unknown, message->unknown_count);
    if (code == 300)
        stun_write_address(&w, STUN_ALTERNATE_SERVER, &config->alternate);
    turn_answer_end(request, &w, sign);
}

void turn_refuse(const struct turn_request *request, unsigned code)
{
    refuse(request, code, true);
}

void turn_refuse_stranger(const struct turn_request *request, unsigned code)
{
    refuse(request, code, false);
}

void turn_refuse_credentials(const struct turn_request *request, enum turn_verdict verdict)
{
    struct turn *turn = request->turn;
    struct stun_writer w;
    if (verdict != TURN_CHALLENGE && verdict != TURN_STALE)
        turn_count(turn, TURN_REFUSED, 1);
    refuse_begin(request, &w);
    turn_credential_refuse(turn->parts.credentials, verdict, request->flow,
                           (uint64_t)loop_wall_ms(turn->loop), &w);
    turn_answer_end(request, &w, verdict == TURN_MISMATCH);
}
