/* What the server would do with a request from a file: every decision, and the bytes that would
 * leave. */
#ifndef APP_CONTROL_DRY_INVITE_H
#define APP_CONTROL_DRY_INVITE_H

#include "app/control/dry_steps.h"
#include "app/server/worker.h"

#define DRY_MESSAGE_MAX 32768
#define DRY_WAIT_MS     3000 /* for DNS, in all */

struct dry_parts {
    const struct settings *settings; /* borrowed, as all below */
    struct log *log;
    struct location *location;
    struct accounts *accounts;
    struct health *health;               /* may be NULL */
    const struct worker_shared *secrets; /* of the server that runs, for what it has written into
                                            Routes and GRUUs; NULL: others, so none of these fits */
};

/* {"steps", "sends": [{"transport", "to", "message"}], "error"}: error when nothing would leave.
 * The request comes from where its top Via says. Lines may end without CR. Nothing is sent or
 * changed. Waits for DNS. NULL without memory. */
json_t *dry_invite(const struct dry_parts *parts, struct slice message);

#endif
