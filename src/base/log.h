/* Logging: levels per subsystem, human lines or JSON lines, written to one descriptor. Any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_LEVELS };

#define LOG_SUBSYSTEM_LIST(X)                                                                      \
    X(LOG_APP, "app")                                                                              \
    X(LOG_CONFIG, "config")                                                                        \
    X(LOG_LOOP, "loop")                                                                            \
    X(LOG_TRANSPORT, "transport")                                                                  \
    X(LOG_DNS, "dns")                                                                              \
    X(LOG_SIP, "sip")                                                                              \
    X(LOG_TRANSACTION, "transaction")                                                              \
    X(LOG_AUTH, "auth")                                                                            \
    X(LOG_REGISTRAR, "registrar")                                                                  \
    X(LOG_PROXY, "proxy")                                                                          \
    X(LOG_LOCATION, "location")                                                                    \
    X(LOG_STORE, "store")                                                                          \
    X(LOG_TURN, "turn")                                                                            \
    X(LOG_CONTROL, "control")

enum log_subsystem {
#define LOG_ENUM(id, name) id,
    LOG_SUBSYSTEM_LIST(LOG_ENUM)
#undef LOG_ENUM
        LOG_SUBSYSTEMS
};

struct log {
    _Atomic unsigned char level[LOG_SUBSYSTEMS]; /* enum log_level, changed at run time */
    int fd;                                      /* borrowed */
    _Atomic bool json;                           /* changed at run time */
};

/* All subsystems at level. */
void log_init(struct log *log, int fd, bool json, enum log_level level);
/* "debug" for all, or "sip=debug". Errors: ERR_SYNTAX (unknown level), ERR_NOT_FOUND (unknown
 * subsystem). */
int log_set(struct log *log, const char *what);
void log_set_json(struct log *log, bool json);
const char *log_level_name(enum log_level level);
const char *log_subsystem_name(enum log_subsystem subsystem);

static inline bool log_on(const struct log *log, enum log_subsystem subsystem, enum log_level level)
{
    return log != NULL &&
           level <= atomic_load_explicit(&log->level[subsystem], memory_order_relaxed);
}

/* One line; bytes that are not printable are escaped, so wire data cannot forge lines. At most
 * 2,000 bytes are kept. */
void log_write(struct log *log, enum log_subsystem subsystem, enum log_level level,
               const char *format, ...) __attribute__((format(printf, 4, 5)));

#define log_error(log, sub, ...) log_at(log, sub, LOG_ERROR, __VA_ARGS__)
#define log_warn(log, sub, ...)  log_at(log, sub, LOG_WARN, __VA_ARGS__)
#define log_info(log, sub, ...)  log_at(log, sub, LOG_INFO, __VA_ARGS__)
#define log_debug(log, sub, ...) log_at(log, sub, LOG_DEBUG, __VA_ARGS__)
/* Arguments are evaluated only when the level is on. */
#define log_at(log, sub, level, ...)                                                               \
    do {                                                                                           \
        if (log_on((log), (sub), (level)))                                                         \
            log_write((log), (sub), (level), __VA_ARGS__);                                         \
    } while (0)

#endif
