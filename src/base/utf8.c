#include "base/utf8.h"

/* Bytes of a character by its first byte; 0 for a byte that starts none. RFC 3629 section 4. */
static size_t length_by_first(unsigned char c)
{
    if (c < 0x80)
        return 1;
    if (c < 0xc2)
        return 0;
    if (c < 0xe0)
        return 2;
    if (c < 0xf0)
        return 3;
    return c < 0xf5 ? 4 : 0;
}

size_t utf8_decode(struct slice s, uint32_t *ret_code)
{
    /* The smallest code point that needs so many bytes. */
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (s.len == 0)
        return 0;
    unsigned char first = (unsigned char)s.ptr[0];
    size_t len = length_by_first(first);
    if (len == 0 || len > s.len)
        return 0;
    uint32_t code = len == 1 ? first : first & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        unsigned char next = (unsigned char)s.ptr[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (next & 0x3f);
    }
    if (code < smallest[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *ret_code = code;
    return len;
}

bool utf8_valid(struct slice s)
{
    while (s.len > 0) {
        uint32_t code;
        size_t len = utf8_decode(s, &code);
        if (len == 0)
            return false;
        s = slice_from(s, len);
    }
    return true;
}

struct slice utf8_whole(struct slice s)
{
    for (size_t back = 1; back <= 3 && back <= s.len; back++) {
        unsigned char c = (unsigned char)s.ptr[s.len - back];
        if ((c & 0xc0) == 0x80)
            continue;
        if (length_by_first(c) > back)
            s.len -= back;
        break;
    }
    return s;
}
