#include "base/base64.h"

#include "base/error.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_write(struct writer *w, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (; len >= 3; len -= 3, bytes += 3) {
        uint32_t bits = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
        char group[4] = {alphabet[bits >> 18], alphabet[bits >> 12 & 63], alphabet[bits >> 6 & 63],
                         alphabet[bits & 63]};
        writer_bytes(w, group, sizeof(group));
    }
    if (len == 0)
        return;
    uint32_t bits = (uint32_t)bytes[0] << 16 | (len > 1 ? (uint32_t)bytes[1] << 8 : 0);
    for (size_t k = 0; k <= len; k++)
        writer_char(w, alphabet[bits >> (18 - 6 * k) & 63]);
}

/* The value of a character and one more; 0 of one outside the alphabet. */
static const uint8_t values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};

/* Four characters, three bytes. A 0 less one sets all bits from its place up. */
static bool parse_group(const char *text, uint32_t *ret_bytes)
{
    const unsigned char *c = (const unsigned char *)text;
    uint32_t bytes = (values[c[0]] - 1u) << 18 | (values[c[1]] - 1u) << 12 |
                     (values[c[2]] - 1u) << 6 | (values[c[3]] - 1u);
    *ret_bytes = bytes;
    return bytes < 1u << 24;
}

int base64url_parse(struct slice text, void *buf, size_t size, size_t *ret_len)
{
    uint8_t *bytes = buf;
    size_t length = 0, i = 0;
    for (; text.len - i >= 4; i += 4, length += 3) {
        uint32_t group;
        if (!parse_group(text.ptr + i, &group))
            return ERR_SYNTAX;
        if (size - length < 3)
            return ERR_LIMIT;
        bytes[length] = (uint8_t)(group >> 16);
        bytes[length + 1] = (uint8_t)(group >> 8);
        bytes[length + 2] = (uint8_t)group;
    }
    uint32_t bits = 0;
    unsigned count = 0;
    for (; i < text.len; i++) {
        uint32_t value = values[(unsigned char)text.ptr[i]];
        if (value == 0)
            return ERR_SYNTAX;
        bits = bits << 6 | (value - 1);
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
