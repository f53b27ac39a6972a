#include "sip/message/respond.h"

#include "base/error.h"
#include "sip/message/address.h"
#include "sip/message/number.h"
#include "sip/message/via.h"

/* RFC 3261 section 18.2.1: a sent-by that is a name, or another address than the source. */
static bool needs_received(const struct sip_via *via, const struct address *source)
{
    struct address sent_by;
    return address_parse_host(via->host, 0, &sent_by) < 0 || !address_equal_host(&sent_by, source);
}

/* All of value but received and rport, which the receiver sets. */
static void write_without_received(struct writer *w, const struct sip_via *via)
{
    writer_put(w, slice_between(via->value.ptr, via->params.ptr));
    struct slice rest = via->params;
    struct slice at = rest;
    struct sip_param param;
    while (sip_param_next(&rest, &param) > 0) {
        if (!slice_equal_nocase(param.name, SLICE("received")) &&
            !slice_equal_nocase(param.name, SLICE("rport"))) {
            writer_put(w, slice_between(at.ptr, rest.ptr));
        }
        at = rest;
    }
}

/* The top Via as sip_message_check read it, else as it is read now; a malformed one has a value
 * only. False: there is none. */
static bool read_top_via(const struct sip_message *request, struct sip_via *ret_via)
{
    struct sip_values values;
    struct slice top;
    *ret_via = request->parts.via;
    if (ret_via->value.len > 0) {
        return true;
    }
    sip_values_init(&values, request, SIP_HEADER_VIA);
    if (!sip_values_next(&values, &top)) {
        return false;
    }
    if (sip_via_parse(top, ret_via) < 0) {
        *ret_via = (struct sip_via){.value = top};
    }
    return true;
}

/* What the sender wrote as received goes: it is we who know. */
static void write_anew(struct writer *w, const struct sip_via *via, const struct address *from)
{
    write_without_received(w, via);
    if (via->rport || needs_received(via, from)) {
        writer_literal(w, ";received=");
        address_write_host(w, from, false);
    }
    if (via->rport) {
        writer_literal(w, ";rport=");
        writer_u64(w, address_port(from));
    }
}

static void write_received(struct writer *w, const struct sip_via *via,
                           const struct address *source)
{
    struct address from = *source;
    address_unmap(&from);
    if (via->host.len == 0) {
        writer_put(w, via->value); /* malformed */
        return;
    }
    if (via->received.len > 0) {
        write_anew(w, via, &from);
        return;
    }
    if (!via->rport) {
        writer_put(w, via->value);
        if (needs_received(via, &from)) {
            writer_literal(w, ";received=");
            address_write_host(w, &from, false);
        }
        return;
    }
    const char *past_rport = via->rport_param.ptr + via->rport_param.len;
    writer_put(w, slice_between(via->value.ptr, via->rport_param.ptr));
    writer_literal(w, "rport=");
    writer_u64(w, address_port(&from));
    writer_literal(w, ";received=");
    address_write_host(w, &from, false);
    writer_put(w, slice_between(past_rport, via->value.ptr + via->value.len));
}

void sip_via_write_received(struct writer *w, const struct sip_message *request,
                            const struct address *source)
{
    struct sip_via via;
    if (read_top_via(request, &via)) {
        write_received(w, &via, source);
    }
}

static void write_lines(struct writer *w, const struct sip_message *request, enum sip_header_id id)
{
    const struct sip_header *line = sip_message_first(request, id);
    for (; line != NULL; line = sip_message_next(request, line)) {
        writer_put(w, sip_header_line(line));
    }
}

/* The first line only: of a header that may stand once, a refused request may hold several. */
static void write_line(struct writer *w, const struct sip_message *request, enum sip_header_id id)
{
    const struct sip_header *line = sip_message_first(request, id);
    if (line != NULL) {
        writer_put(w, sip_header_line(line));
    }
}

