/* GET /metrics (Prometheus text) and /healthz over HTTP, in a thread of libmicrohttpd. */
#ifndef APP_METRICS_METRICS_H
#define APP_METRICS_METRICS_H

#include "app/server/server.h"

struct metrics;

/* Says in the log what fails. Errors: ERR_EXISTS, ERR_DENIED, ERR_IO. server is borrowed. */
int metrics_open(const struct address *address, const struct server *server,
                 struct metrics **ret_metrics);
/* NULL is accepted. */
void metrics_close(struct metrics *metrics);
/* Where it listens, port 0 resolved. */
struct address metrics_address(const struct metrics *metrics);

/* Everything as text. Any thread. ERR_LIMIT. */
#define METRICS_TEXT_MAX (256 * 1024)
int metrics_write(const struct server *server, struct writer *w);

#endif
