/* When a phone behind a NAT is sent something, so that its mapping lives: an interval per binding
 * that follows what is measured. Pure: it is told the time, in seconds.
 *
 *   registered ── interval over ──▶ ping sent ── answer ──▶ it lived so long: after a few of them
 *        ▲                             │                    the interval grows
 *        │                             └─ silence, asked again ─▶ lost: the interval shrinks to
 *        └── registers again ◀── unreachable, pinged seldom ◀──   what has lived before
 */
#ifndef SERVICE_LOCATION_PACE_H
#define SERVICE_LOCATION_PACE_H

#include "service/location/location.h"

#define PACE_RETRY_S      2 /* an answer may take so long before the ping is sent again */
#define PACE_TRIES        3
#define PACE_GOOD         3 /* answers in a row before the interval grows */
#define PACE_MISSED_GRAVE 3 /* pings lost in a row before a phone counts as unreachable */

enum pace_step {
    PACE_WAIT,  /* nothing is to be sent now */
    PACE_SEND,  /* a new ping */
    PACE_AGAIN, /* the same one again */
    PACE_LOST,  /* the ping is lost */
    PACE_GRAVE, /* and the phone counts as unreachable from now on */
};

/* Is this binding's mapping kept alive by us? */
bool pace_wants(const struct location_pace *pace, const struct binding *binding);
/* binding has just been loaded: any time within an interval, so that a restart makes no burst. */
void pace_on_load(const struct location_pace *pace, struct binding *binding, int64_t now_s,
                  uint64_t seed);
/* binding is written by a REGISTER; before: what was there, or NULL. */
void pace_on_register(const struct location_pace *pace, const struct binding *before,
                      struct binding *binding, int64_t now_s, uint64_t seed);
/* Its time has come. The caller sends what the step says. */
enum pace_step pace_on_due(const struct location_pace *pace, struct binding *binding, int64_t now_s,
                           uint64_t seed);
/* The answer to its ping has come along the flow. True: it counted as unreachable. */
bool pace_on_answer(const struct location_pace *pace, struct binding *binding, int64_t now_s,
                    uint64_t seed);
/* It is found at another address now. */
void pace_on_move(const struct location_pace *pace, struct binding *binding, int64_t now_s,
                  uint64_t seed);

#endif
