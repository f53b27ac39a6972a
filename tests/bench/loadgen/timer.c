#include "timer.h"

#include <stddef.h>

void timers_init(struct timers *timers)
{
    for (int i = 0; i < TIMER_COUNT; i++)
        timers->queue[i].next = timers->queue[i].previous = &timers->queue[i];
}

void timer_stop(struct timer *timer)
{
    if (!timer->next)
        return;
    timer->next->previous = timer->previous;
    timer->previous->next = timer->next;
    timer->next = timer->previous = NULL;
}

void timer_start(struct timers *timers, struct timer *timer, enum timer_class class, uint64_t now)
{
    struct timer *queue = &timers->queue[class];
    timer_stop(timer);
    timer->class = class;
    timer->due = now + timers->length[class];
    timer->next = queue;
    timer->previous = queue->previous;
    queue->previous->next = timer;
    queue->previous = timer;
}

struct timer *timers_next_due(struct timers *timers, uint64_t now)
{
    for (int i = 0; i < TIMER_COUNT; i++) {
        struct timer *first = timers->queue[i].next;
        if (first != &timers->queue[i] && first->due <= now) {
            timer_stop(first);
            return first;
        }
    }
    return NULL;
}

uint64_t timers_next(const struct timers *timers)
{
    uint64_t next = UINT64_MAX;
    for (int i = 0; i < TIMER_COUNT; i++) {
        const struct timer *first = timers->queue[i].next;
        if (first != &timers->queue[i] && first->due < next)
            next = first->due;
    }
    return next;
}
