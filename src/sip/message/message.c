#include "sip/message/message.h"

#include "base/error.h"
#include "sip/message/chars.h"
#include "sip/message/limits.h"
#include "sip/message/line.h"
#include "sip/message/start_line.h"

struct parser {
    struct sip_message *msg;
    struct sip_limits limits;
    const char *at;
    const char *end;
    size_t list_bytes; /* of list headers, one more for each line */
    int error;         /* 0, or that of the first fault */
    struct sip_fault fault;
};

/* The first fault is the one that is told; the scan goes on, so that the request can be answered.
 */
static void blame(struct parser *p, int error, uint16_t status, const char *reason)
{
    if (p->error == 0) {
        p->error = error;
        p->fault = (struct sip_fault){status, reason};
    }
}

static void blame_syntax(struct parser *p, const char *reason)
{
    blame(p, ERR_SYNTAX, 400, reason);
}

static void reset(struct sip_message *msg, struct slice data)
{
    const char *end = data.ptr + data.len;
    msg->raw = data;
    msg->start_line = slice_of(data.ptr, 0);
    msg->is_request = true;
    msg->method = SIP_METHOD_OTHER;
    msg->status = 0;
    msg->header_count = 0;
    msg->method_name = SLICE_NULL;
    msg->uri = SLICE_NULL;
    msg->reason = SLICE_NULL;
    msg->body = slice_of(end, 0);
    msg->parts = (struct sip_parts){0};
    msg->transaction[0] = msg->transaction[1] = 0;
    memset(msg->first, SIP_NO_HEADER, sizeof(msg->first));
}

static void parse_start_line(struct parser *p)
{
    struct sip_line line;
    if (sip_line_next(p->at, p->end, false, &line) < 0) {
        blame_syntax(p, "Bad Request - Start line does not end");
        p->at = p->end;
        return;
    }
    p->at = line.end;
    p->msg->start_line = slice_between(line.start, line.stop);
    if (line.flaws != 0) {
        blame_syntax(p, "Bad Request - Control character in start line");
        return;
    }
    struct sip_fault fault;
    int rc = sip_start_line_parse(p->msg, p->limits.uri, &fault);
    if (rc < 0) {
        blame(p, rc, fault.status, fault.reason);
    }
}

/* Sorts the line in under its id. */
static void add_header(struct parser *p, const struct sip_line *line, struct slice name,
                       struct slice value)
{
    struct sip_message *msg = p->msg;
    enum sip_header_id id = sip_header_lookup(name);
    /* The names in the table are tokens. */
    if (id == SIP_HEADER_OTHER && !(name.len > 0 && sip_all(name, SIP_CHAR_TOKEN))) {
        blame_syntax(p, "Bad Request - Malformed header name");
        return;
    }
    unsigned flags = sip_header_flags(id);
    uint8_t index = (uint8_t)msg->header_count;
    if (msg->first[id] == SIP_NO_HEADER) {
        msg->first[id] = index;
    } else {
        msg->headers[msg->last[id]].next = index;
        if (flags & SIP_HEADER_SINGLE) {
            /* RFC 3261 section 7.3.1; RFC 4475 section 3.3.8 */
            blame_syntax(p, "Bad Request - A header that may stand once is there twice");
        }
    }
    msg->last[id] = index;
    struct sip_header *header = &msg->headers[index];
    header->name = name.ptr;
    header->value = value.ptr;
    header->end = line->end;
    header->value_len = (uint32_t)value.len;
    header->name_len = (uint16_t)name.len;
    header->id = (uint8_t)id;
    header->next = SIP_NO_HEADER;
    msg->header_count++;
    if (flags & SIP_HEADER_LIST) {
        p->list_bytes += value.len + 1;
    }
}

