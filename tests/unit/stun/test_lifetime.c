#include "stun/lifetime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A NAT whose mappings live so long; results come in order of their time. */
static void try_pass(struct lifetime *l, uint32_t life_ms)
{
    for (unsigned i = 0; i < LIFETIME_PROBES && !lifetime_pass_over(l); i++)
        lifetime_on_result(l, i, l->pauses[i] < life_ms);
    assert_true(lifetime_pass_over(l));
}

static unsigned search(struct lifetime *l, uint32_t limit_ms, uint32_t life_ms)
{
    unsigned passes = 0;
    lifetime_init(l, limit_ms);
    do {
        try_pass(l, life_ms);
        passes++;
    } while (lifetime_next_pass(l));
    return passes;
}

/* RFC 5780 section 4.6: outlived below, gone above */
static void the_lifetime_lies_in_what_the_search_ends_with(void **state)
{
    (void)state;
    struct lifetime l;
    for (uint32_t limit = 2000; limit <= 600000; limit *= 3) {
        for (uint32_t life = 1; life < limit; life += limit / 97) {
            assert_in_range(search(&l, limit, life), 1, LIFETIME_PASSES);
            assert_true(l.alive_ms < life);
            assert_true(l.gone_ms >= life);
            uint32_t width = l.gone_ms - l.alive_ms;
            assert_true(width <= LIFETIME_FINE_MS || width <= limit / 100);
        }
    }
}

static void a_mapping_that_outlives_the_limit_is_told_so(void **state)
{
    (void)state;
    struct lifetime l;
    assert_int_equal(search(&l, 5000, 30000), 1);
    assert_int_equal(l.alive_ms, 5000);
    assert_int_equal(l.gone_ms, 0);
}

static void no_time_is_spent_on_pauses_longer_than_one_that_killed(void **state)
{
    (void)state;
    struct lifetime l;
    lifetime_init(&l, 10000);
    assert_false(lifetime_pass_over(&l));
    lifetime_on_result(&l, 0, true);
    lifetime_on_result(&l, 1, true);
    assert_false(lifetime_pass_over(&l));
    lifetime_on_result(&l, 2, false);
    assert_true(lifetime_pass_over(&l));
    assert_int_equal(l.alive_ms, 2000);
    assert_int_equal(l.gone_ms, 3000);
}

/* RFC 5780 section 4.6: "be prepared to get inconsistent results" */
static void of_results_that_contradict_each_other_the_shorter_life_counts(void **state)
{
    (void)state;
    struct lifetime l;
    lifetime_init(&l, 10000);
    lifetime_on_result(&l, 0, true);
    lifetime_on_result(&l, 4, true);
    lifetime_on_result(&l, 2, false);
    assert_int_equal(l.alive_ms, 1000);
    assert_int_equal(l.gone_ms, 3000);
    lifetime_on_result(&l, 6, false);
    lifetime_on_result(&l, 5, true);
    assert_int_equal(l.alive_ms, 1000);
    assert_int_equal(l.gone_ms, 3000);
}

static void a_question_that_is_asked_late_counts_as_what_it_was(void **state)
{
    (void)state;
    struct lifetime l;
    lifetime_init(&l, 10000);
    lifetime_on_asked(&l, 0, 1000);
    lifetime_on_result(&l, 0, true);
    lifetime_on_asked(&l, 1, 3700);
    lifetime_on_result(&l, 1, false);
    assert_int_equal(l.alive_ms, 1000);
    assert_int_equal(l.gone_ms, 3700);
    assert_false(lifetime_pass_over(&l)); /* 3 s are still to be told */
}

static void how_long_it_may_take_is_no_less_than_it_takes(void **state)
{
    (void)state;
    for (uint32_t limit = LIFETIME_LIMIT_MIN; limit <= LIFETIME_LIMIT_MAX; limit += 997) {
        struct lifetime l;
        uint32_t longest = 0;
        lifetime_init(&l, limit);
        longest += l.pauses[LIFETIME_PROBES - 1];
        for (unsigned i = 0; i < LIFETIME_PROBES; i++)
            lifetime_on_result(&l, i, i + 1 < LIFETIME_PROBES);
        if (lifetime_next_pass(&l))
            longest += l.pauses[LIFETIME_PROBES - 1];
        assert_true(longest <= lifetime_longest_ms(limit));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lifetime_lies_in_what_the_search_ends_with),
        cmocka_unit_test(a_mapping_that_outlives_the_limit_is_told_so),
        cmocka_unit_test(no_time_is_spent_on_pauses_longer_than_one_that_killed),
        cmocka_unit_test(of_results_that_contradict_each_other_the_shorter_life_counts),
        cmocka_unit_test(a_question_that_is_asked_late_counts_as_what_it_was),
        cmocka_unit_test(how_long_it_may_take_is_no_less_than_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
