/* Request-Line and Status-Line (RFC 3261 sections 7.1, 7.2). Inside src/sip/message only. */
#ifndef SIP_MESSAGE_START_LINE_H
#define SIP_MESSAGE_START_LINE_H

#include "sip/message/message.h"

/* Fills is_request, method, method_name, uri or status, reason from msg->start_line, as far as they
 * can be read. uri_max: bytes of the Request-URI. 0, or ERR_SYNTAX/ERR_LIMIT with *ret_fault. */
int sip_start_line_parse(struct sip_message *msg, uint32_t uri_max, struct sip_fault *ret_fault);

/* The version of a parsed start line is SIP/2.0; case is ignored (section 7.1). */
bool sip_start_line_is_sip2(const struct sip_message *msg);

#endif
