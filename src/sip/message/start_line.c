#include "sip/message/start_line.h"

#include "base/error.h"
#include "sip/message/chars.h"

static int refuse(int error, uint16_t status, const char *reason, struct sip_fault *ret_fault)
{
    *ret_fault = (struct sip_fault){status, reason};
    return error;
}

static bool starts_as_version(struct slice s)
{
    return s.len >= 4 && (s.ptr[0] | 0x20) == 's' && (s.ptr[1] | 0x20) == 'i' &&
           (s.ptr[2] | 0x20) == 'p' && s.ptr[3] == '/';
}

/* Past SIP-Version = "SIP" "/" 1*DIGIT "." 1*DIGIT, or NULL. */
static const char *past_version(struct slice s)
{
    if (!starts_as_version(s)) {
        return NULL;
    }
    const char *end = s.ptr + s.len;
    const char *major = s.ptr + 4;
    const char *dot = sip_span(major, end, SIP_CHAR_DIGIT);
    if (dot == major || dot == end || *dot != '.') {
        return NULL;
    }
    const char *past = sip_span(dot + 1, end, SIP_CHAR_DIGIT);
    return past == dot + 1 ? NULL : past;
}

/* Request-Line = Method SP Request-URI SP SIP-Version: single blanks and nothing after, so that
 * nothing else is ever forwarded (RFC 4475 sections 3.1.2.7 to 3.1.2.10). */
static int parse_request_line(struct sip_message *msg, uint32_t uri_max,
                              struct sip_fault *ret_fault)
{
    const char *end = msg->start_line.ptr + msg->start_line.len;
    const char *at = msg->start_line.ptr;
    const char *past = sip_span(at, end, SIP_CHAR_TOKEN);
    if (past == at || past == end || *past != ' ') {
        return refuse(ERR_SYNTAX, 400, "Bad Request - Malformed request line", ret_fault);
    }
    msg->method_name = slice_between(at, past);
    msg->method = (uint8_t)sip_method_lookup(msg->method_name);
    at = past + 1;
    past = sip_span(at, end, SIP_CHAR_URI);
    if (past == at || !sip_char_is(*at, SIP_CHAR_ALPHA) || past == end || *past != ' ') {
        return refuse(ERR_SYNTAX, 400, "Bad Request - Malformed Request-URI", ret_fault);
    }
    if ((size_t)(past - at) > uri_max) {
        return refuse(ERR_LIMIT, 414, "Request-URI Too Long", ret_fault);
    }
    msg->uri = slice_between(at, past);
    if (past_version(slice_between(past + 1, end)) != end) {
        return refuse(ERR_SYNTAX, 400, "Bad Request - Malformed end of request line", ret_fault);
    }
    return 0;
}

/* Status-Line = SIP-Version SP 3DIGIT SP Reason-Phrase. The SP before an empty reason is often
 * forgotten and not insisted on. */
static int parse_status_line(struct sip_message *msg, struct sip_fault *ret_fault)
{
    const char *end = msg->start_line.ptr + msg->start_line.len;
    const char *at = past_version(msg->start_line);
    if (at == NULL || end - at < 4 || *at != ' ') {
        return refuse(ERR_SYNTAX, 0, "Malformed status line", ret_fault);
    }
    at++;
    const char *past = sip_span(at, end, SIP_CHAR_DIGIT);
    if (past - at != 3 || *at < '1' || *at > '6' || (past < end && *past != ' ')) {
        return refuse(ERR_SYNTAX, 0, "Status code is not one of 100 to 699", ret_fault);
    }
    msg->status = (uint16_t)((at[0] - '0') * 100 + (at[1] - '0') * 10 + (at[2] - '0'));
    msg->reason = past < end ? slice_between(past + 1, end) : slice_between(end, end);
    return 0;
}

int sip_start_line_parse(struct sip_message *msg, uint32_t uri_max, struct sip_fault *ret_fault)
{
    msg->is_request = !starts_as_version(msg->start_line);
    return msg->is_request ? parse_request_line(msg, uri_max, ret_fault)
                           : parse_status_line(msg, ret_fault);
}

bool sip_start_line_is_sip2(const struct sip_message *msg)
{
    return msg->is_request ? slice_ends_with_nocase(msg->start_line, SLICE(" SIP/2.0"))
                           : slice_starts_with_nocase(msg->start_line, SLICE("SIP/2.0 "));
}
