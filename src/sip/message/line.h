/* The lines of a header section: found here and nowhere else, so that framing and parsing cannot
 * see different ones. RFC 3261 sections 7.3.1, 25.1. Inside src/sip/message only. */
#ifndef SIP_MESSAGE_LINE_H
#define SIP_MESSAGE_LINE_H

#include "base/error.h"
#include "base/slice.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum sip_line_flaw {
    SIP_LINE_BARE = 1,    /* a CR or LF that is not part of CRLF */
    SIP_LINE_CONTROL = 2, /* a control byte other than HTAB, CR, LF; or DEL */
};

struct sip_line {
    const char *start;
    const char *stop; /* the CRLF that ends it */
    const char *end;  /* one past that CRLF */
    unsigned flaws;   /* of enum sip_line_flaw */
};

static inline bool sip_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static inline bool sip_is_lws(char c)
{
    return sip_is_blank(c) || c == '\r' || c == '\n';
}

static inline bool sip_is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

/* The first control byte (HTAB is none) from at on, or end. */
static inline const char *sip_past_text(const char *at, const char *end)
{
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
        /* One up, DEL and what is beyond ASCII are negative, so one comparison finds all that may
         * be meant; mostly there is none, or the CR that is looked for. */
        __m128i up = _mm_add_epi8(v, _mm_set1_epi8(1));
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(up, _mm_set1_epi8(' ' + 1)));
        for (; mask != 0; mask &= mask - 1) {
            const char *found = at + __builtin_ctz(mask);
            if (sip_is_control(*found)) {
                return found;
            }
        }
    }
#endif
    while (at < end && !sip_is_control(*at)) {
        at++;
    }
    return at;
}

/* sip_line_next for a line that is more than text and CRLF; at is its first control byte. */
int sip_line_next_flawed(const char *start, const char *at, const char *end, bool folds,
                         struct sip_line *ret_line);

/* The line at start, up to a CRLF; with folds, up to a CRLF that no SP or HTAB follows (section
 * 7.3.1). 0, or ERR_AGAIN when there is no such CRLF before end. */
static inline int sip_line_next(const char *start, const char *end, bool folds,
                                struct sip_line *ret_line)
{
    const char *at = sip_past_text(start, end);
    if (end - at > 2 && at[0] == '\r' && at[1] == '\n' && !(folds && sip_is_blank(at[2]))) {
        *ret_line = (struct sip_line){start, at, at + 2, 0};
        return 0;
    }
    return sip_line_next_flawed(start, at, end, folds, ret_line);
}

/* The first ':' of a line; names are short, so that the first 16 bytes nearly always hold it. */
static inline const char *sip_line_colon(const struct sip_line *line)
{
#ifdef __SSE2__
    if (line->stop - line->start >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)line->start);
        int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(':')));
        if (mask != 0) {
            return line->start + __builtin_ctz((unsigned)mask);
        }
    }
#endif
    return memchr(line->start, ':', (size_t)(line->stop - line->start));
}

/* name ':' value of a header line, both trimmed; whether the name is a token is left to the caller.
 * ERR_SYNTAX when there is no colon. */
static inline int sip_line_split(const struct sip_line *line, struct slice *ret_name,
                                 struct slice *ret_value)
{
    const char *colon = sip_line_colon(line);
    if (colon == NULL) {
        return ERR_SYNTAX;
    }
    /* HCOLON = *( SP / HTAB ) ":" SWS */
    const char *name_end = colon, *value = colon + 1, *value_end = line->stop;
    while (name_end > line->start && sip_is_blank(name_end[-1])) {
        name_end--;
    }
    while (value < value_end && sip_is_lws(*value)) {
        value++;
    }
    while (value_end > value && sip_is_lws(value_end[-1])) {
        value_end--;
    }
    *ret_name = slice_between(line->start, name_end);
    *ret_value = slice_between(value, value_end);
    return 0;
}

/* True when every control byte of a line is one that may stand there: escaped by a backslash in a
 * quoted-string or a comment (section 25.1 quoted-pair, ctext). */
bool sip_line_controls_escaped(struct slice value);

#endif
