/* The event queue of the simulated world: everything that will happen, in order of its time, and of
 * being asked for where times are equal. So a seed replays exactly. */
#ifndef SIM_WORLD_EVENT_H
#define SIM_WORLD_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_event;
/* The event is off the queue when it is called; it may be queued again, or its memory freed. */
typedef void sim_event_fn(struct sim_event *event);

struct sim_event {
    uint64_t at_us;
    uint64_t order; /* of being queued */
    size_t place;   /* in the heap, from 1 on; 0: not queued */
    sim_event_fn *fire;
};

struct sim_events {
    struct sim_event **heap; /* owned; [0] is unused */
    size_t count;
    size_t room;
    uint64_t orders;
    uint64_t now_us;
    uint64_t fired; /* ever */
};

void sim_events_init(struct sim_events *events);
/* Events that wait are forgotten. */
void sim_events_done(struct sim_events *events);

void sim_event_init(struct sim_event *event, sim_event_fn *fire);
/* At a time, not before now; moves an event that is queued. */
void sim_event_at(struct sim_events *events, struct sim_event *event, uint64_t at_us);
void sim_event_after(struct sim_events *events, struct sim_event *event, uint64_t delay_us);
/* Harmless when not queued. */
void sim_event_cancel(struct sim_events *events, struct sim_event *event);
static inline bool sim_event_queued(const struct sim_event *event)
{
    return event->place != 0;
}

/* Fires the next event that is due until then; false when there is none: the time is then until_us.
 */
bool sim_events_step(struct sim_events *events, uint64_t until_us);

#endif
