#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

static void the_monotonic_clock_runs_in_microseconds(void **state)
{
    (void)state;
    uint64_t before = clock_monotonic_us();
    struct timespec pause = {.tv_nsec = 2000000};
    nanosleep(&pause, NULL);
    uint64_t passed = clock_monotonic_us() - before;
    assert_true(passed >= 2000);
    assert_true(passed < 50000000);
}

static void the_wall_clock_is_the_time_of_day_in_milliseconds(void **state)
{
    (void)state;
    uint64_t before = (uint64_t)time(NULL);
    uint64_t now = clock_wall_ms();
    uint64_t after = (uint64_t)time(NULL);
    /* time() may lag behind by a tick. */
    assert_in_range(now, before * 1000, (after + 1) * 1000 + 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_monotonic_clock_runs_in_microseconds),
        cmocka_unit_test(the_wall_clock_is_the_time_of_day_in_milliseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
