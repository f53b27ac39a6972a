/* label: threads */
/* Look-ups and their end, with libunbound's own answers (nothing is below "invalid", RFC 6761
 * section 6.4) and a server that says nothing. tests/system/test_dns.py asks a real one. */
#include "unit/loop/loop_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "loop/dns.h"

static struct loop *loop;
static int silent; /* the socket of the server */

struct told {
    unsigned count;
    int status;
    struct dns_query *cancel; /* what the callback cancels */
    const struct dns_answer *kept;
};

static struct dns_config config;

static int open_loop(void **state)
{
    (void)state;
    config = (struct dns_config){.server_count = 1, .hosts = "", .timeout_ms = 20000};
    loop = new_loop();
    silent = peer_udp(&config.servers[0]);
    return dns_configure(loop, &config);
}

static int close_loop(void **state)
{
    (void)state;
    loop_free(loop);
    close(silent);
    return 0;
}

static void on_answer(void *user, const struct dns_answer *answer)
{
    struct told *told = user;
    told->count++;
    told->status = answer->status;
    dns_cancel(told->cancel);
    if (told->kept == NULL)
        told->kept = dns_answer_ref(answer);
}

static struct dns_query *ask(const char *name, struct told *told)
{
    const struct dns_answer *answer;
    struct dns_query *query;
    assert_int_equal(
        dns_lookup(loop, slice_from_string(name), DNS_SRV, on_answer, told, &answer, &query), 0);
    assert_int_equal(told->count, 0);
    return query;
}

static void forget(struct told *told)
{
    dns_answer_unref(told->kept);
}

static int64_t metric_of(enum dns_metric which)
{
    return metric_get(&dns_metrics(loop)[which]);
}

static void a_question_is_asked_once_for_all_who_wait(void **state)
{
    (void)state;
    struct told told[3] = {{0}};
    for (unsigned i = 0; i < 3; i++)
        ask(i == 1 ? "NAME.invalid." : "name.invalid", &told[i]);
    assert_true(run_until(loop, not_zero, &told[2].count, WAIT_MS));
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(told[i].count, 1);
        assert_int_equal(told[i].status, ERR_NOT_FOUND);
        assert_ptr_equal(told[i].kept, told[0].kept);
        forget(&told[i]);
    }
    assert_int_equal(metric_of(DNS_QUERIES), 1);
    assert_int_equal(metric_of(DNS_JOINED), 2);
    const struct dns_answer *answer;
    struct dns_query *query;
    assert_int_equal(
        dns_lookup(loop, SLICE("Name.Invalid"), DNS_SRV, on_answer, &told[0], &answer, &query), 1);
    assert_int_equal(answer->status, ERR_NOT_FOUND);
    assert_int_equal(metric_of(DNS_CACHE_HITS), 1);
}

static void who_cancels_is_not_called(void **state)
{
    (void)state;
    struct told left = {0};
    struct told stays = {0};
    struct dns_query *query = ask("name.invalid", &left);
    ask("name.invalid", &stays);
    dns_cancel(query);
    dns_cancel(NULL);
    assert_true(run_until(loop, not_zero, &stays.count, WAIT_MS));
    run_for(loop, 20);
    assert_int_equal(left.count, 0);
    forget(&stays);
}

/* What is to be told in the same turn may be cancelled by who is told first. */
static void a_callback_may_cancel_the_next(void **state)
{
    (void)state;
    struct told first = {0};
    struct told second = {0};
    struct told third = {0};
    ask("name.invalid", &first);
    first.cancel = ask("name.invalid", &second);
    ask("name.invalid", &third);
    assert_true(run_until(loop, not_zero, &third.count, WAIT_MS));
    assert_int_equal(first.count, 1);
    assert_int_equal(second.count, 0);
    forget(&first);
    forget(&third);
}

