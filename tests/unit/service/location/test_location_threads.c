/* Workers that update, look up, sweep, list and close connections at the same time. */
/* label: threads */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"
#include "base/random.h"
#include "unit/service/location/fixture.h"

#include <cmocka.h>

#define WORKERS 4
#define AORS    40
#define ROUNDS  10000

struct shared {
    struct location *location;
    _Atomic int64_t tickets;
    _Atomic unsigned torn; /* answers that showed half an update */
};

struct worker {
    struct shared *shared;
    unsigned number;
};

static int64_t count_writes(void *user, struct slice aor,
                            const struct location_journal_entry *entries, unsigned count)
{
    struct shared *shared = user;
    (void)aor;
    (void)entries;
    (void)count;
    return atomic_fetch_add(&shared->tickets, 1) + 1;
}

/* Both contacts of an AOR are always registered by one request: they must agree. */
static void check_whole(struct shared *shared, const struct location_bindings *bindings)
{
    if (bindings->count != 0 && bindings->count != 2)
        atomic_fetch_add(&shared->torn, 1);
    if (bindings->count == 2 && (bindings->items[0].cseq != bindings->items[1].cseq ||
                                 bindings->items[0].expires_ms != bindings->items[1].expires_ms))
        atomic_fetch_add(&shared->torn, 1);
}

static void register_both(struct shared *shared, struct random *random, unsigned number,
                          uint32_t cseq)
{
    struct location_update update;
    struct location_bindings bindings;
    struct arena arena;
    char aor[64], call_id[64], agent[64];
    int64_t ticket;
    snprintf(aor, sizeof aor, "sip:u%u@a", (unsigned)random_below(random, AORS));
    snprintf(call_id, sizeof call_id, "worker-%u-%0*u", number, (int)random_below(random, 30), 1u);
    snprintf(agent, sizeof agent, "phone/%u", (unsigned)random_below(random, 20));
    update_init(&update, aor, call_id, cseq);
    update.user_agent = slice_from_string(agent);
    uint32_t expires_s = random_below(random, 4) == 0 ? 0 : 1 + (uint32_t)random_below(random, 20);
    update_add(&update, "sip:1@192.0.2.1", expires_s);
    update_add(&update, "sip:2@192.0.2.1", expires_s);
    if (random_below(random, 2) == 0)
        update_over_tcp(&update, number, 1 + (uint32_t)random_below(random, 3));
    arena_init(&arena, 4096, 1 << 20);
    int status = location_update(shared->location, &update, T0, &arena, &bindings, &ticket);
    if (status == 0)
        check_whole(shared, &bindings);
    else if (status != ERR_CONFLICT)
        atomic_fetch_add(&shared->torn, 1);
    arena_done(&arena);
}

static void look_up(struct shared *shared, struct random *random)
{
    struct location_bindings bindings;
    struct arena arena;
    char aor[64];
    snprintf(aor, sizeof aor, "sip:u%u@a", (unsigned)random_below(random, AORS));
    arena_init(&arena, 4096, 1 << 20);
    int64_t now_ms = T0 + (int64_t)random_below(random, 10) * 1000;
    if (location_find(shared->location, slice_from_string(aor), now_ms, &arena, &bindings) == 0)
        check_whole(shared, &bindings);
    struct flow flow = {.transport = TRANSPORT_TCP,
                        .worker = (uint8_t)random_below(random, WORKERS),
                        .connection = 1 + (uint32_t)random_below(random, 3),
                        .generation = 7};
    location_seen(shared->location, &flow, now_ms);
    arena_done(&arena);
}

/* Some are answered from another address, and from there again. */
static void ping(struct shared *shared, struct random *random, unsigned number)
{
    struct location_walk walk = {.worker = number, .workers = WORKERS, .shard = number};
    struct location_ping pings[8], there, unused;
    struct arena arena;
    int64_t now_ms = T0 + (int64_t)random_below(random, 12) * 1000;
    arena_init(&arena, 4096, 1 << 20);
    while (!walk.round) {
        unsigned count = location_pings_due(shared->location, &walk, now_ms, &arena, pings, 8);
        for (unsigned i = 0; i < count; i++) {
            if (random_below(random, 3) == 0)
                address_set_port(&pings[i].flow.remote, (uint16_t)(4000 + random_below(random, 9)));
            if (location_ping_answered(shared->location, &pings[i], now_ms, &arena, &there) ==
                LOCATION_PING_ELSEWHERE)
                (void)location_ping_answered(shared->location, &there, now_ms, &arena, &unused);
        }
    }
    arena_done(&arena);
}

static void count_one(void *user, struct slice aor, const struct binding *binding)
{
    (void)aor;
    (void)binding;
    ++*(unsigned *)user;
}

static unsigned count_all(struct location *location)
{
    unsigned count = 0;
    uint64_t cursor = 0;
    do
        cursor = location_each(location, cursor, count_one, &count);
    while (cursor != 0);
    return count;
}

static void *work(void *user)
{
    struct worker *worker = user;
    struct shared *shared = worker->shared;
    struct random random;
    random_seed(&random, worker->number + 1);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        struct flow flow = {.transport = TRANSPORT_TCP,
                            .worker = (uint8_t)worker->number,
                            .connection = 1 + round % 3,
                            .generation = 7};
        register_both(shared, &random, worker->number, round);
        look_up(shared, &random);
        if (round % 16 == 0)
            location_connection_closed(shared->location, &flow);
        if (round % 40 == 0)
            ping(shared, &random, worker->number);
        if (round % 50 == 0)
            location_sweep(shared->location, T0 + 10000, 1000);
        if (round % 500 == 0 && count_all(shared->location) > 2 * AORS)
            atomic_fetch_add(&shared->torn, 1);
    }
    return NULL;
}

static void no_one_ever_sees_half_an_update(void **state)
{
    (void)state;
    struct shared shared = {0};
    struct location_config config = {
        .journal = {count_writes, &shared}, .pace = {LOCATION_KEEP_ALL, 2, 1, 5}, .key = {3, 4}};
    assert_int_equal(location_new(&config, &shared.location), 0);
    struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){&shared, i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(shared.torn, 0);
    struct location_stats stats;
    location_stats(shared.location, &stats);
    assert_true(stats.bindings == count_all(shared.location));
    assert_true(stats.bindings == stats.added - stats.removed - stats.expired);
    assert_true(stats.refreshed > 0 && stats.expired > 0 && stats.removed > 0);
    location_sweep(shared.location, T0 + 100000, 100000);
    location_stats(shared.location, &stats);
    assert_true(stats.aors == 0 && stats.bindings == 0);
    location_free(shared.location);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_one_ever_sees_half_an_update),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
