/* Reads one SIP message far enough for a load generator: first line and the headers that it checks
 * or copies.
 *
 * This is a deliberately separate reader, so that what is measured is judged by other code than its
 * own. */
#ifndef LOADGEN_SCAN_H
#define LOADGEN_SCAN_H

#include "text.h"

enum header {
    HEADER_OTHER,
    HEADER_VIA,
    HEADER_FROM,
    HEADER_TO,
    HEADER_CALL_ID,
    HEADER_CSEQ,
    HEADER_CONTACT,
    HEADER_RECORD_ROUTE,
    HEADER_ROUTE,
    HEADER_MAX_FORWARDS,
    HEADER_CONTENT_LENGTH,
    HEADER_AUTHENTICATE, /* WWW-Authenticate */
    HEADER_COUNT,
};

enum { SCAN_LINES = 48 };

struct line {
    enum header header;
    struct span whole; /* with name and line end: to be copied */
    struct span value; /* trimmed */
};

struct message {
    struct span whole;
    unsigned status;    /* 0: a request */
    struct span method; /* of the request, or of CSeq in a response */
    struct span uri;    /* of a request */
    uint32_t cseq;
    struct span first[HEADER_COUNT]; /* value of the first line of each header; ptr NULL: none */
    unsigned count[HEADER_COUNT];    /* lines of each header */
    struct line lines[SCAN_LINES];
    unsigned line_count;
    struct span body;
};

/* Fills *ret_message with spans into the datagram.
 *
 * False when it is not a SIP message that ends well: no first line, no empty line, more than
 * SCAN_LINES headers, no Via, Call-ID or CSeq, or a Content-Length that is absent or not the size
 * of the body. */
bool scan_message(const char *ptr, size_t len, struct message *ret_message);

/* The value of parameter `name` ("branch=", "tag=") in a header value, after the first ';' that
 * follows any '>'. Empty when absent. */
struct span scan_parameter(struct span value, struct span name);

/* The URI between '<' and '>', or up to the first ';' or blank when there is none (RFC 3261
 * section 20.10). */
struct span scan_uri(struct span value);

/* Cuts the first element off a comma-separated list of header values; commas inside quotes or <> do
 * not count. */
struct span scan_list_next(struct span *rest);

/* Decimal digits at the start of s; stops at the first other byte. */
uint32_t scan_decimal(struct span s);

#endif
