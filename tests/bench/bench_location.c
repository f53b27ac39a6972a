/* The location table as a load generator fills it: bytes of process memory per contact, time per
 * registration, refresh and lookup, with a thousand and with a million users.
 *
 * bench_location [USERS [THREADS]] */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "service/location/location.h"

#define NOW_MS    1700000000000
#define LOOKUPS   2000000
#define REFRESHES 2000000

static struct location *location;
static bool over_tcp;
static bool behind_nat; /* all phones are, and their mappings are kept alive */

/* What the operating system says that the process holds. */
static size_t resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long size = 0, pages = 0;
    if (file == NULL || fscanf(file, "%lu %lu", &size, &pages) != 2)
        exit(1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

struct texts {
    char aor[64], contact[96], call_id[64];
};

static struct slice aor_of(struct texts *texts, unsigned user)
{
    return slice_of(texts->aor,
                    (size_t)snprintf(texts->aor, sizeof texts->aor, "sip:u%06u@example.com", user));
}

static void fill(struct location_update *update, struct texts *texts, unsigned user, uint32_t cseq)
{
    update->aor = aor_of(texts, user);
    update->call_id = slice_of(texts->call_id,
                               (size_t)snprintf(texts->call_id, sizeof texts->call_id,
                                                "%08x-5f3a-77c2@%010u", user * 2654435761u, user));
    update->user_agent = SLICE("trapezoid-load/1.0.0");
    update->path = SLICE_NULL;
    update->cseq = cseq;
    update->remove_all = false;
    update->behind_nat = behind_nat;
    update->count = 1;
    struct location_change *change = &update->changes[0];
    change->expires_s = 3600;
    change->binding = (struct binding){.q = 1000};
    change->binding.contact =
        slice_of(texts->contact, (size_t)snprintf(texts->contact, sizeof texts->contact,
                                                  "sip:u%06u@127.0.0.1:5080%s", user,
                                                  over_tcp ? ";transport=tcp" : ""));
    change->key = change->binding.contact;
    update->flow = (struct flow){.transport = over_tcp ? TRANSPORT_TCP : TRANSPORT_UDP};
    if (over_tcp)
        update->flow.connection = user + 1;
    update->flow.local.in4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = 5060};
    update->flow.remote.in4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = 5080};
}

struct job {
    unsigned users, first, step, count;
    uint32_t cseq;
    bool in_turn;
    bool lookup;
    uint64_t sink;
    double cpu_s;
};

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned user_of(const struct job *job, unsigned i)
{
    if (job->in_turn)
        return job->first + i * job->step;
    /* Any order, and no two threads with one user: the CSeq would not rise. */
    unsigned any = (unsigned)((uint64_t)(i * 2654435761u) * (job->users / job->step) >> 32);
    return any * job->step + job->first;
}

static void *run(void *user)
{
    struct job *job = user;
    struct arena arena;
    struct texts texts;
    static _Thread_local struct location_bindings bindings;
    static _Thread_local struct location_update update;
    arena_init(&arena, 4096, 1 << 20);
    job->cpu_s = -cpu_s();
    for (unsigned i = 0; i < job->count; i++) {
        int64_t ticket;
        int status;
        if (job->lookup) {
            status =
                location_find(location, aor_of(&texts, user_of(job, i)), NOW_MS, &arena, &bindings);
        } else {
            fill(&update, &texts, user_of(job, i), job->cseq + i);
            status = location_update(location, &update, NOW_MS + i, &arena, &bindings, &ticket);
        }
        if (status < 0 || bindings.count != 1) {
            fprintf(stderr, "bench_location: status %d, %u bindings\n", status, bindings.count);
            exit(1);
        }
        job->sink += bindings.items[0].cseq;
        arena_reset(&arena);
    }
    job->cpu_s += cpu_s();
    arena_done(&arena);
    return NULL;
}

