/* The commonest form of a header value: something, then parameters. Inside src/sip/message only. */
#ifndef SIP_MESSAGE_HEAD_H
#define SIP_MESSAGE_HEAD_H

#include "sip/message/param.h"

/* Divides value at its first ';'. head is trimmed and may be empty; params are checked. The head
 * must not hold quotes or brackets. ERR_SYNTAX. */
int sip_head_parse(struct slice value, struct slice *ret_head, struct slice *ret_params);

#endif
