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

/* Past the letters, digits, '-' and '.' that at begins with, 16 at a time: they are in each class
 * that is not named after what it holds. */
static inline const char *sip_past_common(const char *at, const char *end)
{
#ifdef __SSE2__
    const __m128i zero = _mm_setzero_si128();
    while (end - at >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i letter = _mm_sub_epi8(_mm_or_si128(v, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
        __m128i digit = _mm_sub_epi8(v, _mm_set1_epi8('0'));
        __m128i dash = _mm_sub_epi8(v, _mm_set1_epi8('-'));
        /* Saturated to 0 where the unsigned distance is in range. */
        letter = _mm_cmpeq_epi8(_mm_subs_epu8(letter, _mm_set1_epi8(25)), zero);
        digit = _mm_cmpeq_epi8(_mm_subs_epu8(digit, _mm_set1_epi8(9)), zero);
        dash = _mm_cmpeq_epi8(_mm_subs_epu8(dash, _mm_set1_epi8(1)), zero);
        unsigned mask =
            (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(letter, digit), dash));
        if (mask != 0xffff)
            return at + __builtin_ctz(~mask);
        at += 16;
    }
#else
    (void)end;
#endif
    return at;
}

/* The first byte from at on that is in none of the classes, or end. */
static inline const char *sip_span(const char *at, const char *end, unsigned classes)
{
    if ((classes & ~(SIP_CHAR_DIGIT | SIP_CHAR_HEX | SIP_CHAR_ALPHA | SIP_CHAR_PHONE |
                     SIP_CHAR_VISUAL)) != 0) {
        at = sip_past_common(at, end);
    }
    while (at < end && sip_char_is(*at, classes)) {
        at++;
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
