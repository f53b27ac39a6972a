#include "base/pool.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "base/poison.h"

#define ALIGNMENT  16
#define SLAB_BYTES 65536 /* a slab of small objects grows up to this */
#define SLAB_FIRST 16    /* objects of the first slab, so that an idle pool stays small */

/* Objects are cut off the newest slab as they are first needed, so its memory stays untouched until
 * then. */
struct pool_slab {
    struct pool_slab *next;
    size_t bytes; /* of objects */
    char *at;     /* first object not cut off yet */
    char *end;
};

static_assert(sizeof(struct pool_slab) % ALIGNMENT == 0, "what follows the header is aligned");

void pool_init(struct pool *p, size_t object_size, size_t limit)
{
    assert(object_size <= SIZE_MAX / 2);
    object_size = object_size > 0 ? object_size : 1;
    *p = (struct pool){.object_size = (object_size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1),
                       .limit = limit};
}

void pool_done(struct pool *p)
{
    for (struct pool_slab *slab = p->slabs, *next; slab != NULL; slab = next) {
        next = slab->next;
        unpoison(slab + 1, slab->bytes);
        memory_free(slab);
    }
    pool_init(p, p->object_size, p->limit);
}

static bool slab_add(struct pool *p)
{
    size_t fit = SLAB_BYTES / p->object_size;
    size_t objects = p->allocated > SLAB_FIRST ? p->allocated : SLAB_FIRST;
    if (objects > fit)
        objects = fit > 0 ? fit : 1;
    if (p->limit > 0 && objects > p->limit - p->allocated)
        objects = p->limit - p->allocated;
    size_t bytes = objects * p->object_size;
    struct pool_slab *slab = memory_alloc(sizeof *slab + bytes);
    if (slab == NULL)
        return false;
    slab->bytes = bytes;
    slab->at = (char *)(slab + 1);
    slab->end = slab->at + bytes;
    slab->next = p->slabs;
    p->slabs = slab;
    p->allocated += objects;
    poison(slab->at, bytes);
    return true;
}

void *pool_get(struct pool *p)
{
    if (p->limit > 0 && p->in_use >= p->limit)
        return NULL;
    void *object = p->free_list;
    if (object != NULL) {
        unpoison(object, p->object_size);
        memcpy(&p->free_list, object, sizeof p->free_list);
    } else {
        if ((p->slabs == NULL || p->slabs->at == p->slabs->end) && !slab_add(p))
            return NULL;
        object = p->slabs->at;
        p->slabs->at += p->object_size;
        unpoison(object, p->object_size);
    }
    p->in_use++;
    return object;
}

void pool_put(struct pool *p, void *object)
{
    if (object == NULL)
        return;
    assert(p->in_use > 0);
    assert(!poisoned(object)); /* put twice */
    memcpy(object, &p->free_list, sizeof p->free_list);
    p->free_list = object;
    p->in_use--;
    poison(object, p->object_size);
}

#define BLOCKS_SMALLEST 256
#define BLOCKS_LARGEST  ((size_t)BLOCKS_SMALLEST << (BLOCKS_CLASSES - 1))

void blocks_init(struct blocks *b, size_t limit)
{
    for (size_t i = 0; i < BLOCKS_CLASSES; i++)
        pool_init(&b->classes[i], (size_t)BLOCKS_SMALLEST << i, 0);
    b->bytes = 0;
    b->limit = limit;
}

void blocks_done(struct blocks *b)
{
    for (size_t i = 0; i < BLOCKS_CLASSES; i++)
        pool_done(&b->classes[i]);
    b->bytes = 0;
}

/* For sizes up to BLOCKS_LARGEST. */
static size_t class_of(size_t size)
{
    return size <= BLOCKS_SMALLEST ? 0 : (size_t)(64 - 8 - __builtin_clzll(size - 1));
}

/* What a block of that size counts for. */
static size_t counted(size_t size)
{
    return size <= BLOCKS_LARGEST ? (size_t)BLOCKS_SMALLEST << class_of(size) : size;
}

void *blocks_get(struct blocks *b, size_t size)
{
    size_t bytes = counted(size);
    if (b->limit > 0 && (bytes > b->limit || b->bytes > b->limit - bytes))
        return NULL;
    void *block =
        size <= BLOCKS_LARGEST ? pool_get(&b->classes[class_of(size)]) : memory_alloc(size);
    if (block != NULL)
        b->bytes += bytes;
    return block;
}

void blocks_put(struct blocks *b, void *block, size_t size)
{
    if (block == NULL)
        return;
    assert(b->bytes >= counted(size));
    b->bytes -= counted(size);
    if (size <= BLOCKS_LARGEST)
        pool_put(&b->classes[class_of(size)], block);
    else
        memory_free(block);
}
