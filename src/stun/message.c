#include "stun/message.h"

#include "base/error.h"
#include "stun/bytes.h"

static size_t padded(size_t length)
{
    return (length + 3) & ~(size_t)3;
}

bool stun_looks_like(struct slice datagram)
{
    return datagram.len >= STUN_HEADER_SIZE && ((uint8_t)datagram.ptr[0] & 0xc0) == 0 &&
           bytes_get32(datagram.ptr + 4) == STUN_COOKIE &&
           bytes_get16(datagram.ptr + 2) == datagram.len - STUN_HEADER_SIZE;
}

int stun_frame(struct slice bytes, size_t *ret_length)
{
    if (bytes.len > 0 && ((uint8_t)bytes.ptr[0] & 0xc0) != 0)
        return ERR_SYNTAX;
    if (bytes.len < STUN_HEADER_SIZE) {
        *ret_length = 0;
        return 0;
    }
    size_t length = bytes_get16(bytes.ptr + 2);
    if (length % 4 != 0 || bytes_get32(bytes.ptr + 4) != STUN_COOKIE)
        return ERR_SYNTAX;
    *ret_length = bytes.len < STUN_HEADER_SIZE + length ? 0 : STUN_HEADER_SIZE + length;
    return 0;
}

static int parse_header(struct slice data, struct stun_message *m)
{
    if (data.len < STUN_HEADER_SIZE || data.len > STUN_MESSAGE_MAX)
        return ERR_SYNTAX;
    uint16_t type = bytes_get16(data.ptr);
    size_t length = bytes_get16(data.ptr + 2);
    if (type & 0xc000 || length % 4 != 0 || length != data.len - STUN_HEADER_SIZE)
        return ERR_SYNTAX;
    m->raw = data;
    m->class = (uint8_t)((type & 0x0100) >> 7 | (type & 0x0010) >> 4);
    m->method = (uint16_t)((type & 0x3e00) >> 2 | (type & 0x00e0) >> 1 | (type & 0x000f));
    m->classic = bytes_get32(data.ptr + 4) != STUN_COOKIE;
    return 0;
}

static int fault(struct stun_message *m, const char *text)
{
    m->fault = text;
    return ERR_INVALID;
}

/* RFC 8489 sections 14.5, 14.6: behind a message integrity only a stronger one and the fingerprint
 * count, for nobody has signed the others. */
static bool is_ignored(const struct stun_message *m, enum stun_attribute attribute)
{
    if (attribute == STUN_FINGERPRINT)
        return false;
    if (stun_has(m, STUN_MESSAGE_INTEGRITY_SHA256))
        return true;
    return stun_has(m, STUN_MESSAGE_INTEGRITY) && attribute != STUN_MESSAGE_INTEGRITY_SHA256;
}

static int take(struct stun_message *m, uint16_t type, struct stun_span span)
{
    enum stun_attribute attribute = stun_attribute_of(type);
    if (is_ignored(m, attribute))
        return 0;
    if (attribute == STUN_ATTRIBUTE_COUNT) {
        if (stun_comprehension_required(type) && m->unknown_count < STUN_UNKNOWN_MAX)
            m->unknown[m->unknown_count++] = type;
        return 0;
    }
    const struct stun_attribute_info *info = stun_attribute_info(attribute);
    if (span.length < info->min || span.length > info->max)
        return fault(m, "an attribute is too short or too long");
    if (stun_has(m, attribute))
        return 0; /* section 14: the first counts */
    m->present |= UINT64_C(1) << attribute;
    m->spans[attribute] = span;
    return 0;
}

int stun_parse(struct slice data, struct stun_message *ret_message)
{
    struct stun_message *m = ret_message;
    int status = parse_header(data, m);
    if (status < 0)
        return status;
    m->present = 0;
    m->unknown_count = 0;
    m->fault = NULL;
    size_t at = STUN_HEADER_SIZE;
    while (status == 0 && at < data.len) {
        /* Both ends of the walk are multiples of 4, so a type and a length are there. */
        uint16_t type = bytes_get16(data.ptr + at);
        uint16_t length = bytes_get16(data.ptr + at + 2);
        at += 4;
        if (padded(length) > data.len - at)
            return fault(m, "an attribute reaches beyond the message");
        if (stun_has(m, STUN_FINGERPRINT))
            return fault(m, "FINGERPRINT is not the last attribute"); /* section 14.7 */
        status = take(m, type, (struct stun_span){(uint16_t)at, length});
        at += padded(length);
    }
    return status;
}

