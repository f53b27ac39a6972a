#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/base/edge.h"

/* RFC 3629 section 3. */
static void every_code_point_is_decoded_from_its_one_form(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        char b[4];
        size_t len;
        if (code < 0x80) {
            len = 1;
            b[0] = (char)code;
        } else if (code < 0x800) {
            len = 2;
            b[0] = (char)(0xc0 | code >> 6);
        } else if (code < 0x10000) {
            len = 3;
            b[0] = (char)(0xe0 | code >> 12);
        } else {
            len = 4;
            b[0] = (char)(0xf0 | code >> 18);
        }
        for (size_t i = 1; i < len; i++)
            b[i] = (char)(0x80 | (code >> 6 * (len - 1 - i) & 0x3f));
        uint32_t got = UINT32_MAX;
        if (utf8_decode(slice_of(b, len), &got) != len || got != code)
            fail_msg("U+%04X", code);
    }
}

/* RFC 3629 sections 3, 4 and 10: overlong forms, surrogates, what is past U+10FFFF, and halves. */
static void invalid_forms_are_refused_and_nothing_past_them_is_read(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x41",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xe1\x80",
        "\xe1\x80\x41",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf1\x80\x80",
        "\xf1\x80\x80\xc0",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xfe",
        "\xff",
    };
    char *edge = edge_new();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t code = 4711;
        size_t len = strlen(rows[i]);
        struct slice s = slice_of(edge_copy(edge, rows[i], len), len);
        assert_int_equal(utf8_decode(s, &code), 0);
        assert_int_equal(code, 4711);
        assert_false(utf8_valid(s));
    }
    uint32_t code;
    assert_int_equal(utf8_decode(SLICE_NULL, &code), 0);
    edge_free(edge);
}

static void texts_are_valid_as_a_whole(void **state)
{
    (void)state;
    assert_true(utf8_valid(SLICE_NULL));
    assert_true(utf8_valid(SLICE("J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x93\x9e")));
    assert_false(utf8_valid(SLICE("J\xf6rg")));
    assert_false(utf8_valid(SLICE("abc\xe2\x82")));
}

static void a_half_character_at_the_end_is_dropped(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t kept;
    } rows[] = {
        {"", 0},
        {"abc", 3},
        {"ab\xc3", 2},
        {"ab\xc3\xb6", 4},
        {"ab\xe2\x82", 2},
        {"ab\xe2\x82\xac", 5},
        {"ab\xf0\x9f\x93", 2},
        {"ab\xf0\x9f\x93\x9e", 6},
        {"\xf0\x9f\x93", 0},
        {"\x80\x80\x80\x80\x80", 5}, /* not half a character but none at all: left to the decoder */
        {"ab\xff", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(utf8_whole(slice_from_string(rows[i].text)).len, rows[i].kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_is_decoded_from_its_one_form),
        cmocka_unit_test(invalid_forms_are_refused_and_nothing_past_them_is_read),
        cmocka_unit_test(texts_are_valid_as_a_whole),
        cmocka_unit_test(a_half_character_at_the_end_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
