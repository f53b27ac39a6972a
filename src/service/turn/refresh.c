/* Refresh (RFC 8656 section 8.2). */
#include "base/error.h"
#include "service/turn/ask.h"
#include "service/turn/mobility.h"
#include "service/turn/turn_private.h"

static void answer(const struct turn_request *request, uint32_t lifetime_s)
{
    struct stun_writer w;
    turn_answer_begin(request, &w);
    stun_write_u32(&w, STUN_LIFETIME, lifetime_s);
    if (request->moved)
        turn_mobility_write(request->allocation, &w);
    turn_answer_end(request, &w, true);
}

/* The family that is named, TURN_FAMILIES for all; false: the allocation has none such (443). */
static bool read_family(const struct turn_request *request, unsigned *ret_family)
{
    unsigned family = turn_ask_family(request->message, STUN_REQUESTED_ADDRESS_FAMILY);
    if (family == 0) {
        *ret_family = TURN_FAMILIES;
        return true;
    }
    if (family != TURN_FAMILY_V4 && family != TURN_FAMILY_V6)
        return false;
    *ret_family = family == TURN_FAMILY_V6 ? TURN_V6 : TURN_V4;
    return request->allocation->relays[*ret_family].port != NULL;
}

static void delete (struct turn_allocation *allocation, unsigned family)
{
    if (family < TURN_FAMILIES)
        turn_allocation_close(allocation, family);
    if (family == TURN_FAMILIES || turn_allocation_relays(allocation) == 0)
        turn_allocation_end(allocation, "its client has ended it");
}

static uint32_t extend(const struct turn_request *request, unsigned family)
{
    const struct turn *turn = request->turn;
    uint32_t lifetime_s =
        turn_ask_lifetime(request->message, turn->config->lifetime_s, turn->config->lifetime_max_s);
    lifetime_s =
        turn_identity_lifetime(&request->identity, (uint64_t)loop_wall_ms(turn->loop), lifetime_s);
    for (unsigned i = 0; i < TURN_FAMILIES; i++) {
        bool meant = family == TURN_FAMILIES || family == i;
        if (meant && request->allocation->relays[i].port != NULL)
            turn_allocation_extend(request->allocation, i, lifetime_s);
    }
    return lifetime_s;
}

void turn_on_refresh(struct turn_request *request)
{
    unsigned family = TURN_FAMILIES;
    uint32_t lifetime_s;
    if (!read_family(request, &family)) {
        turn_refuse(request, 443);
        return;
    }
    if (stun_get_u32(request->message, STUN_LIFETIME, &lifetime_s) == 0 && lifetime_s == 0) {
        answer(request, 0);
        delete (request->allocation, family);
        return;
    }
    answer(request, extend(request, family));
}
