/* label: threads */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "unit/store/fixture.h"

#include <cmocka.h>

static const struct store_read *reopen(struct store_fixture *f, int64_t now_ms)
{
    store_fixture_close(f);
    assert_int_equal(store_fixture_open(f, -1), 0);
    return store_fixture_read(f, now_ms);
}

static void what_was_written_is_read_back_after_a_restart(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, 0), 0);
    for (unsigned n = 0; n < 1000; n++)
        assert_true(store_fixture_put(&f, n, n + 1, 0) == n + 1);
    const struct store_read *read = reopen(&f, T0);
    assert_int_equal(read->count, 1000);
    for (unsigned n = 0; n < 1000; n++) {
        assert_int_equal(read->cseq[n], n + 1);
        assert_true(read->place[n] == n + 1);
    }
    store_fixture_done(&f);
}

static void a_binding_written_again_is_read_once(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, 0), 0);
    int64_t place = 0;
    for (uint32_t i = 1; i <= 20; i++) {
        place = store_fixture_put(&f, 7, i, place);
        if (i % 3 != 0)
            store_fixture_wait(&f, place);
    }
    const struct store_read *read = reopen(&f, T0);
    assert_int_equal(read->count, 1);
    assert_int_equal(read->cseq[7], 20);
    assert_true(read->place[7] == place);
    store_fixture_done(&f);
}

static void a_removed_binding_does_not_come_back(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, 0), 0);
    int64_t first = store_fixture_put(&f, 1, 1, 0);
    store_fixture_wait(&f, first);
    int64_t second = store_fixture_put(&f, 1, 2, first);
    store_fixture_wait(&f, second);
    int64_t ticket = store_fixture_remove(&f, second);
    assert_true(ticket > second);
    store_fixture_wait(&f, ticket);
    assert_int_equal(reopen(&f, T0)->count, 0);
    store_fixture_done(&f);
}

/* Put and removed in one transaction, with an older row that must go too. */
static void a_removal_reaches_through_changes_that_share_its_commit(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, 0), 0);
    int64_t old = store_fixture_put(&f, 1, 1, 0);
    store_fixture_wait(&f, old);
    struct store_binding binding;
    store_binding_make(&binding, 1, 2);
    for (unsigned expired = 0; expired < 2; expired++) {
        struct store_change changes[2] = {
            {.binding = &binding, .old_place = old},
            {.old_place = 0, .expired = expired},
        };
        struct store_stats stats;
        store_stats(f.store, &stats);
        int64_t next = f.committed + 1;
        changes[1].old_place = next;
        int64_t ticket = store_bindings_write(f.store, changes, 2);
        assert_true(ticket == next + 1);
        store_fixture_wait(&f, ticket);
        assert_int_equal(reopen(&f, T0)->count, 0);
        store_fixture_close(&f);
        atomic_store(&f.committed, 0);
        assert_int_equal(store_fixture_open(&f, 0), 0);
        old = store_fixture_put(&f, 1, 1, 0);
        store_fixture_wait(&f, old);
    }
    store_fixture_done(&f);
}

static void what_has_expired_is_not_read_and_needs_no_commit(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, 0), 0);
    int64_t place = store_fixture_put(&f, 1, 1, 0);
    store_fixture_wait(&f, store_fixture_put(&f, 2, 1, 0));
    struct store_change change = {.old_place = place, .expired = true};
    assert_true(store_bindings_write(f.store, &change, 1) == 0);
    assert_int_equal(reopen(&f, T0 + 3599999)->count, 2);
    assert_int_equal(reopen(&f, T0 + 3600000)->count, 0);
    struct store_stats stats;
    store_stats(f.store, &stats);
    assert_true(stats.rows == 2 && stats.stale_rows == 2);
    store_fixture_done(&f);
}

static void refreshes_of_one_binding_share_a_write(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, 200), 0);
    int64_t place = 0;
    for (uint32_t i = 1; i <= 50; i++)
        place = store_fixture_put(&f, 1, i, place);
    store_fixture_wait(&f, place);
    struct store_stats stats;
    store_stats(f.store, &stats);
    assert_true(stats.commits == 1 && stats.writes == 1 && stats.coalesced == 49);
    assert_true(stats.queue_items == 0 && stats.queue_bytes == 0);
    assert_int_equal(reopen(&f, T0)->cseq[1], 50);
    store_fixture_done(&f);
}

