#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "store/internal.h"

static int fail(const struct store *store, const char *what)
{
    int error = errno;
    char text[128];
    log_error(store->log, LOG_STORE, "%s: %s: %s", store->path, what,
              strerror_r(error, text, sizeof text));
    if (error == EWOULDBLOCK)
        return ERR_BUSY;
    return error == EACCES || error == EPERM || error == EROFS ? ERR_DENIED : ERR_IO;
}

/* SQLite's own locks would let a second process in between two transactions. The file is opened
 * here first, so that it is never readable for others, and stays open as long as SQLite has it:
 * closing it earlier would drop SQLite's locks with it (fcntl(2)). */
static int lock_file(struct store *store)
{
    store->lock_fd = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (store->lock_fd < 0)
        return fail(store, "opening");
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return ERR_BUSY;
        return fail(store, "locking");
    }
    struct stat info;
    if (fstat(store->lock_fd, &info) != 0)
        return fail(store, "looking at it");
    if (!S_ISREG(info.st_mode)) {
        log_error(store->log, LOG_STORE, "%s is no regular file", store->path);
        return ERR_INVALID;
    }
    if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        log_warn(store->log, LOG_STORE, "%s can be read by others: it holds password digests",
                 store->path);
    return 0;
}

int store_open(const struct store_options *options, struct store **ret_store)
{
    struct store *store = memory_zalloc(1, sizeof *store);
    if (store == NULL)
        return ERR_NO_MEMORY;
    store->log = options->log;
    store->lock_fd = -1;
    store_gate_init(&store->gate);
    store_queue_init(&store->queue);
    size_t length = strlen(options->path);
    store->path = memory_alloc(length + 1);
    int status = store->path == NULL ? ERR_NO_MEMORY : 0;
    if (status == 0) {
        memcpy(store->path, options->path, length + 1);
        store->memory = strcmp(store->path, ":memory:") == 0;
        if (!store->memory)
            status = lock_file(store);
    }
    if (status == 0)
        status = store_connect(store);
    if (status == 0 && !store->memory)
        status = store_rows_scan(store);
    if (status < 0) {
        store_close(store);
        return status;
    }
    *ret_store = store;
    return 0;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    if (store->has_writer) {
        store_queue_stop(&store->queue);
        pthread_join(store->writer, NULL);
    }
    store_disconnect(store);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    store_rows_done(&store->rows);
    store_queue_done(&store->queue);
    store_gate_done(&store->gate);
    memory_free(store->path);
    memory_free(store);
}

int64_t store_bindings_write(struct store *store, const struct store_change *changes,
                             unsigned count)
{
    if (store->memory || count == 0)
        return 0;
    return count > STORE_CHANGES_MAX ? ERR_LIMIT : store_queue_add(&store->queue, changes, count);
}

static uint64_t get(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

void store_stats(struct store *store, struct store_stats *ret_stats)
{
    struct store_stats stats = {.commits = get(&store->commits),
                                .writes = get(&store->writes),
                                .coalesced = get(&store->coalesced),
                                .failures = get(&store->failures),
                                .rows = get(&store->rows_live) + get(&store->rows_stale),
                                .stale_rows = get(&store->rows_stale),
                                .commit_us_last = get(&store->commit_us_last),
                                .commit_us_max = get(&store->commit_us_max)};
    pthread_mutex_lock(&store->queue.lock);
    stats.queue_bytes = store->queue.bytes;
    stats.queue_items = store->queue.items;
    stats.coalesced += store->queue.overwritten;
    pthread_mutex_unlock(&store->queue.lock);
    *ret_stats = stats;
}
