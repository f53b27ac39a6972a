#include "service/turn/ask.h"

#include "base/error.h"

#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17

unsigned turn_ask_family(const struct stun_message *message, enum stun_attribute attribute)
{
    struct slice value = stun_value(message, attribute);
    if (value.len == 0)
        return 0;
    unsigned family = (uint8_t)value.ptr[0];
    return family != 0 ? family : UINT8_MAX;
}

uint32_t turn_ask_lifetime(const struct stun_message *message, uint32_t least, uint32_t most)
{
    uint32_t lifetime = 0;
    (void)stun_get_u32(message, STUN_LIFETIME, &lifetime);
    if (lifetime > most)
        lifetime = most;
    return lifetime > least ? lifetime : least;
}

static unsigned read_transport(const struct stun_message *message, struct turn_ask *ask)
{
    struct slice value = stun_value(message, STUN_REQUESTED_TRANSPORT);
    if (value.len == 0)
        return 400;
    ask->tcp = (uint8_t)value.ptr[0] == PROTOCOL_TCP; /* RFC 6062 section 5.1 */
    return ask->tcp || (uint8_t)value.ptr[0] == PROTOCOL_UDP ? 0 : 442;
}

static unsigned read_families(const struct stun_message *message, bool v4_here, bool v6_here,
                              struct turn_ask *ask)
{
    unsigned requested = turn_ask_family(message, STUN_REQUESTED_ADDRESS_FAMILY);
    unsigned additional = turn_ask_family(message, STUN_ADDITIONAL_ADDRESS_FAMILY);
    if (additional != 0) { /* step 9; no family of these: 440 as with step 7 */
        ask->v4 = ask->v6 = ask->partial = true;
        if (additional != TURN_FAMILY_V6)
            return 400;
        return v4_here || v6_here ? 0 : 440;
    }
    ask->v4 = requested == 0 || requested == TURN_FAMILY_V4;
    ask->v6 = requested == TURN_FAMILY_V6;
    return (ask->v4 && v4_here) || (ask->v6 && v6_here) ? 0 : 440; /* step 7 */
}

unsigned turn_ask_read(const struct stun_message *message, bool v4_here, bool v6_here,
                       struct turn_ask *ret_ask)
{
    struct turn_ask ask = {.wish = TURN_PORT_ANY};
    bool requested = stun_has(message, STUN_REQUESTED_ADDRESS_FAMILY);
    bool additional = stun_has(message, STUN_ADDITIONAL_ADDRESS_FAMILY);
    bool even = stun_has(message, STUN_EVEN_PORT);
    unsigned code = read_transport(message, &ask);
    if (code != 0) /* step 3 */
        return code;
    struct slice token = stun_value(message, STUN_RESERVATION_TOKEN);
    ask.has_token = token.len == sizeof ask.token;
    if (ask.has_token)
        memcpy(&ask.token, token.ptr, sizeof ask.token);
    if (ask.has_token && (even || requested || additional)) /* step 5 */
        return 400;
    if (requested && additional) /* step 6 */
        return 400;
    if (even) {
        bool pair = ((uint8_t)stun_value(message, STUN_EVEN_PORT).ptr[0] & 0x80) != 0;
        ask.wish = pair ? TURN_PORT_PAIR : TURN_PORT_EVEN;
        if (pair && additional) /* step 8 */
            return 400;
    }
    if (!ask.has_token)
        code = read_families(message, v4_here, v6_here, &ask);
    if (code == 0)
        *ret_ask = ask;
    return code;
}
