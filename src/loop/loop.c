#include "loop/loop.h"

#include <assert.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/dns_ask.h"
#include "loop/loop_private.h"
#include "loop/mesh_private.h"

#define WALL_REFRESH_MS 100      /* a step of the system's clock is seen after that */
#define WINDOW_US       1000000u /* over which busy_permille is measured */

static void loop_clock(struct loop *loop)
{
    uint64_t ns = uv_hrtime();
    loop->now_us = ns / 1000;
    loop->now_ms = ns / 1000000;
    if (loop->now_ms - loop->wall_read_ms >= WALL_REFRESH_MS || loop->wall_read_ms == 0) {
        struct timespec wall;
        (void)clock_gettime(CLOCK_REALTIME, &wall);
        loop->wall_offset_ms =
            (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000 - (int64_t)loop->now_ms;
        loop->wall_read_ms = loop->now_ms;
    }
}

/* ---- sleeping and waking ---- */

/* uv_stop keeps the poll of this uv_run from sleeping past the timer that just fired. */
static void loop_on_timer(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    loop->armed_ms = WHEEL_NEVER;
    uv_stop(&loop->uv);
}

static void loop_on_wake(uv_poll_t *poll, int status, int events)
{
    struct loop *loop = poll->data;
    uint64_t count;
    (void)status;
    (void)events;
    (void)!read(loop->wake_fd, &count, sizeof(count));
}

static void loop_arm_timer(struct loop *loop)
{
    uint64_t next = wheel_next(&loop->wheel);
    if (next == loop->armed_ms)
        return;
    loop->armed_ms = next;
    if (next == WHEEL_NEVER) {
        (void)uv_timer_stop(&loop->timer);
        return;
    }
    uint64_t uv_ms = uv_now(&loop->uv);
    (void)uv_timer_start(&loop->timer, loop_on_timer, next > uv_ms ? next - uv_ms : 0, 0);
}

static bool loop_has_work(struct loop *loop)
{
    return loop->mail_left || !list_empty(&loop->udp_ready) || !list_empty(&loop->udp_dirty) ||
           streams_pending(loop->streams) || dns_pending(loop->dns) ||
           assocs_pending(loop->assocs) || atomic_load_explicit(&loop->stop, memory_order_acquire);
}

static void loop_count_busy(struct loop *loop, uint64_t now_us)
{
    loop->turn_us = now_us - atomic_load_explicit(&loop->turn_began_us, memory_order_relaxed);
    loop->window_busy_us += loop->turn_us;
    uint64_t window = now_us - loop->window_began_us;
    if (window < WINDOW_US)
        return;
    uint64_t permille = loop->window_busy_us * 1000 / window;
    atomic_store_explicit(&loop->busy_permille, permille > 1000 ? 1000 : (unsigned)permille,
                          memory_order_relaxed);
    loop->window_began_us = now_us;
    loop->window_busy_us = 0;
}

static void loop_wait(struct loop *loop)
{
    struct mesh *mesh = loop->config.mesh;
    uint64_t now_us = uv_hrtime() / 1000;
    loop_count_busy(loop, now_us);
    loop_arm_timer(loop);
    bool sleep = !loop_has_work(loop);
    if (sleep && mesh != NULL)
        sleep = mesh_sleep(mesh, loop->config.worker);
    atomic_store_explicit(&loop->waiting_since_us, now_us, memory_order_relaxed);
    (void)uv_run(&loop->uv, sleep ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    if (mesh != NULL)
        mesh_awake(mesh, loop->config.worker);
}

/* ---- a turn ---- */

/* Timers come first: what they and everything after them starts counts from this turn's time. */
static void loop_turn(struct loop *loop)
{
    loop_clock(loop);
    atomic_store_explicit(&loop->turn_began_us, loop->now_us, memory_order_relaxed);
    atomic_store_explicit(&loop->waiting_since_us, 0, memory_order_relaxed);
    (void)wheel_advance(&loop->wheel, loop->now_ms);
    udp_receive_ready(loop);
    ports_receive(loop->ports);
    streams_receive(loop->streams);
    assocs_receive(loop->assocs);
    dns_deliver(loop->dns);
    if (loop->config.mesh != NULL)
        loop->mail_left = mesh_receive(loop->config.mesh, loop->config.worker, loop->mail);
    if (loop->turn_end != NULL)
        loop->turn_end(loop->turn_end_user);
    udp_flush_all(loop);
    ports_flush(loop->ports);
    streams_flush(loop->streams);
    if (loop->config.mesh != NULL)
        mesh_flush(loop->config.mesh, loop->config.worker);
}

int loop_run(struct loop *loop)
{
    loop_clock(loop);
    loop->window_began_us = loop->now_us;
    loop->window_busy_us = 0;
    atomic_store_explicit(&loop->turn_began_us, loop->now_us, memory_order_relaxed);
    if (loop->config.mesh != NULL) /* what was posted before */
        mesh_flush(loop->config.mesh, loop->config.worker);
    while (!atomic_load_explicit(&loop->stop, memory_order_acquire)) {
        loop_wait(loop);
        loop_turn(loop);
    }
    atomic_store_explicit(&loop->stop, false, memory_order_relaxed);
    return 0;
}

void loop_stop(struct loop *loop)
{
    atomic_store_explicit(&loop->stop, true, memory_order_release);
    uint64_t one = 1;
    (void)!write(loop->wake_fd, &one, sizeof(one));
}

/* ---- making and freeing ---- */

static int loop_start_handles(struct loop *loop)
{
    if (uv_timer_init(&loop->uv, &loop->timer) != 0)
        return ERR_IO;
    loop->timer.data = loop;
    if (uv_poll_init(&loop->uv, &loop->wake, loop->wake_fd) != 0)
        return ERR_IO;
    loop->wake.data = loop;
    return uv_poll_start(&loop->wake, UV_READABLE, loop_on_wake) == 0 ? 0 : ERR_IO;
}

static int loop_start_dns(struct loop *loop)
{
    struct dns_ask *ask;
    int err = dns_ask_new(loop, &ask);
    if (err != 0)
        return err;
    err = dns_new(loop, ask, &loop->dns);
    if (err != 0) {
        dns_ask_free(ask);
        return err;
    }
    return dns_configure(loop, &(struct dns_config){0});
}

static int loop_init(struct loop *loop)
{
    if (random_init(&loop->random) != 0)
        return ERR_IO;
    loop_clock(loop);
    loop->steady_offset_ms = loop->wall_offset_ms;
    wheel_init(&loop->wheel, loop->now_ms);
    int err = loop_start_handles(loop);
    if (err == 0)
        err = streams_new(loop, &loop->streams);
    if (err == 0)
        err = loop_start_dns(loop);
    return err;
}

int loop_new(const struct loop_config *config, struct loop **ret_loop)
{
    assert(config->mesh == NULL || config->worker < mesh_workers(config->mesh));
    struct loop *loop = memory_zalloc(1, sizeof(*loop));
    if (loop == NULL)
        return ERR_NO_MEMORY;
    loop->config = *config;
    loop->armed_ms = WHEEL_NEVER;
    list_init(&loop->udp_sockets);
    list_init(&loop->udp_ready);
    list_init(&loop->udp_dirty);
    loop->wake_fd = config->mesh != NULL ? mesh_wake_fd(config->mesh, config->worker)
                                         : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0 || uv_loop_init(&loop->uv) != 0) {
        if (config->mesh == NULL && loop->wake_fd >= 0)
            (void)close(loop->wake_fd);
        memory_free(loop);
        return ERR_IO;
    }
    int err = loop_init(loop);
    if (err != 0) {
        loop_free(loop);
        return err;
    }
    *ret_loop = loop;
    return 0;
}

static void loop_close_handle(uv_handle_t *handle, void *user)
{
    (void)user;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void loop_close_handles(struct loop *loop)
{
    uv_walk(&loop->uv, loop_close_handle, NULL);
    while (uv_run(&loop->uv, UV_RUN_NOWAIT) != 0) {
    }
    int err = uv_loop_close(&loop->uv);
    assert(err == 0);
    (void)err;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    assocs_free(loop->assocs);
    udp_close_all(loop);
    ports_close(loop->ports);
    streams_close(loop->streams);
    dns_free(loop->dns);
    loop_close_handles(loop);
    udp_input_free(loop->udp_input);
    sources_free(loop->sources);
    streams_free(loop->streams);
    ports_free(loop->ports);
    if (loop->config.mesh == NULL)
        (void)close(loop->wake_fd);
    memory_free(loop);
}

/* ---- what users ask ---- */

unsigned loop_worker(const struct loop *loop)
{
    return loop->config.worker;
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return loop->now_ms;
}

uint64_t loop_now_us(const struct loop *loop)
{
    return loop->now_us;
}

int64_t loop_wall_ms(const struct loop *loop)
{
    return (int64_t)loop->now_ms + loop->wall_offset_ms;
}

int64_t loop_steady_ms(const struct loop *loop)
{
    return (int64_t)loop->now_ms + loop->steady_offset_ms;
}

struct wheel *loop_wheel(struct loop *loop)
{
    return &loop->wheel;
}

struct random *loop_random(struct loop *loop)
{
    return &loop->random;
}

struct log *loop_log(struct loop *loop)
{
    return loop->config.log;
}

struct dns *loop_dns(const struct loop *loop)
{
    return loop->dns;
}

void loop_on_turn_end(struct loop *loop, void (*hook)(void *user), void *user)
{
    loop->turn_end = hook;
    loop->turn_end_user = user;
}

/* A loop that waits, or works, for longer than the window has closed none since. */
unsigned loop_busy_permille(const struct loop *loop)
{
    uint64_t now_us = uv_hrtime() / 1000;
    uint64_t waiting = atomic_load_explicit(&loop->waiting_since_us, memory_order_relaxed);
    uint64_t began = atomic_load_explicit(&loop->turn_began_us, memory_order_relaxed);
    if (waiting != 0 && now_us > waiting + WINDOW_US)
        return 0;
    if (waiting == 0 && began != 0 && now_us > began + WINDOW_US)
        return 1000;
    return atomic_load_explicit(&loop->busy_permille, memory_order_relaxed);
}

uint64_t loop_turn_us(const struct loop *loop)
{
    return loop->turn_us;
}
