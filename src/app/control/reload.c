#include "app/control/reload.h"

#include <inttypes.h>
#include <stdio.h>

#include "app/server/process.h"
#include "base/clock.h"
#include "base/error.h"

int reload_run(struct server *server, struct config_problems *complaints)
{
    char text[80];
    (void)snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_monotonic_us());
    process_notify(text);
    int status = server_reload(server, complaints);
    process_notify("READY=1");
    if (status == 0) {
        log_info(server->log, LOG_CONFIG, "the configuration was reloaded");
        return 0;
    }
    if (complaints->count == 0)
        config_problem(complaints, &(struct config_origin){.file = server->source->file},
                       SLICE_NULL, "%s", error_text(status));
    log_warn(server->log, LOG_CONFIG, "reload refused, the old configuration stays:");
    struct slice rest = slice_from_string(config_problems_text(complaints));
    while (!slice_empty(rest)) {
        struct slice line = slice_cut(&rest, '\n');
        log_warn(server->log, LOG_CONFIG, "%.*s", SLICE_ARG(line));
    }
    return status;
}
