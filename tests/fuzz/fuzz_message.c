/* A datagram through parser, check, every value parser and the response to it. */
#include "fuzz/require.h"
#include "sip/message/address.h"
#include "sip/message/credentials.h"
#include "sip/message/cseq.h"
#include "sip/message/frame.h"
#include "sip/message/glance.h"
#include "sip/message/respond.h"
#include "sip/message/via.h"

static struct sip_message msg, again;

static void require_inside(struct slice data)
{
    require(inside(msg.raw, data));
    require(inside(msg.start_line, msg.raw));
    require(inside(msg.method_name, msg.start_line));
    require(inside(msg.uri, msg.start_line));
    require(inside(msg.reason, msg.start_line));
    require(inside(msg.body, msg.raw));
    require(msg.header_count <= SIP_MESSAGE_HEADERS_MAX);
    for (unsigned i = 0; i < msg.header_count; i++) {
        const struct sip_header *header = &msg.headers[i];
        struct slice line = sip_header_line(header);
        struct slice name = slice_of(header->name, header->name_len);
        require(inside(line, data) && name.len > 0);
        require(inside(name, line) && inside(sip_header_value(header), line));
        require(sip_header_lookup(name) == header->id);
    }
}

/* Each line is in the chain of its id, once, in order. */
static void require_chains(void)
{
    unsigned chained = 0;
    for (unsigned id = 0; id < SIP_HEADER_COUNT; id++) {
        const struct sip_header *before = NULL;
        const struct sip_header *header = sip_message_first(&msg, id);
        for (; header != NULL; header = sip_message_next(&msg, header)) {
            require(header->id == id && (before == NULL || header > before));
            before = header;
            chained++;
        }
    }
    require(chained == msg.header_count);
}

/* A message that was taken is its start line, its lines, an empty line and its body. */
static void require_gapless(void)
{
    const char *at = msg.raw.ptr;
    require(msg.start_line.ptr == at);
    at += msg.start_line.len + 2;
    for (unsigned i = 0; i < msg.header_count; i++) {
        require(msg.headers[i].name == at);
        at = msg.headers[i].end;
    }
    require(memcmp(at, "\r\n", 2) == 0 && msg.body.ptr == at + 2);
    require(msg.body.ptr + msg.body.len == msg.raw.ptr + msg.raw.len);
}

/* What the check keeps is what the lines hold. */
static void require_parts(void)
{
    struct sip_values it;
    struct slice top;
    sip_values_init(&it, &msg, SIP_HEADER_VIA);
    require(sip_values_next(&it, &top) && slice_equal(msg.parts.via.value, top));
    require(msg.parts.via.value.ptr == top.ptr && inside(msg.parts.via.branch, top));
    require(inside(msg.parts.from.uri, sip_message_value(&msg, SIP_HEADER_FROM)));
    require(inside(msg.parts.to.tag, sip_message_value(&msg, SIP_HEADER_TO)));
    require(inside(msg.parts.cseq.method_name, sip_message_value(&msg, SIP_HEADER_CSEQ)));
    require(msg.parts.from.uri.len > 0 && msg.parts.to.uri.len > 0);
    require(msg.parts.cseq.method == msg.method && msg.parts.cseq.method_name.len > 0);
}

static void parse_values(void)
{
    for (unsigned id = 0; id < SIP_HEADER_OTHER; id++) {
        struct sip_values it;
        struct slice value;
        sip_values_init(&it, &msg, id);
        while (sip_values_next(&it, &value)) {
            struct sip_via via;
            struct sip_contact contact;
            struct sip_credentials credentials;
            struct sip_cseq cseq;
            require(value.len > 0 && inside(value, sip_header_value(it.line)));
            if (sip_via_parse(value, &via) == 0) {
                require(inside(via.host, value) && inside(via.params, value));
                require(inside(via.branch, via.params) && inside(via.rport_param, via.params));
            }
            if (sip_contact_parse(value, &contact) == 0) {
                require(inside(contact.address.uri, value) && inside(contact.instance, value));
            }
            if (sip_credentials_parse(value, &credentials) == 0) {
                require(inside(credentials.realm, value) && inside(credentials.nonce, value));
            }
            if (sip_cseq_parse(value, &cseq) == 0) {
                require(inside(cseq.method_name, value));
            }
        }
    }
}

/* RFC 3261 section 8.2.6: the response to a request that passed the check passes it too. */
static void require_answer(bool checked)
{
    static char buffer[200000];
    struct address source;
    struct writer w;
    struct sip_fault fault;
    require(address_parse(SLICE("192.0.2.1:5060"), &source) == 0);
    writer_init(&w, buffer, sizeof(buffer));
    struct sip_response response = {
        .status = 404, .to_tag = SLICE("tag"), .source = &source, .record_route = true};
    int rc = sip_response_write(&w, &msg, &response);
    require((rc == 0) == (msg.first[SIP_HEADER_VIA] != SIP_NO_HEADER));
    if (rc == 0 && checked) {
        struct sip_limits wide = {.message = sizeof(buffer), .header_bytes = sizeof(buffer)};
        require(sip_message_parse(writer_slice(&w), &wide, &again, &fault) == 0);
        require(sip_message_check(&again, &fault) == 0);
        require(again.method == msg.method && again.status == 404);
    }
}

/* Of a message that was taken: each line that an answer repeats is seen at a glance, or nothing is.
 */
static void require_glance(struct slice datagram)
{
    static const enum sip_header_id wanted[] = {SIP_HEADER_VIA, SIP_HEADER_FROM, SIP_HEADER_TO,
                                                SIP_HEADER_CALL_ID, SIP_HEADER_CSEQ};
    if (!sip_message_glance(datagram, &again)) {
        return;
    }
    require(again.method == msg.method && slice_equal(again.uri, msg.uri));
    for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        const struct sip_header *a = sip_message_first(&again, wanted[i]);
        const struct sip_header *b = sip_message_first(&msg, wanted[i]);
        while (a != NULL && b != NULL) {
            require(a->name == b->name && a->value == b->value && a->end == b->end);
            a = sip_message_next(&again, a);
            b = sip_message_next(&msg, b);
        }
        require(a == NULL && b == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice datagram = slice_of((const char *)data, size);
    datagram = slice_from(datagram, sip_frame_skip_crlf(datagram));
    struct sip_fault fault = {0, NULL};
    int rc = sip_message_parse(datagram, NULL, &msg, &fault);
    require((rc == 0) == (fault.reason == NULL));
    require_inside(datagram);
    require_chains();
    parse_values();
    bool checked = false;
    if (rc == 0) {
        require_gapless();
        require(sip_message_parse(msg.raw, NULL, &again, &fault) == 0);
        require(again.header_count == msg.header_count && slice_equal(again.raw, msg.raw));
        require_glance(datagram);
        checked = sip_message_check(&msg, &fault) == 0;
        if (checked) {
            require_parts();
        }
    }
    if (msg.is_request) {
        require_answer(checked);
    }
    return 0;
}
