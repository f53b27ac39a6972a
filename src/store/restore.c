/* What is read at the start: first which rows are live, then those rows, by several threads. */
#include <stdatomic.h>

#include "base/error.h"
#include "base/memory.h"
#include "store/row.h"

#define PARTS_PER_THREAD 16
#define THREADS_MAX      16

void store_rows_publish(struct store *store)
{
    atomic_store_explicit(&store->rows_live, store->rows.live, memory_order_relaxed);
    atomic_store_explicit(&store->rows_stale, store->rows.stale, memory_order_relaxed);
}

/* Calls take for each row of numbers. */
static int scan(struct store *store, const char *sql,
                int (*take)(struct store *store, sqlite3_stmt *row))
{
    sqlite3_stmt *statement;
    int status = 0;
    int result = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
    while (result == SQLITE_OK || result == SQLITE_ROW) {
        result = sqlite3_step(statement);
        if (result == SQLITE_ROW) {
            status = take(store, statement);
            if (status < 0)
                break;
        }
    }
    if (status == 0 && result != SQLITE_DONE)
        status = store_fail(store, store->db, result, "reading bindings");
    sqlite3_finalize(statement);
    return status;
}

static int take_row(struct store *store, sqlite3_stmt *row)
{
    int64_t id = sqlite3_column_int64(row, 0);
    if (id < store->queue.next_ticket) {
        log_error(store->log, LOG_STORE, "%s: row %lld of binding was not written by this program",
                  store->path, (long long)id);
        return ERR_INVALID;
    }
    int status = store_rows_reserve(&store->rows, id, id);
    if (status < 0)
        return status;
    store_rows_add(&store->rows, id);
    store->queue.next_ticket = id + 1;
    if (sqlite3_column_type(row, 1) != SQLITE_NULL)
        store_rows_spoil(&store->rows, sqlite3_column_int64(row, 1));
    return 0;
}

static int take_removed(struct store *store, sqlite3_stmt *row)
{
    store_rows_spoil(&store->rows, sqlite3_column_int64(row, 0));
    store->removed_rows++;
    return 0;
}

int store_rows_scan(struct store *store)
{
    int status = scan(store, "SELECT id, supersedes FROM binding ORDER BY id", take_row);
    if (status == 0)
        status = scan(store, "SELECT id FROM removed", take_removed);
    store_rows_publish(store);
    return status;
}

/* The walk of all threads. */
struct walk {
    struct store *store;
    int64_t now_ms;
    int (*visit)(void *user, int64_t place, const struct store_binding *binding);
    unsigned parts;
    _Atomic unsigned next_part;
    _Atomic int status; /* the first failure */
    pthread_mutex_t lock;
    int64_t *expired; /* owned, under lock */
    size_t expired_count, expired_room;
};

struct walker {
    struct walk *walk;
    void *user;
    pthread_t thread;
    sqlite3 *db;
    sqlite3_stmt *rows;
};

static void fail(struct walk *walk, int status)
{
    int none = 0;
    atomic_compare_exchange_strong(&walk->status, &none, status);
}

/* An expired row is stale from now on; it is marked when all threads are done. */
static int note_expired(struct walk *walk, int64_t id)
{
    int status = 0;
    pthread_mutex_lock(&walk->lock);
    if (walk->expired_count == walk->expired_room) {
        size_t room = walk->expired_room * 2 + 1024;
        int64_t *expired = memory_realloc(walk->expired, room * sizeof *expired);
        status = expired == NULL ? ERR_NO_MEMORY : 0;
        walk->expired = expired == NULL ? walk->expired : expired;
        walk->expired_room = expired == NULL ? walk->expired_room : room;
    }
    if (status == 0)
        walk->expired[walk->expired_count++] = id;
    pthread_mutex_unlock(&walk->lock);
    return status;
}

