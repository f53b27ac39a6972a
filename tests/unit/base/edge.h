/* Bytes that end at an unreadable page, so that reading one byte past them faults. */
#ifndef TESTS_UNIT_BASE_EDGE_H
#define TESTS_UNIT_BASE_EDGE_H

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#define EDGE_BYTES 4096

/* The address just behind EDGE_BYTES writable bytes. */
static inline char *edge_new(void)
{
    char *map =
        mmap(NULL, 2 * EDGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert(map != MAP_FAILED);
    int rc = mprotect(map + EDGE_BYTES, EDGE_BYTES, PROT_NONE);
    assert(rc == 0);
    (void)rc;
    return map + EDGE_BYTES;
}

static inline void edge_free(char *edge)
{
    munmap(edge - EDGE_BYTES, 2 * EDGE_BYTES);
}

/* A copy of len bytes that ends at the edge. */
static inline char *edge_copy(char *edge, const void *data, size_t len)
{
    return len > 0 ? memcpy(edge - len, data, len) : edge;
}

#endif
