/* DNS for tests of the resolver: loop/dns.h over a zone written in the test. A test that uses it
 * wraps all these functions: see test_locate.c. */
#ifndef UNIT_STACK_ZONE_H
#define UNIT_STACK_ZONE_H

#include "loop/dns.h"

/* Records, one per line: "NAME TTL TYPE DATA" with A, AAAA, SRV (priority weight port target),
 * NAPTR (order preference flags service regexp replacement, "-" for an empty one); "NAME 0 FAIL
 * TYPE" (no server answers), "NAME 0 BOGUS TYPE", "NAME 0 HOSTS" (in the hosts file). */
void zone_set(const char *const *lines);
/* Questions of this type wait for zone_answer instead of being answered at once. 0: none do. */
void zone_hold(unsigned type);
/* Answers those that wait for this name and type; returns how many there were. */
unsigned zone_answer(const char *name, enum dns_type type);
/* Questions ever asked, and those that wait. */
unsigned zone_asked(void);
unsigned zone_waiting(void);
/* References to answers that are out. */
long zone_references(void);

#endif
