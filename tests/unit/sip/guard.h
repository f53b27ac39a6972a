/* Inputs that end at an unreadable page: a read past the end faults in every build. */
#ifndef TESTS_UNIT_SIP_GUARD_H
#define TESTS_UNIT_SIP_GUARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/slice.h"

struct guard {
    char *start; /* owned mapping */
    char *end;   /* of what may be read; an unreadable page follows */
    size_t page;
};

/* Room for size bytes at least. */
static inline struct guard guard_new(size_t size)
{
    struct guard g = {.page = (size_t)sysconf(_SC_PAGESIZE)};
    size_t room = (size + g.page - 1) / g.page * g.page;
    g.start = mmap(NULL, room + g.page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(g.start, MAP_FAILED);
    g.end = g.start + room;
    assert_int_equal(mprotect(g.end, g.page, PROT_NONE), 0);
    return g;
}

static inline void guard_free(struct guard *g)
{
    munmap(g->start, (size_t)(g->end - g->start) + g->page);
}

/* A copy of s whose last byte is the last that may be read; it replaces the copy before. */
static inline struct slice guard_put(struct guard *g, struct slice s)
{
    assert_true(s.len <= (size_t)(g->end - g->start));
    char *at = g->end - s.len;
    if (s.len > 0) {
        memcpy(at, s.ptr, s.len);
    }
    return slice_of(at, s.len);
}

#endif
