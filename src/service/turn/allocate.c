/* Allocate (RFC 8656 section 7.2). */
#include "base/error.h"
#include "service/turn/ask.h"
#include "service/turn/mobility.h"
#include "service/turn/tcp.h"
#include "service/turn/turn_private.h"
#include "stun/bytes.h"

/* ---- The answer ---- */

/* Section 18.12. */
static void write_address_error(struct stun_writer *w, unsigned family, unsigned code)
{
    struct slice reason = turn_reason(code);
    uint8_t value[64] = {(uint8_t)family, 0, (uint8_t)(code / 100), (uint8_t)(code % 100)};
    memcpy(value + 4, reason.ptr, reason.len);
    stun_write(w, STUN_ADDRESS_ERROR_CODE, slice_of((const char *)value, 4 + reason.len));
}

static void answer(const struct turn_request *request, const struct turn_allocation *allocation)
{
    struct stun_writer w;
    uint32_t lifetime = 0;
    turn_answer_begin(request, &w);
    for (unsigned i = 0; i < TURN_FAMILIES; i++) {
        uint32_t left = turn_allocation_left(allocation, i);
        struct address told = turn_outside(request->turn, &allocation->relays[i].address);
        if (left > 0)
            stun_write_address(&w, STUN_XOR_RELAYED_ADDRESS, &told);
        lifetime = left > lifetime ? left : lifetime;
    }
    stun_write_u32(&w, STUN_LIFETIME, lifetime);
    if (allocation->partial != 0)
        write_address_error(
            &w, allocation->relays[TURN_V4].port == NULL ? TURN_FAMILY_V4 : TURN_FAMILY_V6,
            allocation->partial);
    if (allocation->token != 0 &&
        turn_ports_reserved(request->turn->parts.ports, allocation->token, request->now_ms))
        stun_write(&w, STUN_RESERVATION_TOKEN,
                   slice_of((const char *)&allocation->token, sizeof allocation->token));
    stun_write_address(&w, STUN_XOR_MAPPED_ADDRESS, &request->flow->remote);
    turn_mobility_write(allocation, &w);
    turn_answer_end(request, &w, true);
}

/* ---- Relayed addresses ---- */

static unsigned code_of(int status)
{
    if (status == 0)
        return 0;
    return status == ERR_UNSUPPORTED ? 440 : 508;
}

static void give_back(struct turn *turn, struct turn_place *place)
{
    port_hold_release(place->hold);
    turn_ports_give(turn->parts.ports, &place->address);
}

static int take_port(struct turn_allocation *allocation, bool v6, const struct turn_ask *ask,
                     struct turn_place *ret_place)
{
    struct turn *turn = allocation->turn;
    struct turn_port_ask port = {.loop = turn->loop,
                                 .v6 = v6,
                                 .near = &allocation->flow.local,
                                 .wish = ask->wish,
                                 .account = allocation->identity.account};
    return turn_ports_take(turn->parts.ports, &port, ret_place, &allocation->token);
}

/* A port that is free for TCP too (RFC 6062 section 5.1). */
static int take_for_tcp(struct turn_allocation *allocation, bool v6, const struct turn_ask *ask,
                        struct turn_place *ret_place)
{
    enum { TRIES = 16 };
    struct turn *turn = allocation->turn;
    int status = ERR_EXISTS;
    for (unsigned i = 0; i < TRIES && status == ERR_EXISTS; i++) {
        status = take_port(allocation, v6, ask, ret_place);
        if (status < 0)
            return status;
        status = turn_tcp_listen(allocation, &ret_place->address);
        if (status < 0)
            give_back(turn, ret_place);
    }
    return status;
}

static unsigned open_family(struct turn_allocation *allocation, bool v6, const struct turn_ask *ask,
                            uint32_t lifetime_s)
{
    struct turn_place place;
    int status;
    if (ask->tcp)
        status = take_for_tcp(allocation, v6, ask, &place);
    else
        status = take_port(allocation, v6, ask, &place);
    if (status == 0)
        status = turn_allocation_open(allocation, &place, lifetime_s);
    return code_of(status);
}

/* 0, or the code of the error response. */
static unsigned open_relays(struct turn_allocation *allocation, const struct turn_ask *ask,
                            uint32_t lifetime_s)
{
    struct turn *turn = allocation->turn;
    if (ask->has_token) {
        struct turn_place place;
        int status = turn_ports_redeem(turn->parts.ports, ask->token, allocation->since_ms, &place);
        if (status == 0)
            status = turn_allocation_open(allocation, &place, lifetime_s);
        return code_of(status);
    }
    unsigned v4 = ask->v4 ? open_family(allocation, false, ask, lifetime_s) : 0;
    unsigned v6 = ask->v6 ? open_family(allocation, true, ask, lifetime_s) : 0;
    if (turn_allocation_relays(allocation) == 0)
        return v4 == 508 || v6 == 508 ? 508 : 440;
    allocation->partial = (uint16_t)(v4 != 0 ? v4 : v6); /* step 9 */
    return 0;
}

