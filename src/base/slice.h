/* A slice: bytes that live elsewhere. Never owns, never NUL-terminated, passed by value. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *ptr; /* borrowed; may be NULL only when len is 0 */
    size_t len;
};

#define SLICE_NULL ((struct slice){NULL, 0})
/* A slice of a string literal, usable in constant initialisers. */
#define SLICE_LITERAL(s)                                                                           \
    {                                                                                              \
        "" s "", sizeof(s) - 1                                                                     \
    }
#define SLICE(s) ((struct slice)SLICE_LITERAL(s))
/* For printf: printf("%.*s", SLICE_ARG(s)). Lengths over INT_MAX are cut by the callers' own
 * bounds. */
#define SLICE_ARG(s) (int)(s).len, ((s).len ? (s).ptr : "")

static inline struct slice slice_of(const char *ptr, size_t len)
{
    return (struct slice){ptr, len};
}

static inline struct slice slice_from_string(const char *string)
{
    return string ? (struct slice){string, strlen(string)} : SLICE_NULL;
}

/* From start (inclusive) to end (exclusive), both into the same object. */
static inline struct slice slice_between(const char *start, const char *end)
{
    return (struct slice){start, (size_t)(end - start)};
}

static inline bool slice_empty(struct slice s)
{
    return s.len == 0;
}

/* Everything from offset on; empty when offset is past the end. */
static inline struct slice slice_from(struct slice s, size_t offset)
{
    return offset >= s.len ? (struct slice){s.ptr, 0}
                           : (struct slice){s.ptr + offset, s.len - offset};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    /* ptr is NULL only when len is 0. NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool slice_bytes_equal_nocase(const char *a, const char *b, size_t len);

/* ASCII case is ignored; other bytes compare as they are (RFC 3261 section 7.3.1: tokens). */
static inline bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    /* A short literal costs two comparisons where it comes as we write it, as it mostly does. */
    if (__builtin_constant_p(b.len) && b.len > 0 && b.len <= 16 && memcmp(a.ptr, b.ptr, b.len) == 0)
        return true;
    return slice_bytes_equal_nocase(a.ptr, b.ptr, a.len);
}

static inline bool slice_starts_with(struct slice s, struct slice prefix)
{
    return prefix.len == 0 || (s.len >= prefix.len && s.ptr[0] == prefix.ptr[0] &&
                               memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool slice_starts_with_nocase(struct slice s, struct slice prefix);
bool slice_ends_with_nocase(struct slice s, struct slice suffix);
/* <0, 0, >0 as memcmp over the common length, then by length. */
int slice_compare(struct slice a, struct slice b);

/* Index of the first byte c, or s.len. */
size_t slice_index(struct slice s, char c);

/* Without leading and trailing SP, HTAB, CR, LF (the LWS of RFC 3261 section 25.1). */
struct slice slice_trim(struct slice s);

/* Cuts *rest at the first c: returns what stood before it, *rest is what follows (empty when c is
 * absent). */
struct slice slice_cut(struct slice *rest, char c);

/* Decimal digits only, no sign, no blanks. Errors: ERR_SYNTAX (empty or other bytes), ERR_RANGE
 * (over max). */
int slice_to_u64(struct slice s, uint64_t max, uint64_t *ret_value);
int slice_to_u32(struct slice s, uint32_t max, uint32_t *ret_value);

/* Hexadecimal digits of either case, at most 16. ERR_SYNTAX. */
int slice_hex_to_u64(struct slice s, uint64_t *ret_value);

/* Copies into buf as a C string, cut to size - 1 bytes; returns buf. size must be at least 1. */
char *slice_to_string(struct slice s, char *buf, size_t size);

#endif
