#include "store/schema.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"

#define STRING_OF(x)   #x
#define NUMBER_TEXT(x) STRING_OF(x)

/* Step n leads from version n to version n + 1. */
static const char *const steps[STORE_SCHEMA_VERSION] = {
    "CREATE TABLE account ("
    " name TEXT PRIMARY KEY,"
    " realm TEXT NOT NULL,"
    " ha1_md5 TEXT NOT NULL,"         /* of user:realm:password */
    " ha1_sha256 TEXT NOT NULL,"      /* the same */
    " ha1_md5_full TEXT NOT NULL,"    /* of user@domain:realm:password */
    " ha1_sha256_full TEXT NOT NULL," /* the same */
    " created_ms INTEGER NOT NULL"
    ") WITHOUT ROWID;"
    "CREATE TABLE secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    /* Written at the end only. A binding that is written anew supersedes its old row, which is
     * deleted later, with its neighbours. */
    "CREATE TABLE binding ("
    " id INTEGER PRIMARY KEY,"
    " supersedes INTEGER," /* the row of the same binding before */
    " aor TEXT NOT NULL,"
    " key TEXT," /* NULL: the contact */
    " contact TEXT NOT NULL,"
    " call_id TEXT NOT NULL,"
    " cseq INTEGER NOT NULL,"
    " q INTEGER NOT NULL," /* thousandths */
    " expires_ms INTEGER NOT NULL,"
    " since_ms INTEGER NOT NULL,"
    " updated_ms INTEGER NOT NULL,"
    " transport TEXT NOT NULL,"
    " remote TEXT,"
    " local TEXT,"
    " listener INTEGER NOT NULL,"
    " behind_nat INTEGER NOT NULL,"
    " user_agent TEXT,"
    " instance TEXT,"
    " reg_id INTEGER,"
    " path TEXT,"
    " params TEXT"
    ");"
    /* Rows of binding that were taken away and are not deleted yet. */
    "CREATE TABLE removed (id INTEGER PRIMARY KEY);"
    /* For people. */
    "CREATE VIEW contact AS SELECT aor, contact, datetime(expires_ms / 1000, 'unixepoch') AS"
    " expires, datetime(since_ms / 1000, 'unixepoch') AS since, transport, remote, user_agent,"
    " call_id, cseq, q, instance, reg_id, path FROM binding"
    " WHERE expires_ms > unixepoch() * 1000"
    " AND id NOT IN (SELECT supersedes FROM binding WHERE supersedes IS NOT NULL)"
    " AND id NOT IN (SELECT id FROM removed);",
    "ALTER TABLE binding ADD COLUMN gruu INTEGER NOT NULL DEFAULT 0;",
};

static int read_number(struct store *store, const char *sql, int64_t *ret)
{
    sqlite3_stmt *statement;
    int result = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement);
        if (result == SQLITE_ROW)
            *ret = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return result == SQLITE_ROW ? 0 : store_fail(store, store->db, result, "reading its header");
}

static int take_step(struct store *store, int64_t version)
{
    char sql[4096];
    int length = snprintf(sql, sizeof sql,
                          "BEGIN IMMEDIATE; %s PRAGMA application_id = %d;"
                          "PRAGMA user_version = %" PRId64 "; COMMIT;",
                          steps[version], STORE_APPLICATION_ID, version + 1);
    if (length < 0 || (size_t)length >= sizeof sql)
        return ERR_LIMIT;
    int result = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    if (result == SQLITE_OK)
        return 0;
    int status = store_fail(store, store->db, result, "making its tables");
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

int store_schema_prepare(struct store *store)
{
    int64_t id = 0, version = 0, tables = 0;
    int status = read_number(store, "PRAGMA application_id", &id);
    if (status == 0)
        status = read_number(store, "PRAGMA user_version", &version);
    if (status == 0)
        status = read_number(store, "SELECT count(*) FROM sqlite_master", &tables);
    if (status < 0)
        return status;
    bool is_new = id == 0 && version == 0 && tables == 0;
    if (!is_new && id != STORE_APPLICATION_ID) {
        log_error(store->log, LOG_STORE, "%s is a database of another program: left alone",
                  store->path);
        return ERR_INVALID;
    }
    if (version > STORE_SCHEMA_VERSION || version < 0) {
        log_error(store->log, LOG_STORE,
                  "%s was written by a newer version (schema %" PRId64 ", this program knows %d)",
                  store->path, version, STORE_SCHEMA_VERSION);
        return ERR_INVALID;
    }
    for (; version < STORE_SCHEMA_VERSION && status == 0; version++)
        status = take_step(store, version);
    return status;
}
