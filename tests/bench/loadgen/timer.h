/* Timers of few different lengths: one queue per length is in order by itself, so start and stop
 * cost nothing. */
#ifndef LOADGEN_TIMER_H
#define LOADGEN_TIMER_H

#include <stdbool.h>
#include <stdint.h>

/* What a timer waits for; each has one fixed length. */
enum timer_class {
    TIMER_RESEND_0, /* T1 */
    TIMER_RESEND_1, /* 2 T1, and so on doubling */
    TIMER_RESEND_2,
    TIMER_RESEND_3,
    TIMER_RESEND_4,
    TIMER_RESEND_5,
    TIMER_RESEND_6,
    TIMER_PATIENCE, /* no final answer after a provisional one */
    TIMER_ANSWER,   /* how long the called side rings */
    TIMER_TALK,     /* how long a call stays up */
    TIMER_COUNT,
};

struct timer {
    struct timer *next, *previous; /* NULL: not running */
    uint64_t due;
    enum timer_class class;
    bool of_callee; /* which side of a call it belongs to */
};

struct timers {
    struct timer queue[TIMER_COUNT]; /* list heads */
    uint64_t length[TIMER_COUNT];    /* ns */
};

void timers_init(struct timers *timers);

/* (Re)starts a timer. */
void timer_start(struct timers *timers, struct timer *timer, enum timer_class class, uint64_t now);
void timer_stop(struct timer *timer);

/* Takes off and returns one timer that is due; NULL when there is none. */
struct timer *timers_next_due(struct timers *timers, uint64_t now);

/* When the next timer is due, or UINT64_MAX. */
uint64_t timers_next(const struct timers *timers);

#endif
