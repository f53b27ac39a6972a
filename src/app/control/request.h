/* From one request line of the control socket to its answer. */
#ifndef APP_CONTROL_REQUEST_H
#define APP_CONTROL_REQUEST_H

#include "app/server/server.h"

#define REQUEST_LINE_MAX 65536

/* line: one JSON object with "command". *ret_line is the answer with its line feed, from malloc.
 * ERR_NO_MEMORY. */
int request_answer(struct server *server, struct slice line, char **ret_line, size_t *ret_len);

#endif