static void parse_header_line(struct parser *p, const struct sip_line *line)
{
    struct slice name;
    struct slice value;
    if (line->flaws & SIP_LINE_BARE) {
        /* Another element may take it for a line end and see another message. */
        blame_syntax(p, "Bad Request - CR or LF alone in header section");
    } else if ((size_t)(line->end - line->start) > p->limits.header_bytes) {
        blame(p, ERR_LIMIT, 400, "Bad Request - Header line too long");
    } else if (p->msg->header_count >= p->limits.headers) {
        blame(p, ERR_LIMIT, 400, "Bad Request - Too many header lines");
    } else if (sip_line_split(line, &name, &value) < 0) {
        blame_syntax(p, "Bad Request - Header line without colon");
    } else if (name.len > UINT16_MAX) {
        blame(p, ERR_LIMIT, 400, "Bad Request - Header name too long");
    } else if (line->flaws != 0 && !sip_line_controls_escaped(value)) {
        blame_syntax(p, "Bad Request - Control character in header");
    } else {
        add_header(p, line, name, value);
    }
}

/* True when the empty line was there: p->at is then behind it. */
static bool parse_headers(struct parser *p)
{
    struct sip_line line;
    for (;;) {
        if (p->end - p->at >= 2 && p->at[0] == '\r' && p->at[1] == '\n') {
            p->at += 2;
            return true;
        }
        if (sip_line_next(p->at, p->end, true, &line) < 0) {
            blame_syntax(p, "Bad Request - No empty line after the headers");
            return false;
        }
        parse_header_line(p, &line);
        p->at = line.end;
    }
}

/* RFC 3261 section 18.3: what follows Content-Length bytes in a datagram is no part of the message;
 * without the header the body goes to the end of the datagram. */
static void parse_body(struct parser *p)
{
    size_t length = (size_t)(p->end - p->at);
    uint32_t stated;
    int rc = sip_message_content_length(p->msg, &stated);
    if (rc == 0 && stated <= length) {
        length = stated;
    } else if (rc == 0 || rc == ERR_RANGE) {
        blame_syntax(p, "Bad Request - Body is shorter than Content-Length");
    } else if (rc != ERR_NOT_FOUND) {
        blame_syntax(p, "Bad Request - Malformed Content-Length");
    }
    if (length > p->limits.body) {
        blame(p, ERR_LIMIT, 413, "Request Entity Too Large");
    }
    p->msg->body = slice_of(p->at, length);
    p->msg->raw = slice_between(p->msg->raw.ptr, p->at + length);
}

/* A value and its comma take two bytes at least: most messages are too short to hold too many. */
static void check_value_counts(struct parser *p)
{
    if (p->list_bytes < 2 * ((size_t)p->limits.values + 1)) {
        return;
    }
    for (unsigned id = 0; id < SIP_HEADER_OTHER; id++) {
        if (!(sip_header_flags(id) & SIP_HEADER_LIST) || p->msg->first[id] == SIP_NO_HEADER) {
            continue;
        }
        struct sip_values it;
        struct slice value;
        size_t count = 0;
        sip_values_init(&it, p->msg, id);
        while (sip_values_next(&it, &value)) {
            count++;
        }
        if (count > p->limits.values) {
            blame(p, ERR_LIMIT, 400, "Bad Request - Too many values in one header");
            return;
        }
    }
}

int sip_message_parse(struct slice data, const struct sip_limits *limits, struct sip_message *msg,
                      struct sip_fault *ret_fault)
{
    struct parser p = {.msg = msg, .limits = sip_limits_or_defaults(limits)};
    if (data.len > p.limits.message) {
        blame(&p, ERR_LIMIT, 513, "Message Too Large");
        data.len = p.limits.message;
    }
    reset(msg, data);
    p.at = data.ptr;
    p.end = data.ptr + data.len;
    parse_start_line(&p);
    if (parse_headers(&p)) {
        parse_body(&p);
        check_value_counts(&p);
    }
    if (p.error != 0) {
        *ret_fault = p.fault;
        ret_fault->status = sip_message_can_be_answered(msg) ? p.fault.status : 0;
    }
    return p.error;
}
