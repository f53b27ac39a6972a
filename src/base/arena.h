/* An arena: memory that is given out piece by piece and freed as a whole. One thread at a time. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* owned, newest first */
    char *at;
    char *end;
    size_t chunk_size; /* bytes of an ordinary chunk */
    size_t total;      /* bytes held from the system */
    size_t limit;      /* bytes that total may not pass */
};

/* Takes no memory yet. limit bounds what the arena may ever hold. */
void arena_init(struct arena *a, size_t chunk_size, size_t limit);
/* Frees all; the arena may be used again. */
void arena_done(struct arena *a);
/* Forgets everything given out but keeps one ordinary chunk warm. */
void arena_reset(struct arena *a);

/* Aligned to 16 bytes, not zeroed. NULL at the limit or when memory is out. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_zalloc(struct arena *a, size_t size);
/* A copy of s that lives as long as the arena. ERR_NO_MEMORY leaves *ret untouched. */
int arena_copy(struct arena *a, struct slice s, struct slice *ret);

#endif
