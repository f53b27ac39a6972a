#include "app/server/worker_private.h"

#include <stdio.h>

#include "base/error.h"
#include "base/list.h"
#include "base/memory.h"

#define SWEEP_MS       50
#define SWEEP_TURNS    1200 /* in so many steps the whole table is looked at: a minute */
#define SWEEP_LEAST    64   /* addresses per step */
#define DRAIN_CHECK_MS 20

/* ---- Timers ---- */

/* The whole table once a minute, a little at a time: an expired binding is not found any more, only
 * its memory waits. */
static void on_sweep(struct timer *timer)
{
    struct worker *worker = container_of(timer, struct worker, sweep);
    struct location_stats stats;
    location_stats(worker->shared->location, &stats);
    (void)location_sweep(worker->shared->location, loop_wall_ms(worker->loop),
                         SWEEP_LEAST + (unsigned)(stats.aors / SWEEP_TURNS));
    wheel_start(loop_wheel(worker->loop), timer, SWEEP_MS);
}

void worker_on_drain(struct timer *timer)
{
    struct worker *worker = container_of(timer, struct worker, drain);
    if (worker->prober != NULL)
        prober_stop(worker->prober);
    atomic_store(&worker->drained, endpoint_drain(worker->endpoint));
    wheel_start(loop_wheel(worker->loop), timer, DRAIN_CHECK_MS);
}

void worker_stop(struct worker *worker)
{
    loop_stop(worker->loop);
}

/* ---- Making and freeing ---- */

int worker_new(const struct worker_shared *shared, unsigned index,
               const struct endpoint_config *config, unsigned *ret_failed,
               struct worker **ret_worker)
{
    struct worker *worker = memory_zalloc(1, sizeof *worker);
    if (worker == NULL)
        return ERR_NO_MEMORY;
    worker->shared = shared;
    worker->index = index;
    struct loop_config loop = {.worker = index, .mesh = shared->mesh, .log = shared->log};
    int status = loop_new(&loop, &worker->loop);
    if (status == 0)
        status = endpoint_new(worker->loop, config, shared->count, shared->mesh, ret_failed,
                              &worker->endpoint);
    if (status < 0) {
        worker_free(worker);
        return status;
    }
    timer_init(&worker->sweep, on_sweep);
    timer_init(&worker->drain, worker_on_drain);
    *ret_worker = worker;
    return 0;
}

int worker_open_stun(struct worker *worker, const struct stun_server_config *config,
                     struct address *ret_failed)
{
    int status = stun_server_new(worker->loop, config, ret_failed, &worker->stun);
    if (status == 0)
        stun_server_set_mesh(worker->stun, worker->shared->mesh);
    return status;
}

static void *run(void *user)
{
    struct worker *worker = user;
    if (worker->index == 0) {
        wheel_start(loop_wheel(worker->loop), &worker->sweep, SWEEP_MS);
        prober_start(worker->prober);
    }
    (void)loop_run(worker->loop);
    worker->shared->on_end(worker->shared->user);
    return NULL;
}

int worker_start(struct worker *worker)
{
    char name[16];
    if (pthread_create(&worker->thread, NULL, run, worker) != 0)
        return ERR_NO_MEMORY;
    worker->started = true;
    (void)snprintf(name, sizeof name, "worker-%u", worker->index);
    (void)pthread_setname_np(worker->thread, name);
    return 0;
}

void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    if (worker->started)
        (void)pthread_join(worker->thread, NULL);
    turn_free(worker->turn);
    stun_server_free(worker->stun);
    turn_credentials_free(worker->turn_credentials);
    prober_free(worker->prober);
    dispatch_free(worker->dispatch);
    keepalive_free(worker->keepalive);
    proxy_free(worker->proxy);
    registrar_free(worker->registrar);
    authenticator_free(worker->authenticator);
    endpoint_free(worker->endpoint);
    loop_free(worker->loop);
    memory_free(worker);
}

/* ---- What others ask ---- */

const struct settings *worker_settings(const struct worker *worker)
{
    return atomic_load(&worker->settings);
}

bool worker_drained(const struct worker *worker)
{
    return atomic_load(&worker->drained);
}

unsigned worker_busy_permille(const struct worker *worker)
{
    return loop_busy_permille(worker->loop);
}

struct address worker_listener_address(const struct worker *worker, unsigned listener)
{
    return endpoint_listener_address(worker->endpoint, listener);
}

struct address worker_stun_address(const struct worker *worker, unsigned listener)
{
    return stun_server_address(worker->stun, listener);
}
