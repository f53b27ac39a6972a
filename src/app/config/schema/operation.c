/* Watching and steering it: `metrics`, `control`, `log`. */
#include <sys/un.h>

#include "app/config/schema/section.h"
#include "app/text/nearest.h"
#include "base/error.h"

static const char *const level_words[] = {"error", "warn", "info", "debug", NULL};
static const char *const format_words[] = {"human", "json", NULL};

static void hint_subsystem(struct slice name, struct writer *why)
{
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (int i = 0; i < LOG_SUBSYSTEMS; i++)
        nearest_try(&nearest, slice_from_string(log_subsystem_name((enum log_subsystem)i)));
    writer_format(why, "there is no subsystem \"%.*s\"", SLICE_ARG(name));
    if (nearest.best[0] != '\0') {
        writer_format(why, "; did you mean %s?", nearest.best);
        return;
    }
    writer_literal(why, "; there are");
    for (int i = 0; i < LOG_SUBSYSTEMS; i++)
        writer_format(why, "%s %s", i == 0 ? "" : ",", log_subsystem_name((enum log_subsystem)i));
}

static int check_socket_path(struct slice item, struct writer *why)
{
    struct sockaddr_un *address = NULL;
    if (item.len < sizeof address->sun_path)
        return 0;
    writer_format(why, "a socket's path has at most %zu bytes, this one has %zu",
                  sizeof address->sun_path - 1, item.len);
    return ERR_SYNTAX;
}

static int check_log_level(struct slice item, struct writer *why)
{
    char text[64];
    struct log scratch;
    log_init(&scratch, -1, false, LOG_INFO);
    struct slice level = item;
    struct slice name = slice_cut(&level, '=');
    if (slice_index(item, '=') == item.len || item.len >= sizeof text) {
        writer_format(why, "\"%.*s\" is no SUBSYSTEM=LEVEL; write for example sip=debug",
                      SLICE_ARG(item));
        return ERR_SYNTAX;
    }
    int status = log_set(&scratch, slice_to_string(item, text, sizeof text));
    if (status == ERR_NOT_FOUND)
        hint_subsystem(name, why);
    else if (status < 0)
        writer_format(why, "\"%.*s\" is no level; write error, warn, info or debug",
                      SLICE_ARG(level));
    return status < 0 ? ERR_SYNTAX : 0;
}

static const struct config_key keys[] = {
    {.name = "metrics.listen",
     .type = CONFIG_ADDRESS,
     CONFIG_FIELD(metrics_listen),
     .standard = "",
     .automatic = "off",
     .help = "ADDRESS:PORT of an HTTP server for /metrics (Prometheus) and /healthz."},
    {.name = "control.path",
     .type = CONFIG_STRING,
     CONFIG_FIELD(control_path),
     .max = 4000,
     .standard = "",
     .automatic = "control.sock in $RUNTIME_DIRECTORY, else in /run/trapezoid as root, else in "
                  "data_dir",
     .check = check_socket_path,
     .help = "Socket through which trapezoid status, contacts, user and the like reach the "
             "server."},
    {.name = "log.level",
     .type = CONFIG_ENUM,
     .live = true,
     CONFIG_FIELD(log_level),
     .words = level_words,
     .standard = "info",
     .help = "What is logged: this level and those before it."},
    {.name = "log.levels",
     .type = CONFIG_STRINGS,
     .live = true,
     CONFIG_FIELD(log_levels),
     .max = LOG_SUBSYSTEMS,
     .standard = "",
     .check = check_log_level,
     .help = "Levels of single subsystems, over log.level: SUBSYSTEM=LEVEL."},
    {.name = "log.format",
     .type = CONFIG_ENUM,
     .live = true,
     CONFIG_FIELD(log_format),
     .words = format_words,
     .standard = "human",
     .help = "human: lines for people; json: one JSON object per line."},
};

const struct config_section config_section_operation = CONFIG_SECTION(keys);
