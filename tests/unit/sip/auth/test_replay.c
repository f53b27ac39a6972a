/* label: threads */
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "sip/auth/replay.h"
#include "unit/sip/text.h"

#include <pthread.h>
#include <stdatomic.h>

#define START UINT64_C(1700000000000)

static struct sip_replay *new_table(size_t nonces)
{
    struct sip_replay *replay = NULL;
    assert_int_equal(sip_replay_new(nonces, START, &replay), 0);
    return replay;
}

static struct sip_nonce nonce_at(uint64_t after_ms, uint64_t number)
{
    return (struct sip_nonce){.issued_ms = START + after_ms, .number = number};
}

/* RFC 7616 section 3.4: the server refuses a count that it has seen. */
static void a_count_is_accepted_once(void **state)
{
    (void)state;
    struct sip_replay *replay = new_table(100);
    struct sip_nonce a = nonce_at(1, 17), b = nonce_at(1, 18);
    assert_int_equal(sip_replay_accept(replay, &a, 1), 0);
    assert_int_equal(sip_replay_accept(replay, &a, 1), ERR_STALE);
    assert_int_equal(sip_replay_accept(replay, &a, 2), 0);
    assert_int_equal(sip_replay_accept(replay, &a, 1), ERR_STALE);
    assert_int_equal(sip_replay_accept(replay, &a, 2), ERR_STALE);
    assert_int_equal(sip_replay_accept(replay, &b, 1), 0);
    assert_int_equal(sip_replay_accept(replay, &b, 1), ERR_STALE);
    assert_int_equal(sip_replay_accept(replay, &a, 0), ERR_STALE);
    assert_int_equal(sip_replay_accept(replay, &a, SIP_REPLAY_NC_MAX), 0);
    assert_int_equal(sip_replay_accept(replay, &a, SIP_REPLAY_NC_MAX + 1), ERR_STALE);
    assert_int_equal(sip_replay_accept(replay, &a, UINT32_MAX), ERR_STALE);
    sip_replay_free(replay);
}

/* Requests overtake each other: counts within the window come late, but once. Compared with a list
 * of all counts that were accepted. */
static void late_counts_are_accepted_once_within_the_window(void **state)
{
    (void)state;
    static bool used[2000];
    struct sip_replay *replay = new_table(100);
    struct random random;
    random_seed(&random, 42);
    for (uint64_t number = 1; number <= 50; number++) {
        struct sip_nonce nonce = nonce_at(number, number);
        uint32_t highest = 0;
        memset(used, 0, sizeof(used));
        for (unsigned i = 0; i < 500; i++) {
            uint32_t base = highest > 40 ? highest - 40 : 0;
            uint32_t nc = base + 1 + (uint32_t)random_below(&random, 43);
            bool expected = nc > highest || (highest - nc < SIP_REPLAY_WINDOW && !used[nc]);
            assert_int_equal(sip_replay_accept(replay, &nonce, nc), expected ? 0 : ERR_STALE);
            used[nc] = used[nc] || expected;
            highest = nc > highest ? nc : highest;
        }
    }
    sip_replay_free(replay);
}

/* What was accepted before the start is not known, so nothing of then is. */
static void nonces_from_before_the_start_are_stale(void **state)
{
    (void)state;
    struct sip_replay *replay = new_table(100);
    struct sip_nonce before = {.issued_ms = START - 1, .number = 1};
    struct sip_nonce at = {.issued_ms = START, .number = 2};
    assert_int_equal(sip_replay_accept(replay, &before, 1), ERR_STALE);
    assert_int_equal(sip_replay_accept(replay, &at, 1), ERR_STALE);
    sip_replay_free(replay);
}

/* A full table forgets the oldest, and what it forgot is stale for ever. */
static void forgotten_nonces_are_stale_not_new(void **state)
{
    (void)state;
    struct sip_replay *replay = new_table(64);
    enum { NONCES = 5000 };
    unsigned remembered = 0;
    for (uint64_t i = 1; i <= NONCES; i++) {
        struct sip_nonce nonce = nonce_at(i, i);
        assert_int_equal(sip_replay_accept(replay, &nonce, 1), 0);
    }
    for (uint64_t i = 1; i <= NONCES; i++) {
        struct sip_nonce nonce = nonce_at(i, i);
        assert_int_equal(sip_replay_accept(replay, &nonce, 1), ERR_STALE);
        remembered += sip_replay_accept(replay, &nonce, 2) == 0;
    }
    /* 64 asked for is 16 sets of 7. */
    assert_int_equal(remembered, 112);
    sip_replay_free(replay);
}

/* Out of memory is an ordinary error. */
static void a_table_that_does_not_fit_is_an_error(void **state)
{
    (void)state;
    size_t n = 0;
    do {
        struct sip_replay *replay = NULL;
        memory_fail_after(n++);
        int rc = sip_replay_new(100, START, &replay);
        assert_true(rc == 0 ? replay != NULL : rc == ERR_NO_MEMORY && replay == NULL);
        sip_replay_free(replay);
    } while (memory_fail_hit());
    assert_int_equal(n, MEMORY_FAULTS ? 3 : 1);
    sip_replay_free(NULL);
}

/* ---- Several workers at once */

enum { WORKERS = 4, NONCES = 3000, COUNTS = 5 };

struct race {
    struct sip_replay *replay;
    _Atomic unsigned accepted[NONCES][COUNTS];
    pthread_barrier_t barrier;
};

static void *run_worker(void *user)
{
    struct race *race = user;
    pthread_barrier_wait(&race->barrier);
    for (unsigned i = 0; i < NONCES; i++) {
        /* Issued in bursts of eight at one time. */
        struct sip_nonce nonce = nonce_at(1 + i / 8, i + 1);
        for (unsigned k = 0; k < COUNTS; k++) {
            if (sip_replay_accept(race->replay, &nonce, k + 1) == 0) {
                atomic_fetch_add(&race->accepted[i][k], 1);
            }
        }
    }
    return NULL;
}

/* Returns how many (nonce, count) pairs were accepted; none may be accepted twice. */
static unsigned run_race(size_t table)
{
    static struct race race;
    memset(&race, 0, sizeof(race));
    race.replay = new_table(table);
    assert_int_equal(pthread_barrier_init(&race.barrier, NULL, WORKERS), 0);
    pthread_t threads[WORKERS];
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run_worker, &race), 0);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
    }
    unsigned accepted = 0;
    for (unsigned i = 0; i < NONCES; i++) {
        for (unsigned k = 0; k < COUNTS; k++) {
            unsigned times = atomic_load(&race.accepted[i][k]);
            assert_true(times <= 1);
            accepted += times;
        }
    }
    pthread_barrier_destroy(&race.barrier);
    sip_replay_free(race.replay);
    return accepted;
}

/* RFC 7616 section 5.5: replay, tried on several workers at the same moment. */
static void workers_never_accept_a_count_twice(void **state)
{
    (void)state;
    /* With room for all, each is accepted exactly once. */
    assert_int_equal(run_race(NONCES * 8), NONCES * COUNTS);
    /* With room for few, places change hands all the time. */
    for (unsigned i = 0; i < 20; i++) {
        assert_true(run_race(7) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_count_is_accepted_once),
        cmocka_unit_test(late_counts_are_accepted_once_within_the_window),
        cmocka_unit_test(nonces_from_before_the_start_are_stale),
        cmocka_unit_test(forgotten_nonces_are_stale_not_new),
        cmocka_unit_test(a_table_that_does_not_fit_is_an_error),
        cmocka_unit_test(workers_never_accept_a_count_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
