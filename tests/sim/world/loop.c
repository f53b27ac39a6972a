/* loop/loop.h over virtual time: a turn happens when something has come or the wheel asks for it.
 */
#include "loop/loop.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "loop/dns_private.h"
#include "sim/world/sim_loop.h"

/* What comes within that time is taken in one turn. */
#define WAKE_US 10

static void read_clock(struct loop *loop)
{
    loop->now_us = sim_now_us(loop->world);
    loop->now_ms = loop->now_us / 1000;
    loop->wall_ms = sim_wall_ms(loop->world);
}

static void arm(struct loop *loop)
{
    uint64_t next_ms = wheel_next(&loop->wheel);
    if (next_ms == WHEEL_NEVER)
        return;
    uint64_t next_us = next_ms * 1000;
    if (next_us <= sim_now_us(loop->world))
        next_us = (loop->now_ms + 1) * 1000; /* delay 0: in the next turn */
    if (!sim_event_queued(&loop->turn) || loop->turn.at_us > next_us)
        sim_event_at(&loop->world->events, &loop->turn, next_us);
}

static void on_turn(struct sim_event *event)
{
    struct loop *loop = container_of(event, struct loop, turn);
    read_clock(loop);
    (void)wheel_advance(&loop->wheel, loop->now_ms);
    sim_udps_receive(loop);
    sim_ports_receive(loop);
    sim_streams_receive(loop);
    dns_deliver(loop->dns);
    sim_mesh_receive(loop->config.mesh, loop);
    if (loop->turn_end != NULL)
        loop->turn_end(loop->turn_end_user);
    sim_streams_flush(loop);
    sim_udps_free_closed(loop);
    mesh_flush(loop->config.mesh, loop->config.worker);
    arm(loop);
    if (dns_pending(loop->dns))
        sim_loop_wake(loop);
}

void sim_loop_wake(struct loop *loop)
{
    uint64_t soon = sim_now_us(loop->world) + WAKE_US;
    if (!sim_event_queued(&loop->turn) || loop->turn.at_us > soon)
        sim_event_at(&loop->world->events, &loop->turn, soon);
}

int loop_new(const struct loop_config *config, struct loop **ret_loop)
{
    assert(config->mesh != NULL && config->worker < mesh_workers(config->mesh));
    struct loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL)
        return ERR_NO_MEMORY;
    loop->config = *config;
    loop->host = sim_mesh_host(config->mesh);
    loop->world = loop->host->world;
    list_init(&loop->udps);
    list_init(&loop->udps_closed);
    list_init(&loop->ports);
    list_init(&loop->ports_closed);
    read_clock(loop);
    loop->steady_offset_ms = loop->wall_ms - (int64_t)loop->now_ms;
    wheel_init(&loop->wheel, loop->now_ms);
    random_seed(&loop->random, random_u64(&loop->world->random));
    sim_event_init(&loop->turn, on_turn);
    int status = sim_dns_open(loop);
    if (status < 0) {
        free(loop);
        return status;
    }
    sim_streams_init(loop);
    sim_mesh_attach(config->mesh, loop);
    sim_loop_wake(loop);
    *ret_loop = loop;
    return 0;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    sim_event_cancel(&loop->world->events, &loop->turn);
    sim_mesh_detach(loop->config.mesh, loop);
    sim_streams_close(loop);
    sim_udps_close(loop);
    sim_ports_close(loop);
    dns_free(loop->dns);
    free(loop);
}

/* The world moves all loops; this lets it run until the one is stopped. */
int loop_run(struct loop *loop)
{
    while (!loop->stop && sim_events_step(&loop->world->events, UINT64_MAX)) {
    }
    loop->stop = false;
    return 0;
}

void loop_stop(struct loop *loop)
{
    loop->stop = true;
}

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
    return loop->wall_ms;
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

void loop_on_turn_end(struct loop *loop, void (*hook)(void *user), void *user)
{
    loop->turn_end = hook;
    loop->turn_end_user = user;
}

uint64_t loop_turn_us(const struct loop *loop)
{
    (void)loop;
    return 0; /* what is done takes no time here */
}

unsigned loop_busy_permille(const struct loop *loop)
{
    (void)loop;
    return 0; /* virtual work takes no time */
}
