/* The location service: address-of-record -> bindings (RFC 3261 section 10.2, 10.3). The one table
 * that all workers share: sharded by a keyed hash of the AOR, short critical sections. Lookups are
 * answered from memory; a journal keeps it alive across restarts. Any thread. */
#ifndef SERVICE_LOCATION_LOCATION_H
#define SERVICE_LOCATION_LOCATION_H

#include "base/arena.h"
#include "base/flow.h"
#include "base/metric.h"
#include "base/random.h"
#include "sip/message/uri.h"

struct location;

/* What is known of the mapping (or of a firewall's state) that a phone is reached through. In
 * memory only; kept for bindings whose mapping we keep alive. */
struct binding_keep {
    uint32_t due_s;      /* Unix time of the next ping; 0: there is no such state */
    uint32_t sent_s;     /* of the one that waits for its answer; 0: none does */
    uint16_t interval_s; /* between pings */
    uint16_t lived_s;    /* the longest silence that it has survived; 0: not known */
    uint16_t died_s;     /* the shortest one that it has not; 0: not known */
    uint8_t missed;      /* pings lost in a row */
    uint8_t changes;     /* how often another one took its place; 255 and more */
    uint8_t goods;       /* answers at this interval */
    uint8_t tries : 4;   /* of the present ping */
    bool answers : 1;    /* it has answered one */
};

/* A binding as callers see it: slices are copies in the caller's arena (results) or borrowed
 * (changes). */
struct binding {
    struct slice contact; /* URI */
    struct slice params;  /* contact parameters other than q, expires; from their ';', to be given
                             back in 200 (RFC 3261 10.3 step 8) */
    struct slice call_id;
    uint32_t cseq;
    uint16_t q;            /* thousandths */
    uint32_t reg_id;       /* 0: none */
    struct slice instance; /* +sip.instance value, else empty */
    struct slice path;     /* Path values (RFC 3327) as one comma list, else empty */
    struct slice user_agent;
    int64_t expires_ms; /* Unix time */
    /* First registered; with an instance: since when the instance is registered without a change of
     * Call-ID (RFC 5627 section 3.2). */
    int64_t since_ms;
    int64_t updated_ms;
    int64_t seen_ms;  /* last REGISTER, or last sign of life along its connection */
    struct flow flow; /* the registration came along it */
    bool behind_nat;  /* requests go to flow.remote instead of the contact's host */
    bool gruu;        /* its phone was given GRUUs, and may show one as its Contact (RFC 5627) */
    bool watched;     /* results: seen_ms moves with keep-alives on datagrams too */
    struct binding_keep keep;
};

/* Has it been silent to so many pings that it is most likely not there? It is called all the same.
 */
bool binding_unreachable(const struct binding *binding);

struct location_journal_entry {
    struct slice key;
    const struct binding *binding; /* NULL: removed */
    int64_t old_place;             /* where the journal has it; 0: nowhere */
    bool expired;                  /* removed because its time is over */
};

/* Where changes are written, all of one update at once; ordered per AOR. Called inside the critical
 * section: it must only queue. Returns a ticket > 0, 0 when nothing has to be waited for, or an
 * error, which makes the whole update fail before anything is changed. With a ticket, entry i lies
 * in place ticket - (count - 1 - i) from now on (store.h). */
struct location_journal {
    int64_t (*write)(void *user, struct slice aor, const struct location_journal_entry *entries,
                     unsigned count);
    void *user;
};

/* Whose mappings are kept alive. */
enum { LOCATION_KEEP_OFF, LOCATION_KEEP_AUTO, LOCATION_KEEP_ALL };

struct location_pace {
    uint32_t mode; /* LOCATION_KEEP_...; auto: of phones behind a NAT that do not do it themselves
                      (RFC 5626); all: of every phone */
    uint32_t first_s;      /* seconds between pings at the beginning; 25 */
    uint32_t min_s, max_s; /* as measured, within these; max_s below 2^16 */
};

