#include "base/writer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"

void writer_string(struct writer *w, const char *string)
{
    writer_bytes(w, string, strlen(string));
}

void writer_u64(struct writer *w, uint64_t value)
{
    char digits[20];
    char *at = digits + sizeof digits;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    writer_bytes(w, at, (size_t)(digits + sizeof digits - at));
}

static const char hex_digits[] = "0123456789abcdef";

void writer_hex(struct writer *w, uint64_t value, unsigned digits)
{
    assert(digits <= 16);
    char text[16];
    for (unsigned i = digits; i > 0; i--, value >>= 4)
        text[i - 1] = hex_digits[value & 15];
    writer_bytes(w, text, digits);
}

void writer_hex_bytes(struct writer *w, const void *data, size_t len)
{
    if (w->overflow || len > writer_space(w) / 2) {
        w->overflow = true;
        return;
    }
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++) {
        *w->at++ = hex_digits[bytes[i] >> 4];
        *w->at++ = hex_digits[bytes[i] & 15];
    }
}

void writer_format(struct writer *w, const char *format, ...)
{
    if (w->overflow)
        return;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(w->at, writer_space(w), format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= writer_space(w))
        w->overflow = true;
    else
        w->at += len;
}

void writer_rewind(struct writer *w, size_t length)
{
    assert(length <= writer_length(w));
    w->at = w->start + length;
    w->overflow = false;
}

int writer_status(const struct writer *w)
{
    return w->overflow ? ERR_LIMIT : 0;
}
