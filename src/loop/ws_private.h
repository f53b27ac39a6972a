/* Frames as ws_frame.c and ws_send.c know them. */
#ifndef LOOP_WS_PRIVATE_H
#define LOOP_WS_PRIVATE_H

#include "loop/ws.h"

#define WS_CONTROL_MAX 125u /* bytes in a control frame (RFC 6455 section 5.5) */

/* ERR_NO_MEMORY. */
int ws_sender_new(struct ws_sender **ret_sender);
/* NULL is accepted. */
void ws_sender_free(struct ws_sender *sender);

#endif