struct location_config {
    size_t bindings_limit;     /* in all; default (0) 10,000,000 */
    unsigned contacts_per_aor; /* default (0) 10 */
    uint32_t flow_timer_s;     /* Flow-Timer that phones were told; 0: none */
    struct location_pace pace;
    struct location_journal journal; /* write NULL: none */
    struct hash_key key;
};

int location_new(const struct location_config *config, struct location **ret_location);
void location_free(struct location *location);
/* Other limits from now on, as in location_config; what there is beyond them stays and may be
 * refreshed. */
void location_reload(struct location *location, size_t bindings_limit, unsigned contacts_per_aor);
/* How mappings are kept alive from now on. Bindings that are there take part when they are
 * registered again. */
void location_set_pace(struct location *location, const struct location_pace *pace);

/* Retransmissions of a request come no later than 64*T1 after it (RFC 3261 section 17.1.2.2). */
#define LOCATION_REPEAT_MS    32000
#define LOCATION_CHANGES_MAX  32
#define LOCATION_CONTACTS_MAX 64 /* hard bound of contacts_per_aor */

/* How a request gets to a binding now. */
enum binding_reach {
    BINDING_BY_CONTACT,   /* to where its contact, or its Path, leads */
    BINDING_BY_FLOW,      /* along its flow; should that be gone, to its contact */
    BINDING_BY_FLOW_ONLY, /* nothing but the flow leads to it (RFC 5626 section 7) */
    BINDING_GONE          /* the flow has ended, and nothing else leads to it */
};
enum binding_reach location_reach(const struct location *location, const struct binding *binding,
                                  int64_t now_ms);

/* Does nothing but the flow that it came along lead to a contact, as far as the contact shows
 * (RFC 7118 section 5; a port that the phone's system has picked for its connection)? */
bool location_needs_flow(const struct sip_uri *contact, const struct flow *flow);

struct location_change {
    struct binding
        binding; /* contact, params, q, reg_id, instance, gruu; the rest is common to the update */
    struct slice key;   /* canonical form of the contact (sip_uri_write_key), or "instance;reg-id"
                           (RFC 5626 section 6). Contacts with different keys that are equal by RFC
                           3261 section 19.1.4 are one all the same */
    uint32_t expires_s; /* 0 removes (10.3 step 7) */
};

struct location_update {
    struct slice aor; /* canonical */
    struct slice call_id, path, user_agent;
    uint32_t cseq;
    struct flow flow;
    bool behind_nat;
    bool may_repeat; /* the caller keeps no transaction: an exact repetition within
                        LOCATION_REPEAT_MS changes nothing and is no request out of order */
    bool remove_all; /* Contact: * */
    bool undoable;   /* ret_bindings->undo is wanted */
    unsigned count;
    struct location_change changes[LOCATION_CHANGES_MAX];
};

/* What location_take_back needs to know of an update; borrowed as the update and its arena are. */
struct location_undo {
    struct slice aor;
    struct slice before; /* its bindings as they were, packed; empty: none */
    int64_t first, last; /* places of what it wrote; last is its ticket */
};

struct location_bindings {
    struct location_undo undo; /* of an update that asks for it and has a ticket */
    unsigned count;
    struct binding items[LOCATION_CONTACTS_MAX]; /* highest q first, then newest */
};

/* Applies all changes or none (10.3 step 7). The same Call-ID with a CSeq not higher: ERR_CONFLICT
 * (nothing changes), unless it removes nothing and changes nothing. Errors: ERR_LIMIT (contacts of
 * this AOR), ERR_NO_MEMORY, ERR_BUSY (journal or table full). On success *ret_bindings are all
 * bindings now, copied into arena, and *ret_ticket what to wait for before acknowledging (0:
 * nothing). */
int location_update(struct location *location, const struct location_update *update, int64_t now_ms,
                    struct arena *arena, struct location_bindings *ret_bindings,
                    int64_t *ret_ticket);

/* RFC 3261 section 10.3 step 7: the update could not be made durable, so it is taken back: what it
 * added goes, what it changed or removed is as before, but for what another update has changed
 * since, and for connections, which a restored binding has only if it still had the same. Journaled
 * as any update. Errors: as location_update; then all stays as it is. */
