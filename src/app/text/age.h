/* Spans of time for people. */
#ifndef APP_TEXT_AGE_H
#define APP_TEXT_AGE_H

#include <stdint.h>

#define AGE_TEXT_MAX 32

/* "12 s", "3 min", "5 h 20 min", "12 d 3 h"; negative spans as "0 s". Returns buf, which holds
 * AGE_TEXT_MAX. */
const char *age_text(int64_t seconds, char *buf);
/* Seconds since 1970 of "2026-05-01T12:00:00Z"; 0 when it is not of that form. */
int64_t age_parse_time(const char *text);

#endif
