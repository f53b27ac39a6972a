/* Large buffers straight from the system: zeroed, and taken page by page as they are touched. */
#ifndef LOOP_PAGES_H
#define LOOP_PAGES_H

#include <sys/mman.h>

#include "base/memory.h"

/* NULL when memory is out. */
static inline void *pages_map(size_t size)
{
    if (memory_fail_now())
        return NULL;
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

/* size as mapped; NULL is accepted. */
static inline void pages_unmap(void *pages, size_t size)
{
    if (pages != NULL)
        (void)munmap(pages, size);
}

#endif
