/* label: threads */
#include "base/log.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/utf8.h"

/* A socket that keeps the borders of writes: one read is one write(2). */
struct fixture {
    int fds[2];
    struct log log;
    char line[20000];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, f->fds) != 0)
        return -1;
    log_init(&f->log, f->fds[0], false, LOG_INFO);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    close(f->fds[0]);
    close(f->fds[1]);
    free(f);
    return 0;
}

static const char *next_line(struct fixture *f)
{
    ssize_t n = recv(f->fds[1], f->line, sizeof f->line - 1, MSG_DONTWAIT);
    f->line[n > 0 ? n : 0] = '\0';
    return f->line;
}

/* What stands behind the time, which has a fixed width. */
static const char *next_text(struct fixture *f)
{
    const char *line = next_line(f);
    return strlen(line) >= 25 ? line + 25 : line;
}

static void a_human_line_has_time_level_subsystem_and_text(void **state)
{
    struct fixture *f = *state;
    time_t before = time(NULL);
    log_info(&f->log, LOG_REGISTRAR, "%s has %d contacts", "alice", 2);
    time_t after = time(NULL) + 1;
    const char *line = next_line(f);
    struct tm tm = {0};
    char *rest = strptime(line, "%Y-%m-%dT%H:%M:%S", &tm);
    assert_non_null(rest);
    assert_in_range(timegm(&tm), before - 1, after);
    assert_int_equal(*rest, '.');
    assert_int_equal(rest[4], 'Z');
    assert_int_equal(rest - line, 19);
    assert_string_equal(rest + 5, " info  registrar: alice has 2 contacts\n");
    assert_string_equal(next_line(f), "");
}

static void levels_are_padded_to_one_width(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(log_set(&f->log, "debug"), 0);
    log_error(&f->log, LOG_APP, "x");
    assert_string_equal(next_text(f), "error app: x\n");
    log_warn(&f->log, LOG_APP, "x");
    assert_string_equal(next_text(f), "warn  app: x\n");
    log_debug(&f->log, LOG_APP, "x");
    assert_string_equal(next_text(f), "debug app: x\n");
}

static void only_levels_that_are_on_are_written(void **state)
{
    struct fixture *f = *state;
    for (int set = LOG_ERROR; set < LOG_LEVELS; set++) {
        assert_int_equal(log_set(&f->log, log_level_name((enum log_level)set)), 0);
        for (int level = LOG_ERROR; level < LOG_LEVELS; level++) {
            log_at(&f->log, LOG_SIP, (enum log_level)level, "x");
            assert_int_equal(strlen(next_line(f)) > 0, level <= set);
        }
    }
    log_error((struct log *)NULL, LOG_SIP, "x");
}

static int count_call(int *calls)
{
    return ++*calls;
}

static void arguments_are_evaluated_only_when_the_level_is_on(void **state)
{
    struct fixture *f = *state;
    int calls = 0;
    log_debug(&f->log, LOG_SIP, "%d", count_call(&calls));
    assert_int_equal(calls, 0);
    log_info(&f->log, LOG_SIP, "%d", count_call(&calls));
    assert_int_equal(calls, 1);
    assert_string_equal(next_text(f), "info  sip: 1\n");
}

static void one_subsystem_is_set_alone(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(log_set(&f->log, "sip=debug"), 0);
    assert_true(log_on(&f->log, LOG_SIP, LOG_DEBUG));
    assert_false(log_on(&f->log, LOG_APP, LOG_DEBUG));
    assert_false(log_on(&f->log, LOG_CONTROL, LOG_DEBUG));
    assert_int_equal(log_set(&f->log, "error"), 0);
    assert_false(log_on(&f->log, LOG_SIP, LOG_WARN));
    for (int i = 0; i < LOG_SUBSYSTEMS; i++)
        assert_true(strlen(log_subsystem_name((enum log_subsystem)i)) > 0);
}

