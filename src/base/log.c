#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/utf8.h"
#include "base/writer.h"

#define TEXT_MAX   2000 /* bytes of the caller's text that are kept */
#define ESCAPE_MAX 6    /* bytes that one byte may become: \u001f */
#define FRAME_MAX  128  /* time, level, subsystem and punctuation */
#define LINE_BYTES (TEXT_MAX * ESCAPE_MAX + FRAME_MAX)

static const char *const level_names[LOG_LEVELS] = {"error", "warn", "info", "debug"};

static const char *const subsystem_names[LOG_SUBSYSTEMS] = {
#define LOG_NAME(id, name) name,
    LOG_SUBSYSTEM_LIST(LOG_NAME)
#undef LOG_NAME
};

void log_set_json(struct log *log, bool json)
{
    atomic_store_explicit(&log->json, json, memory_order_relaxed);
}

void log_init(struct log *log, int fd, bool json, enum log_level level)
{
    log->fd = fd;
    log_set_json(log, json);
    for (size_t i = 0; i < LOG_SUBSYSTEMS; i++)
        atomic_init(&log->level[i], (unsigned char)level);
}

static int find_name(const char *const *names, int count, struct slice name)
{
    for (int i = 0; i < count; i++) {
        if (slice_equal(slice_from_string(names[i]), name))
            return i;
    }
    return ERR_NOT_FOUND;
}

int log_set(struct log *log, const char *what)
{
    struct slice level_text = slice_from_string(what);
    size_t first = 0;
    size_t last = LOG_SUBSYSTEMS - 1;
    if (slice_index(level_text, '=') < level_text.len) {
        int subsystem = find_name(subsystem_names, LOG_SUBSYSTEMS, slice_cut(&level_text, '='));
        if (subsystem < 0)
            return ERR_NOT_FOUND;
        first = last = (size_t)subsystem;
    }
    int level = find_name(level_names, LOG_LEVELS, level_text);
    if (level < 0)
        return ERR_SYNTAX;
    for (size_t i = first; i <= last; i++)
        atomic_store_explicit(&log->level[i], (unsigned char)level, memory_order_relaxed);
    return 0;
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

const char *log_subsystem_name(enum log_subsystem subsystem)
{
    return subsystem_names[subsystem];
}

/* What must not reach a terminal or a log reader as it is: controls (C0, DEL, C1), line and
 * paragraph separators, marks that change the direction of writing. */
static bool is_unsafe(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* Human form: \\ \r \n \t, every other unsafe byte as \xNN. */
static void escape_human(struct writer *w, struct slice bytes)
{
    static const char *const named[0x20] = {['\t'] = "\\t", ['\n'] = "\\n", ['\r'] = "\\r"};
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        if (c == '\\') {
            writer_literal(w, "\\\\");
        } else if (c < 0x20 && named[c] != NULL) {
            writer_string(w, named[c]);
        } else {
            writer_literal(w, "\\x");
            writer_hex(w, c, 2);
        }
    }
}

/* JSON form (RFC 8259 section 7); c is a code point of the basic plane: all unsafe ones are. */
static void escape_json(struct writer *w, uint32_t c)
{
    if (c == '"' || c == '\\') {
        writer_char(w, '\\');
        writer_char(w, (char)c);
        return;
    }
    writer_literal(w, "\\u");
    writer_hex(w, c, 4);
}

static void write_escaped(struct writer *w, struct slice text, bool json)
{
    while (text.len > 0) {
        uint32_t c;
        size_t len = utf8_decode(text, &c);
        bool invalid = len == 0;
        len = invalid ? 1 : len;
        struct slice bytes = slice_of(text.ptr, len);
        if (!invalid && !is_unsafe(c) && c != '\\' && !(json && c == '"'))
            writer_put(w, bytes);
        else if (json)
            escape_json(w, invalid ? 0xfffd : c);
        else
            escape_human(w, bytes);
        text = slice_from(text, len);
    }
}

static void write_time(struct writer *w)
{
    uint64_t now = clock_wall_ms();
    time_t seconds = (time_t)(now / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    writer_format(w, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", tm.tm_year + 1900, tm.tm_mon + 1,
                  tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)(now % 1000));
}

static void write_line(struct writer *w, bool json, const char *level, const char *subsystem,
                       struct slice text, bool cut)
{
    if (json)
        writer_literal(w, "{\"time\":\"");
    write_time(w);
    if (json)
        writer_format(w, "\",\"level\":\"%s\",\"subsystem\":\"%s\",\"message\":\"", level,
                      subsystem);
    else
        writer_format(w, " %-5s %s: ", level, subsystem);
    write_escaped(w, text, json);
    if (cut)
        writer_literal(w, "...");
    writer_string(w, json ? "\"}\n" : "\n");
}

/* One write(2) in the ordinary case, so that lines of several threads do not mix. */
static void write_all(int fd, struct slice line)
{
    while (line.len > 0) {
        ssize_t n = write(fd, line.ptr, line.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nobody is left to tell */
        line = slice_from(line, (size_t)n);
    }
}

void log_write(struct log *log, enum log_subsystem subsystem, enum log_level level,
               const char *format, ...)
{
    int saved_errno = errno;
    char text[TEXT_MAX + 1];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    bool cut = len > TEXT_MAX;
    struct slice kept = slice_of(text, len < 0 ? 0 : cut ? TEXT_MAX : (size_t)len);
    if (cut)
        kept = utf8_whole(kept);

    char line[LINE_BYTES];
    struct writer w;
    writer_init(&w, line, sizeof line);
    write_line(&w, atomic_load_explicit(&log->json, memory_order_relaxed), level_names[level],
               subsystem_names[subsystem], kept, cut);
    write_all(log->fd, writer_slice(&w));
    errno = saved_errno;
}
