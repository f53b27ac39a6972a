/* A SIP message as received: one scan finds and names the header lines; everything is a slice into
 * the datagram. Values are parsed when asked for (via.h, address.h, cseq.h ...). RFC 3261 section 7
 * and 25. No I/O, any thread. */
#ifndef SIP_MESSAGE_MESSAGE_H
#define SIP_MESSAGE_MESSAGE_H

#include "sip/message/address.h"
#include "sip/message/cseq.h"
#include "sip/message/header.h"
#include "sip/message/via.h"

#define SIP_MESSAGE_HEADERS_MAX 255 /* storage; the configured limit may be lower */
#define SIP_NO_HEADER           255

struct sip_header {
    const char *name;  /* also the start of the line */
    const char *value; /* trimmed; folds (CRLF WSP) stay in it and count as LWS */
    const char *end;   /* one past the line's CRLF, folds included */
    uint32_t value_len;
    uint16_t name_len;
    uint8_t id;   /* enum sip_header_id */
    uint8_t next; /* next line with the same id, or SIP_NO_HEADER */
};

/* What a parser may take. Zero in a field means the default. */
struct sip_limits {
    uint32_t message;      /* bytes of a whole message; default 65,535; beyond: 513 */
    uint32_t headers;      /* header lines; default 128 */
    uint32_t header_bytes; /* bytes of one header line; default 16,384 */
    uint32_t uri;          /* bytes of the Request-URI; default 2,048; beyond: 414 */
    uint32_t body;         /* bytes; default 65,535; beyond: 413 */
    uint32_t values;       /* comma-separated values of one header; default 256 */
};

/* The values that every element acts on, each all zero where it has not been read. */
struct sip_parts {
    struct sip_via via; /* the top one */
    struct sip_address from;
    struct sip_address to;
    struct sip_cseq cseq;
};

struct sip_message {
    struct slice raw;        /* start line to end of body; borrowed */
    struct slice start_line; /* without its CRLF */
    bool is_request;
    uint8_t method;  /* request: enum sip_method of the start line; response: of CSeq once
                        sip_message_check ran */
    uint16_t status; /* response only */
    uint16_t header_count;
    struct slice method_name; /* request */
    struct slice uri;         /* request: the Request-URI as sent */
    struct slice reason;      /* response; may be empty */
    struct slice body;      /* Content-Length bytes, or all that is left of a datagram without it */
    struct sip_parts parts; /* all there once sip_message_check took the message */
    uint64_t transaction[2]; /* request: kept here by sip_transactions_expect; zero before */
    uint8_t first[SIP_HEADER_COUNT]; /* index of the first line of each id, or SIP_NO_HEADER */
    uint8_t last[SIP_HEADER_COUNT];  /* valid where first is */
    struct sip_header headers[SIP_MESSAGE_HEADERS_MAX]; /* [0, header_count) are valid */
};

/* What is wrong with a message: a status to answer a request with, and words that say what is
 * wrong. status 0: nothing can be answered, drop it. */
struct sip_fault {
    uint16_t status;
    const char *reason; /* static text fit for a reason phrase, e.g. "Bad Request - CSeq missing" */
};

/* Datagram or frame to message. Leading CRLFs must have been skipped (frame.h). Strict where RFC
 * 4475 asks for it, so that what is forwarded is well-formed. 0, or ERR_SYNTAX/ERR_LIMIT with
 * *ret_fault filled; then the fields found so far are valid, so that a request whose Via, From, To,
 * Call-ID and CSeq could be read can be answered (17.2, 8.2). limits may be NULL. A line of a
 * header that may stand once (SIP_HEADER_SINGLE), a bad Content-Length and a body shorter than it
 * are refused here. */
int sip_message_parse(struct slice data, const struct sip_limits *limits, struct sip_message *msg,
                      struct sip_fault *ret_fault);

/* The checks that every element needs before it acts on a message (RFC 3261 sections 8.1.1, 16.3
 * step 1, 20) of a message that sip_message_parse took: the mandatory headers are there and have
 * correct values (every Via, From, To, Call-ID, CSeq; Max-Forwards, Contact if present), the CSeq
 * method fits, a SIP Request-URI has no headers, version is SIP/2.0 (505). Sets the method of a
 * response, and msg->parts as far as they are right. 0, or ERR_SYNTAX with *ret_fault. */
int sip_message_check(struct sip_message *msg, struct sip_fault *ret_fault);

/* The first line of id, or NULL. */
static inline const struct sip_header *sip_message_first(const struct sip_message *msg,
                                                         enum sip_header_id id)
{
    return msg->first[id] == SIP_NO_HEADER ? NULL : &msg->headers[msg->first[id]];
}

/* The next line with the same id, or NULL. */
static inline const struct sip_header *sip_message_next(const struct sip_message *msg,
                                                        const struct sip_header *h)
{
    return h->next == SIP_NO_HEADER ? NULL : &msg->headers[h->next];
}

static inline struct slice sip_header_value(const struct sip_header *h)
{
    return slice_of(h->value, h->value_len);
}

/* Whole line with its CRLF. */
static inline struct slice sip_header_line(const struct sip_header *h)
{
    return slice_between(h->name, h->end);
}

/* Nobody answers a response or an ACK (RFC 3261 section 17.1.1.3), nor a request without Via. */
static inline bool sip_message_can_be_answered(const struct sip_message *msg)
{
    return msg->is_request && msg->method != SIP_ACK && msg->first[SIP_HEADER_VIA] != SIP_NO_HEADER;
}

/* The value of the first line of id; empty when absent. */
static inline struct slice sip_message_value(const struct sip_message *msg, enum sip_header_id id)
{
    const struct sip_header *h = sip_message_first(msg, id);
    return h ? sip_header_value(h) : SLICE_NULL;
}

/* By name, for headers outside the table: the next line after *at (start with NULL) or NULL. */
const struct sip_header *sip_message_find(const struct sip_message *msg, struct slice name,
                                          const struct sip_header *at);

/* Walks the values of a list header over all its lines (RFC 3261 section 7.3.1). */
struct sip_values {
    const struct sip_message *msg;
    const struct sip_header *line; /* of the value last returned */
    struct slice rest;
};

void sip_values_init(struct sip_values *it, const struct sip_message *msg, enum sip_header_id id);
/* True and the next value, trimmed. Commas inside quotes and <> do not divide. Empty list elements
 * are skipped. */
bool sip_values_next(struct sip_values *it, struct slice *ret_value);

/* One comma list: cuts the next value off *rest; false at the end. */
bool sip_list_next(struct slice *rest, struct slice *ret_value);
/* Does a list header of option tags or methods hold token (case ignored for tags: RFC 3261
 * section 7.3.1)? */
bool sip_message_has_token(const struct sip_message *msg, enum sip_header_id id,
                           struct slice token);

/* Content-Length: 0, ERR_NOT_FOUND, ERR_SYNTAX, ERR_RANGE, or ERR_CONFLICT when lines differ. */
int sip_message_content_length(const struct sip_message *msg, uint32_t *ret_length);

#endif
