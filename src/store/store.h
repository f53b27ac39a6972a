/* What must survive a restart: accounts and bindings, in SQLite (WAL). Another engine may stand
 * behind the same face later. How the data lies in the file: store.md. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/flow.h"
#include "base/log.h"
#include "base/slice.h"

struct store;

struct store_options {
    /* File, or ":memory:": then nothing survives and bindings are not written at all. */
    const char *path;
    struct log *log; /* borrowed */
};

/* Makes file and schema when missing, brings an older schema up to date. The log says what is
 * wrong, but not that another process holds the file (ERR_BUSY): who that is only the caller can
 * tell. Errors: ERR_IO, ERR_DENIED, ERR_BUSY, ERR_INVALID (not our file, or of a newer version),
 * ERR_NO_MEMORY. */
int store_open(const struct store_options *options, struct store **ret_store);
/* Stops the writer once everything that waits is committed (or cannot be: then the log says so).
 * NULL is accepted. */
void store_close(struct store *store);

/* ---- Accounts: small, durable on return; any thread ---- */

struct store_ha1 {
    uint8_t md5[16];
    uint8_t sha256[32];
};

struct store_account {
    struct slice name;     /* "alice" (of every domain) or "alice@example.com" */
    struct slice realm;    /* that the digests were made for */
    struct store_ha1 user; /* HA1 when the phone sends the user name alone */
    struct store_ha1 full; /* HA1 when it sends user@domain */
    int64_t created_ms;    /* Unix time */
};

/* Adds or replaces. Errors: ERR_IO. */
int store_account_put(struct store *store, const struct store_account *account);
/* ERR_NOT_FOUND, ERR_IO. */
int store_account_remove(struct store *store, struct slice name);
/* In order of name. Slices are borrowed for the call; a negative return of visit ends the walk and
 * is returned. visit must not use the store. ERR_IO. */
int store_accounts_each(struct store *store,
                        int (*visit)(void *user, const struct store_account *account), void *user);

/* A named secret made once and kept (nonce key and the like). ERR_IO; ERR_INVALID when it was kept
 * with another length. */
int store_secret(struct store *store, const char *name, void *buf, size_t len);

/* ---- Bindings ---- */

struct store_binding {
    struct slice aor; /* canonical */
    /* Names the binding within its AOR: the contact URI, or instance and reg-id. */
    struct slice key;
    struct slice contact; /* URI as registered */
    struct slice call_id;
    uint32_t cseq;
    uint16_t q; /* thousandths */
    uint32_t reg_id;
    int64_t expires_ms; /* Unix time */
    int64_t since_ms;   /* first registered */
    int64_t updated_ms;
    struct slice instance;
    struct slice path;
    struct slice user_agent;
    struct slice params; /* further contact parameters, from their ';' */
    struct flow flow;    /* of the last REGISTER; a connection in it is void after a restart */
    bool behind_nat;
    bool gruu; /* its phone was given GRUUs */
};

/* Every binding that has not expired at now_ms, each once: a million in well under 2 s. To be
 * called before the writer is started. visit is called from up to threads threads, each with its
 * own user value; place names what was read (see store_change). A negative return of visit ends the
 * walk and is returned. Errors: ERR_IO, ERR_NO_MEMORY. */
int store_bindings_each(struct store *store, int64_t now_ms, unsigned threads,
                        int (*visit)(void *user, int64_t place,
                                     const struct store_binding *binding),
                        void *const *users);

/* A written binding lies in a place of its own: whoever keeps the binding keeps its place too, and
 * says it when it writes the binding anew or takes it away. */
struct store_change {
    const struct store_binding *binding; /* NULL: the binding in old_place is removed */
    int64_t old_place;                   /* where it was written before; 0: nowhere */
    bool expired; /* removed because its time is over: needs no commit, so no ticket */
};

#define STORE_CHANGES_MAX 1024

/* Queues changes for the writer thread; they are committed together or not at all. Returns the
 * ticket of the last one for on_commit, or 0 when nothing has to be waited for. Tickets rise,
 * unless the writer lingers: then a change may get that of one that still waits. The place of
 * changes[i] is ticket - (count - 1 - i). Errors: ERR_LIMIT (queue full), ERR_NO_MEMORY. Any
 * thread; short critical section. In ":memory:" nothing is queued and 0 is returned. */
int64_t store_bindings_write(struct store *store, const struct store_change *changes,
                             unsigned count);

struct store_writer_options {
    size_t queue_bytes; /* bound of what waits; default (0) 64 MiB */
    /* Durability async: waits that long so that refreshes of one binding share a write, and a power
     * cut may cost the last commits. 0: commits as soon as it can, everything that waits goes into
     * one commit, which survives a power cut. */
    unsigned linger_ms;
    /* Called on the writer thread after each commit: all tickets up to and including ticket are
     * durable (status 0), or could not be written now (ERR_IO): those stay queued and are tried
     * again. */
    void (*on_commit)(void *user, int64_t ticket, int status);
    void *user;
};

/* Starts the writer thread. Once. Errors: ERR_NO_MEMORY. */
int store_writer_start(struct store *store, const struct store_writer_options *options);

struct store_stats {
    uint64_t commits, writes, coalesced, failures;
    uint64_t queue_bytes, queue_items; /* now */
    uint64_t rows, stale_rows;         /* now, in the file; stale: superseded, not yet deleted */
    uint64_t commit_us_last, commit_us_max;
};
void store_stats(struct store *store, struct store_stats *ret_stats);

#endif
