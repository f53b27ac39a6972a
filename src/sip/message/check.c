#include "base/error.h"
#include "sip/message/address.h"
#include "sip/message/chars.h"
#include "sip/message/cseq.h"
#include "sip/message/message.h"
#include "sip/message/start_line.h"
#include "sip/message/via.h"

/* The first fault, or NULL; the status is 400 unless said otherwise. */
struct verdict {
    const char *reason;
    uint16_t status;
};

static struct verdict bad(const char *reason)
{
    return (struct verdict){reason, 400};
}

static const struct verdict good = {NULL, 0};

/* RFC 3261 section 8.1.1.7: every Via counts, since responses travel along all of them. */
static struct verdict check_via(struct sip_message *msg)
{
    struct sip_values it;
    struct slice value;
    struct sip_via below;
    unsigned count = 0;
    sip_values_init(&it, msg, SIP_HEADER_VIA);
    while (sip_values_next(&it, &value)) {
        if (sip_via_parse(value, count++ == 0 ? &msg->parts.via : &below) < 0) {
            return bad("Bad Request - Malformed Via");
        }
    }
    return count == 0 ? bad("Bad Request - Via missing") : good;
}

/* RFC 3261 section 8.1.1.5; RFC 4475 sections 3.1.2.4, 3.1.2.17, 3.1.2.18. */
static struct verdict check_cseq(struct sip_message *msg)
{
    struct sip_cseq cseq;
    if (sip_message_first(msg, SIP_HEADER_CSEQ) == NULL) {
        return bad("Bad Request - CSeq missing");
    }
    int rc = sip_cseq_parse(sip_message_value(msg, SIP_HEADER_CSEQ), &cseq);
    if (rc < 0) {
        return bad(rc == ERR_RANGE ? "Bad Request - CSeq number over 2^32-1"
                                   : "Bad Request - Malformed CSeq");
    }
    msg->parts.cseq = cseq;
    if (!msg->is_request) {
        msg->method = (uint8_t)cseq.method;
        return good;
    }
    if (slice_equal(cseq.method_name, msg->method_name)) {
        return good;
    }
    return msg->method == SIP_METHOD_OTHER
               ? (struct verdict){"Not Implemented - Unknown method that CSeq does not name", 501}
               : bad("Bad Request - CSeq names another method");
}

/* A second tag would let two elements see two dialogs, one without value would get a second from us
 * (RFC 3261 sections 7.3.1, 25.1). */
static bool read_party(const struct sip_message *msg, enum sip_header_id id,
                       struct sip_address *ret_party)
{
    struct sip_address party;
    if (sip_address_parse(sip_message_value(msg, id), false, &party) < 0 || party.bad_tag) {
        return false;
    }
    *ret_party = party;
    return true;
}

/* RFC 3261 sections 8.1.1.2, 8.1.1.3. A From tag may lack: RFC 2543 (RFC 4475 section 3.4.1). */
static struct verdict check_parties(struct sip_message *msg)
{
    if (sip_message_first(msg, SIP_HEADER_FROM) == NULL) {
        return bad("Bad Request - From missing");
    }
    if (sip_message_first(msg, SIP_HEADER_TO) == NULL) {
        return bad("Bad Request - To missing");
    }
    if (!read_party(msg, SIP_HEADER_FROM, &msg->parts.from)) {
        return bad("Bad Request - Malformed From");
    }
    return read_party(msg, SIP_HEADER_TO, &msg->parts.to) ? good
                                                          : bad("Bad Request - Malformed To");
}

/* Past a word; '=' counts as a part of it, since Call-IDs in base64 are seen. */
static const char *past_word(const char *at, const char *end)
{
    for (;;) {
        at = sip_span(at, end, SIP_CHAR_WORD);
        if (at == end || *at != '=') {
            return at;
        }
        at++;
    }
}

/* callid = word [ "@" word ] */
static struct verdict check_call_id(const struct sip_message *msg)
{
    struct slice value = sip_message_value(msg, SIP_HEADER_CALL_ID);
    if (sip_message_first(msg, SIP_HEADER_CALL_ID) == NULL) {
        return bad("Bad Request - Call-ID missing");
    }
    const char *end = value.ptr + value.len;
    const char *past = past_word(value.ptr, end);
    if (past > value.ptr && past < end && *past == '@') {
        const char *second = past + 1;
        past = past_word(second, end);
        if (past == second) {
            return bad("Bad Request - Malformed Call-ID");
        }
    }
    return value.len > 0 && past == end ? good : bad("Bad Request - Malformed Call-ID");
}

/* RFC 3261 section 20.22. */
static struct verdict check_max_forwards(const struct sip_message *msg)
{
    const struct sip_header *line = sip_message_first(msg, SIP_HEADER_MAX_FORWARDS);
    uint32_t hops;
    if (line == NULL || !msg->is_request) {
        return good;
    }
    int rc = slice_to_u32(sip_header_value(line), 255, &hops);
    if (rc == 0) {
        return good;
    }
    return bad(rc == ERR_RANGE ? "Bad Request - Max-Forwards over 255"
                               : "Bad Request - Malformed Max-Forwards");
}

/* RFC 3261 section 20.10; "*" is for REGISTER (section 10.2.2). */
static struct verdict check_contact(const struct sip_message *msg)
{
    bool star = msg->is_request && msg->method == SIP_REGISTER;
    struct sip_values it;
    struct slice value;
    struct sip_address address;
    sip_values_init(&it, msg, SIP_HEADER_CONTACT);
    while (sip_values_next(&it, &value)) {
        if (sip_address_parse(value, star, &address) < 0) {
            return bad("Bad Request - Malformed Contact");
        }
    }
    return good;
}

/* Headers in a SIP or SIPS Request-URI (RFC 3261 section 19.1.1 table 1, RFC 4475
 * section 3.1.2.11); a '?' before the '@' is part of the user. */
static struct verdict check_request_uri(const struct sip_message *msg)
{
    const char *end = msg->uri.ptr + msg->uri.len;
    const char *mark = memchr(msg->uri.ptr, '?', msg->uri.len);
    if (mark == NULL || !(slice_starts_with_nocase(msg->uri, SLICE("sip:")) ||
                          slice_starts_with_nocase(msg->uri, SLICE("sips:")))) {
        return good;
    }
    const char *at = memchr(mark, '@', (size_t)(end - mark));
    if (at != NULL && memchr(at, '?', (size_t)(end - at)) == NULL) {
        return good;
    }
    return bad("Bad Request - Headers in Request-URI");
}

static struct verdict check_all(struct sip_message *msg)
{
    struct verdict verdict = check_via(msg);
    if (verdict.reason == NULL) {
        verdict = check_cseq(msg);
    }
    if (verdict.reason == NULL) {
        verdict = check_parties(msg);
    }
    if (verdict.reason == NULL) {
        verdict = check_call_id(msg);
    }
    if (verdict.reason == NULL) {
        verdict = check_max_forwards(msg);
    }
    if (verdict.reason == NULL) {
        verdict = check_contact(msg);
    }
    if (verdict.reason == NULL && msg->is_request) {
        verdict = check_request_uri(msg);
    }
    return verdict;
}

int sip_message_check(struct sip_message *msg, struct sip_fault *ret_fault)
{
    struct verdict verdict = sip_start_line_is_sip2(msg)
                                 ? check_all(msg)
                                 : (struct verdict){"Version Not Supported", 505};
    if (verdict.reason == NULL) {
        return 0;
    }
    *ret_fault =
        (struct sip_fault){sip_message_can_be_answered(msg) ? verdict.status : 0, verdict.reason};
    return ERR_SYNTAX;
}
