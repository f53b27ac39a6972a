/* How long a NAT remembers a mapping that nothing is sent along: the search of RFC 5780 section 4.6
 * as a pure machine. Where the RFC halves an interval, this cuts it into several parts that are
 * tried side by side, each with a mapping of its own: after its pause, a second socket asks for an
 * answer to the first one's mapping.
 *
 * Results may contradict each other (same section): the shortest pause that killed a mapping
 * counts, and the longest below it that one outlived. */
#ifndef STUN_LIFETIME_H
#define STUN_LIFETIME_H

#include <stdbool.h>
#include <stdint.h>

#define LIFETIME_PROBES    10u /* at a time */
#define LIFETIME_PASSES    2u
#define LIFETIME_FINE_MS   1000u /* an interval of so much is not cut again */
#define LIFETIME_LIMIT_MIN 1000u /* milliseconds */
#define LIFETIME_LIMIT_MAX 3600000u

enum lifetime_result { LIFETIME_PENDING, LIFETIME_ALIVE, LIFETIME_GONE };

struct lifetime {
    unsigned pass; /* from 1 on */
    uint32_t pauses[LIFETIME_PROBES];
    unsigned char results[LIFETIME_PROBES]; /* enum lifetime_result */
    uint32_t alive_ms;                      /* a mapping outlived it; 0: none did */
    uint32_t gone_ms;                       /* a mapping did not; 0: all did */
};

/* limit: the longest pause; within LIFETIME_LIMIT_MIN and _MAX. */
void lifetime_init(struct lifetime *l, uint32_t limit_ms);
/* The question about a probe is being asked now, after that pause: a busy machine is late. */
void lifetime_on_asked(struct lifetime *l, unsigned probe, uint32_t pause_ms);
void lifetime_on_result(struct lifetime *l, unsigned probe, bool alive);
/* Is no probe of this pass worth waiting for any more? What is longer than a pause that has killed
 * a mapping is not. */
bool lifetime_pass_over(const struct lifetime *l);
/* When a pass is over: begins another one, with new mappings. False: what is known is fine enough.
 */
bool lifetime_next_pass(struct lifetime *l);
/* The most that all passes can take, without the time of answers. */
uint32_t lifetime_longest_ms(uint32_t limit_ms);

#endif
