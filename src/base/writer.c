#include "base/writer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/ascii.h"
#include "base/error.h"

void writer_string(struct writer *w, const char *string)
{
    writer_bytes(w, string, strlen(string));
}

static const char two_digits[100][3] = {
    "00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14",
    "15", "16", "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29",
    "30", "31", "32", "33", "34", "35", "36", "37", "38", "39", "40", "41", "42", "43", "44",
    "45", "46", "47", "48", "49", "50", "51", "52", "53", "54", "55", "56", "57", "58", "59",
    "60", "61", "62", "63", "64", "65", "66", "67", "68", "69", "70", "71", "72", "73", "74",
    "75", "76", "77", "78", "79", "80", "81", "82", "83", "84", "85", "86", "87", "88", "89",
    "90", "91", "92", "93", "94", "95", "96", "97", "98", "99",
};

void writer_u64(struct writer *w, uint64_t value)
{
    char digits[20];
    char *at = digits + sizeof digits;
    while (value >= 100) {
        at -= 2;
        memcpy(at, two_digits[value % 100], 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(at, two_digits[value], 2);
    } else {
        *--at = (char)('0' + value);
    }
    writer_bytes(w, at, (size_t)(digits + sizeof digits - at));
}

void writer_hex(struct writer *w, uint64_t value, unsigned digits)
{
    assert(digits <= 16);
    char text[16];
    ascii_store8(text, ascii_hex8((uint32_t)(value >> 32)));
    ascii_store8(text + 8, ascii_hex8((uint32_t)value));
    writer_bytes(w, text + sizeof text - digits, digits);
}

void writer_hex_bytes(struct writer *w, const void *data, size_t len)
{
    if (w->overflow || len > writer_space(w) / 2) {
        w->overflow = true;
        return;
    }
    static const char hex_digits[] = "0123456789abcdef";
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
