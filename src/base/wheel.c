#include "base/wheel.h"

#include <assert.h>
#include <stddef.h>

/* A timer lies at the level of the highest byte in which its due time differs from the present, in
 * the slot that this byte names. So a slot of level 0 holds one due time in order of starting, and
 * every slot of a lower level comes before every slot of a higher one. The top level is a ring: it
 * also takes what lies past the next turn of its byte. */
#define SLOT_BITS  8
#define SLOT_MASK  (WHEEL_SLOTS - 1)
#define TOP_SHIFT  (SLOT_BITS * (WHEEL_LEVELS - 1))
#define DELAY_MAX  (((uint64_t)WHEEL_SLOTS - 1) << TOP_SHIFT)
#define WORD_BITS  64
#define SLOT_COUNT (WHEEL_LEVELS * WHEEL_SLOTS)

static_assert(WHEEL_SLOTS == 1 << SLOT_BITS, "a slot is named by one byte");

void wheel_init(struct wheel *w, uint64_t now_ms)
{
    *w = (struct wheel){.now_ms = now_ms};
    for (unsigned level = 0; level < WHEEL_LEVELS; level++)
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&w->slots[level][slot]);
}

void timer_init(struct timer *t, timer_fn *fire)
{
    list_init(&t->node);
    t->due_ms = 0;
    t->fire = fire;
}

static unsigned level_of(uint64_t now_ms, uint64_t due_ms)
{
    uint64_t differs = now_ms ^ due_ms;
    unsigned level =
        differs == 0 ? 0 : (unsigned)(WORD_BITS - 1 - __builtin_clzll(differs)) / SLOT_BITS;
    return level < WHEEL_LEVELS ? level : WHEEL_LEVELS - 1;
}

static void place(struct wheel *w, struct timer *t)
{
    unsigned level = level_of(w->now_ms, t->due_ms);
    unsigned slot = (unsigned)(t->due_ms >> (SLOT_BITS * level)) & SLOT_MASK;
    list_append(&w->slots[level][slot], &t->node);
    w->used[level][slot / WORD_BITS] |= UINT64_C(1) << (slot % WORD_BITS);
}

/* Takes a running timer out; clears the mark of a slot that it leaves empty. */
static void take_out(struct wheel *w, struct timer *t)
{
    struct list *neighbour = t->node.next;
    list_remove(&t->node);
    if (!list_empty(neighbour))
        return;
    /* Only a head is alone in its list; timers on their way to be fired hang on another head. */
    size_t offset = (size_t)((uintptr_t)neighbour - (uintptr_t)w->slots);
    if (offset >= sizeof w->slots)
        return;
    size_t index = offset / sizeof(struct list);
    size_t slot = index % WHEEL_SLOTS;
    w->used[index / WHEEL_SLOTS][slot / WORD_BITS] &= ~(UINT64_C(1) << (slot % WORD_BITS));
}

void wheel_start(struct wheel *w, struct timer *t, uint64_t delay_ms)
{
    wheel_stop(w, t);
    t->due_ms = w->now_ms + (delay_ms < DELAY_MAX ? delay_ms : DELAY_MAX);
    place(w, t);
    w->count++;
}

void wheel_stop(struct wheel *w, struct timer *t)
{
    if (!timer_running(t))
        return;
    take_out(w, t);
    assert(w->count > 0);
    w->count--;
}

/* The first marked slot in [from, WHEEL_SLOTS), or WHEEL_SLOTS. */
static unsigned next_slot(const uint64_t *used, unsigned from)
{
    for (unsigned word = from / WORD_BITS; word < WHEEL_SLOTS / WORD_BITS; word++) {
        uint64_t bits = used[word];
        if (word == from / WORD_BITS)
            bits &= UINT64_MAX << (from % WORD_BITS);
        if (bits != 0)
            return word * WORD_BITS + (unsigned)__builtin_ctzll(bits);
    }
    return WHEEL_SLOTS;
}

/* When the next marked slot of a level begins, or WHEEL_NEVER. */
static uint64_t level_next(const struct wheel *w, unsigned level)
{
    unsigned shift = SLOT_BITS * level;
    uint64_t position = w->now_ms >> shift;
    unsigned here = (unsigned)position & SLOT_MASK;
    /* Above level 0 nothing lies in the present slot. */
    unsigned slot = next_slot(w->used[level], level == 0 ? here : here + 1);
    if (slot < WHEEL_SLOTS)
        return (position + slot - here) << shift;
    if (level < WHEEL_LEVELS - 1)
        return WHEEL_NEVER;
    slot = next_slot(w->used[level], 0);
    return slot < here ? (position + WHEEL_SLOTS + slot - here) << shift : WHEEL_NEVER;
}

/* When the next marked slot begins, and its level; WHEEL_NEVER when all are empty. */
static uint64_t next_time(const struct wheel *w, unsigned *ret_level)
{
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        uint64_t at = level_next(w, level);
        if (at != WHEEL_NEVER) {
            *ret_level = level;
            return at;
        }
    }
    return WHEEL_NEVER;
}

uint64_t wheel_next(const struct wheel *w)
{
    unsigned level = 0;
    return next_time(w, &level);
}

/* Spreads the slot that begins at the present time over the levels below. */
static void cascade(struct wheel *w, unsigned level)
{
    struct list *slot = &w->slots[level][(unsigned)(w->now_ms >> (SLOT_BITS * level)) & SLOT_MASK];
    while (!list_empty(slot)) {
        struct timer *t = container_of(slot->next, struct timer, node);
        take_out(w, t);
        place(w, t);
    }
}

static void collect(struct wheel *w, struct list *due)
{
    struct list *slot = &w->slots[0][(unsigned)w->now_ms & SLOT_MASK];
    while (!list_empty(slot)) {
        struct timer *t = container_of(slot->next, struct timer, node);
        take_out(w, t);
        list_append(due, &t->node);
    }
}

unsigned wheel_advance(struct wheel *w, uint64_t now_ms)
{
    if (now_ms < w->now_ms)
        now_ms = w->now_ms;
    /* All that is due is collected before anything fires: what a callback starts waits for the next
     * call, and what it stops leaves the list. */
    struct list due;
    list_init(&due);
    unsigned level = 0;
    uint64_t at = next_time(w, &level);
    while (at <= now_ms && at != WHEEL_NEVER) {
        w->now_ms = at;
        if (level == 0)
            collect(w, &due);
        else
            cascade(w, level);
        at = next_time(w, &level);
    }
    w->now_ms = now_ms;
    unsigned fired = 0;
    while (!list_empty(&due)) {
        struct timer *t = container_of(due.next, struct timer, node);
        list_remove(&t->node);
        w->count--;
        fired++;
        t->fire(t);
    }
    return fired;
}
