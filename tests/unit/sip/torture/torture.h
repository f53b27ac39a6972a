/* The torture messages of RFC 4475 and the outcome of each: for the parser's test and for servers'.
 */
#ifndef TESTS_UNIT_SIP_TORTURE_TORTURE_H
#define TESTS_UNIT_SIP_TORTURE_TORTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Who decides the outcome when the message arrives alone at an element for its domain. */
enum torture_answer {
    TORTURE_PARSER,    /* sip_message_parse or sip_message_check refuse it */
    TORTURE_PROXY,     /* a rule of RFC 3261 chapter 16 */
    TORTURE_REGISTRAR, /* a rule of RFC 3261 chapter 10 */
    TORTURE_UAS,       /* a rule of RFC 3261 section 8.2: a proxy forwards it */
    TORTURE_NOBODY,    /* a response that belongs to no transaction, or nothing to answer */
};

struct torture_case {
    const char *file;    /* below vectors/, without ".dat" */
    const char *section; /* of RFC 4475 */
    const char *refusal; /* the parser's reason, or NULL when it takes the message */
    uint16_t status;     /* that goes with refusal; 0: it is dropped */
    enum torture_answer answer;
    const char *answers; /* statuses that the RFC lets who answers give; "" when none is sent */
};

extern const struct torture_case torture_cases[];
extern const size_t torture_count;

/* The file's bytes, malloc'd: the caller frees ptr. Fails the running test when there is no such
 * file. */
struct slice torture_read(const char *file);

#endif