bool stun_next(const struct stun_message *m, enum stun_attribute attribute, struct slice *value)
{
    uint16_t wanted = stun_attribute_info(attribute)->type;
    size_t end = m->raw.len;
    if (stun_has(m, STUN_MESSAGE_INTEGRITY))
        end = m->spans[STUN_MESSAGE_INTEGRITY].at;
    else if (stun_has(m, STUN_MESSAGE_INTEGRITY_SHA256))
        end = m->spans[STUN_MESSAGE_INTEGRITY_SHA256].at;
    size_t at = (size_t)(value->ptr - m->raw.ptr) + padded(value->len);
    while (at < end) {
        uint16_t type = bytes_get16(m->raw.ptr + at);
        uint16_t length = bytes_get16(m->raw.ptr + at + 2);
        at += 4;
        if (type == wanted) {
            *value = slice_of(m->raw.ptr + at, length);
            return true;
        }
        at += padded(length);
    }
    return false;
}

int stun_get_u32(const struct stun_message *m, enum stun_attribute attribute, uint32_t *ret_value)
{
    struct slice value = stun_value(m, attribute);
    if (value.ptr == NULL)
        return ERR_NOT_FOUND;
    if (value.len != 4)
        return ERR_INVALID;
    *ret_value = bytes_get32(value.ptr);
    return 0;
}

/* RFC 8489 sections 14.1, 14.2: the port is XORed with the first half of the cookie, the address
 * with cookie and transaction ID. */
int stun_address_parse(const struct stun_message *m, struct slice value, bool xored,
                       struct address *ret_address)
{
    if (value.len < STUN_ADDRESS_MIN)
        return ERR_INVALID;
    uint8_t family = (uint8_t)value.ptr[1];
    size_t size = family == 1 ? 4 : 16;
    if (family != 1 && family != 2)
        return ERR_UNSUPPORTED;
    if (value.len != 4 + size)
        return ERR_INVALID;
    uint8_t bytes[16];
    const char *id = stun_id(m);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value.ptr[4 + i] ^ (xored ? id[i] : 0));
    uint16_t port =
        (uint16_t)(bytes_get16(value.ptr + 2) ^ (xored ? (uint16_t)(STUN_COOKIE >> 16) : 0));
    struct address a;
    memset(&a, 0, sizeof(a));
    if (family == 1) {
        a.in4.sin_family = AF_INET;
        memcpy(&a.in4.sin_addr, bytes, 4);
    } else {
        a.in6.sin6_family = AF_INET6;
        memcpy(&a.in6.sin6_addr, bytes, 16);
    }
    address_set_port(&a, port);
    *ret_address = a;
    return 0;
}

static bool is_xored(enum stun_attribute attribute)
{
    return attribute == STUN_XOR_MAPPED_ADDRESS || attribute == STUN_XOR_PEER_ADDRESS ||
           attribute == STUN_XOR_RELAYED_ADDRESS;
}

int stun_get_address(const struct stun_message *m, enum stun_attribute attribute,
                     struct address *ret_address)
{
    struct slice value = stun_value(m, attribute);
    if (value.ptr == NULL)
        return ERR_NOT_FOUND;
    return stun_address_parse(m, value, is_xored(attribute), ret_address);
}

int stun_get_error(const struct stun_message *m, unsigned *ret_code, struct slice *ret_reason)
{
    struct slice value = stun_value(m, STUN_ERROR_CODE);
    if (value.ptr == NULL)
        return ERR_NOT_FOUND;
    unsigned class = (uint8_t)value.ptr[2] & 7;
    unsigned number = (uint8_t)value.ptr[3];
    if (class < 3 || class > 6 || number > 99)
        return ERR_INVALID;
    *ret_code = class * 100 + number;
    *ret_reason = slice_from(value, 4);
    return 0;
}

int stun_get_response_port(const struct stun_message *m, uint16_t *ret_port)
{
    struct slice value = stun_value(m, STUN_RESPONSE_PORT);
    if (value.ptr == NULL)
        return ERR_NOT_FOUND;
    if (value.len == 3)
        return ERR_INVALID;
    *ret_port = bytes_get16(value.ptr);
    return 0;
}
