#include "sip/message/uri_part.h"

#include "sip/message/chars.h"

static void split(struct slice text, struct sip_uri_part *ret_part)
{
    size_t equals = slice_index(text, '=');
    ret_part->has_value = equals < text.len;
    ret_part->name = slice_of(text.ptr, equals);
    ret_part->value =
        ret_part->has_value ? slice_of(text.ptr + equals + 1, text.len - equals - 1) : SLICE_NULL;
}

bool sip_uri_param_next(struct slice *rest, struct sip_uri_part *ret_part)
{
    if (rest->len == 0) {
        return false;
    }
    *rest = slice_from(*rest, 1); /* its ';' */
    size_t end = slice_index(*rest, ';');
    split(slice_of(rest->ptr, end), ret_part);
    *rest = slice_of(rest->ptr + end, rest->len - end);
    return true;
}

bool sip_uri_header_next(struct slice *rest, struct sip_uri_part *ret_part)
{
    if (rest->len == 0) {
        return false;
    }
    split(slice_cut(rest, '&'), ret_part);
    return true;
}

bool sip_uri_param(const struct sip_uri *uri, struct slice name, struct slice *ret_value)
{
    struct slice rest = uri->params;
    struct sip_uri_part part;
    while (sip_uri_param_next(&rest, &part)) {
        if (sip_escaped_equal_nocase(part.name, name)) {
            *ret_value = part.value;
            return true;
        }
    }
    return false;
}

/* "reserved" of RFC 2396 section 2.2: escaped and plain are not the same there. */
static bool is_reserved(char c)
{
    switch (c) {
    case ';':
    case '/':
    case '?':
    case ':':
    case '@':
    case '&':
    case '=':
    case '+':
    case '$':
    case ',': return true;
    default: return false;
    }
}

/* The next character, at least one is left; 256 is added to a reserved one that was escaped. */
static unsigned next_char(const char **at)
{
    char c = *(*at)++;
    if (c != '%') {
        return (unsigned char)c;
    }
    unsigned value = sip_hex_value((*at)[0]) << 4 | sip_hex_value((*at)[1]);
    *at += 2;
    return is_reserved((char)value) ? value + 256 : value;
}

static unsigned lower(unsigned c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static bool equal_unescaped(struct slice a, struct slice b, bool nocase)
{
    const char *at = a.ptr, *a_end = a.ptr + a.len;
    const char *bt = b.ptr, *b_end = b.ptr + b.len;
    while (at < a_end && bt < b_end) {
        unsigned x = next_char(&at), y = next_char(&bt);
        if (x != y && !(nocase && lower(x) == lower(y))) {
            return false;
        }
    }
    return at == a_end && bt == b_end;
}

static bool has_escape(struct slice s)
{
    return s.len > 0 && memchr(s.ptr, '%', s.len) != NULL;
}

bool sip_escaped_equal(struct slice a, struct slice b)
{
    if (slice_equal(a, b)) {
        return true;
    }
    return a.len > 0 && b.len > 0 && (has_escape(a) || has_escape(b)) &&
           equal_unescaped(a, b, false);
}

bool sip_escaped_equal_nocase(struct slice a, struct slice b)
{
    if (slice_equal_nocase(a, b)) {
        return true;
    }
    return a.len > 0 && b.len > 0 && (has_escape(a) || has_escape(b)) &&
           equal_unescaped(a, b, true);
}
