/* Framing of SIP on streams (RFC 3261 section 18.3) and keep-alives (RFC 5626 section 4.4.1). */
#ifndef SIP_MESSAGE_FRAME_H
#define SIP_MESSAGE_FRAME_H

#include "sip/message/message.h"

enum sip_frame_kind {
    SIP_FRAME_MORE,    /* not whole yet: length is 0 */
    SIP_FRAME_MESSAGE, /* length bytes are one message */
    SIP_FRAME_PING,    /* CRLFCRLF: answer with CRLF */
    SIP_FRAME_PONG,    /* single CRLF: swallow. Also when it is all there is yet: were it half of a
                          ping in two segments, that goes unanswered */
    SIP_FRAME_BAD, /* the stream cannot be followed: answer fault if there is a whole header that
                      sip_message_can_be_answered, then close */
};

struct sip_frame {
    enum sip_frame_kind kind;
    size_t length;          /* bytes to take off the stream */
    struct sip_fault fault; /* for SIP_FRAME_BAD; length then covers the header part, if whole */
};

/* Looks at the bytes buffered so far. scanned: in/out, what is known of them already, so that a
 * slow sender does not cost a rescan each time; 0 for a new frame, or always. A message on a stream
 * must have Content-Length (18.3): without it, with a bad one or two that differ: BAD (RFC
 * 4475 3.1.2.3, 3.3.9). */
struct sip_frame sip_frame_next(struct slice buffered, const struct sip_limits *limits,
                                size_t *scanned);

/* Offset of the first byte of a datagram that is not CR, LF: RFC 3261 section 7.5. */
size_t sip_frame_skip_crlf(struct slice datagram);

#endif
