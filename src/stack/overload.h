/* How many new requests are let in while more come than can be served (RFC 6357 section 5: local
 * control by the delay in the queue, as RFC 8033 does it for packets). What is under way goes on
 * whatever happens; of new requests a share is refused, so chosen that what waits to be read waits
 * for some milliseconds only: then nothing is served too late, and the server never runs dry. The
 * share follows from the hash of the Call-ID, so that a retransmission fares like the request (RFC
 * 3261 section 8.2.7). Pure: time and load come in, nothing is called. */
#ifndef STACK_OVERLOAD_H
#define STACK_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

#define OVERLOAD_ALL       65536u /* shares are parts of this */
#define OVERLOAD_TARGET_US 5000u  /* the wait that calls are held to */

/* What comes later is refused only when refusing what comes before it does not suffice. */
enum overload_class {
    OVERLOAD_CALLS,       /* and every other request that begins something */
    OVERLOAD_REGISTERS,   /* phones come back: without them there are no calls */
    OVERLOAD_CREDENTIALS, /* REGISTER with an answer to our challenge: half the work is done */
    OVERLOAD_CLASSES
};

/* What is known at the end of a turn of the loop. */
struct overload_load {
    uint64_t now_us;
    uint64_t turn_us;  /* that the turn before took */
    unsigned waiting;  /* datagrams, of the socket with the most */
    unsigned room;     /* datagrams that its buffer holds; 0: as many as come */
    unsigned fresh;    /* datagrams that this turn handled */
    unsigned messages; /* SIP messages by any transport that it handled */
    unsigned refused;  /* requests over UDP that it refused */
};

struct overload {
    uint64_t since_us;   /* the interval began */
    uint64_t delay_us;   /* now */
    uint64_t least_us;   /* of the interval */
    unsigned handled;    /* datagrams, in the turn before */
    unsigned messages;   /* SIP messages, in the turn before */
    unsigned service_ns; /* that one of them took */
    unsigned sum_fresh;  /* of the interval */
    unsigned sum_refused;
    uint32_t read; /* share of INVITEs that are read at all */
    struct overload_share {
        uint32_t let_in;   /* share; moves slowly */
        uint32_t refused;  /* share; the same, corrected by what waits now */
        unsigned idle;     /* intervals in a row without any wait */
        uint64_t above_us; /* since when the delay has been above the target; 0: it is not */
    } shares[OVERLOAD_CLASSES];
};

void overload_init(struct overload *overload);
void overload_turn(struct overload *overload, const struct overload_load *load);
/* Is anything refused, or was it a moment ago? Then overload_turn is wanted every
 * OVERLOAD_INTERVAL_US even when nothing comes. */
bool overload_active(const struct overload *overload);

#define OVERLOAD_INTERVAL_US 20000u

/* Share of INVITEs that are best dropped unread: so many come that answering them all would take
 * more time than it leaves for calls. */
static inline uint32_t overload_unread(const struct overload *overload)
{
    return OVERLOAD_ALL - overload->read;
}

/* hash: of what names the request, evenly spread. */
static inline bool overload_refuses(const struct overload *overload, enum overload_class class,
                                    uint64_t hash)
{
    return (uint32_t)(hash % OVERLOAD_ALL) < overload->shares[class].refused;
}

static inline unsigned overload_permille(const struct overload *overload)
{
    return overload->shares[OVERLOAD_CALLS].refused * 1000u / OVERLOAD_ALL;
}

#endif
