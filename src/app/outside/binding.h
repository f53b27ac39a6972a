/* A STUN Binding request to servers, by who can wait (RFC 8489 section 6.2.1). */
#ifndef APP_OUTSIDE_BINDING_H
#define APP_OUTSIDE_BINDING_H

#include <stdatomic.h>

#include "base/address.h"

struct binding_ask {
    const struct address *servers; /* of one family, in order of preference; borrowed */
    unsigned server_count;
    struct address local;       /* to send from; a wildcard with port 0: the system chooses */
    const _Atomic bool *cancel; /* borrowed; NULL: never */
};

struct binding_answer {
    struct address mapped; /* what the server saw */
    struct address local;  /* what it was sent from, with its port */
    unsigned server;       /* who said so */
};

/* The first answer that comes; each server has half a second more than the next one, and two and a
 * half seconds in all. Errors: ERR_TIMEOUT, ERR_IO (it cannot be sent). */
int binding_ask(const struct binding_ask *ask, struct binding_answer *ret_answer);

#endif
