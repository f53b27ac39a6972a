#include "sip/message/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/error.h"
#include "unit/sip/guard.h"
#include "unit/sip/text.h"

static struct guard guard;

/* What sip_line_next should say, byte by byte. */
static int plain_line(struct slice s, bool folds, size_t *ret_stop, unsigned *ret_flaws)
{
    unsigned flaws = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == '\r' && i + 1 < s.len && s.ptr[i + 1] == '\n') {
            bool fold = i + 2 < s.len && (s.ptr[i + 2] == ' ' || s.ptr[i + 2] == '\t');
            if (!folds || !fold) {
                *ret_stop = i;
                *ret_flaws = flaws;
                return 0;
            }
            i++;
        } else if (c == '\r' || c == '\n') {
            flaws |= SIP_LINE_BARE;
        } else if ((c < 0x20 && c != '\t') || c == 0x7f) {
            flaws |= SIP_LINE_CONTROL;
        }
    }
    return ERR_AGAIN;
}

static void assert_same_as_plain(struct slice s)
{
    for (int folds = 0; folds < 2; folds++) {
        size_t stop = 0;
        unsigned flaws = 0;
        int expected = plain_line(s, folds, &stop, &flaws);
        struct sip_line line;
        assert_int_equal(sip_line_next(s.ptr, s.ptr + s.len, folds, &line), expected);
        if (expected == 0) {
            assert_ptr_equal(line.start, s.ptr);
            assert_ptr_equal(line.stop, s.ptr + stop);
            assert_ptr_equal(line.end, s.ptr + stop + 2);
            assert_int_equal(line.flaws, flaws);
        }
    }
}

/* RFC 3261 section 25.1: the fast scan and the plain one agree on every byte at every place. */
static void every_byte_at_every_place_is_seen(void **state)
{
    (void)state;
    for (size_t len = 3; len <= 50; len += len < 20 ? 1 : 15) {
        for (size_t at = 0; at + 2 < len; at++) {
            for (int c = 0; c < 256; c++) {
                char text[64];
                memset(text, 'x', sizeof(text));
                memcpy(text + len - 2, "\r\n", 2);
                text[at] = (char)c;
                assert_same_as_plain(guard_put(&guard, slice_of(text, len)));
            }
        }
    }
}

/* RFC 3261 section 7.3.1: every mix of CR, LF, blanks and text. */
static void every_mix_of_line_ends_is_seen(void **state)
{
    (void)state;
    static const char bytes[] = "\r\n x";
    for (unsigned n = 0; n < 1u << 16; n++) {
        char text[24];
        size_t len = 0;
        for (unsigned rest = n; len < 8; rest >>= 2) {
            text[len++] = bytes[rest & 3];
        }
        memset(text + len, 'y', sizeof(text) - len);
        assert_same_as_plain(guard_put(&guard, slice_of(text, len)));
        assert_same_as_plain(guard_put(&guard, slice_of(text, sizeof(text))));
    }
}

static int split(const char *text, struct slice *ret_name, struct slice *ret_value)
{
    struct slice s = guard_put(&guard, slice_from_string(text));
    struct sip_line line;
    assert_int_equal(sip_line_next(s.ptr, s.ptr + s.len, true, &line), 0);
    return sip_line_split(&line, ret_name, ret_value);
}

/* RFC 3261 section 7.3.1, HCOLON of section 25.1. */
static void a_line_is_split_at_its_first_colon(void **state)
{
    (void)state;
    static const struct {
        const char *line, *name, *value;
    } rows[] = {
        {"To:a\r\n", "To", "a"},
        {"To : a\t \r\n", "To", "a"},
        {"To\t \t:\r\n  a\r\n\tb \r\n \r\n", "To", "a\r\n\tb"},
        {"Subject:\r\n", "Subject", ""},
        {"Subject: \r\n \r\n", "Subject", ""},
        {"a:b:c\r\n", "a", "b:c"},
        {": a\r\n", "", "a"},
        {"A-Header-Name-Longer-Than-Sixteen : x\r\n", "A-Header-Name-Longer-Than-Sixteen", "x"},
        {"Fifteen-Letters: x\r\n", "Fifteen-Letters", "x"},
        {"Sixteen--Letters: x\r\n", "Sixteen--Letters", "x"},
        {"No\r\n Fold: x\r\n", "No\r\n Fold", "x"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice name;
        struct slice value;
        assert_int_equal(split(rows[i].line, &name, &value), 0);
        assert_slice(name, rows[i].name);
        assert_slice(value, rows[i].value);
    }
    struct slice name;
    struct slice value;
    assert_int_equal(split("No colon in this line\r\n", &name, &value), ERR_SYNTAX);
}

/* RFC 3261 section 25.1: quoted-pair in a quoted-string or comment; RFC 4475 section 3.1.1.2. */
static void controls_pass_only_where_they_are_escaped(void **state)
{
    (void)state;
#define ROW(text, good)                                                                            \
    {                                                                                              \
        SLICE_LITERAL(text), good                                                                  \
    }
    static const struct {
        struct slice value;
        bool good;
    } rows[] = {
        ROW("plain", true),
        ROW("\"\\\0\"", true),
        ROW("\"\0\"", false),
        ROW("\\\0", false),
        ROW("\"\\\\\0\"", false),
        ROW("\"a\" \\\x07", false),
        ROW("\"a\\\"\\\x07\"", true),
        ROW("agent (comment \\\x01)", true),
        ROW("agent (nested (x) \\\x01)", true),
        ROW("agent (comment) \\\x01", false),
        ROW("\x7f", false),
        ROW("\"\\\x7f\"", true),
        ROW("tab\there\r\n fold", true),
        ROW("\"open \\", true),
        ROW("\"open \\\0", true),
        ROW("not open) \\\x01", false),
    };
#undef ROW
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice value = guard_put(&guard, rows[i].value);
        assert_int_equal(sip_line_controls_escaped(value), rows[i].good);
    }
}

static int set_up(void **state)
{
    (void)state;
    guard = guard_new(4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    guard_free(&guard);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_at_every_place_is_seen),
        cmocka_unit_test(every_mix_of_line_ends_is_seen),
        cmocka_unit_test(a_line_is_split_at_its_first_colon),
        cmocka_unit_test(controls_pass_only_where_they_are_escaped),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
