/* A look at a request that is to be refused for overload: what an answer repeats is found, the rest
 * is not read. It costs a part of what sip_message_parse does, which matters when most requests are
 * refused. Inside the same struct sip_message, so that what answers need works on both. */
#ifndef SIP_MESSAGE_GLANCE_H
#define SIP_MESSAGE_GLANCE_H

#include "sip/message/message.h"

/* An INVITE or an ACK whose lines are plain. True: method, uri, and the lines of Via, From, To,
 * Call-ID and CSeq are set as sip_message_parse would, no other line, neither body nor parts.
 * False: msg holds nothing, and sip_message_parse says what it is. */
bool sip_message_glance(struct slice data, struct sip_message *msg);
/* The parts of a message that was glanced at; false: one of them cannot be read. */
bool sip_message_glance_parts(struct sip_message *msg);

#endif
