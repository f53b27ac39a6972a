/* Building a response to a request (RFC 3261 section 8.2.6). */
#ifndef SIP_MESSAGE_RESPOND_H
#define SIP_MESSAGE_RESPOND_H

#include "base/address.h"
#include "sip/message/message.h"

/* The standard reason phrase of a status (RFC 3261 section 21 and later RFCs); "Unknown" outside
 * the table. Static. */
const char *sip_status_reason(unsigned status);

struct sip_response {
    unsigned status;
    const char *reason;  /* NULL: the standard phrase */
    struct slice to_tag; /* added to To when it has no tag and status is not 100; may be empty */
    const struct address
        *source; /* NULL, or where the request came from: received and rport of the top Via are set
                    from it (RFC 3261 section 18.2.1, RFC 3581 section 4) */
    uint32_t delay_ms;    /* of a 100: how long ago the request came (8.2.6.1) */
    bool record_route;    /* copy Record-Route (12.1.1) */
    struct slice headers; /* further whole lines, each with CRLF; may be empty */
    struct slice server;  /* value of a Server line (20.35); may be empty */
    struct slice body;    /* its Content-Type line is in headers; may be empty */
};

/* Copies Via, From, To, Call-ID, CSeq (and Timestamp in a 100) from the request, which may be one
 * that sip_message_parse refused: what is not there is left out, what cannot be read is copied as
 * it is. Always writes Content-Length. 0, ERR_LIMIT (room), ERR_SYNTAX (no Via). */
int sip_response_write(struct writer *w, const struct sip_message *request,
                       const struct sip_response *response);

/* Top Via with received/rport set as the first hop must (RFC 3261 section 18.2.1: received when
 * sent-by host differs from the source or is a name; RFC 3581: rport present -> both). Writes the
 * value only. */
void sip_via_write_received(struct writer *w, const struct sip_message *request,
                            const struct address *source);

#endif
