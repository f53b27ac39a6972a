#include "base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/error.h"
#include "unit/base/edge.h"

#define assert_slice(s, text)                                                                      \
    do {                                                                                           \
        struct slice assert_slice_s = (s);                                                         \
        assert_int_equal(assert_slice_s.len, strlen(text));                                        \
        assert_memory_equal(assert_slice_s.len ? assert_slice_s.ptr : "", text, strlen(text));     \
    } while (0)

static void making_and_cutting_up(void **state)
{
    (void)state;
    static const struct slice constant = SLICE_LITERAL("alice");
    assert_slice(constant, "alice");
    assert_slice(SLICE(""), "");
    assert_slice(slice_from_string("bob"), "bob");
    assert_true(slice_empty(slice_from_string(NULL)));
    assert_true(slice_empty(SLICE_NULL));
    assert_false(slice_empty(constant));
    assert_slice(slice_from(constant, 0), "alice");
    assert_slice(slice_from(constant, 3), "ce");
    assert_slice(slice_from(constant, 5), "");
    assert_slice(slice_from(constant, SIZE_MAX), "");
    assert_slice(slice_from(SLICE_NULL, 0), "");
    assert_slice(slice_between(constant.ptr + 1, constant.ptr + 4), "lic");
}

static void equality_is_of_bytes(void **state)
{
    (void)state;
    assert_true(slice_equal(SLICE("a"), SLICE("a")));
    assert_false(slice_equal(SLICE("a"), SLICE("A")));
    assert_false(slice_equal(SLICE("a"), SLICE("ab")));
    assert_true(slice_equal(SLICE_NULL, SLICE("")));
    assert_true(slice_equal(SLICE("a\0b"), SLICE("a\0b")));
    assert_false(slice_equal(SLICE("a\0b"), SLICE("a\0c")));
}

/* RFC 3261 section 7.3.1: tokens compare without case. */
static void equality_without_case_at_every_length_and_place(void **state)
{
    (void)state;
    char *edge_a = edge_new();
    char *edge_b = edge_new();
    for (size_t len = 0; len <= 40; len++) {
        char *a = edge_copy(edge_a, "Content-Disposition-And-More-Header-Names", len);
        char *b = edge_copy(edge_b, "cONTENT-dISPOSITION-aND-mORE-hEADER-nAMES", len);
        assert_true(slice_equal_nocase(slice_of(a, len), slice_of(b, len)));
        for (size_t i = 0; i < len; i++) {
            char kept = b[i];
            b[i] = (char)(kept ^ 0x01);
            assert_false(slice_equal_nocase(slice_of(a, len), slice_of(b, len)));
            b[i] = (char)(kept ^ 0x80);
            assert_false(slice_equal_nocase(slice_of(a, len), slice_of(b, len)));
            b[i] = kept;
        }
        if (len > 0)
            assert_false(slice_equal_nocase(slice_of(a, len), slice_of(b, len - 1)));
    }
    edge_free(edge_a);
    edge_free(edge_b);
    assert_true(slice_equal_nocase(SLICE_NULL, SLICE("")));
}

static void only_letters_have_case(void **state)
{
    (void)state;
    for (int x = 0; x < 256; x++) {
        for (int y = 0; y < 256; y++) {
            int lx = x >= 'A' && x <= 'Z' ? x | 0x20 : x;
            int ly = y >= 'A' && y <= 'Z' ? y | 0x20 : y;
            char a = (char)x;
            char b = (char)y;
            assert_int_equal(slice_equal_nocase(slice_of(&a, 1), slice_of(&b, 1)), lx == ly);
        }
    }
    assert_false(slice_equal_nocase(SLICE("@"), SLICE("`")));
    assert_false(slice_equal_nocase(SLICE("abcdefg["), SLICE("abcdefg{")));
    /* Latin capital and small letters are bytes like others. */
    assert_false(slice_equal_nocase(SLICE("\xc3\x84"), SLICE("\xc3\xa4")));
}

