#include "stun/binding.h"

#include "base/error.h"
#include "stun/fingerprint.h"
#include "stun/write.h"

/* Understood, or harmless: a server that asks nobody for credentials ignores those it gets (RFC
 * 8489 section 9.1.3 is for usages that do ask). */
static const uint64_t understood =
    UINT64_C(1) << STUN_USERNAME | UINT64_C(1) << STUN_MESSAGE_INTEGRITY |
    UINT64_C(1) << STUN_MESSAGE_INTEGRITY_SHA256 | UINT64_C(1) << STUN_REALM |
    UINT64_C(1) << STUN_NONCE | UINT64_C(1) << STUN_PASSWORD_ALGORITHM |
    UINT64_C(1) << STUN_USERHASH;

/* The comprehension-required attributes that we do not act on (section 6.3.1). */
static unsigned not_understood(const struct stun_message *m, uint16_t *types, unsigned max)
{
    unsigned count = 0;
    for (; count < m->unknown_count && count < max; count++)
        types[count] = m->unknown[count];
    uint64_t rest = m->present & ~understood;
    for (unsigned i = 0; rest != 0 && i < STUN_ATTRIBUTE_COUNT && count < max; i++) {
        uint16_t type = stun_attribute_info((enum stun_attribute)i)->type;
        if (rest >> i & 1 && stun_comprehension_required(type))
            types[count++] = type;
    }
    return count;
}

struct slice stun_binding_answer(struct slice datagram, const struct address *source, void *buffer)
{
    struct stun_message m;
    struct stun_writer w;
    uint16_t types[STUN_UNKNOWN_MAX];
    int status = stun_parse(datagram, &m);
    if (status == ERR_SYNTAX || m.class != STUN_REQUEST || m.method != STUN_BINDING)
        return SLICE_NULL;
    if (stun_has(&m, STUN_FINGERPRINT) && stun_fingerprint_check(&m) < 0)
        return SLICE_NULL; /* something else that looks alike */
    unsigned unknown = status == 0 ? not_understood(&m, types, STUN_UNKNOWN_MAX) : 0;
    enum stun_class class = status < 0 || unknown > 0 ? STUN_ERROR : STUN_SUCCESS;
    stun_write_response(&w, buffer, STUN_BINDING_ANSWER_MAX, &m, class);
    if (status < 0) {
        stun_write_error(&w, 400, SLICE("Bad Request"));
    } else if (unknown > 0) {
        stun_write_error(&w, 420, SLICE("Unknown Attribute"));
        stun_write_unknown(&w, types, unknown);
    } else {
        /* Without the cookie the client is of RFC 3489 and knows no XOR. */
        stun_write_address(&w, m.classic ? STUN_MAPPED_ADDRESS : STUN_XOR_MAPPED_ADDRESS, source);
    }
    if (stun_has(&m, STUN_FINGERPRINT))
        stun_write_fingerprint(&w);
    return stun_write_end(&w);
}
