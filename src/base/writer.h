/* A cursor that writes into a fixed buffer with a sticky error: write all, check once at the end.
 */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include "base/slice.h"

struct writer {
    char *start; /* borrowed */
    char *at;
    char *end;
    bool overflow; /* sticky: once something did not fit, nothing more is written */
};

static inline void writer_init(struct writer *w, void *buf, size_t size)
{
    w->start = w->at = buf;
    w->end = w->start + size;
    w->overflow = false;
}

static inline size_t writer_length(const struct writer *w)
{
    return (size_t)(w->at - w->start);
}

static inline size_t writer_space(const struct writer *w)
{
    return (size_t)(w->end - w->at);
}

static inline struct slice writer_slice(const struct writer *w)
{
    return slice_of(w->start, writer_length(w));
}

static inline void writer_bytes(struct writer *w, const void *data, size_t len)
{
    if (w->overflow || len > writer_space(w)) {
        w->overflow = true;
        return;
    }
    if (len > 0) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): len is not 0 */
        memcpy(w->at, data, len);
        w->at += len;
    }
}

static inline void writer_put(struct writer *w, struct slice s)
{
    writer_bytes(w, s.ptr, s.len);
}

static inline void writer_char(struct writer *w, char c)
{
    writer_bytes(w, &c, 1);
}

/* For literals: the length is known to the compiler. */
#define writer_literal(w, s) writer_bytes((w), "" s "", sizeof(s) - 1)

void writer_string(struct writer *w, const char *string);
void writer_u64(struct writer *w, uint64_t value);
/* Lower-case hexadecimal, exactly digits wide (at most 16). */
void writer_hex(struct writer *w, uint64_t value, unsigned digits);
/* Bytes as lower-case hexadecimal. */
void writer_hex_bytes(struct writer *w, const void *data, size_t len);
/* Needs room for one byte more than the text. */
void writer_format(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Undoes everything after a length taken earlier; clears the overflow that came after it. */
void writer_rewind(struct writer *w, size_t length);

/* 0, or ERR_LIMIT when something did not fit. */
int writer_status(const struct writer *w);

#endif
