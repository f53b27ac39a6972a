#include "base/memory.h"
#include "service/stun/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct stun_limit *limit;

static int set_up(void **state)
{
    (void)state;
    limit = memory_zalloc(1, sizeof *limit);
    limit->seed = 42;
    return limit == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    memory_free(limit);
    return 0;
}

static struct address source(unsigned number)
{
    struct address a;
    char text[32];
    (void)snprintf(text, sizeof text, "10.%u.%u.%u:5060", number >> 16 & 255, number >> 8 & 255,
                   number & 255);
    assert_int_equal(address_parse(slice_from_string(text), &a), 0);
    return a;
}

static unsigned taken(const struct address *from, unsigned tries, uint64_t now)
{
    unsigned n = 0;
    for (unsigned i = 0; i < tries; i++)
        n += stun_limit_take(limit, from, 10, now);
    return n;
}

static void a_source_gets_its_rate_and_no_more(void **state)
{
    (void)state;
    struct address a = source(1), b = source(2);
    assert_int_equal(taken(&a, 50, 1000), 10);
    assert_int_equal(taken(&b, 5, 1000), 5); /* another has its own */
    assert_int_equal(taken(&a, 50, 1050), 0);
    assert_int_equal(taken(&a, 50, 1300), 3);
    assert_int_equal(taken(&a, 50, 60000), 10); /* what is not used does not pile up */
}

/* The milliseconds are kept in 32 bits. */
static void a_clock_that_wraps_takes_nothing_away(void **state)
{
    (void)state;
    struct address a = source(1);
    uint64_t wrap = UINT64_C(1) << 32;
    assert_int_equal(taken(&a, 50, wrap - 100), 10);
    assert_int_equal(taken(&a, 50, wrap + 100), 2);
}

/* The port and the low half of an IPv6 address are the sender's choice. */
static void ports_and_interface_identifiers_are_one_source(void **state)
{
    (void)state;
    unsigned n = 0;
    for (unsigned i = 0; i < 100; i++) {
        struct address a;
        char text[64];
        (void)snprintf(text, sizeof text, "[2001:db8::%x]:%u", i + 1, 1000 + i);
        assert_int_equal(address_parse(slice_from_string(text), &a), 0);
        n += stun_limit_take(limit, &a, 10, 1000);
    }
    assert_int_equal(n, 10);
}

static void a_flood_from_many_sources_leaves_honest_ones_served(void **state)
{
    (void)state;
    struct address honest = source(0xffffff);
    unsigned served = 0;
    for (unsigned i = 0; i < 200000; i++) {
        struct address flood = source(i);
        (void)stun_limit_take(limit, &flood, 10, 1000 + i / 100);
        if (i % 20000 == 0)
            served += stun_limit_take(limit, &honest, 10, 1000 + i / 100);
    }
    assert_int_equal(served, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_source_gets_its_rate_and_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_clock_that_wraps_takes_nothing_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ports_and_interface_identifiers_are_one_source, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_flood_from_many_sources_leaves_honest_ones_served, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
