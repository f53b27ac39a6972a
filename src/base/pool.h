/* A pool of objects of one size: O(1) get and put, memory kept for reuse until pool_done, bounded.
 * One thread. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

struct pool_slab;

struct pool {
    struct pool_slab *slabs; /* owned */
    void *free_list;
    size_t object_size; /* rounded up to 16 */
    size_t in_use;
    size_t allocated;
    size_t limit; /* objects in use at most */
};

/* limit: objects that may be in use at once; 0 means no limit. */
void pool_init(struct pool *p, size_t object_size, size_t limit);
/* Frees every slab; all objects must have been put back or be forgotten. */
void pool_done(struct pool *p);
/* Not zeroed; NULL at the limit or when memory is out. */
void *pool_get(struct pool *p);
/* NULL is accepted. */
void pool_put(struct pool *p, void *object);

/* Byte blocks of mixed size, in power-of-two classes from 256 bytes to 64 KiB, larger ones straight
 * from malloc. What a transaction keeps of a message lives here. Each class keeps the most that it
 * ever had in use. One thread. */
#define BLOCKS_CLASSES 9

struct blocks {
    struct pool classes[BLOCKS_CLASSES];
    size_t bytes; /* in use, by class size */
    size_t limit; /* bytes in use at most; 0 means no limit */
};

void blocks_init(struct blocks *b, size_t limit);
void blocks_done(struct blocks *b);
/* At least size bytes; NULL at the limit or when memory is out. The caller remembers size for
 * blocks_put. */
void *blocks_get(struct blocks *b, size_t size);
/* size as given to blocks_get; NULL is accepted. */
void blocks_put(struct blocks *b, void *block, size_t size);

#endif
