/* The connection to SQLite, and small help with it. */
#include "base/error.h"
#include "store/internal.h"
#include "store/schema.h"

#define BUSY_TIMEOUT_MS  2000
#define CACHE_KIB        "8192"
#define CHECKPOINT_PAGES "1000" /* 16 MB */

static const char *const statement_texts[STORE_STATEMENTS] = {
#define STORE_STATEMENT_TEXT(name, sql) [STATEMENT_##name] = (sql),
    STORE_STATEMENT_LIST(STORE_STATEMENT_TEXT)
#undef STORE_STATEMENT_TEXT
};

int store_fail(const struct store *store, sqlite3 *db, int result, const char *what)
{
    log_error(store->log, LOG_STORE, "%s: %s: %s", store->path, what,
              db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(result));
    switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ERR_BUSY;
    case SQLITE_NOMEM: return ERR_NO_MEMORY;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT: return ERR_INVALID;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH: return ERR_DENIED;
    default: return ERR_IO;
    }
}

static int prepare_all(struct store *store)
{
    for (unsigned i = 0; i < STORE_STATEMENTS; i++) {
        int result = sqlite3_prepare_v3(store->db, statement_texts[i], -1,
                                        SQLITE_PREPARE_PERSISTENT, &store->statements[i], NULL);
        if (result != SQLITE_OK)
            return store_fail(store, store->db, result, "preparing a statement");
    }
    return 0;
}

int store_connect(struct store *store)
{
    int result =
        sqlite3_open_v2(store->path, &store->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (result != SQLITE_OK)
        return store_fail(store, store->db, result, "opening");
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    /* For a new file only. Rows are appended and read in order, which larger pages make cheaper. */
    sqlite3_exec(store->db, "PRAGMA page_size = 16384", NULL, NULL, NULL);
    int status = store_schema_prepare(store);
    if (status < 0)
        return status;
    result = sqlite3_exec(store->db,
                          "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                          "PRAGMA cache_size = -" CACHE_KIB ";"
                          "PRAGMA wal_autocheckpoint = " CHECKPOINT_PAGES ";"
                          "PRAGMA trusted_schema = OFF;",
                          NULL, NULL, NULL);
    if (result != SQLITE_OK)
        return store_fail(store, store->db, result, "setting it up");
    return prepare_all(store);
}

void store_disconnect(struct store *store)
{
    for (unsigned i = 0; i < STORE_STATEMENTS; i++)
        sqlite3_finalize(store->statements[i]);
    int result = sqlite3_close(store->db);
    if (result != SQLITE_OK)
        store_fail(store, store->db, result, "closing");
}

int store_run(struct store *store, enum store_statement statement)
{
    sqlite3_stmt *prepared = store->statements[statement];
    int result = sqlite3_step(prepared);
    sqlite3_reset(prepared);
    return result == SQLITE_DONE ? SQLITE_OK : result;
}

void store_bind_text(sqlite3_stmt *statement, int index, struct slice text)
{
    sqlite3_bind_text(statement, index, text.len > 0 ? text.ptr : "", (int)text.len, SQLITE_STATIC);
}

struct slice store_column_text(sqlite3_stmt *statement, int index)
{
    const void *text = sqlite3_column_text(statement, index);
    return text == NULL ? SLICE_NULL
                        : slice_of(text, (size_t)sqlite3_column_bytes(statement, index));
}
