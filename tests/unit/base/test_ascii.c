#include "base/ascii.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/base/edge.h"

static void lower_changes_capital_letters_only(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        int expected = c >= 'A' && c <= 'Z' ? c + 32 : c;
        assert_int_equal(ascii_lower((unsigned char)c), expected);
    }
}

static void eight_at_a_time_equals_one_at_a_time(void **state)
{
    (void)state;
    /* Every byte value at every place, beside neighbours that could carry or borrow into it. */
    static const unsigned char neighbours[] = {0x00, 0x40, 0x41, 0x5a, 0x5b,
                                               0x7f, 0x80, 0xc1, 0xff};
    for (size_t n = 0; n < sizeof neighbours; n++) {
        for (int place = 0; place < 8; place++) {
            for (int c = 0; c < 256; c++) {
                unsigned char in[8];
                unsigned char out[8];
                memset(in, neighbours[n], sizeof in);
                in[place] = (unsigned char)c;
                uint64_t v;
                memcpy(&v, in, sizeof v);
                v = ascii_lower8(v);
                memcpy(out, &v, sizeof v);
                for (int i = 0; i < 8; i++)
                    assert_int_equal(out[i], ascii_lower(in[i]));
            }
        }
    }
}

static void a_tail_is_loaded_whole_and_nothing_past_it(void **state)
{
    (void)state;
    char *edge = edge_new();
    for (size_t len = 0; len < 8; len++) {
        char *p = edge_copy(edge, "\xf1\xf2\xf3\xf4\xf5\xf6\xf7", len);
        uint64_t expected = 0;
        for (size_t i = 0; i < len; i++)
            expected |= (uint64_t)(0xf1 + i) << 8 * i;
        assert_true(ascii_load_tail(p, len) == expected);
    }
    assert_true(ascii_load8(edge_copy(edge, "\x01\x02\x03\x04\x05\x06\x07\x08", 8)) ==
                0x0807060504030201u);
    edge_free(edge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lower_changes_capital_letters_only),
        cmocka_unit_test(eight_at_a_time_equals_one_at_a_time),
        cmocka_unit_test(a_tail_is_loaded_whole_and_nothing_past_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
