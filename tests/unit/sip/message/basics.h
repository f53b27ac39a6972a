/* Pieces of messages, and a parsed message with its own bytes, for the tests of this folder. */
#ifndef TESTS_UNIT_SIP_MESSAGE_BASICS_H
#define TESTS_UNIT_SIP_MESSAGE_BASICS_H

#include "sip/message/message.h"
#include "unit/sip/text.h"

#define LINE    "OPTIONS sip:x.example.com SIP/2.0\r\n"
#define VIA     "Via: SIP/2.0/UDP h.example.com;branch=z9hG4bK1\r\n"
#define FROM    "From: <sip:a@x.example.com>;tag=1\r\n"
#define TO      "To: <sip:b@x.example.com>\r\n"
#define CALL_ID "Call-ID: c1\r\n"
#define CSEQ    "CSeq: 1 OPTIONS\r\n"
#define BASICS  VIA FROM TO CALL_ID CSEQ
#define EMPTY   "\r\n"

struct parsed {
    struct sip_message msg;
    struct sip_fault fault;
    int rc;
    struct slice bytes; /* owned */
};

static inline struct parsed *parsed_new(struct slice text, const struct sip_limits *limits)
{
    struct parsed *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    p->bytes = text_new(text.ptr, text.len);
    p->rc = sip_message_parse(p->bytes, limits, &p->msg, &p->fault);
    return p;
}

/* Of a message that must be taken. */
static inline struct parsed *parsed_good(struct slice text)
{
    struct parsed *p = parsed_new(text, NULL);
    if (p->rc < 0) {
        print_error("%.*s: %s\n", SLICE_ARG(text), p->fault.reason);
    }
    assert_int_equal(p->rc, 0);
    return p;
}

static inline void parsed_free(struct parsed *p)
{
    text_free(p->bytes);
    free(p);
}

static inline void assert_fault(const struct parsed *p, int rc, unsigned status, const char *reason)
{
    bool right = p->rc == rc && p->fault.status == status && p->fault.reason != NULL &&
                 strcmp(p->fault.reason, reason) == 0;
    if (!right) {
        print_error("%.*s\n: %d, %u %s; expected %d, %u %s\n", SLICE_ARG(p->bytes), p->rc,
                    p->fault.status, p->fault.reason ? p->fault.reason : "(none)", rc, status,
                    reason);
    }
    assert_true(right);
}

#endif
