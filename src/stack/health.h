/* How servers that requests go to are doing, by transport and address: shared by all workers,
 * bounded, read without a lock. It is a preference only: who is down is tried after the others. */
#ifndef STACK_HEALTH_H
#define STACK_HEALTH_H

#include "base/flow.h"
#include "base/hash.h"

#define HEALTH_TARGETS     4096  /* remembered; beyond, one that has not been used for long goes */
#define HEALTH_DOWN_MS     30000 /* the first time; doubled each time that it fails again */
#define HEALTH_DOWN_MAX_MS 300000
#define HEALTH_PROBE_MS    10000 /* for so long nobody else tries a target that is being probed */
#define HEALTH_WAIT_MS                                                                             \
    3000 /* after its time a request waits so long for a prober to come first                      \
          */
#define HEALTH_WANTED_MS  600000 /* a target that nobody has asked for in so long is not probed */
#define HEALTH_SERVER_MAX 255

struct health;

enum health_outcome {
    HEALTH_OK,     /* it answered */
    HEALTH_FAILED, /* no answer, or it could not be reached */
    HEALTH_BUSY,   /* 503 with Retry-After */
};

enum health_state { HEALTH_UP, HEALTH_DOWN, HEALTH_PROBED };

struct health_entry {
    uint8_t transport;
    struct address address;
    enum health_state state;
    uint64_t since_ms;   /* of the state */
    uint64_t until_ms;   /* HEALTH_DOWN: then it may be tried again */
    uint64_t last_ok_ms; /* to the second; 0: never */
    uint64_t failures;   /* ever */
    uint32_t streak;     /* since it last was well */
};

/* A target to be probed. */
struct health_probe {
    uint8_t transport;
    struct address address;
    char server[HEALTH_SERVER_MAX + 1]; /* what health_name said; may be empty */
};

struct health_stats {
    unsigned targets, down;
    uint64_t failures; /* ever, of all targets */
};

/* key: random. ERR_NO_MEMORY. */
int health_new(const struct hash_key *key, struct health **ret_health);
void health_free(struct health *health);

/* All below: any thread; now_ms is the loops' clock. */

/* Should a request be sent there before others? False: it is down. Of one whose time is over, the
 * first who asks gets true, to probe it; the others when it has answered. Where there is a prober
 * it comes first, unless a Retry-After is over. */
bool health_good(struct health *health, uint8_t transport, const struct address *address,
                 uint64_t now_ms);
/* retry_after_ms: with HEALTH_BUSY; cut to HEALTH_DOWN_MAX_MS. */
void health_report(struct health *health, uint8_t transport, const struct address *address,
                   enum health_outcome outcome, uint64_t retry_after_ms, uint64_t now_ms);
/* The host that the target was looked up by: a probe must ask for it again (RFC 5922 section 7.3).
 */
void health_name(struct health *health, uint8_t transport, const struct address *address,
                 struct slice server, uint64_t now_ms);
/* From now on there is a prober: somebody who calls health_due and sends something to each. */
void health_set_prober(struct health *health);
/* Targets whose time is over, that are still asked for, and that nobody probes: the caller does,
 * for HEALTH_PROBE_MS. From *cursor on, round and round, at most max. Returns how many. */
unsigned health_due(struct health *health, unsigned *cursor, uint64_t now_ms, unsigned max,
                    struct health_probe *ret_probes);
/* Entries from *cursor on (0 at first), at most max. Returns how many; 0: the end. */
unsigned health_read(struct health *health, unsigned *cursor, uint64_t now_ms, unsigned max,
                     struct health_entry *ret_entries);
void health_stats(struct health *health, struct health_stats *ret_stats);

#endif