static void a_full_queue_refuses_whole_groups(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, -1), 0);
    struct store_writer_options options = {.queue_bytes = 2000};
    struct store_binding binding;
    store_binding_make(&binding, 1, 1);
    struct store_change changes[STORE_CHANGES_MAX + 1];
    for (unsigned i = 0; i <= STORE_CHANGES_MAX; i++)
        changes[i] = (struct store_change){.binding = &binding};
    assert_int_equal(store_writer_start(f.store, &options), 0);
    assert_true(store_bindings_write(f.store, changes, 20) == ERR_LIMIT);
    assert_true(store_bindings_write(f.store, changes, STORE_CHANGES_MAX + 1) == ERR_LIMIT);
    assert_true(store_bindings_write(f.store, changes, 2) == 2);
    static char big[70000];
    binding.path = slice_of(big, sizeof big);
    assert_true(store_bindings_write(f.store, changes, 1) == ERR_LIMIT);
    store_fixture_done(&f);
}

/* The file stays in proportion to what is live in it. */
static void stale_rows_are_deleted_in_time(void **state)
{
    (void)state;
    struct store_fixture f;
    static int64_t places[3000];
    struct store_stats stats;
    struct random random;
    store_fixture_init(&f);
    random_seed(&random, 5);
    assert_int_equal(store_fixture_open(&f, 0), 0);
    memset(places, 0, sizeof places);
    for (uint32_t round = 0; round < 60000; round++) {
        unsigned n = (unsigned)random_below(&random, 3000);
        if (random_below(&random, 50) == 0 && places[n] != 0) {
            store_fixture_remove(&f, places[n]);
            places[n] = 0;
        } else {
            places[n] = store_fixture_put(&f, n, round + 1, places[n]);
            assert_true(places[n] > 0);
        }
        if (round % 1000 == 999)
            store_fixture_wait(&f, places[n] != 0 ? places[n] : 0);
    }
    store_fixture_close(&f);
    assert_int_equal(store_fixture_open(&f, -1), 0);
    store_stats(f.store, &stats);
    unsigned live = 0;
    for (unsigned n = 0; n < 3000; n++)
        live += places[n] != 0;
    assert_true(stats.rows - stats.stale_rows == live);
    assert_true(stats.stale_rows < 8192 + live / 2 + 2 * 8192);
    const struct store_read *read = store_fixture_read(&f, T0);
    assert_int_equal(read->count, live);
    for (unsigned n = 0; n < 3000; n++)
        assert_true(read->place[n] == places[n]);
    store_fixture_done(&f);
}

struct sender {
    struct store_fixture *fixture;
    unsigned first;
};

static void *send_many(void *user)
{
    const struct sender *sender = user;
    int64_t places[10] = {0};
    for (uint32_t i = 1; i <= 500; i++) {
        unsigned n = i % 10;
        places[n] = store_fixture_put(sender->fixture, sender->first + n, i, places[n]);
        if (places[n] <= 0)
            return user;
    }
    return NULL;
}

static void many_threads_may_write(void **state)
{
    (void)state;
    struct store_fixture f;
    pthread_t threads[4];
    struct sender senders[4];
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, 0), 0);
    for (unsigned i = 0; i < 4; i++) {
        senders[i] = (struct sender){&f, i * 100};
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, &senders[i]), 0);
    }
    /* An account gets through meanwhile. */
    struct store_account account = {.name = SLICE("alice"), .realm = SLICE("a")};
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(store_account_put(f.store, &account), 0);
    for (unsigned i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    const struct store_read *read = reopen(&f, T0);
    assert_int_equal(read->count, 40);
    for (unsigned i = 0; i < 40; i++)
        assert_true(read->cseq[i / 10 * 100 + i % 10] > 490);
    store_fixture_done(&f);
}

/* No file may grow over the present size of the log of SQLite. */
static void fill_disk(const struct store_fixture *f, struct rlimit *ret_before)
{
    char path[128];
    struct stat info;
    snprintf(path, sizeof path, "%s-wal", f->path);
    assert_int_equal(stat(path, &info), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, ret_before), 0);
    struct rlimit tight = {.rlim_cur = (rlim_t)info.st_size, .rlim_max = ret_before->rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
}

