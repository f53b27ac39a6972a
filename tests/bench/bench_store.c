/* Bindings through the location table into the store, and back at a start: what a registration
 * costs the writer thread, how long a million take to restore, what the process holds.
 *
 * bench_store [USERS [DIRECTORY]] */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "service/location/journal.h"

#define NOW_MS 1700000000000

static char path[256];
static struct store *store;
static struct location *location;
static _Atomic int64_t committed;
static double opened_s;

static void die(const char *what)
{
    fprintf(stderr, "bench_store: %s\n", what);
    exit(1);
}

static double resident_mb(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long size = 0, pages = 0;
    if (file == NULL || fscanf(file, "%lu %lu", &size, &pages) != 2)
        die("no /proc/self/statm");
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static double clock_s(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void on_commit(void *user, int64_t ticket, int status)
{
    (void)user;
    if (status < 0)
        die("a commit failed");
    atomic_store(&committed, ticket);
}

static void start(bool restore, unsigned threads)
{
    struct store_options options = {.path = path};
    if (store_open(&options, &store) < 0)
        die("cannot open the store");
    opened_s = clock_s(CLOCK_MONOTONIC);
    struct location_config config = {.journal = location_journal_of(store), .key = {1, 2}};
    uint64_t left_out = 0;
    if (location_new(&config, &location) < 0 ||
        (restore && location_restore(location, store, NOW_MS, threads, &left_out) < 0) ||
        left_out > 0)
        die("cannot restore");
}

static void run_writer(unsigned linger_ms)
{
    struct store_writer_options options = {.linger_ms = linger_ms, .on_commit = on_commit};
    if (store_writer_start(store, &options) < 0)
        die("cannot start the writer");
}

static void stop(void)
{
    location_free(location);
    store_close(store);
}

static int64_t register_user(unsigned user, uint32_t cseq, struct arena *arena)
{
    static struct location_update update;
    static struct location_bindings bindings;
    char aor[64], contact[64], call_id[64];
    int64_t ticket;
    update.aor = slice_of(aor, (size_t)snprintf(aor, sizeof aor, "sip:u%06u@example.com", user));
    update.call_id =
        slice_of(call_id, (size_t)snprintf(call_id, sizeof call_id, "%08x-5f3a-77c2@%010u",
                                           user * 2654435761u, user));
    update.user_agent = SLICE("trapezoid-load/1.0.0");
    update.cseq = cseq;
    update.count = 1;
    struct location_change *change = &update.changes[0];
    change->expires_s = 3600;
    change->binding = (struct binding){.q = 1000};
    change->binding.contact = slice_of(
        contact, (size_t)snprintf(contact, sizeof contact, "sip:u%06u@127.0.0.1:5080", user));
    change->key = change->binding.contact;
    update.flow.local.in4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(5060)};
    update.flow.remote.in4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(5080)};
    int status = location_update(location, &update, NOW_MS, arena, &bindings, &ticket);
    arena_reset(arena);
    if (status < 0)
        die("an update failed");
    return ticket;
}

/* Registers count users; at most window of them wait for their commit. */
static void load(const char *what, unsigned users, unsigned count, bool any_order, unsigned window)
{
    struct arena arena;
    static uint32_t cseq;
    arena_init(&arena, 4096, 1 << 20);
    double wall = clock_s(CLOCK_MONOTONIC), cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    double mine = clock_s(CLOCK_THREAD_CPUTIME_ID);
    int64_t ticket = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned user = any_order ? (unsigned)((uint64_t)(i * 2654435761u) * users >> 32) : i;
        ticket = register_user(user, ++cseq, &arena);
        while (ticket - atomic_load(&committed) > window)
            usleep(100);
    }
    while (atomic_load(&committed) < ticket)
        usleep(100);
    wall = clock_s(CLOCK_MONOTONIC) - wall;
    cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    mine = clock_s(CLOCK_THREAD_CPUTIME_ID) - mine;
    struct store_stats stats;
    store_stats(store, &stats);
    printf("%-31s %7.0f /s, us of CPU: %5.2f caller, %5.2f writer; commits so far %llu (slowest "
           "%.0f ms), "
           "rows %llu (%llu stale), %.0f MB\n",
           what, count / wall, mine / count * 1e6, (cpu - mine) / count * 1e6,
           (unsigned long long)stats.commits, (double)stats.commit_us_max / 1000,
           (unsigned long long)stats.rows, (unsigned long long)stats.stale_rows, resident_mb());
    arena_done(&arena);
}

static void restore(unsigned threads)
{
    double wall = clock_s(CLOCK_MONOTONIC), cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    start(true, threads);
    printf("opened in %.2f s, ", opened_s - wall);
    struct location_stats stats;
    location_stats(location, &stats);
    printf("restored %llu bindings with %u threads in %.2f s (%.2f s CPU), %.0f MB\n",
           (unsigned long long)stats.bindings, threads, clock_s(CLOCK_MONOTONIC) - wall,
           clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu, resident_mb());
    stop();
}

int main(int argc, char **argv)
{
    unsigned users = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;
    if (argc > 2 && strcmp(argv[1], "restore") == 0) {
        snprintf(path, sizeof path, "%s", argv[2]);
        restore(2);
        restore(1);
        return 0;
    }
    char directory[200];
    snprintf(directory, sizeof directory, "%s/trapezoid-bench-XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (mkdtemp(directory) == NULL)
        die("no directory");
    snprintf(path, sizeof path, "%s/store.db", directory);
    printf("before: %.0f MB\n", resident_mb());
    start(false, 0);
    run_writer(1000);
    load("async, new users in turn", users, users, false, 100000);
    load("async, refreshes in any order", users, users, true, 100000);
    load("async, refreshes of 1000 users", 1000, users, true, 100000);
    stop();
    start(true, 2);
    run_writer(0);
    atomic_store(&committed, 0);
    load("commit, 1000 waiting", users, users / 5, true, 1000);
    load("commit, 10000 waiting", users, users / 5, true, 10000);
    stop();
    restore(2);
    restore(1);
    if (argc > 3) {
        printf("%s\n", path);
        return 0;
    }
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    struct stat info;
    if (stat(path, &info) == 0)
        printf("file: %.0f MB\n", (double)info.st_size / 1e6);
    for (unsigned i = 0; i < 3; i++) {
        char name[300];
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
    rmdir(directory);
    return 0;
}