/* Nanoseconds of CPU per operation: others may be busy on this machine. */
static double measure(struct job job, unsigned threads)
{
    struct job jobs[64];
    pthread_t ids[64];
    unsigned all = job.count;
    for (unsigned t = 0; t < threads; t++) {
        jobs[t] = job;
        jobs[t].first = t;
        jobs[t].step = threads;
        jobs[t].count = all / threads;
        if (t > 0 && pthread_create(&ids[t], NULL, run, &jobs[t]) != 0)
            exit(1);
    }
    run(&jobs[0]);
    double sum = jobs[0].cpu_s;
    for (unsigned t = 1; t < threads; t++) {
        pthread_join(ids[t], NULL);
        sum += jobs[t].cpu_s;
    }
    return sum * 1e9 / all;
}

/* The generator's own cost, to be taken off. */
static double cost_of_texts(void)
{
    static struct location_update update;
    struct texts texts;
    uint64_t sink = 0;
    double start = cpu_s();
    for (unsigned i = 0; i < 1000000; i++) {
        fill(&update, &texts, i, i);
        sink += update.aor.len;
    }
    return (cpu_s() - start) * 1e9 / 1000000 + (double)(sink == 0);
}

/* A walk over the whole table, seconds after the phones have registered; those that are due are
 * pinged, and each of them answers. Nanoseconds per phone of the walk. */
static double walk(unsigned users, int64_t now_ms, unsigned *ret_pings)
{
    static struct location_ping pings[64];
    struct location_walk walk = {.workers = 1};
    struct arena arena;
    double began = cpu_s();
    *ret_pings = 0;
    arena_init(&arena, 65536, 1 << 20);
    while (!walk.round) {
        unsigned count = location_pings_due(location, &walk, now_ms, &arena, pings, 64);
        for (unsigned i = 0; i < count; i++) {
            struct location_ping there;
            if (location_ping_answered(location, &pings[i], now_ms, &arena, &there) !=
                LOCATION_PING_ALIVE)
                exit(1);
        }
        *ret_pings += count;
        arena_reset(&arena);
    }
    arena_done(&arena);
    return (cpu_s() - began) * 1e9 / users;
}

static void nat_row(unsigned users)
{
    unsigned none, all;
    struct location_config config = {.key = {1, 2}, .pace = {LOCATION_KEEP_AUTO, 25, 10, 110}};
    behind_nat = true;
    size_t before = resident();
    if (location_new(&config, &location) < 0)
        exit(1);
    double add =
        measure((struct job){.users = users, .count = users, .cseq = 1, .in_turn = true}, 1);
    double bytes = (double)(resident() - before) / users;
    double idle = walk(users, NOW_MS + 1000, &none);
    double busy = walk(users, NOW_MS + users + 60000, &all);
    if (none != 0 || all != users)
        exit(1);
    printf(
        "NAT  %8u users: register %5.0f ns, %4.0f bytes resident, a walk %4.1f ns per phone that "
        "is not due, ping and answer %4.0f ns\n",
        users, add, bytes, idle, busy);
    location_free(location);
    behind_nat = false;
}

static void row(unsigned users, unsigned threads)
{
    struct location_config config = {.key = {1, 2}};
    size_t before = resident();
    if (location_new(&config, &location) < 0)
        exit(1);
    double add =
        measure((struct job){.users = users, .count = users, .cseq = 1, .in_turn = true}, threads);
    double bytes = (double)(resident() - before) / users;
    struct location_stats stats;
    location_stats(location, &stats);
    double refresh =
        measure((struct job){.users = users, .count = REFRESHES, .cseq = users}, threads);
    double find = measure((struct job){.users = users, .count = LOOKUPS, .lookup = true}, threads);
    printf("%-4s %8u users %u threads: register %5.0f ns, refresh %5.0f ns, find %5.0f ns, %4.0f "
           "bytes resident, %4.0f counted\n",
           over_tcp ? "TCP" : "UDP", users, threads, add, refresh, find, bytes,
           (double)stats.bytes / users);
    location_free(location);
}

int main(int argc, char **argv)
{
    unsigned users = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;
    unsigned threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
    printf("writing the texts of a request takes %.0f ns of each update\n", cost_of_texts());
    row(users, threads);
    row(1000, threads);
    nat_row(users);
    over_tcp = true;
    row(users, threads);
    return 0;
}
