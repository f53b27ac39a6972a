#include "scan.h"

#include <strings.h>

static const struct {
    const char *name;
    char compact;
    enum header header;
} names[] = {
    {"via", 'v', HEADER_VIA},
    {"from", 'f', HEADER_FROM},
    {"to", 't', HEADER_TO},
    {"call-id", 'i', HEADER_CALL_ID},
    {"cseq", 0, HEADER_CSEQ},
    {"contact", 'm', HEADER_CONTACT},
    {"record-route", 0, HEADER_RECORD_ROUTE},
    {"route", 0, HEADER_ROUTE},
    {"max-forwards", 0, HEADER_MAX_FORWARDS},
    {"content-length", 'l', HEADER_CONTENT_LENGTH},
    {"www-authenticate", 0, HEADER_AUTHENTICATE},
};

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trim(struct span s)
{
    while (s.len && blank(*s.ptr))
        s.ptr++, s.len--;
    while (s.len && blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static enum header header_named(struct span name)
{
    char first = (char)(*name.ptr | 0x20);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (name.len == 1 && names[i].compact == first)
            return names[i].header;
        if (names[i].name[0] == first && strlen(names[i].name) == name.len &&
            strncasecmp(names[i].name, name.ptr, name.len) == 0)
            return names[i].header;
    }
    return HEADER_OTHER;
}

uint32_t scan_decimal(struct span s)
{
    uint64_t value = 0;
    for (size_t i = 0; i < s.len && i < 10 && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++)
        value = value * 10 + (uint64_t)(s.ptr[i] - '0');
    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static bool scan_first_line(struct span line, struct message *m)
{
    if (span_starts(line, SPAN("SIP/2.0 ")) && line.len >= 11) {
        m->status = scan_decimal((struct span){line.ptr + 8, 3});
        return m->status >= 100 && m->status <= 699;
    }
    const char *space = memchr(line.ptr, ' ', line.len);
    long version = span_search(line, SPAN(" SIP/2.0"));
    if (!space || version <= space - line.ptr)
        return false;
    m->method = span_between(line.ptr, space);
    m->uri = span_between(space + 1, line.ptr + version);
    return true;
}

/* End of the line that starts at ptr, folded lines included (RFC 3261 section 7.3.1); NULL when it
 * has none. */
static const char *line_end(const char *ptr, const char *end)
{
    for (;;) {
        const char *newline = memchr(ptr, '\n', (size_t)(end - ptr));
        if (!newline)
            return NULL;
        ptr = newline + 1;
        if (ptr == end || (*ptr != ' ' && *ptr != '\t'))
            return ptr;
    }
}

static bool scan_header(struct span whole, struct message *m)
{
    const char *colon = memchr(whole.ptr, ':', whole.len);
    if (!colon || colon == whole.ptr || m->line_count == SCAN_LINES)
        return false;
    struct line *line = &m->lines[m->line_count++];
    line->header = header_named(trim(span_between(whole.ptr, colon)));
    line->whole = whole;
    line->value = trim(span_between(colon + 1, whole.ptr + whole.len));
    if (m->count[line->header]++ == 0)
        m->first[line->header] = line->value;
    return true;
}

static bool scan_finish(struct message *m, const char *body, const char *end)
{
    struct span cseq = m->first[HEADER_CSEQ];
    const char *space = cseq.len ? memchr(cseq.ptr, ' ', cseq.len) : NULL;
    if (!m->count[HEADER_VIA] || !m->count[HEADER_CALL_ID] || !m->count[HEADER_CONTENT_LENGTH] ||
        !space)
        return false;
    m->cseq = scan_decimal(cseq);
    struct span method = trim(span_between(space, cseq.ptr + cseq.len));
    if (!m->status && !span_equal(method, m->method))
        return false;
    m->method = method;
    m->body = span_between(body, end);
    return scan_decimal(m->first[HEADER_CONTENT_LENGTH]) == m->body.len;
}

bool scan_message(const char *ptr, size_t len, struct message *ret_message)
{
    struct message *m = ret_message;
    const char *end = ptr + len;
    m->whole = (struct span){ptr, len};
    m->status = 0;
    m->line_count = 0;
    memset(m->count, 0, sizeof m->count);
    memset(m->first, 0, sizeof m->first);
    const char *next = line_end(ptr, end);
    if (!next || !scan_first_line(span_between(ptr, next), m))
        return false;
    while (next < end && *next != '\r' && *next != '\n') {
        const char *start = next;
        next = line_end(start, end);
        if (!next || !scan_header(span_between(start, next), m))
            return false;
    }
    if (next < end && *next == '\r')
        next++;
    return next < end && *next == '\n' && scan_finish(m, next + 1, end);
}

struct span scan_parameter(struct span value, struct span name)
{
    const char *bracket = memchr(value.ptr, '>', value.len);
    const char *end = value.ptr + value.len;
    const char *at = bracket ? bracket : value.ptr;
    while ((at = memchr(at, ';', (size_t)(end - at)))) {
        struct span rest = trim(span_between(++at, end));
        if (!span_starts(rest, name))
            continue;
        const char *start = rest.ptr + name.len;
        const char *stop = start;
        while (stop < end && *stop != ';' && *stop != ',' && !blank(*stop))
            stop++;
        return span_between(start, stop);
    }
    return (struct span){end, 0};
}

struct span scan_uri(struct span value)
{
    const char *end = value.ptr + value.len;
    const char *open = memchr(value.ptr, '<', value.len);
    if (open) {
        const char *close = memchr(open, '>', (size_t)(end - open));
        return span_between(open + 1, close ? close : end);
    }
    const char *stop = value.ptr;
    while (stop < end && *stop != ';' && *stop != ',' && !blank(*stop))
        stop++;
    return span_between(value.ptr, stop);
}

struct span scan_list_next(struct span *rest)
{
    bool quoted = false, bracketed = false;
    size_t i;
    for (i = 0; i < rest->len; i++) {
        char c = rest->ptr[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '<' || c == '>'))
            bracketed = c == '<';
        else if (c == ',' && !quoted && !bracketed)
            break;
    }
    size_t used = i < rest->len ? i + 1 : rest->len;
    struct span item = trim((struct span){rest->ptr, i < rest->len ? i : rest->len});
    rest->ptr += used;
    rest->len -= used;
    return item;
}
