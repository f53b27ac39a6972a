/* base64url without padding (RFC 4648 section 5): nothing in it needs escaping in SIP or HTTP. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/slice.h"
#include "base/writer.h"

#define BASE64URL_LENGTH(bytes) (((bytes)*4 + 2) / 3)

void base64url_write(struct writer *w, const void *data, size_t len);
/* Into buf, at most size bytes; *ret_len is how many. ERR_SYNTAX (also for bits that no encoder
 * leaves over), ERR_LIMIT. */
int base64url_parse(struct slice text, void *buf, size_t size, size_t *ret_len);

#endif
