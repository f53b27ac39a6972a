#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const int codes[] = {
#define CODE(name, code, text) name,
    ERROR_LIST(CODE)
#undef CODE
};

#define COUNT (sizeof codes / sizeof codes[0])

static void every_code_is_negative_and_has_its_own_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(codes[i] < 0);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(codes[i], codes[j]);
    }
}

static void every_code_has_its_own_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(strlen(error_text(codes[i])) > 0);
        assert_string_not_equal(error_text(codes[i]), "unknown error");
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(error_text(codes[i]), error_text(codes[j]));
    }
    assert_string_equal(error_text(ERR_NO_MEMORY), "out of memory");
}

static void other_codes_are_unknown(void **state)
{
    (void)state;
    assert_string_equal(error_text(0), "unknown error");
    assert_string_equal(error_text(1), "unknown error");
    assert_string_equal(error_text(-9999), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_is_negative_and_has_its_own_number),
        cmocka_unit_test(every_code_has_its_own_text),
        cmocka_unit_test(other_codes_are_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