static void prefixes_and_suffixes(void **state)
{
    (void)state;
    assert_true(slice_starts_with(SLICE("sip:alice"), SLICE("sip:")));
    assert_false(slice_starts_with(SLICE("SIP:alice"), SLICE("sip:")));
    assert_true(slice_starts_with_nocase(SLICE("SIP:alice"), SLICE("sip:")));
    assert_false(slice_starts_with_nocase(SLICE("SI"), SLICE("sip:")));
    assert_false(slice_starts_with_nocase(SLICE("sips:"), SLICE("sip:")));
    assert_true(slice_starts_with(SLICE("x"), SLICE_NULL));
    assert_true(slice_starts_with_nocase(SLICE_NULL, SLICE_NULL));
    assert_true(slice_ends_with_nocase(SLICE("a.Example.COM"), SLICE(".example.com")));
    assert_false(slice_ends_with_nocase(SLICE("com"), SLICE(".example.com")));
    assert_false(slice_ends_with_nocase(SLICE("a.example.org"), SLICE(".example.com")));
    assert_true(slice_ends_with_nocase(SLICE("x"), SLICE_NULL));
    assert_true(slice_ends_with_nocase(SLICE_NULL, SLICE("")));
}

static void order_is_by_bytes_then_by_length(void **state)
{
    (void)state;
    assert_true(slice_compare(SLICE("a"), SLICE("b")) < 0);
    assert_true(slice_compare(SLICE("b"), SLICE("a")) > 0);
    assert_true(slice_compare(SLICE("a"), SLICE("ab")) < 0);
    assert_true(slice_compare(SLICE("ab"), SLICE("a")) > 0);
    assert_true(slice_compare(SLICE("b"), SLICE("ab")) > 0);
    assert_true(slice_compare(SLICE("\x7f"), SLICE("\x80")) < 0);
    assert_int_equal(slice_compare(SLICE("ab"), SLICE("ab")), 0);
    assert_int_equal(slice_compare(SLICE_NULL, SLICE("")), 0);
    assert_true(slice_compare(SLICE_NULL, SLICE("a")) < 0);
}

static void index_is_the_first_or_the_length(void **state)
{
    (void)state;
    assert_int_equal(slice_index(SLICE("a;b;c"), ';'), 1);
    assert_int_equal(slice_index(SLICE("abc"), ';'), 3);
    assert_int_equal(slice_index(SLICE_NULL, ';'), 0);
    assert_int_equal(slice_index(SLICE("a\0b"), '\0'), 1);
}

static void trim_takes_linear_white_space_from_both_ends(void **state)
{
    (void)state;
    assert_slice(slice_trim(SLICE(" \t\r\n a b\r\n\t ")), "a b");
    assert_slice(slice_trim(SLICE(" \r\n ")), "");
    assert_slice(slice_trim(SLICE_NULL), "");
    assert_slice(slice_trim(SLICE("a")), "a");
    assert_slice(slice_trim(SLICE("\va\f")), "\va\f");
}

static void cut_takes_parts_off_the_front(void **state)
{
    (void)state;
    struct slice rest = SLICE("a;;bc");
    assert_slice(slice_cut(&rest, ';'), "a");
    assert_slice(rest, ";bc");
    assert_slice(slice_cut(&rest, ';'), "");
    assert_slice(rest, "bc");
    assert_slice(slice_cut(&rest, ';'), "bc");
    assert_slice(rest, "");
    assert_slice(slice_cut(&rest, ';'), "");
    rest = SLICE("x;");
    assert_slice(slice_cut(&rest, ';'), "x");
    assert_slice(rest, "");
    rest = SLICE_NULL;
    assert_slice(slice_cut(&rest, ';'), "");
    assert_slice(rest, "");
}