/* RFC 3261 section 8.2.6.2: all Via in their order. */
static void write_vias(struct writer *w, const struct sip_message *request,
                       const struct address *source)
{
    struct sip_via via = {0};
    if (source == NULL || !read_top_via(request, &via)) {
        write_lines(w, request, SIP_HEADER_VIA);
        return;
    }
    const char *top_end = via.value.ptr + via.value.len;
    for (const struct sip_header *line = sip_message_first(request, SIP_HEADER_VIA); line != NULL;
         line = sip_message_next(request, line)) {
        if (via.value.ptr < line->name || via.value.ptr >= line->end) {
            writer_put(w, sip_header_line(line));
            continue;
        }
        writer_put(w, slice_between(line->name, via.value.ptr));
        write_received(w, &via, source);
        writer_put(w, slice_between(top_end, line->end));
    }
}

/* RFC 3261 section 8.2.6.2: a tag is added where none is. What cannot be read stays as it is. */
static void write_to(struct writer *w, const struct sip_message *request,
                     const struct sip_response *response)
{
    const struct sip_header *line = sip_message_first(request, SIP_HEADER_TO);
    struct sip_address to = request->parts.to;
    if (line == NULL || response->status == 100 || response->to_tag.len == 0 ||
        (to.uri.len == 0 && sip_address_parse(sip_header_value(line), false, &to) < 0) ||
        to.tag.len > 0 || to.bad_tag) {
        write_line(w, request, SIP_HEADER_TO);
        return;
    }
    const char *value_end = line->value + line->value_len;
    writer_put(w, slice_between(line->name, value_end));
    writer_literal(w, ";tag=");
    writer_put(w, response->to_tag);
    writer_literal(w, "\r\n");
}

static void write_status_line(struct writer *w, const struct sip_response *response)
{
    writer_literal(w, "SIP/2.0 ");
    writer_u64(w, response->status);
    writer_char(w, ' ');
    writer_string(w, response->reason != NULL ? response->reason
                                              : sip_status_reason(response->status));
    writer_literal(w, "\r\n");
}

/* RFC 3261 section 8.2.6.1: the time as it came, and the delay in seconds if there was one. */
static void write_timestamp(struct writer *w, const struct sip_message *request, uint32_t delay_ms)
{
    struct sip_timestamp timestamp;
    struct slice value = sip_message_value(request, SIP_HEADER_TIMESTAMP);
    if (value.len == 0 || delay_ms == 0 || sip_timestamp_parse(value, &timestamp) < 0) {
        write_line(w, request, SIP_HEADER_TIMESTAMP);
        return;
    }
    writer_literal(w, "Timestamp: ");
    writer_put(w, timestamp.time);
    writer_format(w, " %u.%03u\r\n", delay_ms / 1000, delay_ms % 1000);
}

int sip_response_write(struct writer *w, const struct sip_message *request,
                       const struct sip_response *response)
{
    if (sip_message_first(request, SIP_HEADER_VIA) == NULL) {
        return ERR_SYNTAX;
    }
    write_status_line(w, response);
    write_vias(w, request, response->source);
    write_line(w, request, SIP_HEADER_FROM);
    write_to(w, request, response);
    write_line(w, request, SIP_HEADER_CALL_ID);
    write_line(w, request, SIP_HEADER_CSEQ);
    if (response->status == 100) {
        write_timestamp(w, request, response->delay_ms);
    }
    if (response->record_route) {
        write_lines(w, request, SIP_HEADER_RECORD_ROUTE);
    }
    writer_put(w, response->headers);
    if (!slice_empty(response->server)) {
        writer_literal(w, "Server: ");
        writer_put(w, response->server);
        writer_literal(w, "\r\n");
    }
    writer_literal(w, "Content-Length: ");
    writer_u64(w, response->body.len);
    writer_literal(w, "\r\n\r\n");
    writer_put(w, response->body);
    return writer_status(w);
}
