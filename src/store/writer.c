/* The writer thread: takes what waits and commits it, some thousand changes in one transaction. */
#include <assert.h>
#include <signal.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "store/row.h"

#define BATCH_OPS   8192
#define BATCH_MAX   (BATCH_OPS + STORE_CHANGES_MAX)
#define RETRY_MS    200
#define COMPLAIN_US 10000000
#define CLEAN_RUNS  4096 /* deletes in one transaction */
#define CLEAN_SLACK                                                                                \
    8192 /* stale rows that are always allowed, besides half as many as are live                   \
          */

/* Changes that are not committed yet, and the part of them that one transaction takes. */
struct batch {
    struct store *store;
    struct store_segment *segments; /* owned; taken from the queue */
    uint32_t done;                  /* changes of the first segment that are committed */
    int64_t first;                  /* ticket of ops[0] */
    unsigned count;
    struct store_op *ops[BATCH_MAX]; /* in the segments; those of skip are void */
    unsigned run_count;
    struct store_rows_run runs[CLEAN_RUNS]; /* deleted by this transaction */
    unsigned deleted;                       /* rows of runs */
    unsigned deleted_removed;               /* rows of the table removed that went with them */
    uint64_t failing_since_us;              /* 0: the last transaction went well */
    uint64_t complained_us;                 /* when the log last heard of it */
};

static struct store_op *op_after(struct store_op *op)
{
    return (void *)((char *)op + op->size);
}

static int64_t last_ticket(const struct store_segment *segment)
{
    while (segment->next != NULL)
        segment = segment->next;
    return segment->first_ticket + segment->count - 1;
}

/* The next changes, cut where a group ends. */
static void gather(struct batch *batch)
{
    struct store_segment *segment = batch->segments;
    uint32_t number = batch->done;
    struct store_op *op = (void *)segment->data;
    for (uint32_t i = 0; i < number; i++)
        op = op_after(op);
    batch->first = segment->first_ticket + number;
    batch->count = 0;
    while (segment != NULL) {
        if (number == segment->count) {
            segment = segment->next;
            number = 0;
            op = segment == NULL ? NULL : (void *)segment->data;
            continue;
        }
        batch->ops[batch->count++] = op;
        if (batch->count >= BATCH_OPS && op->group_end)
            return;
        op = op_after(op);
        number++;
    }
}

/* A binding that is written twice in one transaction is written once: the later change takes over
 * what the earlier one supersedes. */
static unsigned coalesce(struct batch *batch)
{
    unsigned skipped = 0;
    for (unsigned i = 0; i < batch->count; i++) {
        struct store_op *op = batch->ops[i];
        if (op->skip || op->old_place < batch->first)
            continue;
        struct store_op *old = batch->ops[op->old_place - batch->first];
        assert(op->old_place < batch->first + i && old->kind == OP_PUT && !old->skip);
        old->skip = true;
        skipped++;
        op->old_place = old->old_place;
        if (op->kind != OP_PUT) {
            /* What was to be superseded must go now. */
            op->kind = OP_REMOVE;
            op->skip = op->old_place == 0;
        }
    }
    return skipped;
}

static int write_ops(struct batch *batch)
{
    struct store *store = batch->store;
    sqlite3_stmt *put = store->statements[STATEMENT_PUT];
    sqlite3_stmt *remove = store->statements[STATEMENT_REMOVE];
    int result = SQLITE_OK;
    for (unsigned i = 0; i < batch->count && result == SQLITE_OK; i++) {
        const struct store_op *op = batch->ops[i];
        struct store_row_texts texts;
        if (op->skip)
            continue;
        if (op->kind == OP_PUT) {
            store_row_bind(put, batch->first + i, op, &texts);
            result = store_run(store, STATEMENT_PUT);
        } else if (op->kind == OP_REMOVE && store_rows_is_live(&store->rows, op->old_place)) {
            sqlite3_bind_int64(remove, 1, op->old_place);
            result = store_run(store, STATEMENT_REMOVE);
        }
    }
    return result;
}

static int delete_run(struct store *store, enum store_statement statement,
                      const struct store_rows_run *run)
{
    sqlite3_bind_int64(store->statements[statement], 1, run->first);
    sqlite3_bind_int64(store->statements[statement], 2, run->last);
    return store_run(store, statement);
}

/* Deletes stale rows, oldest first: a row must not be deleted before the one that it supersedes,
 * which would count as live again at the next start. */
static int clean(struct batch *batch)
{
    struct store *store = batch->store;
    uint64_t allowed = CLEAN_SLACK + store->rows.live / 2;
    unsigned wanted = 2 * batch->count + 64;
    int64_t after = 0;
    batch->run_count = batch->deleted = batch->deleted_removed = 0;
    while (store->rows.stale - batch->deleted > allowed && batch->deleted < wanted &&
           batch->run_count < CLEAN_RUNS) {
        struct store_rows_run *run = &batch->runs[batch->run_count];
        if (!store_rows_next_stale(&store->rows, after, run))
            break;
        int result = delete_run(store, STATEMENT_CLEAN, run);
        if (result == SQLITE_OK && store->removed_rows > 0) {
            result = delete_run(store, STATEMENT_CLEAN_REMOVED, run);
            batch->deleted_removed += (unsigned)sqlite3_changes(store->db);
        }
        if (result != SQLITE_OK)
            return result;
        after = run->last;
        batch->deleted += run->stale;
        batch->run_count++;
    }
    return SQLITE_OK;
}

