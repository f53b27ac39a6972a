/* label: threads */
#include "unit/loop/loop_fixture.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

struct probe {
    struct timer timer;
    struct loop *loop;
    uint64_t due_ms;
    uint64_t fired_ms;
    unsigned fired;
};

static void probe_fire(struct timer *timer)
{
    struct probe *probe = container_of(timer, struct probe, timer);
    probe->fired_ms = clock_ms();
    probe->fired++;
}

static void timers_fire_on_time_and_never_early(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct probe probes[4];
    static const unsigned delays[4] = {1, 7, 30, 90};
    run_for(loop, 1);
    for (int i = 0; i < 4; i++) {
        probes[i] = (struct probe){.loop = loop};
        timer_init(&probes[i].timer, probe_fire);
        wheel_start(loop_wheel(loop), &probes[i].timer, delays[i]);
        probes[i].due_ms = loop_now_ms(loop) + delays[i];
    }
    assert_true(run_until(loop, not_zero, &probes[3].fired, WAIT_MS));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(probes[i].fired, 1);
        assert_true(probes[i].fired_ms >= probes[i].due_ms);
        assert_true(probes[i].fired_ms < probes[i].due_ms + WAIT_MS);
    }
    loop_free(loop);
}

/* A timer that starts in the turn after a long sleep counts from now, not from before the sleep. */
struct chain {
    struct timer first;
    struct timer second;
    struct loop *loop;
    uint64_t started_ms;
    uint64_t fired_ms;
    unsigned done;
};

static void chain_first(struct timer *timer)
{
    struct chain *chain = container_of(timer, struct chain, first);
    chain->started_ms = clock_ms();
    wheel_start(loop_wheel(chain->loop), &chain->second, 20);
}

static void chain_second(struct timer *timer)
{
    struct chain *chain = container_of(timer, struct chain, second);
    chain->fired_ms = clock_ms();
    chain->done = 1;
}

static void a_timer_counts_from_the_turn_that_starts_it(void **state)
{
    (void)state;
    struct chain chain = {.loop = new_loop()};
    timer_init(&chain.first, chain_first);
    timer_init(&chain.second, chain_second);
    wheel_start(loop_wheel(chain.loop), &chain.first, 100);
    assert_true(run_until(chain.loop, not_zero, &chain.done, WAIT_MS));
    assert_true(chain.fired_ms + 1 >= chain.started_ms + 20);
    loop_free(chain.loop);
}

static bool never(void *user)
{
    ++*(unsigned *)user;
    return false;
}

static void an_idle_loop_sleeps(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    unsigned turns = 0;
    run_until(loop, never, &turns, 200);
    /* The wheel may wake for a cascade now and then. */
    assert_in_range(turns, 1, 5);
    loop_free(loop);
}

static void the_clocks_agree_with_the_system(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    uint64_t before_ms = clock_ms(), wall_before_s = (uint64_t)time(NULL);
    run_for(loop, 150);
    assert_in_range(loop_now_ms(loop), before_ms + 150, clock_ms());
    assert_int_equal(loop_now_us(loop) / 1000, loop_now_ms(loop));
    uint64_t wall_after_s = (uint64_t)time(NULL);
    assert_in_range(loop_wall_ms(loop), (wall_before_s - 1) * 1000, (wall_after_s + 2) * 1000);
    assert_in_range(loop_steady_ms(loop), (wall_before_s - 1) * 1000, (wall_after_s + 2) * 1000);
    loop_free(loop);
}

static void *run_loop(void *user)
{
    assert_int_equal(loop_run(user), 0);
    return NULL;
}

static void any_thread_stops_a_sleeping_loop(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    pthread_t thread;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(pthread_create(&thread, NULL, run_loop, loop), 0);
        if (i % 2 != 0)
            usleep(2000);
        loop_stop(loop);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    loop_free(loop);
}

struct spinner {
    struct timer timer;
    struct loop *loop;
    unsigned work_ms, rest_ms;
};

/* Works for a while, rests for 1 ms: much less than it works, even where it is not woken at once.
 */
static void spin(struct timer *timer)
{
    struct spinner *spinner = container_of(timer, struct spinner, timer);
    uint64_t until = clock_ms() + spinner->work_ms;
    while (clock_ms() < until) {
    }
    wheel_start(loop_wheel(spinner->loop), timer, spinner->work_ms + spinner->rest_ms);
}

static bool is_busy(void *user)
{
    return loop_busy_permille(user) >= 500;
}

static bool is_idle(void *user)
{
    return loop_busy_permille(user) <= 100;
}

static void a_busy_loop_says_so_and_an_idle_one_too(void **state)
{
    (void)state;
    struct spinner spinner = {.loop = new_loop(), .work_ms = 200, .rest_ms = 1};
    assert_int_equal(loop_busy_permille(spinner.loop), 0);
    timer_init(&spinner.timer, spin);
    wheel_start(loop_wheel(spinner.loop), &spinner.timer, 0);
    assert_true(run_until(spinner.loop, is_busy, spinner.loop, WAIT_MS));
    spinner.work_ms = 0;
    spinner.rest_ms = 100;
    assert_true(run_until(spinner.loop, is_idle, spinner.loop, WAIT_MS));
    wheel_stop(loop_wheel(spinner.loop), &spinner.timer);
    loop_free(spinner.loop);
}

static void freeing_nothing_is_harmless(void **state)
{
    (void)state;
    loop_free(NULL);
    struct loop *loop = new_loop();
    assert_int_equal(loop_worker(loop), 0);
    assert_null(loop_log(loop));
    assert_true(random_u64(loop_random(loop)) != random_u64(loop_random(loop)));
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_on_time_and_never_early),
        cmocka_unit_test(a_timer_counts_from_the_turn_that_starts_it),
        cmocka_unit_test(an_idle_loop_sleeps),
        cmocka_unit_test(the_clocks_agree_with_the_system),
        cmocka_unit_test(any_thread_stops_a_sleeping_loop),
        cmocka_unit_test(a_busy_loop_says_so_and_an_idle_one_too),
        cmocka_unit_test(freeing_nothing_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
