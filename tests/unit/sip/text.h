/* Slices in tests: inputs that end where the heap block ends, so that the address sanitizer sees
 * any over-read, and comparison with C strings. */
#ifndef TESTS_UNIT_SIP_TEXT_H
#define TESTS_UNIT_SIP_TEXT_H

#include "base/slice.h"
#include "base/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* A copy on the heap without any byte after it; free with text_free. */
static inline struct slice text_new(const char *bytes, size_t len)
{
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    return slice_of(len ? copy : copy + 1, len);
}

static inline void text_free(struct slice s)
{
    char *block = NULL;
    memcpy(&block, &s.ptr, sizeof(block));
    free(s.len ? block : block - 1);
}

#define assert_slice(s, text) text_assert_slice((s), (text), __FILE__, __LINE__)

static inline void text_assert_slice(struct slice s, const char *text, const char *file, int line)
{
    if (!slice_equal(s, slice_from_string(text))) {
        print_error("got \"%.*s\", expected \"%s\"\n", SLICE_ARG(s), text);
        _fail(file, line);
    }
}

#endif
