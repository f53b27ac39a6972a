#include "service/turn/indication.h"

#include "base/error.h"
#include "stun/bytes.h"
#include "stun/fingerprint.h"
#include "stun/message.h"

#define TYPE_PEER     0x0012
#define TYPE_DATA     0x0013
#define TYPE_WHOLE    0x001a
#define TYPE_PRINT    0x8028
#define TYPE_SIGNED   0x0008
#define TYPE_SIGNED_2 0x001c
#define DATA_TYPE     0x0017
#define PAYLOAD_MAX   65480 /* what a length of 16 bits holds beside the attributes, padded */
#define COOKIE_HIGH   (STUN_COOKIE >> 16)

static size_t padded(size_t length)
{
    return (length + 3) & ~(size_t)3;
}

/* Section 18.3; XORed as RFC 8489 section 14.2 says. */
static int read_peer(const char *message, struct slice value, struct turn_send *send)
{
    if (value.len < STUN_ADDRESS_MIN)
        return ERR_SYNTAX;
    unsigned family = (uint8_t)value.ptr[1];
    send->port = bytes_get16(value.ptr + 2) ^ (uint16_t)COOKIE_HIGH;
    if (family == 1 && value.len == 8) {
        send->v6 = false;
        send->host.high = 0;
        send->host.low = TURN_HOST_V4 | (bytes_get32(value.ptr + 4) ^ STUN_COOKIE);
        return 0;
    }
    if (family != 2 || value.len != 20)
        return ERR_SYNTAX;
    uint64_t parts[2], key[2];
    memcpy(parts, value.ptr + 4, sizeof parts);
    memcpy(key, message + 4, sizeof key);
    send->v6 = true;
    send->host.high = be64toh(parts[0] ^ key[0]);
    send->host.low = be64toh(parts[1] ^ key[1]);
    return 0;
}

enum { HAS_PEER = 1, HAS_DATA = 2, HAS_SIGNATURE = 4, HAS_PRINT = 8 };

/* The first of each type counts (RFC 8489 section 14); behind a signature only the fingerprint. */
static int take(struct slice message, uint16_t type, struct slice value, struct turn_send *send,
                unsigned *has)
{
    if ((*has & HAS_SIGNATURE) != 0 && type != TYPE_PRINT)
        return 0;
    switch (type) {
    case TYPE_PEER:
        if ((*has & HAS_PEER) != 0)
            return 0;
        *has |= HAS_PEER;
        return read_peer(message.ptr, value, send);
    case TYPE_DATA:
        if ((*has & HAS_DATA) == 0)
            send->data = value;
        *has |= HAS_DATA;
        return 0;
    case TYPE_WHOLE: send->whole = true; return value.len == 0 ? 0 : ERR_SYNTAX;
    case TYPE_SIGNED:
    case TYPE_SIGNED_2: *has |= HAS_SIGNATURE; return 0;
    case TYPE_PRINT: {
        *has |= HAS_PRINT;
        size_t covered = (size_t)(value.ptr - message.ptr) - 4;
        bool good = value.len == 4 &&
                    bytes_get32(value.ptr) == stun_fingerprint(slice_of(message.ptr, covered));
        return good ? 0 : ERR_SYNTAX;
    }
    default:
        return stun_comprehension_required(type) && stun_attribute_of(type) == STUN_ATTRIBUTE_COUNT
                   ? ERR_SYNTAX
                   : 0;
    }
}

int turn_send_parse(struct slice message, struct turn_send *ret_send)
{
    struct turn_send send = {.whole = false};
    unsigned has = 0;
    if (message.len < STUN_HEADER_SIZE || message.len % 4 != 0 ||
        bytes_get16(message.ptr) != TURN_SEND_TYPE ||
        bytes_get16(message.ptr + 2) != message.len - STUN_HEADER_SIZE ||
        bytes_get32(message.ptr + 4) != STUN_COOKIE)
        return ERR_SYNTAX;
    for (size_t at = STUN_HEADER_SIZE; at < message.len;) {
        uint16_t type = bytes_get16(message.ptr + at);
        uint16_t length = bytes_get16(message.ptr + at + 2);
        at += 4;
        if (padded(length) > message.len - at || (has & HAS_PRINT) != 0)
            return ERR_SYNTAX;
        if (take(message, type, slice_of(message.ptr + at, length), &send, &has) < 0)
            return ERR_SYNTAX;
        at += padded(length);
    }
    if ((has & (HAS_PEER | HAS_DATA)) != (HAS_PEER | HAS_DATA) || send.port == 0)
        return ERR_SYNTAX;
    *ret_send = send;
    return 0;
}

struct slice turn_data_write(char *payload, size_t length, const struct address *peer,
                             const void *id)
{
    bool v6 = address_is_v6(peer);
    size_t value = v6 ? STUN_ADDRESS_MAX : STUN_ADDRESS_MIN;
    size_t head = v6 ? TURN_DATA_HEAD_V6 : TURN_DATA_HEAD_V4;
    char *at = payload - head;
    if (length > PAYLOAD_MAX)
        return SLICE_NULL;
    bytes_put16(at, DATA_TYPE);
    bytes_put16(at + 2, (uint16_t)(head - STUN_HEADER_SIZE + padded(length)));
    bytes_put32(at + 4, STUN_COOKIE);
    memcpy(at + 8, id, 12);
    char *attribute = at + STUN_HEADER_SIZE;
    bytes_put16(attribute, TYPE_PEER);
    bytes_put16(attribute + 2, (uint16_t)value);
    attribute[4] = 0;
    attribute[5] = v6 ? 2 : 1;
    bytes_put16(attribute + 6, address_port(peer) ^ (uint16_t)COOKIE_HIGH);
    if (v6) {
        uint64_t parts[2], key[2];
        memcpy(parts, &peer->in6.sin6_addr, sizeof parts);
        memcpy(key, at + 4, sizeof key);
        parts[0] ^= key[0];
        parts[1] ^= key[1];
        memcpy(attribute + 8, parts, sizeof parts);
    } else {
        uint32_t host;
        memcpy(&host, &peer->in4.sin_addr, sizeof host);
        host ^= htobe32(STUN_COOKIE);
        memcpy(attribute + 8, &host, sizeof host);
    }
    bytes_put16(payload - 4, TYPE_DATA);
    bytes_put16(payload - 2, (uint16_t)length);
    memset(payload + length, 0, padded(length) - length);
    return slice_of(at, head + padded(length));
}
