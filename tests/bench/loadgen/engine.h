/* The loop of the generator: starts operations as window and rate allow, receives, runs timers,
 * measures. */
#ifndef LOADGEN_ENGINE_H
#define LOADGEN_ENGINE_H

#include "net.h"
#include "options.h"
#include "stats.h"
#include "timer.h"

struct engine;

/* What one kind of load does; `state` is its own. */
struct mode {
    const char *name;
    void (*open)(struct engine *engine);
    void (*close)(struct engine *engine);
    /* Starts one operation. */
    void (*start)(struct engine *engine);
    void (*on_datagram)(struct engine *engine, const struct net_datagram *datagram);
    void (*on_timer)(struct engine *engine, struct timer *timer);
    /* NULL, or called in each turn after SIGTERM; the run ends when nothing is active. */
    void (*release)(struct engine *engine);
};

struct engine {
    const struct options *options;
    const struct mode *mode;
    void *state; /* owned by the mode */
    struct net *net;
    struct timers timers;
    struct stats stats;
    uint64_t now;    /* ns, of this turn */
    uint32_t active; /* operations that run */
    uint32_t held;   /* of them, those that do not count against the window */
    uint32_t salt;   /* different in each run */
};

extern const struct mode mode_register, mode_register_auth, mode_options, mode_call, mode_flood,
    mode_hold, mode_echo;

/* Runs the mode to its end and prints the report. Returns the exit code: 0, or 1 when an operation
 * failed. */
int engine_run(struct engine *engine);

/* An operation has ended well, or with a status (0: timed out). */
void engine_done(struct engine *engine);
void engine_failed(struct engine *engine, unsigned status);

/* The source that a user's phone sits behind, and its port. */
unsigned engine_source(const struct engine *engine, uint32_t user);
uint16_t engine_port(const struct engine *engine, unsigned source);

/* Indexes 0 to n-1, to be taken and given back. */
struct slots {
    uint32_t *free; /* owned */
    uint32_t free_count;
};
void slots_init(struct slots *slots, uint32_t count);
void slots_done(struct slots *slots);
static inline uint32_t slots_take(struct slots *slots)
{
    return slots->free[--slots->free_count];
}
static inline void slots_give(struct slots *slots, uint32_t index)
{
    slots->free[slots->free_count++] = index;
}

#endif
