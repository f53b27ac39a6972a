#include "sim/world/event.h"

#include <assert.h>
#include <stdlib.h>

void sim_events_init(struct sim_events *events)
{
    *events = (struct sim_events){.room = 256};
    events->heap = calloc(events->room, sizeof(struct sim_event *));
    assert(events->heap != NULL);
}

void sim_events_done(struct sim_events *events)
{
    free(events->heap);
    *events = (struct sim_events){0};
}

void sim_event_init(struct sim_event *event, sim_event_fn *fire)
{
    *event = (struct sim_event){.fire = fire};
}

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void put(struct sim_events *events, size_t place, struct sim_event *event)
{
    events->heap[place] = event;
    event->place = place;
}

static void sift_up(struct sim_events *events, size_t place, struct sim_event *event)
{
    for (; place > 1 && before(event, events->heap[place / 2]); place /= 2)
        put(events, place, events->heap[place / 2]);
    put(events, place, event);
}

static void sift_down(struct sim_events *events, size_t place, struct sim_event *event)
{
    while (place * 2 <= events->count) {
        size_t child = place * 2;
        if (child < events->count && before(events->heap[child + 1], events->heap[child]))
            child++;
        if (!before(events->heap[child], event))
            break;
        put(events, place, events->heap[child]);
        place = child;
    }
    put(events, place, event);
}

void sim_event_at(struct sim_events *events, struct sim_event *event, uint64_t at_us)
{
    sim_event_cancel(events, event);
    if (events->count + 1 == events->room) {
        events->room *= 2;
        struct sim_event **heap = realloc(events->heap, events->room * sizeof(struct sim_event *));
        assert(heap != NULL);
        events->heap = heap;
    }
    event->at_us = at_us > events->now_us ? at_us : events->now_us;
    event->order = events->orders++;
    sift_up(events, ++events->count, event);
}

void sim_event_after(struct sim_events *events, struct sim_event *event, uint64_t delay_us)
{
    sim_event_at(events, event, events->now_us + delay_us);
}

void sim_event_cancel(struct sim_events *events, struct sim_event *event)
{
    if (event->place == 0)
        return;
    size_t place = event->place;
    struct sim_event *last = events->heap[events->count--];
    event->place = 0;
    if (last == event)
        return;
    if (place > 1 && before(last, events->heap[place / 2]))
        sift_up(events, place, last);
    else
        sift_down(events, place, last);
}

bool sim_events_step(struct sim_events *events, uint64_t until_us)
{
    if (events->count == 0 || events->heap[1]->at_us > until_us) {
        if (until_us > events->now_us)
            events->now_us = until_us;
        return false;
    }
    struct sim_event *event = events->heap[1];
    sim_event_cancel(events, event);
    events->now_us = event->at_us;
    events->fired++;
    event->fire(event);
    return true;
}
