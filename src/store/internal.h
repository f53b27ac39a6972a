/* What the files of the store share. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <sqlite3.h>
#include <stdatomic.h>

#include "store/queue.h"
#include "store/rows.h"
#include "store/store.h"

/* Who may use the connection. The writer lets others go first, so that an account is not kept
 * waiting by a stream of registrations. */
struct store_gate {
    pthread_mutex_t lock; /* of the two below */
    pthread_cond_t changed;
    bool busy;
    unsigned waiting; /* others than the writer */
};

void store_gate_init(struct store_gate *gate);
void store_gate_done(struct store_gate *gate);
void store_gate_enter(struct store_gate *gate, bool is_writer);
void store_gate_leave(struct store_gate *gate);

#define STORE_PUT "INSERT INTO binding VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"

#define STORE_STATEMENT_LIST(X)                                                                    \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(PUT, STORE_PUT)                                                                              \
    X(REMOVE, "INSERT OR REPLACE INTO removed VALUES (?)")                                         \
    X(CLEAN, "DELETE FROM binding WHERE id BETWEEN ? AND ?")                                       \
    X(CLEAN_REMOVED, "DELETE FROM removed WHERE id BETWEEN ? AND ?")                               \
    X(ACCOUNT_PUT, "INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?, ?, ?, ?)")                  \
    X(ACCOUNT_REMOVE, "DELETE FROM account WHERE name = ?")                                        \
    X(ACCOUNTS, "SELECT * FROM account ORDER BY name")                                             \
    X(SECRET, "SELECT value FROM secret WHERE name = ?")                                           \
    X(SECRET_PUT, "INSERT INTO secret VALUES (?, ?)")

enum store_statement {
#define STORE_STATEMENT_ENUM(name, sql) STATEMENT_##name,
    STORE_STATEMENT_LIST(STORE_STATEMENT_ENUM)
#undef STORE_STATEMENT_ENUM
        STORE_STATEMENTS
};

struct store {
    char *path; /* owned */
    struct log *log;
    bool memory;
    int lock_fd; /* the file, locked against other processes; closed after the connection */
    struct store_gate gate; /* of the connection and its statements */
    sqlite3 *db;
    sqlite3_stmt *statements[STORE_STATEMENTS]; /* owned */
    struct store_rows rows; /* of the writer once it runs, of who opened the store before */
    uint64_t removed_rows;  /* in the table of that name; as rows */
    struct store_queue queue;
    struct store_writer_options options;
    pthread_t writer;
    bool has_writer;
    _Atomic uint64_t commits, writes, coalesced, failures, rows_live, rows_stale, commit_us_last,
        commit_us_max;
};

/* Opens the connection and prepares everything. The log says what is wrong. */
int store_connect(struct store *store);
void store_disconnect(struct store *store);
/* ERR_IO, ERR_BUSY, ERR_NO_MEMORY or ERR_INVALID for a result of SQLite, which is logged with what
 * was being done. */
int store_fail(const struct store *store, sqlite3 *db, int result, const char *what);
/* Runs a statement that gives no row; its parameters are bound already. Resets it. Returns a result
 * of SQLite. */
int store_run(struct store *store, enum store_statement statement);
void store_bind_text(sqlite3_stmt *statement, int index, struct slice text);
struct slice store_column_text(sqlite3_stmt *statement, int index);

/* Learns which rows there are, live and stale. Before the writer starts. */
int store_rows_scan(struct store *store);
void store_rows_publish(struct store *store);

#endif
