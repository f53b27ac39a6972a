/* Which servers are down, and for how long. */
/* label: threads */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "stack/health.h"

static struct health *health;
static struct address server;

static bool good(uint64_t now_ms)
{
    return health_good(health, TRANSPORT_UDP, &server, now_ms);
}

static void report(enum health_outcome outcome, uint64_t retry_ms, uint64_t now_ms)
{
    health_report(health, TRANSPORT_UDP, &server, outcome, retry_ms, now_ms);
}

static struct health_entry only_entry(uint64_t now_ms)
{
    struct health_entry entries[2];
    unsigned cursor = 0;
    assert_int_equal(health_read(health, &cursor, now_ms, 2, entries), 1);
    assert_int_equal(cursor, HEALTH_TARGETS);
    return entries[0];
}

static void a_failure_takes_it_down_for_a_while(void **state)
{
    (void)state;
    assert_true(good(1000));
    report(HEALTH_FAILED, 0, 1000);
    assert_false(good(1000));
    assert_false(good(1000 + HEALTH_DOWN_MS - 1));
    assert_int_equal(only_entry(2000).state, HEALTH_DOWN);
    assert_int_equal(only_entry(2000).until_ms, 1000 + HEALTH_DOWN_MS);
    /* By another transport it is another server. */
    assert_true(health_good(health, TRANSPORT_TCP, &server, 1000));
}

/* One request probes it; the others wait for what becomes of that. */
static void one_request_probes_it(void **state)
{
    uint64_t again = 1000 + HEALTH_DOWN_MS;
    (void)state;
    report(HEALTH_FAILED, 0, 1000);
    assert_true(good(again));
    assert_false(good(again));
    assert_int_equal(only_entry(again).state, HEALTH_PROBED);
    /* The probe was never heard of again: after a while comes another. */
    assert_true(good(again + HEALTH_PROBE_MS));
    report(HEALTH_OK, 0, again + HEALTH_PROBE_MS + 5);
    assert_true(good(again + HEALTH_PROBE_MS + 5));
    assert_true(good(again + HEALTH_PROBE_MS + 5));
    struct health_entry entry = only_entry(again + HEALTH_PROBE_MS + 5);
    assert_int_equal(entry.state, HEALTH_UP);
    assert_int_equal(entry.since_ms, again + HEALTH_PROBE_MS + 5);
    assert_int_equal(entry.last_ok_ms, again + HEALTH_PROBE_MS + 5);
    assert_int_equal(entry.failures, 1);
    assert_int_equal(entry.streak, 0);
}

/* A prober comes before requests; they wait for it, but not for ever. */
static void a_prober_comes_first(void **state)
{
    uint64_t again = 1000 + HEALTH_DOWN_MS;
    struct health_probe probe;
    unsigned cursor = 0;
    (void)state;
    health_set_prober(health);
    health_name(health, TRANSPORT_UDP, &server, SLICE("gw.example"), 900);
    report(HEALTH_FAILED, 0, 1000);
    assert_int_equal(health_due(health, &cursor, again - 1, 1, &probe), 0);
    assert_false(good(again));
    assert_int_equal(health_due(health, &cursor, again, 1, &probe), 1);
    assert_true(address_equal(&probe.address, &server));
    assert_string_equal(probe.server, "gw.example");
    assert_int_equal(health_due(health, &cursor, again, 1, &probe), 0); /* it is being probed */
    assert_false(good(again + HEALTH_WAIT_MS));
    report(HEALTH_OK, 0, again + 20);
    assert_true(good(again + 20));
    assert_int_equal(health_due(health, &cursor, again + 20, 1, &probe), 0);
}

static void requests_do_not_wait_for_a_prober_that_does_not_come(void **state)
{
    uint64_t again = 1000 + HEALTH_DOWN_MS;
    (void)state;
    health_set_prober(health);
    report(HEALTH_FAILED, 0, 1000);
    assert_false(good(again + HEALTH_WAIT_MS - 1));
    assert_true(good(again + HEALTH_WAIT_MS));
}

/* Who says for how long is taken at his word; whom nobody needs is not asked. */
static void not_all_that_are_down_are_probed(void **state)
{
    struct health_probe probe;
    unsigned cursor = 0;
    (void)state;
    health_set_prober(health);
    report(HEALTH_BUSY, 7000, 1000);
    assert_int_equal(health_due(health, &cursor, 8000, 1, &probe), 0);
    assert_true(good(8000));
    report(HEALTH_OK, 0, 8000);
    report(HEALTH_FAILED, 0, 9000);
    assert_int_equal(health_due(health, &cursor, 9000 + HEALTH_WANTED_MS, 1, &probe), 0);
    assert_true(good(9000 + HEALTH_WANTED_MS)); /* that request is the probe */
    assert_int_equal(
        health_due(health, &cursor, 9000 + HEALTH_WANTED_MS + HEALTH_PROBE_MS, 1, &probe), 1);
}

