/* Names looked up by who can wait: commands and threads of their own, never a worker. */
#ifndef APP_LOOKUP_LOOKUP_H
#define APP_LOOKUP_LOOKUP_H

#include <stdatomic.h>

#include "loop/dns.h"

struct lookup;

struct lookup_options {
    const struct dns_config *dns; /* copied */
    struct log *log;              /* borrowed */
    const _Atomic bool *cancel;   /* borrowed; true: answers are ERR_TIMEOUT. NULL: never */
};

/* Errors: as loop_new and dns_configure. */
int lookup_open(const struct lookup_options *options, struct lookup **ret_lookup);
/* NULL is accepted. After dns_answer_unref of what was kept. */
void lookup_close(struct lookup *lookup);
/* Waits, at most for the configured time. 0: *ret_answer is to be given to dns_answer_unref; its
 * status may be an error. Errors: as dns_lookup, ERR_TIMEOUT. */
int lookup_ask(struct lookup *lookup, struct slice name, enum dns_type type,
               const struct dns_answer **ret_answer);
/* The first address of that family, port 0; a numeric host is itself. Errors: the answer's, as
 * ERR_NOT_FOUND and ERR_UNREACHABLE; ERR_NOT_FOUND for a numeric host of the other family. */
int lookup_address(struct lookup *lookup, struct slice host, bool v6, struct address *ret_address);

#endif
