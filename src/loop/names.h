/* Host names to addresses (A and AAAA), asynchronously; /etc/hosts counts. */
#ifndef LOOP_NAMES_H
#define LOOP_NAMES_H

#include "loop/loop.h"

struct names_query;

/* status 0 and addresses (port 0), or ERR_NOT_FOUND, ERR_TIMEOUT, ERR_IO. */
typedef void names_fn(void *user, int status, const struct address *addresses, size_t count);

/* At most 16 addresses are given, in the system's order of preference. done is called once, from
 * the loop, not from within; after 10 s with ERR_TIMEOUT. *ret_query is valid until then. Errors:
 * ERR_LIMIT (1,000 queries under way), ERR_INVALID (no possible name), ERR_NO_MEMORY. */
int names_lookup(struct loop *loop, struct slice host, names_fn *done, void *user,
                 struct names_query **ret_query);
/* done will not be called. NULL is accepted. */
void names_cancel(struct names_query *query);

#endif