/* ---- The request ---- */

static void log_begin(const struct turn_allocation *allocation)
{
    const struct turn *turn = allocation->turn;
    char client[ADDRESS_TEXT_MAX], relayed[TURN_FAMILIES][ADDRESS_TEXT_MAX] = {"", ""};
    for (unsigned i = 0; i < TURN_FAMILIES; i++) {
        struct address told = turn_outside(turn, &allocation->relays[i].address);
        if (allocation->relays[i].port != NULL)
            (void)address_text(&told, relayed[i]);
    }
    bool both = relayed[TURN_V4][0] != '\0' && relayed[TURN_V6][0] != '\0';
    log_info(loop_log(turn->loop), LOG_TURN,
             "allocation %u.%llu of %s from %s:%s is relayed at %s%s%s", loop_worker(turn->loop),
             (unsigned long long)allocation->number, allocation->identity.name,
             transport_uri_name((enum transport)allocation->flow.transport).ptr,
             address_text(&allocation->flow.remote, client), relayed[TURN_V4], both ? " and " : "",
             relayed[TURN_V6]);
}

static unsigned make(struct turn_request *request, const struct turn_ask *ask)
{
    struct turn *turn = request->turn;
    const struct turn_config *config = turn->config;
    struct turn_quota_user *user = NULL;
    int status = turn_quota_open(turn->parts.quota, request->identity.account, &user);
    if (status < 0)
        return status == ERR_LIMIT ? 486 : 508;
    struct turn_allocation *allocation = NULL;
    if (turn_ports_enter(turn->parts.ports, config->allocations)) {
        allocation = turn_allocation_new(turn, request->flow);
        if (allocation == NULL)
            turn_ports_leave(turn->parts.ports);
    }
    if (allocation == NULL) {
        turn_quota_close(turn->parts.quota, user);
        return 508;
    }
    allocation->quota = user;
    allocation->identity = request->identity;
    memcpy(allocation->transaction, stun_id(request->message) + 4, sizeof allocation->transaction);
    uint32_t lifetime_s =
        turn_ask_lifetime(request->message, config->lifetime_s, config->lifetime_max_s);
    lifetime_s =
        turn_identity_lifetime(&request->identity, (uint64_t)loop_wall_ms(turn->loop), lifetime_s);
    unsigned code = open_relays(allocation, ask, lifetime_s);
    if (code == 0 && stun_has(request->message, STUN_MOBILITY_TICKET))
        code = turn_mobility_add(allocation) < 0 ? 508 : 0;
    if (code != 0) {
        turn_allocation_end(allocation, NULL);
        return code;
    }
    turn_count(turn, TURN_ALLOCATED, 1);
    log_begin(allocation);
    answer(request, allocation);
    return 0;
}

/* Which answer is due while no new allocations are made? The alternate's family is the client's
 * (RFC 8489 section 10). */
static unsigned drained(const struct turn_request *request)
{
    const struct turn_config *config = request->turn->config;
    if (!turn_ports_draining(request->turn->parts.ports))
        return 0;
    bool fits = config->has_alternate &&
                address_is_v6(&config->alternate) == address_is_v6(&request->flow->remote);
    return fits ? 300 : 508;
}

/* Section 7.2: what made the allocation may come again. */
static bool is_repeated(const struct turn_request *request)
{
    const struct turn_allocation *allocation = request->allocation;
    return memcmp(allocation->transaction, stun_id(request->message) + 4,
                  sizeof allocation->transaction) == 0 &&
           turn_credential_owner(&request->identity, &allocation->identity);
}

void turn_on_allocate(struct turn_request *request)
{
    struct turn_ports *ports = request->turn->parts.ports;
    struct turn_ask ask;
    unsigned code = 0;
    if (request->allocation != NULL && is_repeated(request)) {
        answer(request, request->allocation);
        return;
    }
    if (request->allocation != NULL)
        code = 437;
    else if (turn_policy_tunneled(&request->flow->remote))
        code = 403;
    if (code == 0)
        code = turn_ask_read(request->message, turn_ports_has(ports, false),
                             turn_ports_has(ports, true), &ask);
    if (code == 0 && ask.tcp)
        code = turn_tcp_examine(request);
    if (code == 0)
        code = turn_mobility_examine(request);
    if (code == 0)
        code = drained(request);
    if (code == 0)
        code = make(request, &ask);
    if (code != 0)
        turn_refuse(request, code);
}
