#include "sip/message/line.h"

#include "base/error.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_lws(char c)
{
    return is_blank(c) || c == '\r' || c == '\n';
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

/* The first control byte (HTAB is none) from p on, or end. */
static const char *find_control(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i top = _mm_set1_epi8(0x1f);
    const __m128i tab = _mm_set1_epi8('\t');
    const __m128i del = _mm_set1_epi8(0x7f);
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i low =
            _mm_andnot_si128(_mm_cmpeq_epi8(v, tab), _mm_cmpeq_epi8(_mm_min_epu8(v, top), v));
        int mask = _mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(v, del)));
        if (mask != 0) {
            return p + __builtin_ctz((unsigned)mask);
        }
    }
#endif
    while (p < end && !is_control(*p)) {
        p++;
    }
    return p;
}

int sip_line_next(const char *start, const char *end, bool folds, struct sip_line *ret_line)
{
    unsigned flaws = 0;
    for (const char *p = start;; p++) {
        p = find_control(p, end);
        if (p == end) {
            return ERR_AGAIN;
        }
        if (*p == '\r' && end - p >= 2 && p[1] == '\n') {
            if (folds && end - p >= 3 && is_blank(p[2])) {
                p += 2;
                continue;
            }
            *ret_line = (struct sip_line){start, p, p + 2, flaws};
            return 0;
        }
        flaws |= *p == '\r' || *p == '\n' ? SIP_LINE_BARE : SIP_LINE_CONTROL;
    }
}

/* The first ':' of a line; names are short, so that the first 16 bytes nearly always hold it. */
static const char *find_colon(const char *start, const char *stop)
{
#ifdef __SSE2__
    if (stop - start >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)start);
        int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(':')));
        if (mask != 0) {
            return start + __builtin_ctz((unsigned)mask);
        }
    }
#endif
    return memchr(start, ':', (size_t)(stop - start));
}

int sip_line_split(const struct sip_line *line, struct slice *ret_name, struct slice *ret_value)
{
    const char *colon = find_colon(line->start, line->stop);
    if (colon == NULL) {
        return ERR_SYNTAX;
    }
    /* HCOLON = *( SP / HTAB ) ":" SWS */
    const char *name_end = colon;
    while (name_end > line->start && is_blank(name_end[-1])) {
        name_end--;
    }
    const char *value = colon + 1;
    const char *value_end = line->stop;
    while (value < value_end && is_lws(*value)) {
        value++;
    }
    while (value_end > value && is_lws(value_end[-1])) {
        value_end--;
    }
    *ret_name = slice_between(line->start, name_end);
    *ret_value = slice_between(value, value_end);
    return 0;
}

bool sip_line_controls_escaped(struct slice value)
{
    bool quoted = false;
    unsigned comments = 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        bool escapes = quoted || comments > 0;
        if (c == '\\' && escapes && i + 1 < value.len) {
            /* quoted-pair takes any byte but CR and LF, and these are no flaw of this kind. */
            i++;
        } else if (c == '"' && comments == 0) {
            quoted = !quoted;
        } else if (c == '(' && !quoted) {
            comments++;
        } else if (c == ')' && comments > 0) {
            comments--;
        } else if (is_control(c) && c != '\r' && c != '\n') {
            return false;
        }
    }
    return true;
}
