/* Requests that go the way of an INVITE and share its branch: the ACK of a non-2xx (RFC 3261
 * section 17.1.1.3) and the CANCEL (section 9.1). */
#include <assert.h>

#include "base/error.h"
#include "sip/message/cseq.h"
#include "sip/transaction/layer.h"

/* Start line, names, CRLFs, Max-Forwards, CSeq and Content-Length; ROUTE_ROOM more for each Route.
 */
#define FIXED_ROOM 160
#define ROUTE_ROOM 16

const struct sip_limits sip_tx_no_limits = {
    UINT32_MAX, SIP_MESSAGE_HEADERS_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};

struct hop {
    enum sip_method method;
    struct slice uri;
    struct slice via;
    struct slice from;
    struct slice to;
    struct slice call_id;
    uint32_t cseq;
    struct slice extra;
};

static int read_hop(const struct sip_message *invite, struct hop *hop)
{
    struct sip_values vias;
    struct sip_cseq cseq;
    sip_values_init(&vias, invite, SIP_HEADER_VIA);
    if (!sip_values_next(&vias, &hop->via) ||
        sip_cseq_parse(sip_message_value(invite, SIP_HEADER_CSEQ), &cseq) != 0)
        return ERR_SYNTAX;
    hop->cseq = cseq.number;
    hop->uri = invite->uri;
    hop->from = sip_message_value(invite, SIP_HEADER_FROM);
    hop->call_id = sip_message_value(invite, SIP_HEADER_CALL_ID);
    return slice_empty(hop->from) || slice_empty(hop->call_id) || slice_empty(hop->to) ? ERR_SYNTAX
                                                                                       : 0;
}

static size_t room_for(const struct sip_message *invite, const struct hop *hop)
{
    size_t room = FIXED_ROOM + hop->uri.len + hop->via.len + hop->from.len + hop->to.len +
                  hop->call_id.len + hop->extra.len;
    for (const struct sip_header *h = sip_message_first(invite, SIP_HEADER_ROUTE); h != NULL;
         h = sip_message_next(invite, h))
        room += ROUTE_ROOM + h->value_len;
    return room;
}

static void write_line(struct writer *w, const char *name, struct slice value)
{
    writer_string(w, name);
    writer_put(w, value);
    writer_literal(w, "\r\n");
}

static void write_hop(struct writer *w, const struct sip_message *invite, const struct hop *hop)
{
    struct slice method = sip_method_name(hop->method);
    writer_put(w, method);
    writer_char(w, ' ');
    writer_put(w, hop->uri);
    writer_literal(w, " SIP/2.0\r\n");
    write_line(w, "Via: ", hop->via);
    for (const struct sip_header *h = sip_message_first(invite, SIP_HEADER_ROUTE); h != NULL;
         h = sip_message_next(invite, h))
        write_line(w, "Route: ", sip_header_value(h));
    writer_literal(w, "Max-Forwards: 70\r\n");
    write_line(w, "From: ", hop->from);
    write_line(w, "To: ", hop->to);
    write_line(w, "Call-ID: ", hop->call_id);
    writer_literal(w, "CSeq: ");
    writer_u64(w, hop->cseq);
    write_line(w, " ", method);
    writer_put(w, hop->extra);
    writer_literal(w, "Content-Length: 0\r\n\r\n");
}

int sip_client_tx_keep_hop(struct sip_client_tx *tx, enum sip_method method,
                           const struct sip_message *response, struct slice extra)
{
    struct sip_message invite;
    struct sip_fault fault;
    int rc = sip_message_parse(sip_client_tx_request(tx), &sip_tx_no_limits, &invite, &fault);
    if (rc != 0)
        return rc;
    struct hop hop = {.method = method, .extra = extra};
    hop.to = sip_message_value(response != NULL ? response : &invite, SIP_HEADER_TO);
    rc = read_hop(&invite, &hop);
    if (rc != 0)
        return rc;
    size_t room = room_for(&invite, &hop);
    char *block = room > UINT32_MAX ? NULL : blocks_get(&tx->tx.layer->blocks, room);
    if (block == NULL)
        return ERR_NO_MEMORY;
    struct writer w;
    writer_init(&w, block, room);
    write_hop(&w, &invite, &hop);
    assert(writer_status(&w) == 0); /* room_for counted it */
    tx->kept = block;
    tx->kept_len = (uint32_t)writer_length(&w);
    tx->kept_room = (uint32_t)room;
    return 0;
}
