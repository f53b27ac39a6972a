/* What a ruleset of nftables, as `nft -j list ruleset` writes it, does to what comes in. Pure. */
#ifndef APP_DOCTOR_RULESET_H
#define APP_DOCTOR_RULESET_H

#include <jansson.h>
#include <stdbool.h>

struct ruleset_verdict {
    bool closed;     /* some chain drops what no rule of it lets in */
    char chain[128]; /* "inet filter input": the first such */
};

void ruleset_read(const json_t *ruleset, struct ruleset_verdict *ret_verdict);
/* Does any rule name this destination port, alone, in a set or in a range? */
bool ruleset_names_port(const json_t *ruleset, unsigned port);

#endif
