#include "app/text/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define DISTANCE(a, b) nearest_distance(SLICE(a), SLICE(b))

static void one_letter_more_less_other_or_swapped_is_one_step(void **state)
{
    (void)state;
    assert_int_equal(DISTANCE("", ""), 0);
    assert_int_equal(DISTANCE("abc", "abc"), 0);
    assert_int_equal(DISTANCE("ABC", "abc"), 0);
    assert_int_equal(DISTANCE("abc", "abcd"), 1);
    assert_int_equal(DISTANCE("abcd", "abc"), 1);
    assert_int_equal(DISTANCE("abc", "axc"), 1);
    assert_int_equal(DISTANCE("abc", "acb"), 1);
    assert_int_equal(DISTANCE("", "abc"), 3);
    assert_int_equal(DISTANCE("kitten", "sitting"), 3);
}

static void words_that_are_too_long_have_no_distance(void **state)
{
    (void)state;
    char text[NEAREST_WORD_MAX + 1];
    memset(text, 'a', sizeof text);
    assert_int_equal(nearest_distance(slice_of(text, NEAREST_WORD_MAX), SLICE("a")),
                     NEAREST_WORD_MAX - 1);
    assert_true(nearest_distance(slice_of(text, NEAREST_WORD_MAX + 1), SLICE("a")) == SIZE_MAX);
}

static const char *best_of(struct nearest *n, const char *word)
{
    nearest_init(n, slice_from_string(word));
    nearest_try(n, SLICE("serve"));
    nearest_try(n, SLICE("status"));
    nearest_try(n, SLICE("sip.t1"));
    nearest_try(n, SLICE("x"));
    return n->best;
}

static void the_nearest_word_is_found_and_nothing_far_away(void **state)
{
    (void)state;
    struct nearest n;
    assert_string_equal(best_of(&n, "sevre"), "serve");
    assert_string_equal(best_of(&n, "stauts"), "status");
    assert_string_equal(best_of(&n, "t1"), "sip.t1");
    assert_string_equal(best_of(&n, "tls.t1"), "sip.t1");
    assert_string_equal(best_of(&n, "something"), "");
    assert_string_equal(best_of(&n, "q"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_letter_more_less_other_or_swapped_is_one_step),
        cmocka_unit_test(words_that_are_too_long_have_no_distance),
        cmocka_unit_test(the_nearest_word_is_found_and_nothing_far_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
