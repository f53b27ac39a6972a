/* Bytes that were received (struct span) and bytes that are being written (struct text). */
#ifndef LOADGEN_TEXT_H
#define LOADGEN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes, not NUL-terminated. */
struct span {
    const char *ptr;
    size_t len;
};

#define SPAN(literal) ((struct span){"" literal "", sizeof(literal) - 1})

static inline struct span span_between(const char *start, const char *end)
{
    return (struct span){start, (size_t)(end - start)};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static inline bool span_starts(struct span s, struct span prefix)
{
    return s.len >= prefix.len && memcmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

/* Offset of needle in s, or -1. */
static inline long span_search(struct span s, struct span needle)
{
    const char *hit = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
    return hit ? hit - s.ptr : -1;
}

/* A cursor into a fixed buffer. What does not fit is dropped and sets `full`, which is looked at
 * once, at the end. */
struct text {
    char *start;
    char *at;
    char *end;
    bool full;
};

static inline struct text text_init(char *buf, size_t size)
{
    return (struct text){.start = buf, .at = buf, .end = buf + size};
}

static inline size_t text_len(const struct text *t)
{
    return (size_t)(t->at - t->start);
}

static inline struct span text_span(const struct text *t)
{
    return span_between(t->start, t->at);
}

static inline void text_bytes(struct text *t, const char *ptr, size_t len)
{
    if ((size_t)(t->end - t->at) < len) {
        t->full = true;
        return;
    }
    memcpy(t->at, ptr, len);
    t->at += len;
}

static inline void text_span_add(struct text *t, struct span s)
{
    text_bytes(t, s.ptr, s.len);
}

#define text_add(t, literal) text_bytes((t), "" literal "", sizeof(literal) - 1)

/* Decimal, at least `width` digits, zeroes in front. */
static inline void text_decimal(struct text *t, uint64_t value, unsigned width)
{
    char digits[20];
    unsigned n = 0;
    do {
        digits[sizeof digits - ++n] = (char)('0' + value % 10);
        value /= 10;
    } while ((value || n < width) && n < sizeof digits);
    text_bytes(t, digits + sizeof digits - n, n);
}

/* Eight lower-case hexadecimal digits. */
static inline void text_hex(struct text *t, uint32_t value)
{
    static const char digit[] = "0123456789abcdef";
    char out[8];
    for (int i = 7; i >= 0; i--, value >>= 4)
        out[i] = digit[value & 15];
    text_bytes(t, out, sizeof out);
}

/* Reads back what text_hex wrote; false when the eight bytes at ptr are not that. */
static inline bool hex_read(const char *ptr, uint32_t *ret_value)
{
    uint32_t value = 0;
    for (int i = 0; i < 8; i++) {
        char c = ptr[i];
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else
            return false;
        value = value << 4 | digit;
    }
    *ret_value = value;
    return true;
}

#endif