static void silence_ends_in_time_and_is_remembered(void **state)
{
    (void)state;
    struct told told = {0};
    const struct dns_answer *answer;
    struct dns_query *query;
    config.timeout_ms = 300;
    assert_int_equal(dns_configure(loop, &config), 0);
    uint64_t began_ms = clock_ms();
    ask("name.example", &told);
    assert_true(run_until(loop, not_zero, &told.count, WAIT_MS));
    assert_in_range(clock_ms() - began_ms, 250, WAIT_MS);
    assert_int_equal(told.status, ERR_UNREACHABLE);
    assert_int_equal(metric_of(DNS_TIMEOUTS), 1);
    assert_int_equal(
        dns_lookup(loop, SLICE("name.example"), DNS_SRV, on_answer, &told, &answer, &query), 1);
    assert_int_equal(answer->status, ERR_UNREACHABLE);
    forget(&told);
}

/* A question of which nobody wants to hear any more ends all the same, and is remembered. */
static void a_question_goes_on_without_who_asked(void **state)
{
    (void)state;
    struct told told = {0};
    dns_cancel(ask("name.invalid", &told));
    const struct dns_answer *answer;
    struct dns_query *query;
    for (unsigned i = 0; i < WAIT_MS / 10; i++) {
        run_for(loop, 10);
        if (dns_lookup(loop, SLICE("name.invalid"), DNS_SRV, on_answer, &told, &answer, &query) ==
            1)
            break;
        dns_cancel(query);
    }
    assert_int_equal(metric_of(DNS_CACHE_HITS), 1);
    assert_int_equal(told.count, 0);
}

static void a_new_configuration_forgets_what_was_known(void **state)
{
    (void)state;
    struct told told = {0};
    ask("name.invalid", &told);
    assert_true(run_until(loop, not_zero, &told.count, WAIT_MS));
    forget(&told);
    config.servers[0] = address_of("127.0.0.1:9");
    assert_int_equal(dns_configure(loop, &config), 0);
    told = (struct told){0};
    ask("name.invalid", &told);
    assert_true(run_until(loop, not_zero, &told.count, WAIT_MS));
    forget(&told);
    /* The same again changes nothing. */
    assert_int_equal(dns_configure(loop, &config), 0);
    assert_int_equal(metric_of(DNS_CACHED), 1);
}

static void a_loop_ends_with_questions_under_way(void **state)
{
    (void)state;
    struct told told = {0};
    for (unsigned i = 0; i < 10; i++) {
        char name[] = "name0.example";
        name[4] = (char)('0' + i);
        ask(name, &told);
    }
    run_for(loop, 20);
    assert_int_equal(told.count, 0);
}

static void dnssec_needs_an_anchor(void **state)
{
    (void)state;
    char path[] = "/tmp/tz-anchor-XXXXXX";
    int fd = mkstemp(path);
    struct dns_config signed_only = {.dnssec = true, .trust_anchor = path};
    assert_true(fd >= 0);
    assert_int_equal(dns_check(&signed_only), ERR_INVALID); /* empty */
    assert_true(write(fd, "; DS\nexample. IN A 192.0.2.1\n", 29) == 29);
    assert_int_equal(dns_check(&signed_only), ERR_INVALID);
    assert_int_equal(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0, 1);
    assert_true(write(fd, "DS nonsense\n", 12) == 12);
    assert_int_equal(dns_check(&signed_only), ERR_INVALID);
    static const char good[] = "example. IN DS 40630 13 2 "
                               "6dc7b450e16183f07008eddd6cf71d3671a621da8d0d4c8de59909daeb12e729\n";
    assert_int_equal(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0, 1);
    assert_true(write(fd, good, sizeof(good) - 1) == sizeof(good) - 1);
    assert_int_equal(dns_check(&signed_only), 0);
    close(fd);
    unlink(path);
    assert_int_equal(dns_check(&signed_only), ERR_INVALID);
    assert_int_equal(dns_check(&(struct dns_config){.dnssec = true}), ERR_INVALID);
    assert_int_equal(dns_check(&(struct dns_config){0}), 0);
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(a_question_is_asked_once_for_all_who_wait),
        WITH_LOOP(who_cancels_is_not_called),
        WITH_LOOP(a_callback_may_cancel_the_next),
        WITH_LOOP(silence_ends_in_time_and_is_remembered),
        WITH_LOOP(a_question_goes_on_without_who_asked),
        WITH_LOOP(a_new_configuration_forgets_what_was_known),
        WITH_LOOP(a_loop_ends_with_questions_under_way),
        cmocka_unit_test(dnssec_needs_an_anchor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
