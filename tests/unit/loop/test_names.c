/* label: threads */
#include "unit/loop/loop_fixture.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "loop/names.h"

/* ---- the system's resolver, which libuv calls, with two kinds of names more ---- */

static pthread_mutex_t hang_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t hang_end = PTHREAD_COND_INITIALIZER;
static bool hanging;

static void set_hanging(bool on)
{
    pthread_mutex_lock(&hang_lock);
    hanging = on;
    pthread_cond_broadcast(&hang_end);
    pthread_mutex_unlock(&hang_lock);
}

/* "hang" hangs until it is released, "fail-N" fails with code N, others are really looked up. */
int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict result)
{
    typedef int resolver(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    resolver *real;
    if (strncmp(node, "fail-", 5) == 0)
        return (int)strtol(node + 5, NULL, 10);
    if (strcmp(node, "hang") == 0) {
        pthread_mutex_lock(&hang_lock);
        while (hanging)
            pthread_cond_wait(&hang_end, &hang_lock);
        pthread_mutex_unlock(&hang_lock);
        return EAI_NONAME;
    }
    memcpy(&real, &symbol, sizeof(real));
    return real(node, service, hints, result);
}

struct answer {
    unsigned count;
    int status;
    size_t addresses;
    struct address first;
};

static void keep_answer(void *user, int status, const struct address *addresses, size_t count)
{
    struct answer *answer = user;
    answer->count++;
    answer->status = status;
    answer->addresses = count;
    if (count > 0)
        answer->first = addresses[0];
}

static struct answer look_up(const char *host)
{
    struct loop *loop = new_loop();
    struct answer answer = {0};
    struct names_query *query;
    assert_int_equal(names_lookup(loop, slice_from_string(host), keep_answer, &answer, &query), 0);
    assert_int_equal(answer.count, 0);
    assert_true(run_until(loop, not_zero, &answer.count, 2 * WAIT_MS));
    run_for(loop, 5);
    assert_int_equal(answer.count, 1);
    loop_free(loop);
    return answer;
}

static void the_hosts_file_counts(void **state)
{
    (void)state;
    struct answer answer = look_up("localhost");
    assert_int_equal(answer.status, 0);
    assert_in_range(answer.addresses, 1, 16);
    assert_true(address_is_loopback(&answer.first));
    assert_int_equal(address_port(&answer.first), 0);
}

static void literals_are_their_own_address(void **state)
{
    (void)state;
    struct address expected = address_of("192.0.2.9:0");
    struct answer answer = look_up("192.0.2.9");
    assert_int_equal(answer.status, 0);
    assert_int_equal(answer.addresses, 1);
    assert_true(address_equal(&answer.first, &expected));
}

static void each_kind_of_failure_has_its_code(void **state)
{
    (void)state;
    static const struct {
        int code;
        int status;
    } rows[] = {
        {EAI_NONAME, ERR_NOT_FOUND}, {EAI_NODATA, ERR_NOT_FOUND}, {EAI_AGAIN, ERR_TIMEOUT},
        {EAI_FAIL, ERR_IO},          {EAI_MEMORY, ERR_IO},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char host[32];
        snprintf(host, sizeof(host), "fail-%d", rows[i].code);
        struct answer answer = look_up(host);
        assert_int_equal(answer.status, rows[i].status);
        assert_int_equal(answer.addresses, 0);
    }
}

/* The wheel is told that the time is over. */
static void a_resolver_that_hangs_is_a_timeout(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct answer late = {0}, other = {0};
    struct names_query *query, *second;
    set_hanging(true);
    assert_int_equal(names_lookup(loop, SLICE("hang"), keep_answer, &late, &query), 0);
    wheel_advance(loop_wheel(loop), loop_now_ms(loop) + 9000);
    assert_int_equal(late.count, 0);
    wheel_advance(loop_wheel(loop), loop_now_ms(loop) + 10001);
    assert_int_equal(late.count, 1);
    assert_int_equal(late.status, ERR_TIMEOUT);
    /* Others are served meanwhile, and the late answer finds nobody. */
    assert_int_equal(names_lookup(loop, SLICE("127.0.0.1"), keep_answer, &other, &second), 0);
    assert_true(run_until(loop, not_zero, &other.count, WAIT_MS));
    set_hanging(false);
    loop_free(loop);
    assert_int_equal(late.count, 1);
    assert_int_equal(other.status, 0);
}

/* Freeing the loop does not wait for a server that never answers; static, because the thread keeps
 * using the loop. */
static struct loop *abandoned;

static void a_resolver_that_hangs_does_not_hold_up_the_end(void **state)
{
    (void)state;
    struct answer answer = {0};
    struct names_query *query;
    abandoned = new_loop();
    set_hanging(true);
    assert_int_equal(names_lookup(abandoned, SLICE("hang"), keep_answer, &answer, &query), 0);
    usleep(20000); /* a thread has taken it */
    uint64_t from = clock_ms();
    loop_free(abandoned);
    assert_in_range(clock_ms() - from, 0, WAIT_MS);
    set_hanging(false);
    usleep(20000);
    assert_int_equal(answer.count, 0);
}

static void impossible_names_are_refused(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct answer answer = {0};
    struct names_query *query;
    char host[300];
    memset(host, 'a', sizeof(host));
    assert_int_equal(names_lookup(loop, SLICE_NULL, keep_answer, &answer, &query), ERR_INVALID);
    assert_int_equal(names_lookup(loop, slice_of(host, 256), keep_answer, &answer, &query),
                     ERR_INVALID);
    assert_int_equal(names_lookup(loop, slice_of("a\0b", 3), keep_answer, &answer, &query),
                     ERR_INVALID);
    run_for(loop, 5);
    assert_int_equal(answer.count, 0);
    loop_free(loop);
}

static void a_cancelled_query_stays_silent(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct answer cancelled = {0}, other = {0};
    struct names_query *query, *second;
    assert_int_equal(names_lookup(loop, SLICE("localhost"), keep_answer, &cancelled, &query), 0);
    assert_int_equal(names_lookup(loop, SLICE("localhost"), keep_answer, &other, &second), 0);
    names_cancel(query);
    assert_true(run_until(loop, not_zero, &other.count, WAIT_MS));
    run_for(loop, 20);
    assert_int_equal(cancelled.count, 0);
    names_cancel(NULL);
    loop_free(loop);
}

static void queries_are_bounded_and_freed_with_the_loop(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct answer answer = {0};
    struct names_query *query;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(names_lookup(loop, SLICE("127.0.0.1"), keep_answer, &answer, &query), 0);
    assert_int_equal(names_lookup(loop, SLICE("127.0.0.1"), keep_answer, &answer, &query),
                     ERR_LIMIT);
    assert_true(run_until(loop, not_zero, &answer.count, WAIT_MS));
    assert_int_equal(names_lookup(loop, SLICE("127.0.0.1"), keep_answer, &answer, &query), 0);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hosts_file_counts),
        cmocka_unit_test(literals_are_their_own_address),
        cmocka_unit_test(each_kind_of_failure_has_its_code),
        cmocka_unit_test(a_resolver_that_hangs_is_a_timeout),
        cmocka_unit_test(impossible_names_are_refused),
        cmocka_unit_test(a_cancelled_query_stays_silent),
        cmocka_unit_test(queries_are_bounded_and_freed_with_the_loop),
        cmocka_unit_test(a_resolver_that_hangs_does_not_hold_up_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