static int visit_row(struct walker *walker)
{
    struct walk *walk = walker->walk;
    int64_t id = sqlite3_column_int64(walker->rows, COLUMN_ID);
    if (!store_rows_is_live(&walk->store->rows, id))
        return 0;
    struct store_binding binding;
    if (!store_row_read(walker->rows, &binding)) {
        log_warn(walk->store->log, LOG_STORE, "%s: row %lld of binding makes no sense: left out",
                 walk->store->path, (long long)id);
        return note_expired(walk, id);
    }
    if (binding.expires_ms <= walk->now_ms)
        return note_expired(walk, id);
    return walk->visit(walker->user, id, &binding);
}

static int visit_part(struct walker *walker, unsigned part)
{
    struct walk *walk = walker->walk;
    const struct store_rows *rows = &walk->store->rows;
    int64_t at = store_rows_cut(rows, part, walk->parts), first, stop;
    int64_t end = store_rows_cut(rows, part + 1, walk->parts);
    int status = 0;
    for (; status >= 0 && store_rows_next_live(rows, at, end, &first, &stop); at = stop) {
        sqlite3_bind_int64(walker->rows, 1, first);
        sqlite3_bind_int64(walker->rows, 2, stop);
        int result = SQLITE_ROW;
        while (status >= 0 && (result = sqlite3_step(walker->rows)) == SQLITE_ROW)
            status = visit_row(walker);
        if (status >= 0 && result != SQLITE_DONE) {
            store_fail(walk->store, walker->db, result, "reading bindings");
            status = ERR_IO;
        }
        sqlite3_reset(walker->rows);
    }
    return status;
}

static void *run_walker(void *user)
{
    struct walker *walker = user;
    struct walk *walk = walker->walk;
    int result = sqlite3_open_v2(walk->store->path, &walker->db,
                                 SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_prepare_v2(walker->db, "SELECT * FROM binding WHERE id >= ?1 AND id < ?2",
                                    -1, &walker->rows, NULL);
    if (result != SQLITE_OK) {
        store_fail(walk->store, walker->db, result, "opening for reading");
        fail(walk, ERR_IO);
    }
    while (atomic_load(&walk->status) == 0) {
        unsigned part = atomic_fetch_add(&walk->next_part, 1);
        if (part >= walk->parts)
            break;
        int status = visit_part(walker, part);
        if (status < 0)
            fail(walk, status);
    }
    sqlite3_finalize(walker->rows);
    sqlite3_close(walker->db);
    return NULL;
}

/* Threads that cannot be had are done without. */
static void run_all(struct walk *walk, unsigned threads, void *const *users)
{
    struct walker walkers[THREADS_MAX];
    bool started[THREADS_MAX];
    for (unsigned i = 0; i < threads; i++) {
        walkers[i] = (struct walker){.walk = walk, .user = users[i]};
        started[i] =
            i > 0 && pthread_create(&walkers[i].thread, NULL, run_walker, &walkers[i]) == 0;
    }
    run_walker(&walkers[0]);
    for (unsigned i = 1; i < threads; i++) {
        if (started[i])
            pthread_join(walkers[i].thread, NULL);
    }
}

int store_bindings_each(struct store *store, int64_t now_ms, unsigned threads,
                        int (*visit)(void *user, int64_t place,
                                     const struct store_binding *binding),
                        void *const *users)
{
    if (store->memory || store->rows.live == 0)
        return 0;
    threads = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;
    struct walk walk = {
        .store = store, .now_ms = now_ms, .visit = visit, .parts = threads * PARTS_PER_THREAD};
    pthread_mutex_init(&walk.lock, NULL);
    run_all(&walk, threads, users);
    pthread_mutex_destroy(&walk.lock);
    for (size_t i = 0; i < walk.expired_count; i++)
        store_rows_spoil(&store->rows, walk.expired[i]);
    memory_free(walk.expired);
    store_rows_publish(store);
    return atomic_load(&walk.status);
}
