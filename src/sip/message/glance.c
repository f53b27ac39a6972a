#include "sip/message/glance.h"

#include "base/ascii.h"
#include "sip/message/line.h"

#define LINES_MAX 64u

/* The first eight bytes of a line, letters in lower case, the first in the lowest byte. */
static uint64_t word_at(const char *p, const char *end)
{
    uint64_t word = end - p >= 8 ? ascii_load8(p) : ascii_load_tail(p, (size_t)(end - p));
    return word | UINT64_C(0x2020202020202020);
}

#define UNSURE SIP_HEADER_COUNT /* left to the parser */

/* A name as word_at reads it. */
#define NAME2(a, b)       ((uint64_t)(a) | (uint64_t)(b) << 8)
#define NAME4(a, b, c, d) (NAME2(a, b) | NAME2(c, d) << 16)
#define MASK(length)      ((UINT64_C(1) << 8 * (length)) - 1)

/* id when the line has that name. HCOLON = *( SP / HTAB ) ":" SWS: blanks behind a name are rare.
 */
static inline unsigned match(uint64_t word, unsigned length, uint64_t name, enum sip_header_id id)
{
    if ((word & MASK(length)) != name) {
        return SIP_HEADER_OTHER;
    }
    char next = (char)(word >> 8 * length);
    if (next == ':') {
        return id;
    }
    return next == ' ' || next == ('\t' | ' ') ? UNSURE : SIP_HEADER_OTHER;
}

static unsigned name_of(uint64_t word)
{
    static const uint64_t via = NAME4('v', 'i', 'a', 0), from = NAME4('f', 'r', 'o', 'm'),
                          to = NAME2('t', 'o'), cseq = NAME4('c', 's', 'e', 'q'),
                          call_id = NAME4('c', 'a', 'l', 'l') | (uint64_t)NAME4('-', 'i', 'd', 0)
                                                                    << 32;
    char first = (char)word, second = (char)(word >> 8);
    switch (first) {
    case 'v':
        return second == 'i' ? match(word, 3, via, SIP_HEADER_VIA)
                             : match(word, 1, 'v', SIP_HEADER_VIA);
    case 'f':
        return second == 'r' ? match(word, 4, from, SIP_HEADER_FROM)
                             : match(word, 1, 'f', SIP_HEADER_FROM);
    case 't':
        return second == 'o' ? match(word, 2, to, SIP_HEADER_TO)
                             : match(word, 1, 't', SIP_HEADER_TO);
    case 'i': return match(word, 1, 'i', SIP_HEADER_CALL_ID);
    case 'c':
        return second == 's' ? match(word, 4, cseq, SIP_HEADER_CSEQ)
                             : match(word, 7, call_id, SIP_HEADER_CALL_ID);
    default: return SIP_HEADER_OTHER;
    }
}

static bool add(struct sip_message *msg, enum sip_header_id id, const struct sip_line *line)
{
    struct slice name, value;
    uint8_t index = (uint8_t)msg->header_count;
    if (sip_line_split(line, &name, &value) < 0) {
        return false;
    }
    if (msg->first[id] == SIP_NO_HEADER) {
        msg->first[id] = index;
    } else if (id != SIP_HEADER_VIA) {
        return false;
    } else {
        msg->headers[msg->last[id]].next = index;
    }
    msg->last[id] = index;
    msg->headers[index] = (struct sip_header){.name = name.ptr,
                                              .value = value.ptr,
                                              .end = line->end,
                                              .value_len = (uint32_t)value.len,
                                              .name_len = (uint16_t)name.len,
                                              .id = (uint8_t)id,
                                              .next = SIP_NO_HEADER};
    msg->header_count++;
    return true;
}

/* Method SP Request-URI SP SIP/2.0 */
static bool take_start_line(struct sip_message *msg, const struct sip_line *line)
{
    static const struct slice version = SLICE_LITERAL(" SIP/2.0");
    struct slice text = slice_between(line->start, line->stop);
    size_t method = *text.ptr == 'I' ? 6 : 3;
    if (line->flaws != 0 || text.len <= method + 1 + version.len ||
        !slice_equal(slice_from(text, text.len - version.len), version)) {
        return false;
    }
    msg->start_line = text;
    msg->method = method == 6 ? SIP_INVITE : SIP_ACK;
    msg->method_name = slice_of(text.ptr, method);
    msg->uri = slice_between(text.ptr + method + 1, line->stop - version.len);
    return memchr(msg->uri.ptr, ' ', msg->uri.len) == NULL;
}

static void reset(struct sip_message *msg, struct slice data)
{
    msg->raw = data;
    msg->is_request = true;
    msg->status = 0;
    msg->header_count = 0;
    msg->reason = SLICE_NULL;
    msg->body = slice_of(data.ptr + data.len, 0);
    msg->parts = (struct sip_parts){0};
    msg->transaction[0] = msg->transaction[1] = 0;
    memset(msg->first, SIP_NO_HEADER, sizeof(msg->first));
}

static bool take_lines(struct sip_message *msg, const char *at, const char *end)
{
    struct sip_line line;
    for (unsigned count = 0; count < LINES_MAX; count++) {
        if (end - at >= 2 && at[0] == '\r' && at[1] == '\n') {
            return true;
        }
        if (sip_line_next(at, end, true, &line) < 0 || line.flaws != 0) {
            return false;
        }
        unsigned id = name_of(word_at(line.start, line.stop));
        if (id == UNSURE || (id != SIP_HEADER_OTHER && !add(msg, (enum sip_header_id)id, &line))) {
            return false;
        }
        at = line.end;
    }
    return false;
}

bool sip_message_glance(struct slice data, struct sip_message *msg)
{
    struct sip_line line;
    if (!slice_starts_with(data, SLICE("INVITE ")) && !slice_starts_with(data, SLICE("ACK "))) {
        return false;
    }
    const char *end = data.ptr + data.len;
    if (sip_line_next(data.ptr, end, false, &line) < 0) {
        return false;
    }
    reset(msg, data);
    return take_start_line(msg, &line) && take_lines(msg, line.end, end) &&
           msg->first[SIP_HEADER_VIA] != SIP_NO_HEADER &&
           msg->first[SIP_HEADER_FROM] != SIP_NO_HEADER &&
           msg->first[SIP_HEADER_TO] != SIP_NO_HEADER &&
           msg->first[SIP_HEADER_CALL_ID] != SIP_NO_HEADER &&
           msg->first[SIP_HEADER_CSEQ] != SIP_NO_HEADER;
}

bool sip_message_glance_parts(struct sip_message *msg)
{
    struct sip_parts *parts = &msg->parts;
    struct slice vias = sip_message_value(msg, SIP_HEADER_VIA), top;
    return sip_list_next(&vias, &top) && sip_via_parse(top, &parts->via) == 0 &&
           sip_address_parse(sip_message_value(msg, SIP_HEADER_FROM), false, &parts->from) == 0 &&
           sip_address_parse(sip_message_value(msg, SIP_HEADER_TO), false, &parts->to) == 0 &&
           sip_cseq_parse(sip_message_value(msg, SIP_HEADER_CSEQ), &parts->cseq) == 0 &&
           slice_equal(parts->cseq.method_name, msg->method_name) && !parts->from.bad_tag &&
           !parts->to.bad_tag;
}
