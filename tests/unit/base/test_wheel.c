#include "base/wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct alarm {
    struct timer timer;
    struct wheel *wheel;
    unsigned id;
    unsigned fired;
    uint64_t at; /* the wheel's time when it fired */
    uint64_t again_ms;
    bool again;
    struct alarm *stops;
};

static struct alarm *fired_order[4096];
static unsigned fired_count;

static void on_fire(struct timer *timer)
{
    struct alarm *a = container_of(timer, struct alarm, timer);
    assert_false(timer_running(timer));
    a->fired++;
    a->at = a->wheel->now_ms;
    if (fired_count < sizeof fired_order / sizeof *fired_order)
        fired_order[fired_count] = a;
    fired_count++;
    if (a->again)
        wheel_start(a->wheel, timer, a->again_ms);
    if (a->stops != NULL)
        wheel_stop(a->wheel, &a->stops->timer);
}

static struct alarm alarm_for(struct wheel *w, unsigned id)
{
    struct alarm a = {.wheel = w, .id = id};
    return a;
}

static void begin(struct wheel *w, uint64_t now_ms)
{
    fired_count = 0;
    wheel_init(w, now_ms);
}

static void a_timer_fires_once_and_never_early(void **state)
{
    (void)state;
    static const uint64_t delays[] = {
        0, 1, 255, 256, 257, 65535, 65536, 65537, 16777215, 16777216, 4294967295ULL, 4294967296ULL};
    static const uint64_t starts[] = {
        0, 1, 255, 256, 65535, 0xfffffff, 0xffffffffffULL, 1700000000000ULL};
    for (size_t s = 0; s < sizeof starts / sizeof *starts; s++) {
        for (size_t d = 0; d < sizeof delays / sizeof *delays; d++) {
            static struct wheel w;
            wheel_init(&w, starts[s]);
            struct alarm a = alarm_for(&w, 0);
            timer_init(&a.timer, on_fire);
            wheel_start(&w, &a.timer, delays[d]);
            if (delays[d] > 0)
                assert_int_equal(wheel_advance(&w, starts[s] + delays[d] - 1), 0);
            assert_true(timer_running(&a.timer));
            assert_int_equal(wheel_advance(&w, starts[s] + delays[d]), 1);
            assert_int_equal(wheel_advance(&w, starts[s] + delays[d] + 100000), 0);
            assert_int_equal(a.fired, 1);
            assert_int_equal(w.count, 0);
            assert_true(wheel_next(&w) == WHEEL_NEVER);
        }
    }
}

/* Sleeping until wheel_next and advancing meets the due time exactly, over few wake-ups. */
static void sleeping_until_next_is_exact(void **state)
{
    (void)state;
    for (uint64_t delay = 1; delay < UINT64_C(1) << 40; delay = delay * 7 + 3) {
        static struct wheel w;
        wheel_init(&w, 0xfffffff123ULL);
        struct alarm a = alarm_for(&w, 0);
        timer_init(&a.timer, on_fire);
        wheel_start(&w, &a.timer, delay);
        unsigned wakes = 0;
        while (w.count > 0) {
            uint64_t next = wheel_next(&w);
            assert_true(next <= a.timer.due_ms);
            assert_true(next >= w.now_ms);
            wheel_advance(&w, next);
            wakes++;
        }
        uint64_t longest = UINT64_C(255) << 32;
        assert_true(a.at == 0xfffffff123ULL + (delay < longest ? delay : longest));
        assert_true(wakes <= WHEEL_LEVELS);
    }
}

static void due_timers_fire_in_order_of_due_time_then_of_starting(void **state)
{
    (void)state;
    struct wheel w;
    begin(&w, 0);
    struct alarm a[6];
    for (unsigned i = 0; i < 6; i++) {
        a[i] = alarm_for(&w, i);
        timer_init(&a[i].timer, on_fire);
    }
    wheel_start(&w, &a[0].timer, 70000); /* from level 2 down to 0 */
    wheel_start(&w, &a[1].timer, 900);
    wheel_advance(&w, 69000);
    assert_int_equal(fired_count, 1);
    wheel_start(&w, &a[2].timer, 1000); /* the same due time, started later, at level 1 */
    wheel_start(&w, &a[3].timer, 999);
    wheel_advance(&w, 69990);
    wheel_start(&w, &a[4].timer, 10); /* the same again at level 0 */
    wheel_start(&w, &a[5].timer, 11);
    assert_int_equal(wheel_advance(&w, 90000), 5);
    static const unsigned order[] = {1, 3, 0, 2, 4, 5};
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(fired_order[i]->id, order[i]);
}

static void a_restarted_timer_fires_at_its_new_time_only(void **state)
{
    (void)state;
    struct wheel w;
    begin(&w, 10);
    struct alarm a = alarm_for(&w, 0);
    timer_init(&a.timer, on_fire);
    wheel_start(&w, &a.timer, 100);
    wheel_start(&w, &a.timer, 5000);
    assert_int_equal(w.count, 1);
    wheel_advance(&w, 5009);
    assert_int_equal(a.fired, 0);
    wheel_advance(&w, 5010);
    assert_int_equal(a.fired, 1);
}

