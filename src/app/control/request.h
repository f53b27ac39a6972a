/* From one request line of the control socket to its answer. */
#ifndef APP_CONTROL_REQUEST_H
#define APP_CONTROL_REQUEST_H

#include "app/server/server.h"

#define REQUEST_LINE_MAX 65536

/* A request that may wait for DNS: it has all that it needs, but the server, which must live on. */
struct request_work;

/* line: one JSON object with "command". 0: *ret_line is the answer with its line feed, from malloc.
 * 1: *ret_work is to be run and finished instead. ERR_NO_MEMORY. The controlling thread. */
int request_answer(struct server *server, struct slice line, char **ret_line, size_t *ret_len,
                   struct request_work **ret_work);
/* Once, on any thread. */
void request_run(struct request_work *work);
/* The answer as above; frees work. The controlling thread. */
int request_finish(struct request_work *work, char **ret_line, size_t *ret_len);

#endif
