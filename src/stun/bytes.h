/* Numbers in network byte order. */
#ifndef STUN_BYTES_H
#define STUN_BYTES_H

#include <stdint.h>

static inline uint16_t bytes_get16(const void *at)
{
    const uint8_t *b = at;
    return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t bytes_get32(const void *at)
{
    const uint8_t *b = at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static inline void bytes_put16(void *at, uint16_t value)
{
    uint8_t *b = at;
    b[0] = (uint8_t)(value >> 8);
    b[1] = (uint8_t)value;
}

static inline void bytes_put32(void *at, uint32_t value)
{
    bytes_put16(at, (uint16_t)(value >> 16));
    bytes_put16((uint8_t *)at + 2, (uint16_t)value);
}

#endif
