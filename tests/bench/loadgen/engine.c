#include "engine.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "clock.h"

enum { STARTS_PER_TURN = 32 };

enum phase { PHASE_WARMUP, PHASE_MEASURE, PHASE_DRAIN };

struct run {
    struct engine *engine;
    enum phase phase;
    uint64_t begin, phase_end, idle;
    bool held_said;
    struct stats_mark from, to;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

void slots_init(struct slots *slots, uint32_t count)
{
    slots->free = malloc(count * sizeof *slots->free);
    if (!slots->free)
        die("out of memory");
    for (slots->free_count = 0; slots->free_count < count; slots->free_count++)
        slots->free[slots->free_count] = count - 1 - slots->free_count;
}

void slots_done(struct slots *slots)
{
    free(slots->free);
}

unsigned engine_source(const struct engine *engine, uint32_t user)
{
    return user % engine->options->sources;
}

uint16_t engine_port(const struct engine *engine, unsigned source)
{
    return (uint16_t)(ntohs(engine->options->local.sin_port) + source);
}

void engine_done(struct engine *engine)
{
    engine->stats.done++;
    engine->active--;
}

void engine_failed(struct engine *engine, unsigned status)
{
    engine->stats.failed++;
    engine->active--;
    if (status)
        engine->stats.status[status]++;
    else
        engine->stats.timeouts++;
}

static void mark(struct run *run, struct stats_mark *ret_mark)
{
    const struct engine *engine = run->engine;
    watch_read(engine->options->watch, engine->options->watch_count, &ret_mark->watch);
    ret_mark->now = clock_now();
    ret_mark->offered = engine->stats.offered;
    ret_mark->started = engine->stats.started;
    ret_mark->done = engine->stats.done;
    ret_mark->failed = engine->stats.failed;
    ret_mark->idle = run->idle;
    ret_mark->cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    ret_mark->steal = watch_steal_ns();
}

static bool all_started(const struct engine *engine)
{
    return engine->options->count && engine->stats.started >= engine->options->count;
}

/* How many operations to start in this turn; what a full window keeps from starting at its time is
 * never made up. */
static uint64_t starts_due(struct run *run)
{
    struct engine *engine = run->engine;
    const struct options *o = engine->options;
    uint64_t room = o->window - (engine->active - engine->held);
    uint64_t due = room;
    if (o->rate) {
        uint64_t by_now =
            (uint64_t)((double)(engine->now - run->begin) * (double)o->rate / 1e9) + 1;
        due = by_now - engine->stats.offered;
        if (due > room) {
            engine->stats.offered += due - room;
            due = room;
        }
    }
    if (o->count && due > o->count - engine->stats.started)
        due = o->count - engine->stats.started;
    return due < STARTS_PER_TURN ? due : STARTS_PER_TURN;
}

static unsigned start_some(struct run *run)
{
    struct engine *engine = run->engine;
    if (run->phase == PHASE_DRAIN || stopped || all_started(engine))
        return 0;
    unsigned due = (unsigned)starts_due(run);
    for (unsigned i = 0; i < due; i++) {
        engine->mode->start(engine);
        engine->stats.started++;
        engine->stats.offered++;
        engine->active++;
    }
    return due;
}

static unsigned receive_all(struct engine *engine)
{
    struct net_datagram datagrams[NET_BATCH];
    unsigned sum = 0;
    net_look(engine->net);
    for (unsigned s = 0; s < engine->options->sources; s++) {
        unsigned n = net_receive(engine->net, s, datagrams);
        for (unsigned i = 0; i < n; i++)
            engine->mode->on_datagram(engine, &datagrams[i]);
        sum += n;
    }
    return sum;
}

/* Until a datagram comes or a timer is due. With --pause nothing wakes us: whoever sends to us does
 * not pay for that, and we find a batch when we look again. */
static void sleep_some(struct run *run)
{
    const struct engine *engine = run->engine;
    if (engine->options->pause) {
        nanosleep(&(struct timespec){0, (long)engine->options->pause}, NULL);
        return;
    }
    uint64_t until = timers_next(&engine->timers);
    uint64_t longest = engine->now + 20 * MILLISECOND;
    if (run->phase_end < until)
        until = run->phase_end;
    if (engine->options->rate && run->phase != PHASE_DRAIN)
        longest = engine->now + SECOND / engine->options->rate;
    if (longest < until)
        until = longest;
    net_wait(engine->net, until > engine->now ? until - engine->now : 0);
}

/* A run that holds calls says once that all of them are up. */
static void say_held(struct run *run)
{
    const struct engine *engine = run->engine;
    if (run->held_said || !engine->mode->release || !all_started(engine) ||
        engine->held < engine->active)
        return;
    printf("held %u\n", engine->held);
    fflush(stdout);
    run->held_said = true;
}

/* Moves from warm-up to measurement to draining as time goes; false at the end. */
static bool phase_step(struct run *run)
{
    struct engine *engine = run->engine;
    const struct options *o = engine->options;
    bool over = engine->now >= run->phase_end;
    if (run->phase == PHASE_WARMUP && over) {
        run->phase = PHASE_MEASURE;
        mark(run, &run->from);
        memset(engine->stats.latency, 0, sizeof engine->stats.latency);
        run->phase_end = o->count || engine->mode->release
                             ? UINT64_MAX
                             : engine->now + (uint64_t)(o->seconds * 1e9);
    } else if (run->phase == PHASE_MEASURE) {
        bool finished = (all_started(engine) || stopped) && engine->active == 0;
        if (!finished && !over && !(stopped && !engine->mode->release))
            return true;
        mark(run, &run->to);
        run->phase = PHASE_DRAIN;
        run->phase_end = engine->now + o->give_up + o->ring + o->talk + SECOND / 4;
    } else if (run->phase == PHASE_DRAIN) {
        return engine->active > 0 && !over;
    }
    return true;
}

static bool turn(struct run *run)
{
    struct engine *engine = run->engine;
    unsigned busy = start_some(run);
    for (struct timer *timer; (timer = timers_next_due(&engine->timers, engine->now)); busy++)
        engine->mode->on_timer(engine, timer);
    if (stopped && engine->mode->release)
        engine->mode->release(engine);
    net_flush(engine->net);
    busy += receive_all(engine);
    net_flush(engine->net);
    engine->now = clock_now();
    if (!busy || (engine->options->pause && busy < NET_BATCH)) {
        sleep_some(run);
        uint64_t woken = clock_now();
        run->idle += woken - engine->now;
        engine->now = woken;
    }
    say_held(run);
    return phase_step(run);
}

static void timers_set(struct engine *engine)
{
    const struct options *o = engine->options;
    timers_init(&engine->timers);
    for (unsigned i = 0; i <= TIMER_RESEND_6; i++)
        engine->timers.length[i] = o->t1 << i;
    engine->timers.length[TIMER_PATIENCE] = o->give_up;
    engine->timers.length[TIMER_ANSWER] = o->ring;
    engine->timers.length[TIMER_TALK] = o->talk;
}

int engine_run(struct engine *engine)
{
    const struct options *o = engine->options;
    struct run run = {.engine = engine};
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
    timers_set(engine);
    engine->salt = (uint32_t)(clock_ns(CLOCK_REALTIME) >> 10) ^ (uint32_t)getpid();
    engine->net = net_open(&(struct net_options){.local = o->local,
                                                 .sources = o->sources,
                                                 .peer = o->server,
                                                 .connected = o->record_route,
                                                 .transport = options_transport(o)});
    engine->mode->open(engine);
    run.begin = engine->now = clock_now();
    run.phase_end = run.begin + (o->count ? 0 : (uint64_t)(o->warmup * 1e9));
    if (o->count)
        phase_step(&run);
    while (turn(&run))
        ;
    if (net_refused(engine->net))
        fprintf(stderr, "loadgen: the kernel refused %lu datagrams\n",
                (unsigned long)net_refused(engine->net));
    stats_report(&engine->stats, &run.from, &run.to, o);
    engine->mode->close(engine);
    net_close(engine->net);
    return engine->stats.failed || engine->active || stats_wrong_sum(&engine->stats) ? 1 : 0;
}
