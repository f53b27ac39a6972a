/* Where all memory of the program comes from: malloc, or, in test builds, malloc that can be told
 * to fail.
 *
 * With TZ_FAULT_ALLOC defined (for every file of the build, or for none) a test reruns its body
 * with each allocation failing in turn:
 *
 *     size_t n = 0;
 *     do {
 *         memory_fail_after(n++);
 *         body();
 *     } while (memory_fail_hit());
 *
 * Without it the same loop runs body once. Any thread; the failure is set per thread. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#ifdef TZ_FAULT_ALLOC
#define MEMORY_FAULTS true
/* The next n allocations of this thread succeed, the one after fails, later ones succeed again. */
void memory_fail_after(size_t n);
/* Did it fail since? Also takes back what memory_fail_after asked for. */
bool memory_fail_hit(void);
/* Called by the allocators below only: counts one allocation. */
bool memory_fail_now(void);
#else
#define MEMORY_FAULTS false
static inline void memory_fail_after(size_t n)
{
    (void)n;
}
static inline bool memory_fail_hit(void)
{
    return false;
}
static inline bool memory_fail_now(void)
{
    return false;
}
#endif

/* Not zeroed, aligned to 16 bytes; NULL when memory is out. */
static inline void *memory_alloc(size_t size)
{
    return memory_fail_now() ? NULL : malloc(size);
}

/* count objects of size bytes, zeroed; NULL when memory is out or the product does not fit. */
static inline void *memory_zalloc(size_t count, size_t size)
{
    return memory_fail_now() ? NULL : calloc(count, size);
}

/* NULL leaves the old block valid. size must be at least 1. */
static inline void *memory_realloc(void *block, size_t size)
{
    return memory_fail_now() ? NULL : realloc(block, size);
}

/* NULL is accepted. */
static inline void memory_free(void *block)
{
    free(block);
}

#endif
