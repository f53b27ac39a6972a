/* A bounded ring of records of mixed length, with one writing and one reading thread and no locks.
 * Records lie in one piece, so a reader gets slices into the ring itself. */
#ifndef LOOP_RING_H
#define LOOP_RING_H

#include <stdatomic.h>

#include "base/slice.h"

#define RING_LINE 64 /* bytes of a cache line: the two threads write to different ones */

struct ring {
    /* Both count bytes since the start and never wrap. */
    _Alignas(RING_LINE) _Atomic uint64_t tail; /* written up to here, for the reader */
    uint64_t write_at;                         /* the writer's: not yet published */
    uint64_t head_seen;                        /* the writer's last look at head */
    _Alignas(RING_LINE) _Atomic uint64_t head; /* read up to here */
    _Alignas(RING_LINE) char *bytes;           /* owned */
    size_t size;                               /* power of two */
};

struct ring_record {
    uint32_t kind;
    struct slice data; /* borrowed until ring_release */
};

/* size: a power of two, at least 4096; memory is taken as it is first written. ERR_NO_MEMORY. */
int ring_init(struct ring *r, size_t size);
void ring_done(struct ring *r);
/* Longest record that is sure to fit into an empty ring. */
size_t ring_record_max(const struct ring *r);

/* Writer: the parts, one after the other, as one record; seen after ring_publish. ERR_LIMIT: too
 * long, or no room. */
int ring_put(struct ring *r, uint32_t kind, const struct slice *parts, size_t count);
/* Writer: shows what was put; true when there was something to show. */
bool ring_publish(struct ring *r);

/* Reader: is there something to read? */
bool ring_waiting(const struct ring *r);
/* Reader: the next record at or after *at that lies before end; moves *at past it. False: none.
 * Start with at = ring_read_start and end = ring_read_end. */
bool ring_next(const struct ring *r, uint64_t *at, uint64_t end, struct ring_record *ret_record);
uint64_t ring_read_start(const struct ring *r);
uint64_t ring_read_end(const struct ring *r);
/* Reader: gives everything before at back to the writer. */
void ring_release(struct ring *r, uint64_t at);

#endif
