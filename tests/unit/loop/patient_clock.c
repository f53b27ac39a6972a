/* A clock for tests of one loop whose time is short: what passes while the process does not run,
 * because others do, passes for the loop by PATIENCE at most. So a timer of 100 ms and what a test
 * does within 50 ms of its own come in that order on any machine. The loop looks at its sockets at
 * least once between two steps of the clock.
 *
 *     link: -Wl,--wrap=uv_hrtime -Wl,--wrap=uv_now -Wl,--wrap=uv_run
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <uv.h>

#define SLICE_MS    2
#define PATIENCE_NS 3000000u
#define LOOPS       16

uint64_t __real_uv_hrtime(void);
uint64_t __wrap_uv_hrtime(void);
uint64_t __wrap_uv_now(const uv_loop_t *loop);
int __real_uv_run(uv_loop_t *loop, uv_run_mode mode);
int __wrap_uv_run(uv_loop_t *loop, uv_run_mode mode);

static uint64_t read_ns, now_ns;

uint64_t __wrap_uv_hrtime(void)
{
    uint64_t ns = __real_uv_hrtime();
    uint64_t passed = read_ns == 0 ? ns : ns - read_ns;
    read_ns = ns;
    now_ns += now_ns != 0 && passed > PATIENCE_NS ? PATIENCE_NS : passed;
    return now_ns;
}

/* For timers that count from now: it need not be the time of the library. */
uint64_t __wrap_uv_now(const uv_loop_t *loop)
{
    (void)loop;
    return __wrap_uv_hrtime() / 1000000;
}

/* One that ends each sleep early. A loop closes all of its handles when it ends. */
static uv_timer_t *slice_of_loop(uv_loop_t *loop)
{
    static uv_timer_t timers[LOOPS];
    uv_timer_t *spare = NULL;
    for (size_t i = 0; i < LOOPS; i++) {
        bool used = timers[i].loop != NULL && !uv_is_closing((uv_handle_t *)&timers[i]);
        if (used && timers[i].loop == loop)
            return &timers[i];
        if (!used)
            spare = &timers[i];
    }
    if (spare == NULL || uv_timer_init(loop, spare) != 0)
        abort();
    return spare;
}

static void slice_ends(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

int __wrap_uv_run(uv_loop_t *loop, uv_run_mode mode)
{
    if (mode == UV_RUN_ONCE) {
        uv_update_time(loop);
        (void)uv_timer_start(slice_of_loop(loop), slice_ends, SLICE_MS, 0);
    }
    return __real_uv_run(loop, mode);
}
