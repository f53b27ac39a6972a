/* What concerns the process as a whole. */
#ifndef APP_SERVER_PROCESS_H
#define APP_SERVER_PROCESS_H

#include <stdint.h>

#include "base/log.h"

/* Opens /dev/null for standard streams that are closed, before anything else takes their numbers:
 * what is logged or printed would go into that file or socket. */
void process_keep_streams(void);
/* Ignores SIGPIPE and SIGXFSZ, raises the limit of open files to what is allowed. */
void process_prepare(struct log *log);
/* Keeps SIGTERM, SIGINT and SIGHUP for later, on this thread and those that it makes from here on;
 * process_release_signals: on this thread no more. */
void process_hold_signals(void);
void process_release_signals(void);
/* Makes a directory and those above it, 0750. 0, or a negative errno. */
int process_make_directory(const char *path);
/* Tells systemd ("READY=1"); nothing when it has not asked ($NOTIFY_SOCKET). */
void process_notify(const char *text);
/* Is standard output read by the journal of the system, where others may see it? */
bool process_output_is_journal(void);

struct process_figures {
    double cpu_seconds;
    uint64_t resident_bytes;
    uint64_t open_files, max_files;
};
void process_figures(struct process_figures *ret_figures);

#endif