/* No room on the disk: what could not be written is said to have failed, stays, and is written once
 * there is room. */
static void a_full_disk_is_reported_and_survived(void **state)
{
    (void)state;
    struct store_fixture f;
    struct rlimit before;
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, 0), 0);
    int64_t place = store_fixture_put(&f, 1, 1, 0);
    store_fixture_wait(&f, place);
    fill_disk(&f, &before);
    int64_t last = 0;
    for (unsigned n = 2; n < 200; n++)
        last = store_fixture_put(&f, n, 1, 0);
    place = store_fixture_put(&f, 1, 2, place);
    store_fixture_wait_failed(&f, last);
    struct store_stats stats;
    store_stats(f.store, &stats);
    assert_true(stats.failures > 0 && stats.queue_items > 0);
    assert_true(f.committed < last);
    /* An account says it at once. */
    struct store_account account = {.name = SLICE("alice"), .realm = SLICE("a")};
    assert_int_equal(store_account_put(f.store, &account), ERR_IO);
    place = store_fixture_put(&f, 1, 3, place);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    store_fixture_wait(&f, place);
    assert_int_equal(store_account_put(f.store, &account), 0);
    assert_true(store_fixture_logged(&f, "kept to be tried again"));
    assert_true(store_fixture_logged(&f, "written again"));
    const struct store_read *read = reopen(&f, T0);
    assert_int_equal(read->count, 199);
    assert_int_equal(read->twice, 0);
    assert_int_equal(read->cseq[1], 3);
    store_fixture_done(&f);
}

static void closing_with_a_full_disk_gives_up_and_says_so(void **state)
{
    (void)state;
    struct store_fixture f;
    struct rlimit before;
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, 0), 0);
    store_fixture_wait(&f, store_fixture_put(&f, 1, 1, 0));
    fill_disk(&f, &before);
    for (unsigned n = 2; n < 200; n++)
        store_fixture_put(&f, n, 1, 0);
    store_fixture_close(&f);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(store_fixture_logged(&f, "are lost"));
    assert_int_equal(store_fixture_open(&f, -1), 0);
    assert_int_equal(store_fixture_read(&f, T0)->cseq[1], 1);
    store_fixture_done(&f);
}

static void out_of_memory_in_the_queue_refuses(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, -1), 0);
    size_t n = 0;
    bool hit;
    do {
        memory_fail_after(n++);
        int64_t place = store_fixture_put(&f, 1, 1, 0);
        hit = memory_fail_hit();
        assert_true(place == (hit ? ERR_NO_MEMORY : 1));
    } while (hit);
    store_fixture_done(&f);
}

static int stop_at_once(void *user, int64_t place, const struct store_binding *binding)
{
    (void)user;
    (void)place;
    (void)binding;
    return -77;
}

static void a_visit_may_end_the_walk(void **state)
{
    (void)state;
    struct store_fixture f;
    void *users[3] = {NULL, NULL, NULL};
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, 0), 0);
    store_fixture_wait(&f, store_fixture_put(&f, 1, 1, 0));
    store_fixture_close(&f);
    assert_int_equal(store_fixture_open(&f, -1), 0);
    assert_int_equal(store_bindings_each(f.store, T0, 3, stop_at_once, users), -77);
    store_fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_back_after_a_restart),
        cmocka_unit_test(a_binding_written_again_is_read_once),
        cmocka_unit_test(a_removed_binding_does_not_come_back),
        cmocka_unit_test(a_removal_reaches_through_changes_that_share_its_commit),
        cmocka_unit_test(what_has_expired_is_not_read_and_needs_no_commit),
        cmocka_unit_test(refreshes_of_one_binding_share_a_write),
        cmocka_unit_test(a_full_queue_refuses_whole_groups),
        cmocka_unit_test(stale_rows_are_deleted_in_time),
        cmocka_unit_test(many_threads_may_write),
        cmocka_unit_test(a_full_disk_is_reported_and_survived),
        cmocka_unit_test(closing_with_a_full_disk_gives_up_and_says_so),
        cmocka_unit_test(out_of_memory_in_the_queue_refuses),
        cmocka_unit_test(a_visit_may_end_the_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
