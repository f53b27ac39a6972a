#include "base/metric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { REGISTERS, INVITES, USERS, INFOS };

static const struct metric_info infos[INFOS] = {
    {"requests_total", "method=\"REGISTER\"", METRIC_COUNTER, "Requests that came in."},
    {"requests_total", "method=\"INVITE\"", METRIC_COUNTER, "Requests that came in."},
    {"users", NULL, METRIC_GAUGE, "A \\ and\na line."},
};

static void counting_and_adding_up(void **state)
{
    (void)state;
    metric a[INFOS] = {0}, b[INFOS] = {0};
    const metric *const sets[] = {a, b};
    metric_add(&a[REGISTERS], 2);
    metric_add(&a[REGISTERS], 3);
    metric_add(&b[REGISTERS], 10);
    metric_set(&b[USERS], 7);
    metric_add(&b[USERS], -9);
    assert_int_equal(metric_get(&a[REGISTERS]), 5);
    assert_int_equal(metric_sum(sets, 2, REGISTERS), 15);
    assert_int_equal(metric_sum(sets, 1, REGISTERS), 5);
    assert_int_equal(metric_sum(sets, 0, REGISTERS), 0);
    assert_int_equal(metric_sum(sets, 2, USERS), -2);
    metric_set(&a[INVITES], INT64_MAX);
    metric_set(&b[INVITES], INT64_MAX);
    assert_int_equal(metric_sum(sets, 2, INVITES), -2);
}

/* Prometheus text format 0.0.4: one HELP and one TYPE line per name, before its samples. */
static void the_text_has_help_and_type_once_per_name(void **state)
{
    (void)state;
    metric a[INFOS] = {5, 0, -3};
    metric b[INFOS] = {7, 1, 0};
    const metric *const sets[] = {a, b};
    static const char expected[] = "# HELP trapezoid_requests_total Requests that came in.\n"
                                   "# TYPE trapezoid_requests_total counter\n"
                                   "trapezoid_requests_total{method=\"REGISTER\"} 12\n"
                                   "trapezoid_requests_total{method=\"INVITE\"} 1\n"
                                   "# HELP trapezoid_users A \\\\ and\\na line.\n"
                                   "# TYPE trapezoid_users gauge\n"
                                   "trapezoid_users -3\n";
    char buf[1000];
    struct writer w;
    writer_init(&w, buf, sizeof buf);
    metric_write(&w, infos, INFOS, sets, 2);
    assert_int_equal(writer_length(&w), strlen(expected));
    assert_memory_equal(buf, expected, strlen(expected));
    assert_int_equal(writer_status(&w), 0);
}

static void extreme_values_are_written_whole(void **state)
{
    (void)state;
    metric a[1] = {INT64_MIN};
    const metric *const sets[] = {a};
    static const struct metric_info one = {"x", NULL, METRIC_GAUGE, "h"};
    char buf[200];
    struct writer w;
    writer_init(&w, buf, sizeof buf);
    metric_write(&w, &one, 1, sets, 1);
    writer_char(&w, '\0');
    assert_non_null(strstr(buf, "\ntrapezoid_x -9223372036854775808\n"));
}

static void what_does_not_fit_is_told(void **state)
{
    (void)state;
    metric a[INFOS] = {0};
    const metric *const sets[] = {a};
    char buf[100];
    struct writer w;
    writer_init(&w, buf, sizeof buf);
    metric_write(&w, infos, INFOS, sets, 1);
    assert_true(w.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting_and_adding_up),
        cmocka_unit_test(the_text_has_help_and_type_once_per_name),
        cmocka_unit_test(extreme_values_are_written_whole),
        cmocka_unit_test(what_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
