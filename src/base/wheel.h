/* A hierarchical timer wheel: O(1) start and stop. It has no clock: it is told the time, so it runs
 * in simulated time just as well. Resolution 1 ms. One thread. */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

#define WHEEL_LEVELS 5
#define WHEEL_SLOTS  256 /* longer delays than 255 * 256^4 ms, some 34 years, are cut to that */
#define WHEEL_NEVER  UINT64_MAX

struct timer;
/* The timer is stopped before it is called; it may start itself or any other timer, or free its own
 * memory. */
typedef void timer_fn(struct timer *timer);

struct timer {
    struct list node; /* linked to itself when stopped */
    uint64_t due_ms;
    timer_fn *fire;
};

struct wheel {
    uint64_t now_ms;
    uint64_t count; /* timers running */
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
    uint64_t used[WHEEL_LEVELS][WHEEL_SLOTS / 64]; /* bit set: the slot holds timers */
};

void wheel_init(struct wheel *w, uint64_t now_ms);
/* Must be called once before a timer is started or stopped. */
void timer_init(struct timer *t, timer_fn *fire);

static inline bool timer_running(const struct timer *t)
{
    return !list_empty(&t->node);
}

/* Fires once, delay_ms after the wheel's present time, never early; restarts a running timer. */
void wheel_start(struct wheel *w, struct timer *t, uint64_t delay_ms);
/* Stopping a stopped timer is harmless. */
void wheel_stop(struct wheel *w, struct timer *t);
/* Moves time on and fires what is due, in order of due time (ties: in order of starting). Timers
 * started with delay 0 while firing fire in the next call. now_ms must not go back (it is ignored
 * if it does). Returns how many fired. */
unsigned wheel_advance(struct wheel *w, uint64_t now_ms);
/* When wheel_advance has something to do next, or WHEEL_NEVER: the due time of the first timer, or
 * before it the time to move timers one level down. A loop that sleeps until then and advances is
 * never late, and wakes at most WHEEL_LEVELS times for a timer. */
uint64_t wheel_next(const struct wheel *w);

#endif
