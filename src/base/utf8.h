/* UTF-8 (RFC 3629). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/slice.h"

/* The first character of s: its bytes (1 to 4) are returned, its code point is set; 0 when s does
 * not start with a valid character (overlong forms, surrogates and values over U+10FFFF are
 * invalid). */
size_t utf8_decode(struct slice s, uint32_t *ret_code);
/* Is all of s valid? */
bool utf8_valid(struct slice s);
/* s without a character at its end that was cut in the middle. */
struct slice utf8_whole(struct slice s);

#endif
