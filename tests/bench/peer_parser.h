/* SIP parsers of other projects, loaded when their shared libraries are installed; for comparison.
 */
#ifndef TESTS_BENCH_PEER_PARSER_H
#define TESTS_BENCH_PEER_PARSER_H

#include <stdbool.h>

#include "base/slice.h"

struct peer_parser {
    const char *name;
    bool (*load)(void); /* false when the library is not there */
    /* Parses message as far as that library does in one call and frees the result; false when it
     * refuses it. */
    bool (*parse)(struct slice message);
};

extern const struct peer_parser peer_parsers[];
extern const unsigned peer_parser_count;

#endif
