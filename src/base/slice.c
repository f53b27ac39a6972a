#include "base/slice.h"

#include <assert.h>

#include "base/ascii.h"
#include "base/error.h"

/* Most names come in the case that they are looked for in, so equal words are let through first. */
static bool equal8_nocase(uint64_t a, uint64_t b)
{
    return a == b || ascii_lower8(a) == ascii_lower8(b);
}

/* All of the n (0 to 7) bytes at p, some of them twice. */
static uint64_t load_all(const char *p, size_t n)
{
    if (n >= 4) {
        uint32_t first, last;
        memcpy(&first, p, sizeof first);
        memcpy(&last, p + n - 4, sizeof last);
        return (uint64_t)first << 32 | last;
    }
    return ascii_load_tail(p, n);
}

bool slice_bytes_equal_nocase(const char *a, const char *b, size_t len)
{
    if (len < 8)
        return equal8_nocase(load_all(a, len), load_all(b, len));
    /* The last eight bytes may overlap the ones before them: cheaper than a loop over the rest. */
    size_t last = len - 8;
    for (size_t i = 0; i < last; i += 8) {
        if (!equal8_nocase(ascii_load8(a + i), ascii_load8(b + i)))
            return false;
    }
    return equal8_nocase(ascii_load8(a + last), ascii_load8(b + last));
}

bool slice_starts_with_nocase(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_bytes_equal_nocase(s.ptr, prefix.ptr, prefix.len);
}

bool slice_ends_with_nocase(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 ||
            slice_bytes_equal_nocase(s.ptr + (s.len - suffix.len), suffix.ptr, suffix.len));
}

int slice_compare(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common > 0 ? memcmp(a.ptr, b.ptr, common) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

size_t slice_index(struct slice s, char c)
{
    const char *at = s.len > 0 ? memchr(s.ptr, c, s.len) : NULL;
    return at != NULL ? (size_t)(at - s.ptr) : s.len;
}

static bool is_lws(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice s)
{
    while (s.len > 0 && is_lws(s.ptr[s.len - 1]))
        s.len--;
    while (s.len > 0 && is_lws(*s.ptr)) {
        s.ptr++;
        s.len--;
    }
    return s;
}

struct slice slice_cut(struct slice *rest, char c)
{
    size_t at = slice_index(*rest, c);
    struct slice before = slice_of(rest->ptr, at);
    size_t skip = at < rest->len ? at + 1 : at;
    /* Adding 0 to NULL is undefined in C. */
    if (skip > 0)
        *rest = slice_of(rest->ptr + skip, rest->len - skip);
    return before;
}

int slice_to_u64(struct slice s, uint64_t max, uint64_t *ret_value)
{
    const uint64_t room = (UINT64_MAX - 9) / 10; /* up to here any further digit fits */
    if (s.len == 0)
        return ERR_SYNTAX;
    uint64_t value = 0;
    bool over = false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';
        if (digit > 9)
            return ERR_SYNTAX;
        over |= value > room && (value > UINT64_MAX / 10 || value * 10 > UINT64_MAX - digit);
        value = value * 10 + digit;
    }
    if (over || value > max)
        return ERR_RANGE;
    *ret_value = value;
    return 0;
}

int slice_to_u32(struct slice s, uint32_t max, uint32_t *ret_value)
{
    uint64_t value;
    int rc = slice_to_u64(s, max, &value);
    if (rc == 0)
        *ret_value = (uint32_t)value;
    return rc;
}

/* The value of a hexadecimal digit and one more; 0 of any other byte. */
static const uint8_t hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

int slice_hex_to_u64(struct slice s, uint64_t *ret_value)
{
    if (s.len == 0 || s.len > 16)
        return ERR_SYNTAX;
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = hex_values[(unsigned char)s.ptr[i]];
        if (digit == 0)
            return ERR_SYNTAX;
        value = value << 4 | (digit - 1);
    }
    *ret_value = value;
    return 0;
}

char *slice_to_string(struct slice s, char *buf, size_t size)
{
    assert(size > 0);
    size_t len = s.len < size ? s.len : size - 1;
    if (len > 0)
        memcpy(buf, s.ptr, len);
    buf[len] = '\0';
    return buf;
}
