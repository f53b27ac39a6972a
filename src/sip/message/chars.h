/* The character classes of RFC 3261 section 25.1, one table of bits. Inside src/sip only. */
#ifndef SIP_MESSAGE_CHARS_H
#define SIP_MESSAGE_CHARS_H

#include "base/slice.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum sip_char_class {
    SIP_CHAR_TOKEN = 1,      /* token */
    SIP_CHAR_VALUE = 2,      /* gen-value that is not quoted: token or host, and '/', '=' as seen */
    SIP_CHAR_USER = 4,       /* unreserved / user-unreserved, and '#' as seen */
    SIP_CHAR_PASSWORD = 8,   /* of a password, '%' aside */
    SIP_CHAR_PARAM = 16,     /* paramchar of a URI parameter, '%' aside */
    SIP_CHAR_HEADER = 32,    /* of a URI header name or value, '%' aside */
    SIP_CHAR_HOST = 64,      /* of a host name or IPv4 address, and '_' as seen */
    SIP_CHAR_URIC = 128,     /* uric of RFC 2396, '%' aside */
    SIP_CHAR_QDTEXT = 256,   /* one byte of qdtext, LWS folds aside */
    SIP_CHAR_DIGIT = 512,    /* 0-9 */
    SIP_CHAR_HEX = 1024,     /* 0-9 a-f A-F */
    SIP_CHAR_ALPHA = 2048,   /* a-z A-Z */
    SIP_CHAR_WORD = 4096,    /* word, the pieces of a Call-ID */
    SIP_CHAR_PHONE = 8192,   /* phonedigit and hexadecimal, * and # (RFC 3966 section 3) */
    SIP_CHAR_VISUAL = 16384, /* visual-separator (RFC 3966 section 3) */
    SIP_CHAR_URI = 32768,    /* any byte that some URI may hold, '%' and '#' included */
};

extern const uint16_t sip_chars[256];

static inline bool sip_char_is(char c, unsigned classes)
{
    return (sip_chars[(unsigned char)c] & classes) != 0;
}

#ifdef __SSE2__
/* A bit for each of the 16 bytes that is a letter, a digit, '-' or '.'. Each range is moved to the
 * top of what a signed byte holds, where one comparison tells it from all else. */
static inline unsigned sip_common_mask(__m128i v)
{
    __m128i lower = _mm_or_si128(v, _mm_set1_epi8(0x20));
    __m128i letter = _mm_add_epi8(lower, _mm_set1_epi8(INT8_MAX - 'z'));
    __m128i digit = _mm_add_epi8(v, _mm_set1_epi8(INT8_MAX - '9'));
    __m128i dash = _mm_add_epi8(v, _mm_set1_epi8(INT8_MAX - '.'));
    letter = _mm_cmpgt_epi8(letter, _mm_set1_epi8(INT8_MAX - 26));
    digit = _mm_cmpgt_epi8(digit, _mm_set1_epi8(INT8_MAX - 10));
    dash = _mm_cmpgt_epi8(dash, _mm_set1_epi8(INT8_MAX - 2));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(letter, digit), dash));
}
#endif

/* sip_past_common where it takes more than one look. */
const char *sip_past_more_common(const char *at, const char *end);

/* Past letters, digits, '-' and '.', which are in each class that is not named after what it holds;
 * perhaps not past the last seven before end. */
static inline const char *sip_past_common(const char *at, const char *end)
{
#ifdef __SSE2__
    if (end - at >= 16) {
        unsigned mask = sip_common_mask(_mm_loadu_si128((const __m128i *)(const void *)at));
        if (mask != 0xffff) {
            return at + __builtin_ctz(~mask);
        }
        at += 16;
    }
    return end - at >= 8 ? sip_past_more_common(at, end) : at;
#else
    (void)end;
    return at;
#endif
}

/* The first byte from at on that is in none of the classes, or end. */
static inline const char *sip_span(const char *at, const char *end, unsigned classes)
{
    bool common = (classes & ~(SIP_CHAR_DIGIT | SIP_CHAR_HEX | SIP_CHAR_ALPHA | SIP_CHAR_PHONE |
                               SIP_CHAR_VISUAL)) != 0;
    if (common) {
        at = sip_past_common(at, end);
    }
    while (at < end && sip_char_is(*at, classes)) {
        at++;
        if (common && end - at >= 8) {
            at = sip_past_more_common(at, end);
        }
    }
    return at;
}

/* The same, where %XX counts as one of them. NULL when a '%' is not followed by two hex digits. */
const char *sip_span_escaped(const char *at, const char *end, unsigned classes);

/* Every byte is in one of the classes; true for an empty slice. */
static inline bool sip_all(struct slice s, unsigned classes)
{
    return s.len == 0 || sip_span(s.ptr, s.ptr + s.len, classes) == s.ptr + s.len;
}

const char *sip_past_some_lws(const char *at, const char *end);

/* Past LWS: SP, HTAB and folds (CRLF before SP or HTAB). Mostly there is none. */
static inline const char *sip_past_lws(const char *at, const char *end)
{
    return at == end || (unsigned char)*at > ' ' ? at : sip_past_some_lws(at, end);
}

/* Value of a hexadecimal digit. */
static inline unsigned sip_hex_value(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : ((unsigned)c & 0x0f) + 9;
}

static inline char sip_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

#endif
