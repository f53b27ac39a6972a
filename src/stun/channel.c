#include "stun/channel.h"

#include "base/error.h"
#include "stun/bytes.h"

bool channel_looks_like(struct slice bytes)
{
    return bytes.len > 0 && (uint8_t)bytes.ptr[0] >= CHANNEL_FIRST >> 8 &&
           (uint8_t)bytes.ptr[0] <= CHANNEL_LAST >> 8;
}

int channel_parse(struct slice datagram, uint16_t *ret_number, struct slice *ret_payload)
{
    if (!channel_looks_like(datagram) || datagram.len < CHANNEL_HEADER_SIZE)
        return ERR_SYNTAX;
    size_t length = bytes_get16(datagram.ptr + 2);
    if (length > datagram.len - CHANNEL_HEADER_SIZE)
        return ERR_SYNTAX;
    *ret_number = bytes_get16(datagram.ptr);
    *ret_payload = slice_of(datagram.ptr + CHANNEL_HEADER_SIZE, length);
    return 0;
}

int channel_frame(struct slice bytes, size_t *ret_length)
{
    if (bytes.len > 0 && !channel_looks_like(bytes))
        return ERR_SYNTAX;
    *ret_length = 0;
    if (bytes.len < CHANNEL_HEADER_SIZE)
        return 0;
    size_t length = CHANNEL_HEADER_SIZE + ((bytes_get16(bytes.ptr + 2) + 3u) & ~3u);
    if (bytes.len >= length)
        *ret_length = length;
    return 0;
}

void channel_write_header(void *at, uint16_t number, size_t length)
{
    bytes_put16(at, number);
    bytes_put16((uint8_t *)at + 2, (uint16_t)length);
}