static void numbers_within_their_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t max;
        int rc;
        uint64_t value;
    } rows[] = {
        {"0", 0, 0, 0},
        {"1", 0, ERR_RANGE, 0},
        {"9", 8, ERR_RANGE, 0},
        {"10", 8, ERR_RANGE, 0},
        {"10", 9, ERR_RANGE, 0},
        {"10", 10, 0, 10},
        {"11", 10, ERR_RANGE, 0},
        {"007", 7, 0, 7},
        {"00000000000000000000000000000000255", 255, 0, 255},
        {"256", 255, ERR_RANGE, 0},
        {"4294967295", UINT32_MAX, 0, UINT32_MAX},
        {"4294967296", UINT32_MAX, ERR_RANGE, 0},
        {"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, ERR_RANGE, 0},
        {"18446744073709551625", UINT64_MAX, ERR_RANGE, 0},
        {"99999999999999999999999999999999", UINT64_MAX, ERR_RANGE, 0},
        {"36893488147419103232", 100, ERR_RANGE, 0}, /* 2^65 */
        {"", 9, ERR_SYNTAX, 0},
        {" 1", 9, ERR_SYNTAX, 0},
        {"1 ", 9, ERR_SYNTAX, 0},
        {"+1", 9, ERR_SYNTAX, 0},
        {"-1", 9, ERR_SYNTAX, 0},
        {"1.0", 9, ERR_SYNTAX, 0},
        {"0x1", 9, ERR_SYNTAX, 0},
        {"/", 9, ERR_SYNTAX, 0},
        {":", 9, ERR_SYNTAX, 0},
        {"99999999999999999999999999999999x", 9, ERR_SYNTAX, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct slice s = slice_from_string(rows[i].text);
        uint64_t value = 4711;
        assert_int_equal(slice_to_u64(s, rows[i].max, &value), rows[i].rc);
        assert_true(value == (rows[i].rc == 0 ? rows[i].value : 4711));
        if (rows[i].max > UINT32_MAX)
            continue;
        uint32_t narrow = 4711;
        assert_int_equal(slice_to_u32(s, (uint32_t)rows[i].max, &narrow), rows[i].rc);
        assert_true(narrow == (rows[i].rc == 0 ? rows[i].value : 4711));
    }
}

static void hexadecimal_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int rc;
        uint64_t value;
    } rows[] = {
        {"0", 0, 0},
        {"0f", 0, 15},
        {"aF09", 0, 0xaf09},
        {"ffffffffffffffff", 0, UINT64_MAX},
        {"0000000000000000", 0, 0},
        {"00000000000000000", ERR_SYNTAX, 0},
        {"", ERR_SYNTAX, 0},
        {"g", ERR_SYNTAX, 0},
        {"@", ERR_SYNTAX, 0},
        {"`", ERR_SYNTAX, 0},
        {"/", ERR_SYNTAX, 0},
        {":", ERR_SYNTAX, 0},
        {"1 ", ERR_SYNTAX, 0},
        {"\x10", ERR_SYNTAX, 0}, /* '0' without a bit of its case */
        {"\x01", ERR_SYNTAX, 0},
        {"\xe1", ERR_SYNTAX, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t value = 77;
        assert_int_equal(slice_hex_to_u64(slice_from_string(rows[i].text), &value), rows[i].rc);
        assert_true(value == (rows[i].rc == 0 ? rows[i].value : 77));
    }
}

static void numbers_agree_with_plain_arithmetic(void **state)
{
    (void)state;
    for (uint64_t max = 0; max < 130; max++) {
        for (unsigned n = 0; n < 140; n++) {
            char text[8];
            snprintf(text, sizeof text, "%u", n);
            uint64_t value = 0;
            int rc = slice_to_u64(slice_from_string(text), max, &value);
            assert_int_equal(rc, n <= max ? 0 : ERR_RANGE);
            if (rc == 0)
                assert_int_equal(value, n);
        }
    }
}

static void a_string_is_cut_to_its_buffer(void **state)
{
    (void)state;
    char buf[4];
    assert_string_equal(slice_to_string(SLICE("ab"), buf, sizeof buf), "ab");
    assert_string_equal(slice_to_string(SLICE("abcdef"), buf, sizeof buf), "abc");
    assert_string_equal(slice_to_string(SLICE_NULL, buf, sizeof buf), "");
    assert_string_equal(slice_to_string(SLICE("abc"), buf, 1), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making_and_cutting_up),
        cmocka_unit_test(equality_is_of_bytes),
        cmocka_unit_test(equality_without_case_at_every_length_and_place),
        cmocka_unit_test(only_letters_have_case),
        cmocka_unit_test(prefixes_and_suffixes),
        cmocka_unit_test(order_is_by_bytes_then_by_length),
        cmocka_unit_test(index_is_the_first_or_the_length),
        cmocka_unit_test(trim_takes_linear_white_space_from_both_ends),
        cmocka_unit_test(cut_takes_parts_off_the_front),
        cmocka_unit_test(numbers_within_their_range),
        cmocka_unit_test(hexadecimal_numbers),
        cmocka_unit_test(numbers_agree_with_plain_arithmetic),
        cmocka_unit_test(a_string_is_cut_to_its_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