static void a_callback_may_restart_its_timer(void **state)
{
    (void)state;
    struct wheel w;
    begin(&w, 0);
    struct alarm a = alarm_for(&w, 0);
    a.again = true;
    a.again_ms = 500;
    timer_init(&a.timer, on_fire);
    wheel_start(&w, &a.timer, 500);
    for (uint64_t now = 0; now <= 5000; now++)
        wheel_advance(&w, now);
    assert_int_equal(a.fired, 10);
    /* A late call runs it once: the delay counts from the present, not from the missed time. */
    assert_int_equal(wheel_advance(&w, 9000), 1);
    assert_true(a.timer.due_ms == 9500);
}

static void delay_zero_in_a_callback_waits_for_the_next_call(void **state)
{
    (void)state;
    struct wheel w;
    begin(&w, 0);
    struct alarm a = alarm_for(&w, 0);
    a.again = true;
    timer_init(&a.timer, on_fire);
    wheel_start(&w, &a.timer, 10);
    assert_int_equal(wheel_advance(&w, 300), 1);
    assert_true(wheel_next(&w) == 300);
    assert_int_equal(wheel_advance(&w, 300), 1);
    assert_int_equal(wheel_advance(&w, 301), 1);
    assert_int_equal(a.fired, 3);
}

static void a_callback_may_stop_a_timer_that_is_due_too(void **state)
{
    (void)state;
    struct wheel w;
    begin(&w, 0);
    struct alarm a = alarm_for(&w, 0);
    struct alarm b = alarm_for(&w, 1);
    a.stops = &b;
    timer_init(&a.timer, on_fire);
    timer_init(&b.timer, on_fire);
    wheel_start(&w, &a.timer, 10);
    wheel_start(&w, &b.timer, 20);
    assert_int_equal(wheel_advance(&w, 400), 1);
    assert_int_equal(b.fired, 0);
    assert_false(timer_running(&b.timer));
    assert_int_equal(w.count, 0);
}

static void on_fire_free(struct timer *timer)
{
    struct alarm *a = container_of(timer, struct alarm, timer);
    free(a);
}

static void a_callback_may_free_its_timer(void **state)
{
    (void)state;
    struct wheel w;
    begin(&w, 0);
    for (unsigned i = 0; i < 100; i++) {
        struct alarm *a = malloc(sizeof *a);
        assert_non_null(a);
        *a = alarm_for(&w, i);
        timer_init(&a->timer, on_fire_free);
        wheel_start(&w, &a->timer, i % 7);
    }
    assert_int_equal(wheel_advance(&w, 10), 100);
    assert_int_equal(w.count, 0);
}

static void stopping_a_stopped_timer_is_harmless(void **state)
{
    (void)state;
    struct wheel w;
    begin(&w, 0);
    struct alarm a = alarm_for(&w, 0);
    timer_init(&a.timer, on_fire);
    wheel_stop(&w, &a.timer);
    wheel_start(&w, &a.timer, 4);
    wheel_stop(&w, &a.timer);
    wheel_stop(&w, &a.timer);
    assert_int_equal(w.count, 0);
    assert_true(wheel_next(&w) == WHEEL_NEVER);
    assert_int_equal(wheel_advance(&w, 100), 0);
}

static void time_that_goes_back_is_ignored(void **state)
{
    (void)state;
    struct wheel w;
    begin(&w, 1000);
    struct alarm a = alarm_for(&w, 0);
    timer_init(&a.timer, on_fire);
    wheel_start(&w, &a.timer, 0);
    assert_int_equal(wheel_advance(&w, 500), 1);
    assert_true(w.now_ms == 1000);
}

static void a_delay_beyond_the_wheel_is_cut(void **state)
{
    (void)state;
    struct wheel w;
    begin(&w, 77);
    struct alarm a = alarm_for(&w, 0);
    timer_init(&a.timer, on_fire);
    wheel_start(&w, &a.timer, UINT64_MAX);
    assert_true(a.timer.due_ms == 77 + (UINT64_C(255) << 32));
    assert_int_equal(wheel_advance(&w, a.timer.due_ms), 1);
}

/* ---- against a naive model ------------------------------------------------------------------ */

#define MODEL_TIMERS 300

struct model {
    struct wheel wheel;
    struct alarm alarms[MODEL_TIMERS];
    uint64_t due[MODEL_TIMERS]; /* WHEEL_NEVER: stopped */
    uint64_t started[MODEL_TIMERS];
    uint64_t starts;
    uint64_t seed;
};

static uint64_t model_random(struct model *m)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return m->seed;
}

/* Delays of every magnitude that the wheel has levels for. */
static uint64_t model_delay(struct model *m)
{
    return model_random(m) >> (24 + model_random(m) % 40);
}

static unsigned model_first(const struct model *m)
{
    unsigned first = 0;
    for (unsigned i = 1; i < MODEL_TIMERS; i++)
        if (m->due[i] < m->due[first] ||
            (m->due[i] == m->due[first] && m->started[i] < m->started[first]))
            first = i;
    return first;
}

