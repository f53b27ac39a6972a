#include "sip/message/chars.h"

#define ANYWHERE                                                                                   \
    (SIP_CHAR_TOKEN | SIP_CHAR_VALUE | SIP_CHAR_USER | SIP_CHAR_PASSWORD | SIP_CHAR_PARAM |        \
     SIP_CHAR_HEADER | SIP_CHAR_URIC | SIP_CHAR_URI | SIP_CHAR_QDTEXT | SIP_CHAR_WORD)
#define LETTER (ANYWHERE | SIP_CHAR_HOST | SIP_CHAR_ALPHA)
#define DIGIT  (ANYWHERE | SIP_CHAR_HOST | SIP_CHAR_DIGIT | SIP_CHAR_HEX | SIP_CHAR_PHONE)
/* mark of RFC 3261 section 25.1: unreserved wherever a URI may stand. */
#define MARK                                                                                       \
    (SIP_CHAR_USER | SIP_CHAR_PASSWORD | SIP_CHAR_PARAM | SIP_CHAR_HEADER | URI | SIP_CHAR_QDTEXT)
#define URI    (SIP_CHAR_URIC | SIP_CHAR_URI)
#define TOKEN  (SIP_CHAR_TOKEN | SIP_CHAR_VALUE | SIP_CHAR_WORD | SIP_CHAR_QDTEXT)
#define QDTEXT SIP_CHAR_QDTEXT
#define WORD   (SIP_CHAR_WORD | SIP_CHAR_QDTEXT)

const uint16_t sip_chars[256] = {
    ['0' ... '9'] = DIGIT,
    ['A' ... 'F'] = LETTER | SIP_CHAR_HEX | SIP_CHAR_PHONE,
    ['G' ... 'Z'] = LETTER,
    ['a' ... 'f'] = LETTER | SIP_CHAR_HEX | SIP_CHAR_PHONE,
    ['g' ... 'z'] = LETTER,
    ['-'] = ANYWHERE | SIP_CHAR_HOST | SIP_CHAR_VISUAL,
    ['.'] = ANYWHERE | SIP_CHAR_HOST | SIP_CHAR_VISUAL,
    ['_'] = ANYWHERE | SIP_CHAR_HOST,
    ['!'] = MARK | TOKEN,
    ['~'] = MARK | TOKEN,
    ['*'] = MARK | TOKEN | SIP_CHAR_PHONE,
    ['\''] = MARK | TOKEN,
    ['('] = MARK | WORD | SIP_CHAR_VISUAL,
    [')'] = MARK | WORD | SIP_CHAR_VISUAL,
    ['%'] = TOKEN | SIP_CHAR_URI,
    ['`'] = TOKEN,
    ['+'] = TOKEN | SIP_CHAR_USER | SIP_CHAR_PASSWORD | SIP_CHAR_PARAM | SIP_CHAR_HEADER | URI,
    ['$'] = QDTEXT | SIP_CHAR_USER | SIP_CHAR_PASSWORD | SIP_CHAR_PARAM | SIP_CHAR_HEADER | URI,
    ['&'] = QDTEXT | SIP_CHAR_USER | SIP_CHAR_PASSWORD | SIP_CHAR_PARAM | URI,
    ['='] = QDTEXT | SIP_CHAR_USER | SIP_CHAR_PASSWORD | URI | SIP_CHAR_VALUE,
    [','] = QDTEXT | SIP_CHAR_USER | SIP_CHAR_PASSWORD | URI,
    [';'] = QDTEXT | SIP_CHAR_USER | URI,
    ['?'] = WORD | SIP_CHAR_USER | URI | SIP_CHAR_HEADER,
    ['/'] = WORD | SIP_CHAR_USER | URI | SIP_CHAR_PARAM | SIP_CHAR_HEADER | SIP_CHAR_VALUE,
    [':'] = WORD | URI | SIP_CHAR_PARAM | SIP_CHAR_HEADER | SIP_CHAR_VALUE,
    ['['] = WORD | SIP_CHAR_PARAM | SIP_CHAR_HEADER | URI | SIP_CHAR_VALUE,
    [']'] = WORD | SIP_CHAR_PARAM | SIP_CHAR_HEADER | URI | SIP_CHAR_VALUE,
    ['@'] = QDTEXT | URI,
    ['#'] = QDTEXT | SIP_CHAR_URI | SIP_CHAR_USER | SIP_CHAR_PHONE,
    ['<'] = WORD,
    ['>'] = WORD,
    ['{'] = WORD,
    ['}'] = WORD,
    ['"'] = SIP_CHAR_WORD,
    ['\\'] = SIP_CHAR_WORD,
    ['|'] = QDTEXT,
    ['^'] = QDTEXT,
    [' '] = QDTEXT,
    ['\t'] = QDTEXT,
    [0x80 ... 0xff] = QDTEXT,
};

const char *sip_past_more_common(const char *at, const char *end)
{
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        unsigned mask = sip_common_mask(_mm_loadu_si128((const __m128i *)(const void *)at));
        if (mask != 0xffff) {
            return at + __builtin_ctz(~mask);
        }
    }
    if (end - at >= 8) {
        /* The first eight bytes of those left and the last eight, which may overlap. */
        const char *last = end - 8;
        __m128i both = _mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)(const void *)at),
                                          _mm_loadl_epi64((const __m128i *)(const void *)last));
        unsigned past = (unsigned)__builtin_ctz(~sip_common_mask(both));
        return past < 8 ? at + past : last + (past - 8);
    }
#else
    (void)end;
#endif
    return at;
}

const char *sip_span_escaped(const char *at, const char *end, unsigned classes)
{
    for (;;) {
        at = sip_span(at, end, classes);
        if (at == end || *at != '%') {
            return at;
        }
        if (end - at < 3 || !sip_char_is(at[1], SIP_CHAR_HEX) ||
            !sip_char_is(at[2], SIP_CHAR_HEX)) {
            return NULL;
        }
        at += 3;
    }
}

const char *sip_past_some_lws(const char *at, const char *end)
{
    while (at < end) {
        if (*at == ' ' || *at == '\t') {
            at++;
        } else if (*at == '\r' && end - at >= 3 && at[1] == '\n' &&
                   (at[2] == ' ' || at[2] == '\t')) {
            at += 3;
        } else {
            break;
        }
    }
    return at;
}
