#include "base/base64.h"

#include "base/error.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_write(struct writer *w, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)bytes[i] << 16;
        bits |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        bits |= left > 2 ? bytes[i + 2] : 0;
        for (size_t k = 0; k <= left; k++)
            writer_char(w, alphabet[bits >> (18 - 6 * k) & 63]);
    }
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

int base64url_parse(struct slice text, void *buf, size_t size, size_t *ret_len)
{
    uint8_t *bytes = buf;
    size_t length = 0;
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = value_of(text.ptr[i]);
        if (value < 0)
            return ERR_SYNTAX;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        if (length == size)
            return ERR_LIMIT;
        bytes[length++] = (uint8_t)(bits >> count);
    }
    /* A lone character, or bits that are not zero, would give one value several texts. */
    if (count == 6 || (bits & ((1u << count) - 1)) != 0)
        return ERR_SYNTAX;
    *ret_len = length;
    return 0;
}
