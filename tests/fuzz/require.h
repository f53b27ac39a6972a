/* What a fuzz target demands of the code under it. */
#ifndef TESTS_FUZZ_REQUIRE_H
#define TESTS_FUZZ_REQUIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(what)                                                                              \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);                     \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* s lies in whole; an empty one may lie anywhere. */
static inline bool inside(struct slice s, struct slice whole)
{
    return s.len == 0 || (s.ptr >= whole.ptr && s.ptr + s.len <= whole.ptr + whole.len);
}

#endif
