#include "base/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

#define assert_text(w, text)                                                                       \
    do {                                                                                           \
        assert_int_equal(writer_length(w), strlen(text));                                          \
        assert_memory_equal((w)->start, text, strlen(text));                                       \
    } while (0)

static void all_kinds_of_pieces(void **state)
{
    (void)state;
    char buf[200];
    struct writer w;
    writer_init(&w, buf, sizeof buf);
    writer_literal(&w, "lit ");
    writer_string(&w, "str ");
    writer_put(&w, SLICE("slice "));
    writer_put(&w, SLICE_NULL);
    writer_char(&w, 'c');
    writer_char(&w, ' ');
    writer_format(&w, "%d-%s ", -5, "x");
    writer_hex_bytes(&w, "\x00\xff\x1a", 3);
    assert_text(&w, "lit str slice c -5-x 00ff1a");
    assert_int_equal(writer_status(&w), 0);
    assert_int_equal(writer_space(&w), sizeof buf - writer_length(&w));
    assert_ptr_equal(writer_slice(&w).ptr, buf);
    assert_int_equal(writer_slice(&w).len, writer_length(&w));
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        const char *text;
    } rows[] = {
        {0, "0"},
        {9, "9"},
        {10, "10"},
        {12345, "12345"},
        {10000000000000000000u, "10000000000000000000"},
        {UINT64_MAX, "18446744073709551615"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char buf[20];
        struct writer w;
        writer_init(&w, buf, sizeof buf);
        writer_u64(&w, rows[i].value);
        assert_text(&w, rows[i].text);
    }
}

static void hexadecimal_is_exactly_as_wide_as_asked(void **state)
{
    (void)state;
    char buf[64];
    struct writer w;
    writer_init(&w, buf, sizeof buf);
    writer_hex(&w, 0xabc, 8);
    writer_char(&w, ' ');
    writer_hex(&w, 0x12345, 2);
    writer_char(&w, ' ');
    writer_hex(&w, 0xfedcba9876543210u, 16);
    writer_hex(&w, 7, 0);
    assert_text(&w, "00000abc 45 fedcba9876543210");
}

static void exactly_full_is_no_overflow_and_one_more_is(void **state)
{
    (void)state;
    char buf[5] = "----";
    struct writer w;
    writer_init(&w, buf, 4);
    writer_literal(&w, "abcd");
    assert_int_equal(writer_status(&w), 0);
    assert_int_equal(writer_space(&w), 0);
    writer_put(&w, SLICE_NULL);
    assert_int_equal(writer_status(&w), 0);
    writer_char(&w, 'e');
    assert_int_equal(writer_status(&w), ERR_LIMIT);
    assert_text(&w, "abcd");
    assert_int_equal(buf[4], '\0');
}

static void overflow_sticks(void **state)
{
    (void)state;
    char buf[4];
    struct writer w;
    writer_init(&w, buf, sizeof buf);
    writer_char(&w, 'a');
    writer_literal(&w, "bcde");
    writer_char(&w, 'b');
    writer_string(&w, "b");
    writer_u64(&w, 1);
    writer_hex(&w, 1, 1);
    writer_hex_bytes(&w, "x", 1);
    writer_format(&w, "%d", 1);
    writer_put(&w, SLICE_NULL);
    assert_text(&w, "a");
    assert_int_equal(writer_status(&w), ERR_LIMIT);
}

static void every_kind_of_piece_overflows_without_writing_past_the_end(void **state)
{
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        char buf[4] = "abcd";
        struct writer w;
        writer_init(&w, buf, 2);
        switch (kind) {
        case 0: writer_string(&w, "xyz"); break;
        case 1: writer_u64(&w, 123); break;
        case 2: writer_hex(&w, 0x123, 3); break;
        case 3: writer_hex_bytes(&w, "xy", 2); break;
        case 4: writer_format(&w, "%d", 123); break;
        default: writer_bytes(&w, "xyz", SIZE_MAX); break;
        }
        assert_int_equal(writer_status(&w), ERR_LIMIT);
        assert_int_equal(writer_length(&w), 0);
        assert_memory_equal(buf + 2, "cd", 2);
    }
}

static void a_format_needs_one_byte_more(void **state)
{
    (void)state;
    char buf[4];
    struct writer w;
    writer_init(&w, buf, 4);
    writer_format(&w, "%s", "abc");
    assert_int_equal(writer_status(&w), 0);
    assert_text(&w, "abc");
    writer_init(&w, buf, 3);
    writer_format(&w, "%s", "abc");
    assert_int_equal(writer_status(&w), ERR_LIMIT);
    writer_init(&w, buf, 0);
    writer_format(&w, "%s", "");
    assert_int_equal(writer_status(&w), ERR_LIMIT);
}

static void rewinding_forgets_what_came_after(void **state)
{
    (void)state;
    char buf[6];
    struct writer w;
    writer_init(&w, buf, sizeof buf);
    writer_literal(&w, "abc");
    size_t mark = writer_length(&w);
    writer_literal(&w, "too long");
    assert_int_equal(writer_status(&w), ERR_LIMIT);
    writer_rewind(&w, mark);
    assert_int_equal(writer_status(&w), 0);
    writer_literal(&w, "def");
    assert_text(&w, "abcdef");
    assert_int_equal(writer_status(&w), 0);
    writer_rewind(&w, 0);
    assert_int_equal(writer_space(&w), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_kinds_of_pieces),
        cmocka_unit_test(numbers),
        cmocka_unit_test(hexadecimal_is_exactly_as_wide_as_asked),
        cmocka_unit_test(exactly_full_is_no_overflow_and_one_more_is),
        cmocka_unit_test(overflow_sticks),
        cmocka_unit_test(every_kind_of_piece_overflows_without_writing_past_the_end),
        cmocka_unit_test(a_format_needs_one_byte_more),
        cmocka_unit_test(rewinding_forgets_what_came_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
