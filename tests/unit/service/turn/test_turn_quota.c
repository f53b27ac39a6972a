/* label: threads */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "service/turn/quota.h"

#include <cmocka.h>

static struct turn_quota *new_quota(uint32_t allocations, uint64_t bandwidth)
{
    struct turn_quota *quota;
    struct turn_quota_config config = {.allocations = allocations, .bandwidth = bandwidth};
    assert_int_equal(turn_quota_new(&config, &quota), 0);
    return quota;
}

/* RFC 8656 section 7.2: 486 */
static void a_user_has_so_many_allocations_at_a_time(void **state)
{
    struct turn_quota *quota = new_quota(2, 0);
    struct turn_quota_user *a, *again, *third, *other;
    (void)state;
    assert_int_equal(turn_quota_open(quota, 1, &a), 0);
    assert_int_equal(turn_quota_open(quota, 1, &again), 0);
    assert_ptr_equal(a, again);
    assert_int_equal(turn_quota_open(quota, 1, &third), ERR_LIMIT);
    assert_int_equal(turn_quota_open(quota, 2, &other), 0);
    assert_int_equal(turn_quota_allocations(a), 2);
    turn_quota_close(quota, again);
    assert_int_equal(turn_quota_open(quota, 1, &again), 0);
    turn_quota_reload(quota, &(struct turn_quota_config){.allocations = 3});
    assert_int_equal(turn_quota_open(quota, 1, &third), 0);
    turn_quota_close(quota, a);
    turn_quota_close(quota, again);
    turn_quota_close(quota, third);
    turn_quota_close(quota, other);
    turn_quota_close(quota, NULL);
    turn_quota_free(quota);
}

/* Data connections outlive what they know of their allocation */
static void a_user_that_is_kept_stays_good(void **state)
{
    struct turn_quota *quota = new_quota(1, 1000);
    struct turn_quota_user *user, *again;
    (void)state;
    assert_int_equal(turn_quota_open(quota, 1, &user), 0);
    turn_quota_keep(user);
    turn_quota_close(quota, user);
    assert_int_equal(turn_quota_allocations(user), 0);
    assert_true(turn_quota_take(user, TURN_TO_PEER, 5000, 1));
    assert_int_equal(turn_quota_open(quota, 1, &again), 0);
    assert_ptr_equal(user, again); /* one user, one bucket */
    assert_false(turn_quota_take(again, TURN_TO_PEER, 1, 1));
    turn_quota_drop(quota, user);
    assert_int_equal(turn_quota_open(quota, 1, &user), ERR_LIMIT);
    turn_quota_keep(again);
    turn_quota_free(quota); /* at the end of the program some are kept still */
}

/* RFC 8656 section 5: what exceeds the bandwidth is discarded */
static void a_user_sends_so_many_bytes_a_second(void **state)
{
    struct turn_quota *quota = new_quota(0, 10000);
    struct turn_quota_user *user;
    uint64_t now = 1000000, sent = 0;
    (void)state;
    assert_int_equal(turn_quota_open(quota, 1, &user), 0);
    while (turn_quota_take(user, TURN_TO_PEER, 100, now))
        sent += 100;
    assert_in_range(sent, 10000, 10200);                          /* a second's worth at once */
    assert_true(turn_quota_take(user, TURN_FROM_PEER, 100, now)); /* the other way is another */
    assert_in_range(turn_quota_wait(user, TURN_TO_PEER, now), 1, 20);
    assert_int_equal(turn_quota_wait(user, TURN_FROM_PEER, now), 0);
    sent = 0;
    for (unsigned ms = 0; ms < 10000; ms++)
        sent += turn_quota_take(user, TURN_TO_PEER, 100, ++now) ? 100 : 0;
    assert_in_range(sent, 99800, 100200);
    turn_quota_reload(quota, &(struct turn_quota_config){.bandwidth = 0});
    for (unsigned i = 0; i < 1000; i++)
        assert_true(turn_quota_take(user, TURN_TO_PEER, 65535, now));
    assert_int_equal(turn_quota_wait(user, TURN_TO_PEER, now), 0);
    turn_quota_close(quota, user);
    turn_quota_free(quota);
}

#define THREADS 4
#define ROUNDS  2000

struct shared {
    struct turn_quota *quota;
    _Atomic uint64_t bytes;
};

static void *work(void *user)
{
    struct shared *shared = user;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct turn_quota_user *quota_user;
        if (turn_quota_open(shared->quota, i % 3, &quota_user) < 0)
            continue;
        if (turn_quota_take(quota_user, TURN_TO_PEER, 1, 1000))
            atomic_fetch_add(&shared->bytes, 1);
        turn_quota_close(shared->quota, quota_user);
    }
    return NULL;
}

/* Users come and go on several workers at once */
static void workers_share_users(void **state)
{
    struct shared shared = {.quota = new_quota(2, 1000000)};
    pthread_t threads[THREADS];
    (void)state;
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &shared), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(atomic_load(&shared.bytes) > 0);
    /* All are gone: each of them has its two again. */
    for (uint64_t account = 0; account < 3; account++) {
        struct turn_quota_user *a, *b, *c;
        assert_int_equal(turn_quota_open(shared.quota, account, &a), 0);
        assert_int_equal(turn_quota_open(shared.quota, account, &b), 0);
        assert_int_equal(turn_quota_open(shared.quota, account, &c), ERR_LIMIT);
        turn_quota_close(shared.quota, a);
        turn_quota_close(shared.quota, b);
    }
    turn_quota_free(shared.quota);
}

static void running_out_of_memory_leaves_nothing_behind(void **state)
{
    struct turn_quota_config config = {.allocations = 1};
    struct turn_quota *quota = NULL;
    struct turn_quota_user *user;
    size_t n = 0;
    (void)state;
    int status;
    do {
        memory_fail_after(n++);
        status = turn_quota_new(&config, &quota);
        bool failed = memory_fail_hit();
        assert_int_equal(status, failed ? ERR_NO_MEMORY : 0);
    } while (status < 0);
    if (MEMORY_FAULTS) {
        memory_fail_after(0);
        assert_int_equal(turn_quota_open(quota, 1, &user), ERR_NO_MEMORY);
        assert_true(memory_fail_hit());
    }
    assert_int_equal(turn_quota_open(quota, 1, &user), 0);
    turn_quota_close(quota, user);
    turn_quota_free(quota);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_has_so_many_allocations_at_a_time),
        cmocka_unit_test(a_user_that_is_kept_stays_good),
        cmocka_unit_test(a_user_sends_so_many_bytes_a_second),
        cmocka_unit_test(workers_share_users),
        cmocka_unit_test(running_out_of_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