int location_take_back(struct location *location, const struct location_undo *undo, int64_t now_ms,
                       struct arena *arena);

/* Live bindings of a canonical AOR. count 0 when there are none. ERR_NO_MEMORY. */
int location_find(struct location *location, struct slice aor, int64_t now_ms, struct arena *arena,
                  struct location_bindings *ret_bindings);

/* At start: a binding read from the store, and its place there (no journal, no checks; the flow's
 * connection is void). Several threads may load at once. Errors: ERR_LIMIT, ERR_BUSY (table full),
 * ERR_NO_MEMORY. */
int location_load(struct location *location, struct slice aor, struct slice key,
                  const struct binding *binding, int64_t place, int64_t now_ms);
/* Something came along a connection, or a keep-alive in a datagram: moves seen_ms of its bindings,
 * of LOCATION_SEEN_MAX users at most, where that is more than a second. */
#define LOCATION_SEEN_MAX 64
void location_seen(struct location *location, const struct flow *flow, int64_t now_ms);
/* The connection of these bindings is gone: they stay, with no connection, so that the next request
 * tries the contact (or fails at once). */
void location_connection_closed(struct location *location, const struct flow *flow);
/* Administrative: removes all bindings of an AOR (the kick command). Returns how many, or an error.
 */
int location_kick(struct location *location, struct slice aor);

/* Removes what has expired, in slices: at most budget AORs looked at; call it from a timer on one
 * worker. Returns how many bindings went. */
unsigned location_sweep(struct location *location, int64_t now_ms, unsigned budget);

/* Pages through everything: visits the AORs of a shard; cursor 0 at the start, returns the next
 * cursor or 0 at the end. Strings are borrowed for the call; visit must be quick (the shard is
 * locked). */
uint64_t location_each(struct location *location, uint64_t cursor,
                       void (*visit)(void *user, struct slice aor, const struct binding *binding),
                       void *user);

/* ---- Pings (service/keepalive) ---- */

/* Something to send along flow so that the binding's mapping lives. key and token are for the
 * branch of a request; whoever has not seen them cannot make them. */
struct location_ping {
    struct flow flow;
    struct slice contact; /* in the caller's arena */
    uint64_t key, token;
    bool again; /* it was sent before */
};

/* Where a walk over one shard after the other is; worker and workers: whose shards (every
 * workers-th) these are. Starts as {.shard = worker}. */
struct location_walk {
    unsigned worker, workers;
    unsigned shard;
    uint32_t hash;
    bool round;           /* set when all of them have been looked at */
    unsigned lost, grave; /* counted: pings that were lost, phones that count as unreachable */
};

/* The next piece of the walk: writes up to limit pings that are due and counts them as sent.
 * Returns how many. */
unsigned location_pings_due(struct location *location, struct location_walk *walk, int64_t now_ms,
                            struct arena *arena, struct location_ping *ret_pings, unsigned limit);

enum location_ping_answer {
    LOCATION_PING_STRANGE,   /* no ping that waits for an answer */
    LOCATION_PING_ALIVE,     /* the mapping lives */
    LOCATION_PING_RETURNED,  /* and the phone had been unreachable */
    LOCATION_PING_ELSEWHERE, /* the answer came from another address: *ret_ping asks there */
    LOCATION_PING_MOVED,     /* and that was answered: the binding is there now */
};
/* An answer came: its flow, with key and token of the ping. */
enum location_ping_answer location_ping_answered(struct location *location,
                                                 const struct location_ping *answered,
                                                 int64_t now_ms, struct arena *arena,
                                                 struct location_ping *ret_ping);
/* The user of aor, who has proved himself, sends requests of this contact along flow: that is where
 * the binding is now. Nothing happens when it is there already. True: it was moved. */
bool location_move(struct location *location, struct slice aor, const struct sip_uri *contact,
                   const struct flow *flow, int64_t now_ms, struct arena *arena);

struct location_stats {
    uint64_t aors, bindings, bytes;              /* now */
    uint64_t added, refreshed, removed, expired; /* ever */
};
void location_stats(struct location *location, struct location_stats *ret_stats);

#endif
