#include "base/error.h"
#include "base/random.h"
#include "store/internal.h"

#define HEX_MAX 64 /* digits of the longest digest */

static struct slice write_hex(char *buf, const uint8_t *bytes, size_t count)
{
    struct writer w;
    writer_init(&w, buf, HEX_MAX);
    writer_hex_bytes(&w, bytes, count);
    return writer_slice(&w);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_hex(struct slice text, uint8_t *bytes, size_t count)
{
    if (text.len != 2 * count)
        return false;
    for (size_t i = 0; i < count; i++) {
        int high = hex_digit(text.ptr[2 * i]), low = hex_digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Runs one statement for whoever calls. Returns 0 or an error. */
static int run_alone(struct store *store, enum store_statement statement, const char *what)
{
    int result = store_run(store, statement);
    int status = result == SQLITE_OK ? 0 : store_fail(store, store->db, result, what);
    sqlite3_clear_bindings(store->statements[statement]);
    return status < 0 ? ERR_IO : 0;
}

int store_account_put(struct store *store, const struct store_account *account)
{
    char hex[4][HEX_MAX];
    store_gate_enter(&store->gate, false);
    sqlite3_stmt *put = store->statements[STATEMENT_ACCOUNT_PUT];
    store_bind_text(put, 1, account->name);
    store_bind_text(put, 2, account->realm);
    store_bind_text(put, 3, write_hex(hex[0], account->user.md5, sizeof account->user.md5));
    store_bind_text(put, 4, write_hex(hex[1], account->user.sha256, sizeof account->user.sha256));
    store_bind_text(put, 5, write_hex(hex[2], account->full.md5, sizeof account->full.md5));
    store_bind_text(put, 6, write_hex(hex[3], account->full.sha256, sizeof account->full.sha256));
    sqlite3_bind_int64(put, 7, account->created_ms);
    int status = run_alone(store, STATEMENT_ACCOUNT_PUT, "writing an account");
    store_gate_leave(&store->gate);
    return status;
}

int store_account_remove(struct store *store, struct slice name)
{
    store_gate_enter(&store->gate, false);
    store_bind_text(store->statements[STATEMENT_ACCOUNT_REMOVE], 1, name);
    int status = run_alone(store, STATEMENT_ACCOUNT_REMOVE, "removing an account");
    if (status == 0 && sqlite3_changes(store->db) == 0)
        status = ERR_NOT_FOUND;
    store_gate_leave(&store->gate);
    return status;
}

static bool read_account(sqlite3_stmt *row, struct store_account *ret)
{
    ret->name = store_column_text(row, 0);
    ret->realm = store_column_text(row, 1);
    ret->created_ms = sqlite3_column_int64(row, 6);
    return read_hex(store_column_text(row, 2), ret->user.md5, sizeof ret->user.md5) &&
           read_hex(store_column_text(row, 3), ret->user.sha256, sizeof ret->user.sha256) &&
           read_hex(store_column_text(row, 4), ret->full.md5, sizeof ret->full.md5) &&
           read_hex(store_column_text(row, 5), ret->full.sha256, sizeof ret->full.sha256);
}

int store_accounts_each(struct store *store,
                        int (*visit)(void *user, const struct store_account *account), void *user)
{
    int status = 0, result;
    store_gate_enter(&store->gate, false);
    sqlite3_stmt *rows = store->statements[STATEMENT_ACCOUNTS];
    while ((result = sqlite3_step(rows)) == SQLITE_ROW && status >= 0) {
        struct store_account account;
        if (read_account(rows, &account))
            status = visit(user, &account);
        else
            log_warn(store->log, LOG_STORE, "%s: account %.*s has no valid digests: left out",
                     store->path, SLICE_ARG(account.name));
    }
    if (status >= 0)
        status = result == SQLITE_DONE
                     ? 0
                     : (store_fail(store, store->db, result, "reading accounts"), ERR_IO);
    sqlite3_reset(rows);
    store_gate_leave(&store->gate);
    return status;
}

/* ERR_NOT_FOUND when there is none yet. */
static int read_secret(struct store *store, const char *name, void *buf, size_t len)
{
    sqlite3_stmt *row = store->statements[STATEMENT_SECRET];
    store_bind_text(row, 1, slice_from_string(name));
    int result = sqlite3_step(row), status = 0;
    if (result == SQLITE_DONE) {
        status = ERR_NOT_FOUND;
    } else if (result != SQLITE_ROW) {
        store_fail(store, store->db, result, "reading a secret");
        status = ERR_IO;
    } else if ((size_t)sqlite3_column_bytes(row, 0) != len) {
        status = ERR_INVALID;
    } else if (len > 0) {
        memcpy(buf, sqlite3_column_blob(row, 0), len);
    }
    sqlite3_reset(row);
    return status;
}

/* As random: the caller's buffer is written only once the secret is kept. */
static int make_secret(struct store *store, const char *name, void *buf, size_t len)
{
    uint8_t made[256];
    if (len > sizeof made)
        return ERR_INVALID;
    int status = random_secret(made, len);
    if (status < 0)
        return status;
    sqlite3_stmt *put = store->statements[STATEMENT_SECRET_PUT];
    store_bind_text(put, 1, slice_from_string(name));
    sqlite3_bind_blob(put, 2, made, (int)len, SQLITE_STATIC);
    status = run_alone(store, STATEMENT_SECRET_PUT, "writing a secret");
    if (status == 0)
        memcpy(buf, made, len);
    return status;
}

int store_secret(struct store *store, const char *name, void *buf, size_t len)
{
    store_gate_enter(&store->gate, false);
    int status = read_secret(store, name, buf, len);
    if (status == ERR_NOT_FOUND)
        status = make_secret(store, name, buf, len);
    store_gate_leave(&store->gate);
    return status;
}