/* What the transaction did is true now: keeps the map of rows. Returns how many it wrote. */
static unsigned note(struct batch *batch)
{
    struct store_rows *rows = &batch->store->rows;
    unsigned written = 0;
    for (unsigned i = 0; i < batch->run_count; i++)
        store_rows_remove(rows, &batch->runs[i]);
    batch->store->removed_rows -= batch->deleted_removed;
    for (unsigned i = 0; i < batch->count; i++) {
        const struct store_op *op = batch->ops[i];
        if (op->skip)
            continue;
        if (op->kind == OP_PUT)
            store_rows_add(rows, batch->first + i);
        bool spoilt = store_rows_spoil(rows, op->old_place);
        batch->store->removed_rows += spoilt && op->kind == OP_REMOVE;
        written++;
    }
    store_rows_publish(batch->store);
    return written;
}

/* Begin to commit; everything that needs memory comes first. */
static int transact(struct batch *batch)
{
    struct store *store = batch->store;
    if (store_rows_reserve(&store->rows, batch->first, batch->first + batch->count) < 0)
        return SQLITE_NOMEM;
    int result = store_run(store, STATEMENT_BEGIN);
    if (result != SQLITE_OK)
        return result;
    result = write_ops(batch);
    if (result == SQLITE_OK)
        result = clean(batch);
    if (result == SQLITE_OK)
        result = store_run(store, STATEMENT_COMMIT);
    return result;
}

static void count(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

static void set(_Atomic uint64_t *value, uint64_t to)
{
    atomic_store_explicit(value, to, memory_order_relaxed);
}

/* Gives back the segments whose changes are all committed. */
static void advance(struct batch *batch)
{
    batch->done += batch->count;
    while (batch->segments != NULL && batch->done >= batch->segments->count) {
        struct store_segment *segment = batch->segments;
        batch->done -= segment->count;
        batch->segments = segment->next;
        store_queue_release(&batch->store->queue, segment);
    }
}

static void report(const struct batch *batch, int64_t ticket, int status)
{
    const struct store_writer_options *options = &batch->store->options;
    if (options->on_commit != NULL)
        options->on_commit(options->user, ticket, status);
}

/* Nothing of the transaction is in the file. Says so at once, then now and then. */
static void fail(struct batch *batch, int result)
{
    struct store *store = batch->store;
    uint64_t now_us = clock_monotonic_us();
    if (batch->failing_since_us == 0 || now_us - batch->complained_us > COMPLAIN_US) {
        store_fail(store, result == SQLITE_NOMEM ? NULL : store->db, result,
                   "bindings not written, kept to be tried again");
        batch->complained_us = now_us;
    }
    if (batch->failing_since_us == 0)
        batch->failing_since_us = now_us;
    if (!sqlite3_get_autocommit(store->db))
        store_run(store, STATEMENT_ROLLBACK);
    count(&store->failures, 1);
}

static void succeed(struct batch *batch, uint64_t took_us)
{
    struct store *store = batch->store;
    if (batch->failing_since_us != 0)
        log_info(store->log, LOG_STORE, "%s: bindings are written again", store->path);
    batch->failing_since_us = 0;
    count(&store->commits, 1);
    count(&store->writes, note(batch));
    set(&store->commit_us_last, took_us);
    if (took_us > atomic_load_explicit(&store->commit_us_max, memory_order_relaxed))
        set(&store->commit_us_max, took_us);
}

/* One transaction. False when it failed: all of it still waits. */
static bool commit(struct batch *batch)
{
    struct store *store = batch->store;
    uint64_t start = clock_monotonic_us();
    gather(batch);
    count(&store->coalesced, coalesce(batch));
    store_gate_enter(&store->gate, true);
    int result = transact(batch);
    if (result != SQLITE_OK)
        fail(batch, result);
    store_gate_leave(&store->gate);
    if (result != SQLITE_OK) {
        report(batch, last_ticket(batch->segments), ERR_IO);
        return false;
    }
    succeed(batch, clock_monotonic_us() - start);
    int64_t ticket = batch->first + batch->count - 1;
    advance(batch);
    report(batch, ticket, 0);
    return true;
}

static void append(struct batch *batch, struct store_segment *more)
{
    struct store_segment **end = &batch->segments;
    while (*end != NULL)
        end = &(*end)->next;
    *end = more;
}

static void *write_all(void *user)
{
    struct batch *batch = user;
    struct store_queue *queue = &batch->store->queue;
    bool running = true;
    while (running) {
        running = batch->failing_since_us == 0
                      ? store_queue_wait(queue, batch->store->options.linger_ms)
                      : store_queue_pause(queue, RETRY_MS);
        /* After a failure what waits is tried again with what has come meanwhile. */
        append(batch, store_queue_take(queue));
        while (batch->segments != NULL && commit(batch)) {
        }
    }
    if (batch->segments != NULL)
        log_error(batch->store->log, LOG_STORE, "%s: bindings that could not be written are lost",
                  batch->store->path);
    while (batch->segments != NULL) {
        struct store_segment *next = batch->segments->next;
        store_queue_release(queue, batch->segments);
        batch->segments = next;
    }
    memory_free(batch);
    return NULL;
}

int store_writer_start(struct store *store, const struct store_writer_options *options)
{
    assert(!store->has_writer);
    struct batch *batch = memory_zalloc(1, sizeof *batch);
    if (batch == NULL)
        return ERR_NO_MEMORY;
    batch->store = store;
    store->options = *options;
    if (options->queue_bytes != 0)
        store->queue.limit = options->queue_bytes;
    /* Where somebody waits for each commit, tickets must rise. */
    store->queue.overwrites = options->linger_ms != 0;
    if (options->linger_ms != 0)
        sqlite3_exec(store->db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
    /* Signals are for the main thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    store->has_writer = pthread_create(&store->writer, NULL, write_all, batch) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!store->has_writer)
        memory_free(batch);
    return store->has_writer ? 0 : ERR_NO_MEMORY;
}
