#include "stun/write.h"

#include "stun/bytes.h"
#include "stun/fingerprint.h"

/* Room for an attribute, its value zeroed where padding will be; NULL when there is none. */
static uint8_t *add(struct stun_writer *w, enum stun_attribute attribute, size_t length)
{
    size_t padded = (length + 3) & ~(size_t)3;
    if (w->overflow || length > UINT16_MAX || w->size - w->length < 4 + padded ||
        w->length + 4 + padded > STUN_MESSAGE_MAX) {
        w->overflow = true;
        return NULL;
    }
    uint8_t *at = w->start + w->length;
    bytes_put16(at, stun_attribute_info(attribute)->type);
    bytes_put16(at + 2, (uint16_t)length);
    if (padded != length)
        memset(at + 4 + length, 0, padded - length);
    w->length += 4 + padded;
    return at + 4;
}

static void set_length(struct stun_writer *w, size_t length)
{
    bytes_put16(w->start + 2, (uint16_t)(length - STUN_HEADER_SIZE));
}

void stun_write_begin(struct stun_writer *w, void *buffer, size_t size, uint16_t type,
                      const void *id)
{
    *w = (struct stun_writer){.start = buffer, .size = size, .overflow = size < STUN_HEADER_SIZE};
    if (w->overflow)
        return;
    bytes_put16(w->start, type);
    memcpy(w->start + 4, id, STUN_ID_SIZE);
    w->length = STUN_HEADER_SIZE;
    set_length(w, w->length);
}

void stun_write_response(struct stun_writer *w, void *buffer, size_t size,
                         const struct stun_message *request, enum stun_class class)
{
    stun_write_begin(w, buffer, size, stun_type(class, request->method), stun_id(request));
}

void stun_write(struct stun_writer *w, enum stun_attribute attribute, struct slice value)
{
    uint8_t *at = add(w, attribute, value.len);
    if (at != NULL && value.len > 0)
        memcpy(at, value.ptr, value.len);
}

void stun_write_u32(struct stun_writer *w, enum stun_attribute attribute, uint32_t value)
{
    uint8_t *at = add(w, attribute, 4);
    if (at != NULL)
        bytes_put32(at, value);
}

static bool is_xored(enum stun_attribute attribute)
{
    return attribute == STUN_XOR_MAPPED_ADDRESS || attribute == STUN_XOR_PEER_ADDRESS ||
           attribute == STUN_XOR_RELAYED_ADDRESS;
}

void stun_write_address(struct stun_writer *w, enum stun_attribute attribute,
                        const struct address *address)
{
    bool v6 = address_is_v6(address);
    size_t size = v6 ? 16 : 4;
    uint8_t *at = add(w, attribute, 4 + size);
    if (at == NULL)
        return;
    uint16_t port = address_port(address);
    const void *host =
        v6 ? (const void *)&address->in6.sin6_addr : (const void *)&address->in4.sin_addr;
    at[0] = 0;
    at[1] = v6 ? 2 : 1;
    memcpy(at + 4, host, size);
    if (is_xored(attribute)) {
        port ^= (uint16_t)(STUN_COOKIE >> 16);
        for (size_t i = 0; i < size; i++)
            at[4 + i] ^= w->start[4 + i];
    }
    bytes_put16(at + 2, port);
}

void stun_write_error(struct stun_writer *w, unsigned code, struct slice reason)
{
    uint8_t *at = add(w, STUN_ERROR_CODE, 4 + reason.len);
    if (at == NULL)
        return;
    bytes_put16(at, 0);
    at[2] = (uint8_t)(code / 100);
    at[3] = (uint8_t)(code % 100);
    if (reason.len > 0)
        memcpy(at + 4, reason.ptr, reason.len);
}

void stun_write_unknown(struct stun_writer *w, const uint16_t *types, size_t count)
{
    uint8_t *at = add(w, STUN_UNKNOWN_ATTRIBUTES, count * 2);
    for (size_t i = 0; at != NULL && i < count; i++)
        bytes_put16(at + i * 2, types[i]);
}

void stun_write_integrity(struct stun_writer *w, struct stun_integrity *integrity,
                          enum stun_hmac hmac, struct slice key)
{
    enum stun_attribute attribute =
        hmac == STUN_HMAC_SHA1 ? STUN_MESSAGE_INTEGRITY : STUN_MESSAGE_INTEGRITY_SHA256;
    size_t signed_length = w->length;
    uint8_t *at = add(w, attribute, stun_hmac_size(hmac));
    if (at == NULL)
        return;
    set_length(w, w->length); /* the attribute counts, though it is not signed itself */
    struct slice text = slice_of((const char *)w->start, signed_length);
    if (stun_integrity_sign(integrity, hmac, key, text, SLICE_NULL, at) < 0)
        w->overflow = true;
}

void stun_write_fingerprint(struct stun_writer *w)
{
    size_t covered = w->length;
    uint8_t *at = add(w, STUN_FINGERPRINT, 4);
    if (at == NULL)
        return;
    set_length(w, w->length);
    bytes_put32(at, stun_fingerprint(slice_of((const char *)w->start, covered)));
}

struct slice stun_write_end(struct stun_writer *w)
{
    if (w->overflow)
        return SLICE_NULL;
    set_length(w, w->length);
    return slice_of((const char *)w->start, w->length);
}