static void wrong_settings_are_refused_and_change_nothing(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *what;
        int rc;
    } rows[] = {
        {"", ERR_SYNTAX},
        {"loud", ERR_SYNTAX},
        {"DEBUG", ERR_SYNTAX},
        {"debug ", ERR_SYNTAX},
        {"sip=", ERR_SYNTAX},
        {"sip=loud", ERR_SYNTAX},
        {"sip=debug=debug", ERR_SYNTAX},
        {"=debug", ERR_NOT_FOUND},
        {"si=debug", ERR_NOT_FOUND},
        {"nothing=debug", ERR_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(log_set(&f->log, rows[i].what), rows[i].rc);
        for (int s = 0; s < LOG_SUBSYSTEMS; s++) {
            assert_true(log_on(&f->log, (enum log_subsystem)s, LOG_INFO));
            assert_false(log_on(&f->log, (enum log_subsystem)s, LOG_DEBUG));
        }
    }
}

static const struct {
    const char *text;
    const char *human;
} escapes[] = {
    {"plain ~ \"text\"", "plain ~ \"text\""},
    {"J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x93\x9e", "J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x93\x9e"},
    {"a\r\n2026 error app: forged", "a\\r\\n2026 error app: forged"},
    {"tab\tbell\a esc\x1b[2J del\x7f", "tab\\tbell\\x07 esc\\x1b[2J del\\x7f"},
    {"back\\slash \\n", "back\\\\slash \\\\n"},
    {"C1 \xc2\x9b", "C1 \\xc2\\x9b"},
    {"separator \xe2\x80\xa8", "separator \\xe2\\x80\\xa8"},
    {"right to left \xe2\x80\xae", "right to left \\xe2\\x80\\xae"},
    {"isolate \xe2\x81\xa6", "isolate \\xe2\\x81\\xa6"},
    {"byte order mark \xef\xbb\xbf", "byte order mark \\xef\\xbb\\xbf"},
    {"latin \xf6 end", "latin \\xf6 end"},
    {"overlong \xc0\x8a", "overlong \\xc0\\x8a"},
    {"half \xe2\x82", "half \\xe2\\x82"},
};

static void the_human_form_escapes_what_could_forge_a_line(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
        log_info(&f->log, LOG_SIP, "%s", escapes[i].text);
        const char *text = next_text(f);
        assert_memory_equal(text, "info  sip: ", 11);
        assert_int_equal(strlen(text + 11), strlen(escapes[i].human) + 1);
        assert_memory_equal(text + 11, escapes[i].human, strlen(escapes[i].human));
    }
}

static void every_byte_alone_gives_one_printable_line(void **state)
{
    struct fixture *f = *state;
    for (int json = 0; json < 2; json++) {
        f->log.json = json;
        for (int c = 1; c < 256; c++) {
            log_info(&f->log, LOG_SIP, "<%c>", c);
            const char *line = next_line(f);
            size_t len = strlen(line);
            assert_int_equal(line[len - 1], '\n');
            for (size_t i = 0; i < len - 1; i++)
                assert_in_range((unsigned char)line[i], 0x20, 0x7e);
        }
    }
}

/* RFC 8259 section 7. */
static void a_json_line_is_read_back_by_a_json_parser(void **state)
{
    struct fixture *f = *state;
    f->log.json = true;
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
        const char *text = escapes[i].text;
        log_warn(&f->log, LOG_TRANSPORT, "%s", text);
        const char *line = next_line(f);
        assert_int_equal(strcspn(line, "\n"), strlen(line) - 1);
        assert_null(strchr(line, 0x7f));
        json_t *object = json_loads(line, 0, NULL);
        assert_non_null(object);
        assert_int_equal(json_object_size(object), 4);
        assert_int_equal(strlen(json_string_value(json_object_get(object, "time"))), 24);
        assert_string_equal(json_string_value(json_object_get(object, "level")), "warn");
        assert_string_equal(json_string_value(json_object_get(object, "subsystem")), "transport");
        const char *message = json_string_value(json_object_get(object, "message"));
        assert_non_null(message);
        if (utf8_valid(slice_from_string(text)))
            assert_string_equal(message, text);
        else
            assert_non_null(strstr(message, "\xef\xbf\xbd"));
        json_decref(object);
    }
}

