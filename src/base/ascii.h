/* ASCII letters without locale, one byte or eight bytes at a time. */
#ifndef BASE_ASCII_H
#define BASE_ASCII_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline unsigned char ascii_lower(unsigned char c)
{
    return (unsigned char)(c - 'A') < 26 ? (unsigned char)(c | 0x20) : c;
}

/* Eight bytes, each A-Z made a-z, all others kept. Order of bytes does not matter. */
static inline uint64_t ascii_lower8(uint64_t v)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t low = v & (ones * 0x7f);
    uint64_t from_a = low + ones * (0x80 - 'A');     /* bit 7 set where the byte is >= 'A' */
    uint64_t past_z = low + ones * (0x80 - 'Z' - 1); /* bit 7 set where the byte is > 'Z' */
    uint64_t upper = (from_a ^ past_z) & ~v & (ones * 0x80);
    return v | upper >> 2;
}

/* The eight digits of value in lower-case hexadecimal, first digit lowest. */
static inline uint64_t ascii_hex8(uint32_t value)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t x = __builtin_bswap32(value);
    x = (x | x << 16) & 0x0000ffff0000ffffu;
    x = (x | x << 8) & 0x00ff00ff00ff00ffu;
    x = (x >> 4 & 0x000f000f000f000fu) | (x & 0x000f000f000f000fu) << 8; /* a digit in each byte */
    uint64_t letters = (x + ones * 6) >> 4 & ones;
    return x + ones * '0' + letters * ('a' - '0' - 10);
}

/* Eight bytes at p, first byte lowest. */
static inline uint64_t ascii_load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return le64toh(v);
}

static inline void ascii_store8(char *p, uint64_t v)
{
    v = htole64(v);
    memcpy(p, &v, sizeof v);
}

/* The n (0 to 7) bytes at p, first byte lowest, the rest zero. Reads nothing past p + n. */
static inline uint64_t ascii_load_tail(const char *p, size_t n)
{
    if (n >= 4) {
        uint32_t first;
        uint32_t last;
        memcpy(&first, p, sizeof first);
        memcpy(&last, p + n - 4, sizeof last);
        return (uint64_t)le32toh(first) | (uint64_t)le32toh(last) << (n - 4) * 8;
    }
    if (n == 0)
        return 0;
    return (uint64_t)(unsigned char)p[0] | (uint64_t)(unsigned char)p[n / 2] << n / 2 * 8 |
           (uint64_t)(unsigned char)p[n - 1] << (n - 1) * 8;
}

#endif
