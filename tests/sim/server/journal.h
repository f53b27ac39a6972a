/* The disk under a simulated server's location: takes what the journal writes, commits it in groups
 * after a while, and loses what is not committed when the server dies. */
#ifndef SIM_SERVER_JOURNAL_H
#define SIM_SERVER_JOURNAL_H

#include "service/location/location.h"
#include "sim/world/world.h"

/* A copy of a binding that owns its text. */
struct journal_row {
    struct list node;
    char *aor;
    char *key;
    bool removal; /* of a change only */
    int64_t place;
    int64_t old_place;      /* of a change: the row that it takes away; 0: none */
    struct binding binding; /* slices into text */
    char *text;
};

struct journal {
    struct sim_world *world;
    struct list rows;    /* durable */
    struct list waiting; /* changes, oldest first */
    struct list writing; /* changes of the commit under way */
    struct sim_event commit;
    uint64_t commit_low_us; /* a commit takes so long */
    uint64_t commit_high_us;
    int64_t last_ticket;
    unsigned fail_commits; /* so many of the next fail */
    bool full;             /* takes nothing: ERR_LIMIT */
    uint64_t commits;
    /* Everything up to ticket is durable (status 0), or lost (status < 0). */
    void (*on_commit)(void *user, int64_t ticket, int status);
    void *user;
};

void journal_init(struct journal *journal, struct sim_world *world);
void journal_done(struct journal *journal);
/* A location_journal's write. */
int64_t journal_write(void *journal, struct slice aor, const struct location_journal_entry *entries,
                      unsigned count);
/* The power is gone: what waits is lost; the commit under way may have made it or not. */
void journal_crash(struct journal *journal);
/* A proper stop: everything that waits is written. */
void journal_flush(struct journal *journal);
/* Into a fresh table, what has not expired at now_ms; the rest is forgotten. */
void journal_load(struct journal *journal, struct location *location, int64_t now_ms);

#endif
