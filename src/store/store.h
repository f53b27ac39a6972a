/* What must survive a restart: accounts and bindings, in SQLite (WAL). Another engine may stand
 * behind the same face later. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/flow.h"
#include "base/log.h"
#include "base/slice.h"

struct store;

struct store_options {
    const char
        *path; /* file, or ":memory:": then nothing survives and bindings are not written at all */
    struct log *log; /* borrowed */
};

/* Makes file and schema when missing, brings an older schema up to date. Errors: ERR_IO,
 * ERR_DENIED, ERR_BUSY (another process holds it), ERR_INVALID (not our file, or of a newer
 * version). */
int store_open(const struct store_options *options, struct store **ret_store);
/* Waits for the writer's last commit. NULL is accepted. */
void store_close(struct store *store);

/* ---- Accounts: small, written at once; any thread
 * ------------------------------------------------------------- */

#define STORE_HA1_MD5    16
#define STORE_HA1_SHA256 32

struct store_account {
    struct slice name;  /* "alice" (of every domain) or "alice@example.com" */
    struct slice realm; /* that the digests were made for */
    uint8_t ha1_md5[STORE_HA1_MD5];
    uint8_t ha1_sha256[STORE_HA1_SHA256];
    int64_t created_ms; /* Unix time */
};

/* Adds or replaces. Errors: ERR_IO. */
int store_account_put(struct store *store, const struct store_account *account);
/* ERR_NOT_FOUND. */
int store_account_remove(struct store *store, struct slice name);
/* Slices are borrowed for the call; a negative return of visit ends the walk and is returned. */
int store_accounts_each(struct store *store,
                        int (*visit)(void *user, const struct store_account *account), void *user);

/* A named secret made once and kept (nonce key and the like). ERR_IO. */
int store_secret(struct store *store, const char *name, void *buf, size_t len);

/* ---- Bindings
 * --------------------------------------------------------------------------------------------------
 */

struct store_binding {
    struct slice aor; /* canonical */
    struct slice
        key; /* names the binding within its AOR: the contact URI, or instance and reg-id */
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
};

/* Every binding that has not expired at now_ms, at start: a million in well under 2 s. May call
 * visit from several threads when threads > 1, each with its own user value. */
int store_bindings_each(struct store *store, int64_t now_ms, unsigned threads,
                        int (*visit)(void *user, const struct store_binding *binding),
                        void *const *users);

/* Queues a put or a remove for the writer thread, in order; returns a ticket > 0 for store_writer's
 * on_commit, or an error: ERR_LIMIT (queue full), ERR_NO_MEMORY. Any thread; short critical
 * section. In ":memory:" nothing is queued and 0 is returned: no commit is needed. */
int64_t store_binding_put(struct store *store, const struct store_binding *binding);
int64_t store_binding_remove(struct store *store, struct slice aor, struct slice key);

struct store_writer_options {
    size_t queue_bytes; /* bound of what waits; default (0) 64 MiB */
    unsigned linger_ms; /* durability async: waits that long so that refreshes of one binding share
                           a write; 0: commits as soon as it can, everything that waits goes into
                           one commit */
    /* Called on the writer thread after each commit: all tickets up to and including ticket are
     * durable (status 0), or failed (ERR_IO). */
    void (*on_commit)(void *user, int64_t ticket, int status);
    void *user;
};

/* Starts the writer thread. Once. */
int store_writer_start(struct store *store, const struct store_writer_options *options);

struct store_stats {
    uint64_t commits, writes, failures;
    uint64_t queue_bytes, queue_items; /* now */
    uint64_t commit_us_last;
};
void store_stats(struct store *store, struct store_stats *ret_stats);

#endif
