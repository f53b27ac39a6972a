#include "stun/binding.h"

#include "base/error.h"
#include "stun/fingerprint.h"
#include "stun/write.h"

#define BIT(attribute) (UINT64_C(1) << STUN_##attribute)

/* Harmless: a server that asks nobody for credentials ignores those it gets (RFC 8489 section 9 is
 * for usages that do ask). */
static const uint64_t ignored =
    BIT(USERNAME) | BIT(MESSAGE_INTEGRITY) | BIT(MESSAGE_INTEGRITY_SHA256) | BIT(REALM) |
    BIT(NONCE) | BIT(PASSWORD_ALGORITHM) | BIT(USERHASH) |
    /* known but unexpected (section 6.3) */
    BIT(MAPPED_ADDRESS) | BIT(XOR_MAPPED_ADDRESS) | BIT(ERROR_CODE) | BIT(UNKNOWN_ATTRIBUTES);
static const uint64_t behaviour = BIT(CHANGE_REQUEST) | BIT(RESPONSE_PORT) | BIT(PADDING);

/* The comprehension-required attributes that we do not act on (RFC 8489 section 6.3.1). */
static unsigned not_understood(const struct stun_message *m, uint64_t understood, uint16_t *types)
{
    unsigned count = 0;
    for (; count < m->unknown_count && count < STUN_UNKNOWN_MAX; count++)
        types[count] = m->unknown[count];
    uint64_t rest = m->present & ~understood;
    for (unsigned i = 0; rest != 0 && i < STUN_ATTRIBUTE_COUNT && count < STUN_UNKNOWN_MAX; i++) {
        uint16_t type = stun_attribute_info((enum stun_attribute)i)->type;
        if (rest >> i & 1 && stun_comprehension_required(type))
            types[count++] = type;
    }
    return count;
}

struct address stun_place_origin(const struct stun_place *place, unsigned change)
{
    struct address a = change & STUN_CHANGE_IP ? place->other : place->origin;
    address_set_port(&a, address_port(change & STUN_CHANGE_PORT ? &place->other : &place->origin));
    return a;
}

/* RFC 5780 section 6.1. 0, or ERR_INVALID: to be answered 400. */
static int read_behaviour(const struct stun_message *m, struct stun_answer *answer)
{
    uint32_t change = 0;
    if (stun_has(m, STUN_RESPONSE_PORT) &&
        (stun_has(m, STUN_PADDING) || stun_get_response_port(m, &answer->port) < 0))
        return ERR_INVALID;
    if (stun_get_u32(m, STUN_CHANGE_REQUEST, &change) == 0)
        answer->change = change & (STUN_CHANGE_IP | STUN_CHANGE_PORT);
    return 0;
}

/* types has room for one more. Clients of RFC 3489 know no padding: what they are told is filled up
 * to a multiple of four bytes, by spaces (section 11.2.9) and one type twice (section 11.2.10). */
static void write_error(struct stun_writer *w, bool classic, unsigned status, uint16_t *types,
                        unsigned count)
{
    if (status == 400) {
        stun_write_error(w, 400, classic ? SLICE("Bad Request ") : SLICE("Bad Request"));
        return;
    }
    stun_write_error(w, 420, classic ? SLICE("Unknown Attribute   ") : SLICE("Unknown Attribute"));
    if (classic && count % 2 != 0) {
        types[count] = types[count - 1];
        count++;
    }
    stun_write_unknown(w, types, count);
}

/* Without the cookie the client is of RFC 3489: it knows no XOR, and the others' names. */
static void write_success(struct stun_writer *w, const struct stun_place *place,
                          const struct stun_message *m, const struct address *source,
                          const struct stun_answer *answer)
{
    bool classic = m->classic, two = place->behaviour || place->elsewhere;
    if (!classic)
        stun_write_address(w, STUN_XOR_MAPPED_ADDRESS, source);
    if (classic || two)
        stun_write_address(w, STUN_MAPPED_ADDRESS, source);
    if (place->told && (classic || two)) {
        struct address origin = stun_place_origin(place, answer->change);
        stun_write_address(w, classic ? STUN_SOURCE_ADDRESS : STUN_RESPONSE_ORIGIN, &origin);
    }
    if (two)
        stun_write_address(w, classic ? STUN_CHANGED_ADDRESS : STUN_OTHER_ADDRESS, &place->other);
    if (stun_has(m, STUN_PADDING))
        stun_write(w, STUN_PADDING, stun_value(m, STUN_PADDING));
}

static unsigned class_of(const struct stun_message *m, int parsed)
{
    if (parsed == ERR_SYNTAX || m->class != STUN_REQUEST || m->method != STUN_BINDING)
        return STUN_INDICATION;
    /* Something else that looks alike. */
    if (stun_has(m, STUN_FINGERPRINT) && stun_fingerprint_check(m) < 0)
        return STUN_INDICATION;
    return STUN_REQUEST;
}

void stun_binding_answer(const struct stun_place *place, struct slice datagram,
                         const struct address *source, struct stun_answer *ret_answer, void *buffer,
                         size_t size)
{
    struct stun_message m;
    struct stun_writer w;
    uint16_t types[STUN_UNKNOWN_MAX + 1];
    struct stun_answer answer = {.status = 0};
    *ret_answer = answer;
    int status = stun_parse(datagram, &m);
    if (class_of(&m, status) != STUN_REQUEST)
        return;
    if (status == 0 && m.classic && place->modern)
        status = ERR_INVALID;
    uint64_t understood = ignored | (place->behaviour ? behaviour : 0);
    unsigned unknown = status == 0 ? not_understood(&m, understood, types) : 0;
    if (status == 0 && unknown == 0 && place->behaviour)
        status = read_behaviour(&m, &answer);
    bool good = status == 0 && unknown == 0;
    stun_write_response(&w, buffer, size, &m, good ? STUN_SUCCESS : STUN_ERROR);
    if (good) {
        write_success(&w, place, &m, source, &answer);
    } else {
        answer = (struct stun_answer){.status = status < 0 ? 400 : 420};
        write_error(&w, m.classic, answer.status, types, unknown);
    }
    if (place->software.len > 0 && !m.classic)
        stun_write(&w, STUN_SOFTWARE, place->software);
    if (stun_has(&m, STUN_FINGERPRINT))
        stun_write_fingerprint(&w);
    answer.bytes = stun_write_end(&w);
    *ret_answer = answer;
}