static void it_stays_down_longer_each_time(void **state)
{
    static const uint64_t times[] = {30000, 60000, 120000, 240000, 300000, 300000};
    uint64_t now = 1000;
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        report(HEALTH_FAILED, 0, now);
        report(HEALTH_FAILED, 0, now + 10); /* a call that was under way: no news */
        assert_int_equal(only_entry(now).until_ms, now + times[i]);
        now += times[i];
        assert_true(good(now));
    }
    report(HEALTH_OK, 0, now);
    report(HEALTH_FAILED, 0, now);
    assert_int_equal(only_entry(now).until_ms, now + times[0]);
}

/* RFC 3261 section 21.5.4. */
static void retry_after_says_for_how_long(void **state)
{
    (void)state;
    report(HEALTH_BUSY, 7000, 1000);
    assert_false(good(7999));
    assert_true(good(8000));
    report(HEALTH_BUSY, UINT64_C(86400000), 8000);
    assert_int_equal(only_entry(8000).until_ms, 8000 + HEALTH_DOWN_MAX_MS);
}

static void the_table_is_bounded(void **state)
{
    struct address other = server;
    struct health_entry entries[64];
    struct health_stats stats;
    unsigned cursor = 0, count = 0, got;
    (void)state;
    for (uint32_t i = 0; i < 3 * HEALTH_TARGETS; i++) {
        other.in4.sin_addr.s_addr = htonl(0x0a000000 + i);
        health_report(health, TRANSPORT_UDP, &other, HEALTH_FAILED, 0, 1000 + i);
    }
    /* The latest is there, whoever had to go for it. */
    assert_false(health_good(health, TRANSPORT_UDP, &other, 1000 + 3 * HEALTH_TARGETS));
    while ((got = health_read(health, &cursor, 20000, 64, entries)) > 0)
        count += got;
    assert_in_range(count, HEALTH_TARGETS / 2, HEALTH_TARGETS);
    health_stats(health, &stats);
    assert_int_equal(stats.targets, count);
    assert_int_equal(stats.down, count);
    assert_int_equal(stats.failures, 3 * HEALTH_TARGETS);
}

#define THREADS 4
#define REPORTS 20000

/* More targets than places, each reported by every thread. */
static void *report_many(void *user)
{
    struct address other = server;
    struct health_entry entries[64];
    struct health_probe probe;
    unsigned cursor = 0, due = 0;
    for (uint32_t i = 0; i < REPORTS; i++) {
        uint32_t which = (uint32_t)(hash_mix(*(unsigned *)user, i) % (HEALTH_TARGETS * 2));
        other.in4.sin_addr.s_addr = htonl(0x0a000000 + which);
        health_report(health, TRANSPORT_UDP, &other, i % 3 ? HEALTH_OK : HEALTH_FAILED, 0,
                      1000 + i);
        (void)health_good(health, TRANSPORT_UDP, &other, 1000 + i);
        health_name(health, TRANSPORT_UDP, &other, SLICE("gw.example"), 1000 + i);
        (void)health_due(health, &due, 1000 + i, 1, &probe);
        if (i % 100 == 0 && health_read(health, &cursor, 1000 + i, 64, entries) == 0)
            cursor = 0;
    }
    return NULL;
}

static void all_workers_use_it_at_once(void **state)
{
    pthread_t threads[THREADS];
    unsigned numbers[THREADS];
    struct health_stats stats;
    (void)state;
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, report_many, &numbers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    health_stats(health, &stats);
    assert_int_equal(stats.failures, THREADS * ((REPORTS + 2) / 3));
    assert_in_range(stats.targets, HEALTH_TARGETS / 2, HEALTH_TARGETS);
}

static int open_health(void **state)
{
    struct hash_key key = {3, 4};
    (void)state;
    assert_int_equal(address_parse(SLICE("192.0.2.1:5060"), &server), 0);
    return health_new(&key, &health);
}

static int close_health(void **state)
{
    (void)state;
    health_free(health);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_failure_takes_it_down_for_a_while, open_health,
                                        close_health),
        cmocka_unit_test_setup_teardown(one_request_probes_it, open_health, close_health),
        cmocka_unit_test_setup_teardown(a_prober_comes_first, open_health, close_health),
        cmocka_unit_test_setup_teardown(requests_do_not_wait_for_a_prober_that_does_not_come,
                                        open_health, close_health),
        cmocka_unit_test_setup_teardown(not_all_that_are_down_are_probed, open_health,
                                        close_health),
        cmocka_unit_test_setup_teardown(it_stays_down_longer_each_time, open_health, close_health),
        cmocka_unit_test_setup_teardown(retry_after_says_for_how_long, open_health, close_health),
        cmocka_unit_test_setup_teardown(the_table_is_bounded, open_health, close_health),
        cmocka_unit_test_setup_teardown(all_workers_use_it_at_once, open_health, close_health),
    };
    return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
