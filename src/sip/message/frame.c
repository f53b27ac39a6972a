#include "sip/message/frame.h"

#include "base/error.h"
#include "sip/message/limits.h"
#include "sip/message/line.h"

/* In *scanned: the rest is the length of the whole message, known from its header. */
#define WHOLE_LENGTH ((size_t)1 << (sizeof(size_t) * 8 - 1))

static struct sip_frame more(void)
{
    return (struct sip_frame){.kind = SIP_FRAME_MORE};
}

static struct sip_frame take(enum sip_frame_kind kind, size_t length)
{
    return (struct sip_frame){.kind = kind, .length = length};
}

static struct sip_frame refuse(size_t length, uint16_t status, const char *reason)
{
    return (struct sip_frame){SIP_FRAME_BAD, length, {status, reason}};
}

/* Between messages: RFC 5626 section 4.4.1. A lone CRLF does not wait for another: many senders end
 * a message or keep a connection alive with one. */
static struct sip_frame keep_alive(struct slice buffered)
{
    static const char ping[4] = "\r\n\r\n";
    size_t common = 1;
    while (common < buffered.len && common < sizeof(ping) && buffered.ptr[common] == ping[common]) {
        common++;
    }
    if (common == sizeof(ping)) {
        return take(SIP_FRAME_PING, sizeof(ping));
    }
    if (common != 2 && common == buffered.len) {
        return more();
    }
    return common >= 2 ? take(SIP_FRAME_PONG, 2) : refuse(0, 0, "CR alone between messages");
}

/* Offset behind the empty line, or 0; from is where the search goes on. */
static size_t find_header_end(struct slice buffered, size_t from)
{
    const char *end = buffered.ptr + buffered.len;
    const char *at = buffered.ptr + (from > 3 ? from - 3 : 0);
    while (end - at >= 4 && (at = memchr(at, '\r', (size_t)(end - at - 3))) != NULL) {
        if (memcmp(at, "\r\n\r\n", 4) == 0) {
            return (size_t)(at + 4 - buffered.ptr);
        }
        at++;
    }
    return 0;
}

/* The Content-Length of a whole header section; the same lines that sip_message_parse will see. */
static int find_content_length(struct slice header, uint32_t *ret_length)
{
    const char *end = header.ptr + header.len;
    struct sip_line line;
    int rc = sip_line_next(header.ptr, end, false, &line);
    bool found = false;
    uint32_t length = 0;
    while (rc == 0 && line.end < end - 2) {
        struct slice name;
        struct slice value;
        uint32_t other;
        rc = sip_line_next(line.end, end, true, &line);
        if (rc < 0 || sip_line_split(&line, &name, &value) < 0 ||
            sip_header_lookup(name) != SIP_HEADER_CONTENT_LENGTH) {
            continue;
        }
        rc = slice_to_u32(value, UINT32_MAX, &other);
        if (rc == 0 && found && other != length) {
            return ERR_CONFLICT;
        }
        found = true;
        length = other;
    }
    if (rc < 0) {
        return rc;
    }
    *ret_length = length;
    return found ? 0 : ERR_NOT_FOUND;
}

/* RFC 3261 sections 18.3, 20.14; RFC 4475 sections 3.1.2.3, 3.3.9. */
static struct sip_frame frame_message(struct slice header, const struct sip_limits *limits)
{
    uint32_t length;
    switch (find_content_length(header, &length)) {
    case 0: break;
    case ERR_NOT_FOUND:
        return refuse(header.len, 400, "Bad Request - Content-Length missing on a stream");
    case ERR_CONFLICT: return refuse(header.len, 400, "Bad Request - Content-Length lines differ");
    case ERR_RANGE: return refuse(header.len, 413, "Request Entity Too Large");
    default: return refuse(header.len, 400, "Bad Request - Malformed Content-Length");
    }
    if (length > limits->body) {
        return refuse(header.len, 413, "Request Entity Too Large");
    }
    if (header.len + length > limits->message) {
        return refuse(header.len, 513, "Message Too Large");
    }
    return take(SIP_FRAME_MESSAGE, header.len + length);
}

struct sip_frame sip_frame_next(struct slice buffered, const struct sip_limits *limits,
                                size_t *scanned)
{
    if (buffered.len == 0) {
        return more();
    }
    if (buffered.ptr[0] == '\r') {
        return keep_alive(buffered);
    }
    if (*scanned & WHOLE_LENGTH) {
        size_t length = *scanned & ~WHOLE_LENGTH;
        return buffered.len < length ? more() : take(SIP_FRAME_MESSAGE, length);
    }
    struct sip_limits bounds = sip_limits_or_defaults(limits);
    size_t header = find_header_end(buffered, *scanned);
    if (header == 0 || header > bounds.message) {
        *scanned = buffered.len;
        return buffered.len > bounds.message ? refuse(header, 513, "Message Too Large") : more();
    }
    struct sip_frame frame = frame_message(slice_of(buffered.ptr, header), &bounds);
    if (frame.kind == SIP_FRAME_MESSAGE && frame.length > buffered.len) {
        *scanned = frame.length | WHOLE_LENGTH;
        return more();
    }
    return frame;
}

size_t sip_frame_skip_crlf(struct slice datagram)
{
    size_t at = 0;
    while (at < datagram.len && (datagram.ptr[at] == '\r' || datagram.ptr[at] == '\n')) {
        at++;
    }
    return at;
}
