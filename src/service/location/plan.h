/* What an update does to the bindings of an AOR: RFC 3261 section 10.3 steps 6 and 7. Pure: it
 * looks at the old bindings and says which ones there shall be and which ones go. */
#ifndef SERVICE_LOCATION_PLAN_H
#define SERVICE_LOCATION_PLAN_H

#include "service/location/record.h"

enum location_fate {
    FATE_KEPT,      /* not named by the update */
    FATE_ADDED,     /* new */
    FATE_REFRESHED, /* there was one of this key */
    FATE_REMOVED,
    FATE_EXPIRED,
    FATE_VOID, /* added and removed by the same update */
};

struct location_planned {
    enum location_fate fate;
    bool touched;         /* by this update */
    bool new_link;        /* the record's link was made for this update */
    uint32_t old_link;    /* the binding leaves this node of the table of connections; 0: none */
    struct flow old_flow; /* of old_link */
};

struct location_plan {
    unsigned live;  /* records[0..live) are the bindings afterwards */
    unsigned count; /* records[live..count) go */
    /* Strings are borrowed from the old block and from the update. */
    struct location_record records[LOCATION_RECORDS_MAX];
    struct location_planned notes[LOCATION_RECORDS_MAX];
};

/* What a plan goes by; borrowed. */
struct location_rules {
    const struct location_agents *agents;
    const struct location_pace *pace;
    unsigned limit;               /* contacts of an AOR */
    uint64_t seed;                /* of the times of pings */
    const struct hash_key *watch; /* of location_streams_number; NULL: datagrams are not watched */
};

/* old may be NULL. An update without changes only drops what has expired. ERR_CONFLICT: the CSeq is
 * not higher than that of a binding with the same Call-ID; ERR_LIMIT: more than limit contacts, or
 * one is too long. */
int location_plan_make(struct location_plan *plan, const struct location_block *old,
                       const struct location_rules *rules, const struct location_update *update,
                       int64_t now_ms);

/* What taking an update back does to the bindings there are now: old, of the same AOR, may be NULL.
 * Returns how many change, or ERR_LIMIT: more than a block can hold. */
int location_plan_undo(struct location_plan *plan, const struct location_block *old,
                       const struct location_agents *agents, const struct location_undo *undo,
                       int64_t now_ms);

/* records[index] of old is along flow now; nothing else changes. */
void location_plan_move(struct location_plan *plan, const struct location_block *old,
                        const struct location_rules *rules, unsigned index, const struct flow *flow,
                        int64_t now_ms);

#endif
