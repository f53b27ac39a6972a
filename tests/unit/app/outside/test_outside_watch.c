/* label: threads */
#include "app/outside/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"

#define WAIT_US 60000000u

struct fixture {
    char hosts[64]; /* a hosts file: what stands there needs no DNS server */
    char set[5][128];
    char *sets[5];
    struct config_source source;
    struct log log;
    _Atomic unsigned told;
};

static void write_hosts(const struct fixture *f, const char *text)
{
    char fresh[sizeof f->hosts + 4]; /* nobody reads a half of it */
    (void)snprintf(fresh, sizeof fresh, "%s.new", f->hosts);
    FILE *file = fopen(fresh, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(fresh, f->hosts), 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    (void)snprintf(f->hosts, sizeof f->hosts, "/tmp/test-outside-XXXXXX");
    int fd = mkstemp(f->hosts);
    assert_true(fd >= 0);
    (void)close(fd);
    (void)snprintf(f->set[0], sizeof f->set[0], "dns.hosts=%s", f->hosts);
    (void)snprintf(f->set[1], sizeof f->set[1], "outside.address=server.test");
    (void)snprintf(f->set[2], sizeof f->set[2], "outside.interval=1d");
    (void)snprintf(f->set[3], sizeof f->set[3], "data_dir=/nowhere");
    (void)snprintf(f->set[4], sizeof f->set[4], "dns.servers=127.0.0.1:9");
    for (unsigned i = 0; i < 5; i++)
        f->sets[i] = f->set[i];
    f->source = (struct config_source){.sets = f->sets, .set_count = 5};
    log_init(&f->log, -1, false, LOG_ERROR);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    (void)unlink(f->hosts);
    free(f);
    return 0;
}

static struct app_config *read_config(const struct fixture *f)
{
    struct config_problems problems;
    struct app_config *config;
    config_problems_init(&problems);
    assert_int_equal(config_read(&f->source, &problems, &config), 0);
    return config;
}

static bool has_host(const struct outside_found *found, enum outside_family family,
                     const char *text)
{
    struct address want;
    assert_int_equal(address_parse_host(slice_from_string(text), 0, &want), 0);
    return address_equal(&found->hosts[family].address, &want);
}

static void assert_host(const struct outside_found *found, enum outside_family family,
                        enum outside_source source, const char *text)
{
    assert_int_equal(found->hosts[family].source, source);
    assert_true(has_host(found, family, text));
}

static void a_name_has_an_address_of_each_family(void **state)
{
    struct fixture *f = *state;
    struct outside_found found;
    write_hosts(f, "203.0.113.7 server.test\n2001:db8::7 server.test\n");
    struct app_config *config = read_config(f);
    assert_true(outside_changes(config));
    outside_find(config, &f->log, NULL, &found);
    assert_host(&found, OUTSIDE_V4, OUTSIDE_NAMED, "203.0.113.7");
    assert_host(&found, OUTSIDE_V6, OUTSIDE_NAMED, "2001:db8::7");
    assert_string_equal(found.by[OUTSIDE_V4], "server.test");
    config_free(config);
}

static void an_address_that_is_written_needs_nobody(void **state)
{
    struct fixture *f = *state;
    struct outside_found found;
    (void)snprintf(f->set[1], sizeof f->set[1], "outside.address=203.0.113.9,2001:db8::9");
    struct app_config *config = read_config(f);
    assert_false(outside_changes(config));
    outside_find(config, &f->log, NULL, &found);
    assert_host(&found, OUTSIDE_V4, OUTSIDE_CONFIGURED, "203.0.113.9");
    assert_host(&found, OUTSIDE_V6, OUTSIDE_CONFIGURED, "2001:db8::9");
    config_free(config);
}

static void without_configuration_it_is_as_the_interfaces_have_it(void **state)
{
    struct fixture *f = *state;
    struct outside_found found;
    (void)snprintf(f->set[1], sizeof f->set[1], "outside.address=");
    struct app_config *config = read_config(f);
    assert_false(outside_changes(config));
    outside_find(config, &f->log, NULL, &found);
    for (int i = 0; i < OUTSIDE_FAMILIES; i++)
        assert_true(found.hosts[i].source == OUTSIDE_INTERFACES && !found.failed[i]);
    config_free(config);
}

static void on_found(void *user)
{
    struct fixture *f = user;
    atomic_fetch_add(&f->told, 1);
}

static void wait_for(struct outside_watch *watch, struct outside_found *found)
{
    uint64_t until_us = clock_monotonic_us() + WAIT_US;
    while (!outside_watch_take(watch, found)) {
        assert_true(clock_monotonic_us() < until_us);
        (void)usleep(1000);
    }
}

/* A new configuration is looked at at once, whatever the interval. */
static void the_watch_looks_anew_with_each_configuration_and_ends_at_once(void **state)
{
    struct fixture *f = *state;
    struct outside_watch *watch;
    struct outside_found found;
    struct outside_watch_options options = {.log = &f->log, .on_found = on_found, .user = f};
    write_hosts(f, "203.0.113.7 server.test\n");
    struct app_config *first = read_config(f), *second = read_config(f);
    assert_int_equal(outside_watch_new(&options, first, &watch), 0);
    assert_false(outside_watch_take(watch, &found));
    outside_watch_set(watch, second);
    config_free(first);
    wait_for(watch, &found);
    assert_host(&found, OUTSIDE_V4, OUTSIDE_NAMED, "203.0.113.7");
    uint64_t began_us = clock_monotonic_us();
    outside_watch_free(watch);
    assert_true(clock_monotonic_us() - began_us < WAIT_US / 2);
    config_free(second);
}

static void the_watch_looks_again_when_its_time_has_come(void **state)
{
    struct fixture *f = *state;
    struct outside_watch *watch;
    struct outside_found found;
    struct outside_watch_options options = {.log = &f->log, .on_found = on_found, .user = f};
    (void)snprintf(f->set[2], sizeof f->set[2], "outside.interval=1s");
    write_hosts(f, "203.0.113.7 server.test\n");
    struct app_config *config = read_config(f);
    assert_int_equal(outside_watch_new(&options, config, &watch), 0);
    config_free(config);
    wait_for(watch, &found);
    assert_host(&found, OUTSIDE_V4, OUTSIDE_NAMED, "203.0.113.7");
    write_hosts(f, "203.0.113.8 server.test # moved\n");
    do /* it may have looked in between */
        wait_for(watch, &found);
    while (has_host(&found, OUTSIDE_V4, "203.0.113.7"));
    assert_host(&found, OUTSIDE_V4, OUTSIDE_NAMED, "203.0.113.8");
    outside_watch_free(watch); /* waits for the thread: it has told all */
    assert_true(atomic_load(&f->told) >= 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_has_an_address_of_each_family),
        TEST(an_address_that_is_written_needs_nobody),
        TEST(without_configuration_it_is_as_the_interfaces_have_it),
        TEST(the_watch_looks_anew_with_each_configuration_and_ends_at_once),
        TEST(the_watch_looks_again_when_its_time_has_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
