#include "app/text/age.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void spans_are_given_in_the_units_that_people_use(void **state)
{
    (void)state;
    char buf[AGE_TEXT_MAX];
    assert_string_equal(age_text(-5, buf), "0 s");
    assert_string_equal(age_text(119, buf), "119 s");
    assert_string_equal(age_text(120, buf), "2 min");
    assert_string_equal(age_text(7199, buf), "119 min");
    assert_string_equal(age_text(7200, buf), "2 h 0 min");
    assert_string_equal(age_text(172799, buf), "47 h 59 min");
    assert_string_equal(age_text(172800, buf), "2 d 0 h");
    assert_string_equal(age_text(INT64_MAX, buf), "106751991167300 d 15 h");
}

static void times_are_read_back(void **state)
{
    (void)state;
    assert_int_equal(age_parse_time("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(age_parse_time("2026-05-01T12:00:00Z"), 1777636800);
    assert_int_equal(age_parse_time("2026-05-01T12:00:00"), 0);
    assert_int_equal(age_parse_time("2026-05-01T12:00:00Zx"), 0);
    assert_int_equal(age_parse_time(""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_given_in_the_units_that_people_use),
        cmocka_unit_test(times_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
