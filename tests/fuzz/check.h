/* What fuzz targets check about parsers and writers. */
#ifndef TESTS_FUZZ_CHECK_H
#define TESTS_FUZZ_CHECK_H

#include "base/slice.h"
#include "base/writer.h"

#include <stdio.h>
#include <stdlib.h>

#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* A slice that a parser returned lies within its input. */
static inline void fuzz_inside(struct slice input, struct slice s)
{
    FUZZ_CHECK(s.len == 0 || (s.ptr >= input.ptr && s.ptr + s.len <= input.ptr + input.len));
}

/* Parses input, checks what it finds, writes it again. Negative when the input was refused. */
typedef int fuzz_rewrite(struct slice input, struct writer *w);

/* What is written must be taken, and be written the same the next time. Returns the first result.
 */
static inline int fuzz_roundtrip(struct slice input, fuzz_rewrite *rewrite)
{
    size_t size = input.len * 3 + 256; /* the most that quoting can add */
    char *first = malloc(size), *second = malloc(size);
    struct writer w, v;
    FUZZ_CHECK(first && second);
    writer_init(&w, first, size);
    int rc = rewrite(input, &w);
    if (rc >= 0) {
        FUZZ_CHECK(!w.overflow);
        writer_init(&v, second, size);
        /* From a block that ends where the text ends. */
        char *exact = malloc(writer_length(&w) ? writer_length(&w) : 1);
        FUZZ_CHECK(exact);
        memcpy(exact, first, writer_length(&w));
        FUZZ_CHECK(rewrite(slice_of(exact, writer_length(&w)), &v) >= 0);
        FUZZ_CHECK(slice_equal(writer_slice(&w), writer_slice(&v)));
        free(exact);
    }
    free(first);
    free(second);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
