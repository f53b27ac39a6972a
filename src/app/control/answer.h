/* Answers of the control socket: JSON objects with "ok", and "code" and "message" when not. */
#ifndef APP_CONTROL_ANSWER_H
#define APP_CONTROL_ANSWER_H

#include <jansson.h>

#include "base/slice.h"

/* What code means to the command that asked: it becomes its exit code. */
enum { ANSWER_FAILED = 1, ANSWER_USAGE = 2 };

/* All return a new reference, or NULL without memory. */

json_t *answer_good(void);
json_t *answer_bad(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Bytes from the wire: what is no UTF-8 becomes U+FFFD. */
json_t *answer_text(struct slice s);
/* "2026-05-01T12:00:00Z" */
json_t *answer_time(int64_t unix_ms);

/* The string of a key, or NULL. Borrowed from request. */
const char *answer_string(const json_t *request, const char *key);

#endif