static void model_advance(struct model *m, uint64_t now)
{
    fired_count = 0;
    unsigned fired = wheel_advance(&m->wheel, now);
    for (unsigned n = 0; n < fired; n++) {
        unsigned first = model_first(m);
        assert_true(m->due[first] <= now);
        assert_int_equal(fired_order[n]->id, first);
        m->due[first] = WHEEL_NEVER;
    }
    assert_true(m->due[model_first(m)] > now);
}

static void model_step(struct model *m)
{
    unsigned i = (unsigned)(model_random(m) % MODEL_TIMERS);
    uint64_t now = m->wheel.now_ms;
    switch (model_random(m) % 8) {
    case 0:
    case 1:
    case 2:
    case 3: {
        uint64_t delay = model_delay(m);
        wheel_start(&m->wheel, &m->alarms[i].timer, delay);
        uint64_t longest = UINT64_C(255) << 32;
        m->due[i] = now + (delay < longest ? delay : longest);
        m->started[i] = m->starts++;
        break;
    }
    case 4:
        wheel_stop(&m->wheel, &m->alarms[i].timer);
        m->due[i] = WHEEL_NEVER;
        break;
    case 5: model_advance(m, now + model_delay(m)); break;
    case 6: model_advance(m, now + model_random(m) % 600); break;
    default:
        if (wheel_next(&m->wheel) != WHEEL_NEVER)
            model_advance(m, wheel_next(&m->wheel));
    }
}

static void random_use_agrees_with_a_sorted_list(void **state)
{
    (void)state;
    struct model *m = calloc(1, sizeof *m);
    assert_non_null(m);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        m->seed = seed * 0x9e3779b97f4a7c15ULL;
        wheel_init(&m->wheel, model_delay(m));
        for (unsigned i = 0; i < MODEL_TIMERS; i++) {
            m->alarms[i] = alarm_for(&m->wheel, i);
            timer_init(&m->alarms[i].timer, on_fire);
            m->due[i] = WHEEL_NEVER;
        }
        for (unsigned step = 0; step < 3000; step++) {
            model_step(m);
            uint64_t running = 0;
            for (unsigned i = 0; i < MODEL_TIMERS; i++)
                running += m->due[i] != WHEEL_NEVER;
            assert_true(m->wheel.count == running);
            uint64_t due = m->due[model_first(m)];
            uint64_t next = wheel_next(&m->wheel);
            assert_true(next <= due);
            assert_true((next == WHEEL_NEVER) == (due == WHEEL_NEVER));
            assert_true(next >= m->wheel.now_ms);
        }
        for (unsigned i = 0; i < MODEL_TIMERS; i++)
            wheel_stop(&m->wheel, &m->alarms[i].timer);
        assert_int_equal(m->wheel.count, 0);
        assert_true(wheel_next(&m->wheel) == WHEEL_NEVER);
    }
    free(m);
}

/* Starting and stopping touch one slot, however many timers run. */
static void start_and_stop_touch_only_their_own_slot(void **state)
{
    (void)state;
    static struct wheel w, before;
    wheel_init(&w, 0);
    enum { MANY = 20000 };
    struct alarm *a = calloc(MANY + 1, sizeof *a);
    assert_non_null(a);
    for (unsigned i = 0; i <= MANY; i++) {
        a[i] = alarm_for(&w, i);
        timer_init(&a[i].timer, on_fire);
    }
    for (unsigned i = 0; i < MANY; i++)
        wheel_start(&w, &a[i].timer, 1 + i % 60000);
    memcpy(&before, &w, sizeof w);
    wheel_start(&w, &a[MANY].timer, 300);
    unsigned changed = 0;
    for (unsigned level = 0; level < WHEEL_LEVELS; level++)
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
            changed +=
                memcmp(&w.slots[level][slot], &before.slots[level][slot], sizeof(struct list)) != 0;
    assert_int_equal(changed, 1);
    wheel_stop(&w, &a[MANY].timer);
    assert_memory_equal(&w, &before, sizeof w);
    free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_fires_once_and_never_early),
        cmocka_unit_test(sleeping_until_next_is_exact),
        cmocka_unit_test(due_timers_fire_in_order_of_due_time_then_of_starting),
        cmocka_unit_test(a_restarted_timer_fires_at_its_new_time_only),
        cmocka_unit_test(a_callback_may_restart_its_timer),
        cmocka_unit_test(delay_zero_in_a_callback_waits_for_the_next_call),
        cmocka_unit_test(a_callback_may_stop_a_timer_that_is_due_too),
        cmocka_unit_test(a_callback_may_free_its_timer),
        cmocka_unit_test(stopping_a_stopped_timer_is_harmless),
        cmocka_unit_test(time_that_goes_back_is_ignored),
        cmocka_unit_test(a_delay_beyond_the_wheel_is_cut),
        cmocka_unit_test(random_use_agrees_with_a_sorted_list),
        cmocka_unit_test(start_and_stop_touch_only_their_own_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
