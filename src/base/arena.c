#include "base/arena.h"

#include <assert.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/poison.h"

#define ALIGNMENT 16

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* bytes, this header included */
};

static_assert(sizeof(struct arena_chunk) % ALIGNMENT == 0, "what follows the header is aligned");

static char *chunk_start(struct arena_chunk *chunk)
{
    return (char *)(chunk + 1);
}

static char *chunk_end(struct arena_chunk *chunk)
{
    return (char *)chunk + chunk->size;
}

void arena_init(struct arena *a, size_t chunk_size, size_t limit)
{
    size_t smallest = 2 * sizeof(struct arena_chunk);
    *a =
        (struct arena){.chunk_size = chunk_size < smallest ? smallest : chunk_size, .limit = limit};
}

static void chunk_free(struct arena *a, struct arena_chunk *chunk)
{
    a->total -= chunk->size;
    unpoison(chunk, chunk->size);
    memory_free(chunk);
}

void arena_done(struct arena *a)
{
    arena_reset(a);
    if (a->chunks != NULL)
        chunk_free(a, a->chunks);
    a->chunks = NULL;
    a->at = a->end = NULL;
}

void arena_reset(struct arena *a)
{
    struct arena_chunk *keep = NULL;
    for (struct arena_chunk *chunk = a->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        if (keep == NULL && chunk->size == a->chunk_size)
            keep = chunk;
        else
            chunk_free(a, chunk);
    }
    a->chunks = keep;
    a->at = a->end = NULL;
    if (keep != NULL) {
        keep->next = NULL;
        a->at = chunk_start(keep);
        a->end = chunk_end(keep);
        poison(a->at, (size_t)(a->end - a->at));
    }
}

/* A new chunk of size bytes in all, not linked yet. */
static struct arena_chunk *chunk_new(struct arena *a, size_t size)
{
    struct arena_chunk *chunk = memory_alloc(size);
    if (chunk == NULL)
        return NULL;
    chunk->size = size;
    a->total += size;
    poison(chunk_start(chunk), size - sizeof *chunk);
    return chunk;
}

/* size is aligned and does not fit into the present chunk. */
static void *alloc_slow(struct arena *a, size_t size)
{
    size_t need = size + sizeof(struct arena_chunk);
    if (a->total >= a->limit || need > a->limit - a->total)
        return NULL;
    size_t room = a->limit - a->total;
    if (need > a->chunk_size && a->chunks != NULL) {
        /* A large piece stands behind the present chunk, whose rest stays in use. */
        struct arena_chunk *chunk = chunk_new(a, need);
        if (chunk == NULL)
            return NULL;
        chunk->next = a->chunks->next;
        a->chunks->next = chunk;
        return chunk_start(chunk);
    }
    size_t ordinary = a->chunk_size < room ? a->chunk_size : room;
    struct arena_chunk *chunk = chunk_new(a, need > ordinary ? need : ordinary);
    if (chunk == NULL)
        return NULL;
    chunk->next = a->chunks;
    a->chunks = chunk;
    a->at = chunk_start(chunk) + size;
    a->end = chunk_end(chunk);
    return chunk_start(chunk);
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct arena_chunk) - ALIGNMENT)
        return NULL;
    size_t aligned = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    aligned = aligned > 0 ? aligned : ALIGNMENT;
    void *piece;
    if (aligned <= (size_t)(a->end - a->at)) {
        piece = a->at;
        a->at += aligned;
    } else {
        piece = alloc_slow(a, aligned);
        if (piece == NULL)
            return NULL;
    }
    unpoison(piece, size);
    return piece;
}

void *arena_zalloc(struct arena *a, size_t size)
{
    void *piece = arena_alloc(a, size);
    if (piece != NULL)
        memset(piece, 0, size);
    return piece;
}

int arena_copy(struct arena *a, struct slice s, struct slice *ret)
{
    if (s.len == 0) {
        *ret = SLICE("");
        return 0;
    }
    char *copy = arena_alloc(a, s.len);
    if (copy == NULL)
        return ERR_NO_MEMORY;
    memcpy(copy, s.ptr, s.len);
    *ret = slice_of(copy, s.len);
    return 0;
}
