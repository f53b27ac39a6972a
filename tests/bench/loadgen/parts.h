/* Pieces of a SIP message that all modes write alike, and the names of users. */
#ifndef LOADGEN_PARTS_H
#define LOADGEN_PARTS_H

#include "engine.h"
#include "scan.h"

/* A branch is the magic cookie (RFC 3261 section 8.1.1.7), "lg", slot, generation and one letter
 * for the request. */
struct branch {
    uint32_t slot, generation;
    char letter;
};

/* "u0000042" */
void part_user(struct text *text, uint32_t user);
/* "u0000042@bench.test" */
void part_aor(struct text *text, const struct engine *engine, uint32_t user);
/* "sip:u0000042@127.0.0.1:16000" */
void part_contact_uri(struct text *text, const struct engine *engine, uint32_t user);
/* A Via line with rport (RFC 3581) and the Max-Forwards line. */
void part_via(struct text *text, const struct engine *engine, unsigned source,
              struct branch branch);

/* Reads our branch back from the topmost Via; false when it is not ours. */
bool part_branch_read(const struct message *message, struct branch *ret_branch);

/* True when a response has one Via: what the server added is gone (RFC 3261 section 16.7 item 3).
 */
bool part_single_via(const struct message *message);

/* True when the Contact values of a message hold that user's contact URI. */
bool part_contact_present(const struct engine *engine, const struct message *message,
                          uint32_t user);

#endif