static void long_texts_are_cut_at_2000_bytes_and_say_so(void **state)
{
    struct fixture *f = *state;
    char text[3001];
    memset(text, 'a', sizeof text - 1);
    text[3000] = '\0';
    text[2000] = '\0';
    log_info(&f->log, LOG_SIP, "%s", text);
    assert_int_equal(strlen(next_text(f)), 11 + 2000 + 1);
    text[2000] = 'a';
    log_info(&f->log, LOG_SIP, "%s", text);
    const char *kept = next_text(f);
    assert_int_equal(strlen(kept), 11 + 2000 + 3 + 1);
    assert_string_equal(kept + 11 + 2000, "...\n");
    /* A character is not cut in two. */
    memcpy(text + 1998, "\xe2\x82\xac", 3);
    log_info(&f->log, LOG_SIP, "%s", text);
    kept = next_text(f);
    assert_string_equal(kept + 11 + 1997, "a...\n");
}

static void the_worst_text_still_gives_one_whole_line(void **state)
{
    struct fixture *f = *state;
    char text[2001];
    memset(text, '\x01', sizeof text - 1);
    text[2000] = '\0';
    for (int json = 0; json < 2; json++) {
        f->log.json = json;
        log_info(&f->log, LOG_TRANSACTION, "%sx", text);
        const char *line = next_line(f);
        const char *end = json ? "\\u0001...\"}\n" : "\\x01...\n";
        assert_true(strlen(line) > 2000 * (json ? 6 : 4));
        assert_string_equal(line + strlen(line) - strlen(end), end);
    }
}

static void errno_is_kept_and_a_closed_reader_is_survived(void **state)
{
    struct fixture *f = *state;
    log_init(&f->log, -1, false, LOG_INFO);
    errno = 4711;
    log_info(&f->log, LOG_SIP, "x");
    assert_int_equal(errno, 4711);
}

#define THREADS 4
#define LINES   200

static void *write_lines(void *user)
{
    struct log *log = user;
    for (int i = 0; i < LINES; i++) {
        log_info(log, LOG_LOOP, "line of a thread");
        (void)log_set(log, i % 2 ? "sip=debug" : "sip=error");
        log_debug(log, LOG_SIP, "perhaps");
    }
    return NULL;
}

static void *read_lines(void *user)
{
    struct fixture *f = user;
    size_t count = 0;
    ssize_t n;
    char line[200];
    while ((n = recv(f->fds[1], line, sizeof line, 0)) > 0 && line[0] != '!') {
        bool whole = n > 26 && line[n - 1] == '\n' && memchr(line, '\n', (size_t)n) == line + n - 1;
        bool ours =
            whole && memcmp(line + 25, "info  loop: line of a thread\n", (size_t)n - 25) == 0;
        count += ours;
        if (!whole)
            return NULL;
    }
    return (void *)(uintptr_t)count;
}

static void threads_write_whole_lines(void **state)
{
    struct fixture *f = *state;
    pthread_t writers[THREADS], reader;
    assert_int_equal(pthread_create(&reader, NULL, read_lines, f), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, write_lines, &f->log), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(writers[i], NULL), 0);
    assert_int_equal(write(f->fds[0], "!", 1), 1);
    void *count = NULL;
    assert_int_equal(pthread_join(reader, &count), 0);
    assert_int_equal((uintptr_t)count, THREADS * LINES);
}

#define log_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        log_test(a_human_line_has_time_level_subsystem_and_text),
        log_test(levels_are_padded_to_one_width),
        log_test(only_levels_that_are_on_are_written),
        log_test(arguments_are_evaluated_only_when_the_level_is_on),
        log_test(one_subsystem_is_set_alone),
        log_test(wrong_settings_are_refused_and_change_nothing),
        log_test(the_human_form_escapes_what_could_forge_a_line),
        log_test(every_byte_alone_gives_one_printable_line),
        log_test(a_json_line_is_read_back_by_a_json_parser),
        log_test(long_texts_are_cut_at_2000_bytes_and_say_so),
        log_test(the_worst_text_still_gives_one_whole_line),
        log_test(errno_is_kept_and_a_closed_reader_is_survived),
        log_test(threads_write_whole_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
