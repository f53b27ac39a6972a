/* Every type of the schema: what is taken, what it becomes, and that it comes back when printed. */
#include "base/error.h"
#include "base/memory.h"
#include "unit/app/config/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* The configuration that one --set gives. */
static struct reading set_one(const char *assignment)
{
    struct reading r;
    reading_start(&r, NULL, (const char *const[]){assignment, NULL});
    if (r.config == NULL)
        fail_msg("%s: %s", assignment, config_problems_text(&r.problems));
    return r;
}

#define ASSERT_SET(assignment, field, expected)                                                    \
    do {                                                                                           \
        struct reading one = set_one(assignment);                                                  \
        assert_int_equal(one.config->field, (expected));                                           \
        reading_done(&one);                                                                        \
    } while (0)

static void switches_take_on_true_yes_and_off_false_no(void **state)
{
    (void)state;
    ASSERT_SET("auth.call=off", proxy.auth, false);
    ASSERT_SET("auth.call=false", proxy.auth, false);
    ASSERT_SET("auth.call=No", proxy.auth, false);
    ASSERT_SET("record_route=on", proxy.record_route, true);
    ASSERT_SET("record_route=TRUE", proxy.record_route, true);
    ASSERT_SET("record_route=yes", proxy.record_route, true);
}

static void whole_numbers_are_taken_at_both_ends_of_their_range(void **state)
{
    (void)state;
    ASSERT_SET("workers=1", workers, 1);
    ASSERT_SET("workers=64", workers, 64);
    ASSERT_SET("location.max_bindings=1000000000", max_bindings, 1000000000);
    ASSERT_SET("proxy.max_breadth=255", proxy.max_breadth, 255);
}

static void durations_take_units_and_are_kept_in_the_unit_of_their_key(void **state)
{
    (void)state;
    ASSERT_SET("sip.t1=20ms", endpoint.times.t1_ms, 20);
    ASSERT_SET("sip.t1=1s", endpoint.times.t1_ms, 1000);
    ASSERT_SET("sip.t1=700", endpoint.times.t1_ms, 700);
    ASSERT_SET("tcp.idle_time=2m", endpoint.stream.idle_ms, 120000);
    ASSERT_SET("sip.timer_c=200", proxy.timer_c_s, 200);
    ASSERT_SET("sip.timer_c=4m", proxy.timer_c_s, 240);
    ASSERT_SET("sip.timer_c=5000ms", proxy.timer_c_s, 5);
    ASSERT_SET("registrar.expires_max=2d", registrar.expires_max_s, 172800);
    ASSERT_SET("registrar.expires_max=12h", registrar.expires_max_s, 43200);
}

static void sizes_take_k_m_and_g(void **state)
{
    (void)state;
    ASSERT_SET("sip.max_message=4000", endpoint.limits.message, 4000);
    ASSERT_SET("sip.max_message=64K", endpoint.limits.message, 65536);
    ASSERT_SET("udp.receive_buffer=8M", endpoint.udp_receive_buffer, 8 * 1024 * 1024);
    ASSERT_SET("limits.memory=6G", endpoint.memory, UINT64_C(6) * 1024 * 1024 * 1024);
}

static void words_are_taken_in_any_case(void **state)
{
    (void)state;
    ASSERT_SET("location.durability=async", durability, CONFIG_DURABLE_ASYNC);
    ASSERT_SET("location.durability=async", registrar.durable, false);
    ASSERT_SET("location.durability=Commit", registrar.durable, true);
    ASSERT_SET("log.level=DEBUG", log_level, LOG_DEBUG);
    ASSERT_SET("log.format=json", log_format, CONFIG_LOG_JSON);
    ASSERT_SET("auth.algorithms=md5", algorithms, CONFIG_ALGORITHM_MD5);
    ASSERT_SET("auth.algorithms=MD5 , sha-256", algorithms,
               CONFIG_ALGORITHM_MD5 | CONFIG_ALGORITHM_SHA256);
    ASSERT_SET("auth.algorithms=md5", authenticator.sha256, false);
    ASSERT_SET("auth.algorithms=md5", authenticator.md5, true);
}

static void texts_are_taken_as_they_are(void **state)
{
    (void)state;
    struct reading r = set_one("auth.realm=my phones, all");
    assert_string_equal(r.config->realm, "my phones, all");
    assert_string_equal(r.config->authenticator.realm, "my phones, all");
    reading_done(&r);
    r = set_one("sip.server=");
    assert_string_equal(r.config->endpoint.server, "");
    reading_done(&r);
}

static void lists_of_texts_are_cut_at_commas(void **state)
{
    (void)state;
    struct reading r = set_one("domains=example.org, [2001:db8::1] ,192.0.2.1");
    assert_int_equal(r.config->domains.count, 3);
    assert_true(slice_equal(r.config->domains.items[0], SLICE("example.org")));
    assert_true(slice_equal(r.config->domains.items[1], SLICE("[2001:db8::1]")));
    assert_true(slice_equal(r.config->domains.items[2], SLICE("192.0.2.1")));
    reading_done(&r);
    r = set_one("domains=");
    assert_int_equal(r.config->domains.count, 0);
    reading_done(&r);
}

static void listeners_are_transport_address_and_port(void **state)
{
    (void)state;
    char text[ADDRESS_TEXT_MAX];
    struct reading r = set_one("listen=udp:127.0.0.1:0,TCP:[::1]:5070");
    const struct endpoint_config *endpoint = &r.config->endpoint;
    assert_int_equal(endpoint->listener_count, 2);
    assert_int_equal(endpoint->listeners[0].transport, TRANSPORT_UDP);
    assert_string_equal(address_text(&endpoint->listeners[0].local, text), "127.0.0.1:0");
    assert_int_equal(endpoint->listeners[1].transport, TRANSPORT_TCP);
    assert_string_equal(address_text(&endpoint->listeners[1].local, text), "[::1]:5070");
    reading_done(&r);
}

static void routes_are_prefix_domain_and_next_hop(void **state)
{
    (void)state;
    struct reading r = set_one("routes=00=sip:192.0.2.1;transport=tcp,@example.net=sip:b.example,"
                               "+49@example.org=sips:[2001:db8::1]:5080");
    const struct proxy_config *proxy = &r.config->proxy;
    assert_int_equal(proxy->route_count, 3);
    assert_string_equal(proxy->routes[0].prefix, "00");
    assert_string_equal(proxy->routes[0].domain, "");
    assert_string_equal(proxy->routes[0].next_hop, "sip:192.0.2.1;transport=tcp");
    assert_string_equal(proxy->routes[1].prefix, "");
    assert_string_equal(proxy->routes[1].domain, "example.net");
    assert_string_equal(proxy->routes[2].prefix, "+49");
    assert_string_equal(proxy->routes[2].domain, "example.org");
    assert_string_equal(proxy->routes[2].next_hop, "sips:[2001:db8::1]:5080");
    reading_done(&r);
}

static void addresses_may_be_empty(void **state)
{
    (void)state;
    struct reading r = set_one("metrics.listen=");
    assert_false(r.config->metrics_listen.given);
    reading_done(&r);
    r = set_one("metrics.listen=[::1]:9060");
    assert_true(r.config->metrics_listen.given);
    assert_int_equal(address_port(&r.config->metrics_listen.address), 9060);
    reading_done(&r);
}

static void the_last_set_of_a_key_counts_and_goes_over_the_file(void **state)
{
    (void)state;
    struct reading r;
    reading_start(&r, "workers: 3\ndrain_time: 9s\n",
                  (const char *const[]){"workers=4", "workers=5", NULL});
    assert_int_equal(r.status, 0);
    assert_int_equal(r.config->workers, 5);
    assert_int_equal(r.config->drain_ms, 9000);
    assert_true(config_given(r.config, "workers"));
    assert_false(config_given(r.config, "listen"));
    reading_done(&r);
}

static void automatic_values_are_filled_in(void **state)
{
    (void)state;
    struct reading r = set_one("data_dir=/somewhere");
    assert_in_range(r.config->workers, 1, 64);
    assert_string_equal(r.config->store_path, "/somewhere/trapezoid.db");
    assert_string_not_equal(r.config->control_path, "");
    reading_done(&r);
}

static void directories_of_systemd_go_before_all_others(void **state)
{
    (void)state;
    setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two", 1);
    setenv("RUNTIME_DIRECTORY", "/run/one", 1);
    struct reading r = set_one("workers=1");
    unsetenv("STATE_DIRECTORY");
    unsetenv("RUNTIME_DIRECTORY");
    assert_string_equal(r.config->data_dir, "/var/lib/one");
    assert_string_equal(r.config->store_path, "/var/lib/one/trapezoid.db");
    assert_string_equal(r.config->control_path, "/run/one/control.sock");
    reading_done(&r);
}

static void defaults_that_depend_on_another_key_follow_it(void **state)
{
    (void)state;
    ASSERT_SET("registrar.expires_max=600", registrar.expires_default_s, 600);
    ASSERT_SET("registrar.expires_min=1h", registrar.expires_default_s, 3600);
    ASSERT_SET("sip.max_message=2M", endpoint.stream.buffer, 2 * 1024 * 1024);
    ASSERT_SET("sip.max_message=2M", endpoint.stream.send_queue, 2 * 1024 * 1024);
}

static const char every_type[] = "listen: ['udp:127.0.0.1:5070', 'tcp:[::1]:5070']\n"
                                 "domains: [example.org, example.com]\n"
                                 "workers: 3\n"
                                 "record_route: on\n"
                                 "routes:\n"
                                 "  - {prefix: '00', next_hop: 'sip:192.0.2.1'}\n"
                                 "  - domain: example.net\n"
                                 "    next_hop: sip:192.0.2.2;transport=tcp\n"
                                 "  - +49@example.org=sip:192.0.2.3\n"
                                 "auth:\n"
                                 "  realm: \"\\u00e9, # ' {, caf\xc3\xa9\"\n"
                                 "  algorithms: [MD5]\n"
                                 "sip.t1: 1500ms\n"
                                 "sip:\n"
                                 "  max_message: 64K\n"
                                 "metrics.listen: 127.0.0.1:9060\n"
                                 "log: {level: warn, levels: [sip=debug, auth=info]}\n";

/* A printed configuration is a good configuration file, and says the same. */
static void what_is_printed_reads_back_the_same(void **state)
{
    (void)state;
    char *first = malloc(CONFIG_PRINT_MAX);
    char *second = malloc(CONFIG_PRINT_MAX);
    struct writer w;
    struct reading r;
    reading_start(&r, every_type, NULL);
    if (r.status < 0)
        fail_msg("%s", config_problems_text(&r.problems));
    writer_init(&w, first, CONFIG_PRINT_MAX - 1);
    assert_int_equal(config_print(r.config, &w), 0);
    *w.at = '\0';
    reading_done(&r);

    reading_start(&r, first, NULL);
    if (r.status < 0)
        fail_msg("%s\n%s", config_problems_text(&r.problems), first);
    assert_int_equal(r.config->proxy.route_count, 3);
    assert_string_equal(r.config->proxy.routes[2].prefix, "+49");
    assert_int_equal(r.config->endpoint.times.t1_ms, 1500);
    writer_init(&w, second, CONFIG_PRINT_MAX - 1);
    assert_int_equal(config_print(r.config, &w), 0);
    *w.at = '\0';
    reading_done(&r);
    assert_string_equal(first, second);
    free(first);
    free(second);
}

/* Passwords and keys do not end up where configurations are shown. */
static void secrets_are_not_printed(void **state)
{
    (void)state;
    char *text = malloc(CONFIG_PRINT_MAX);
    struct writer w;
    struct reading r;
    reading_start(&r,
                  "turn:\n"
                  "  users: [\"alice:wonderland\"]\n"
                  "  secret: [northwest, southeast]\n"
                  "  token_keys: [\"k1:A128GCM:SEdrajMyS0pHaXV5MDk4cw==\"]\n"
                  "  realm: example.org\n",
                  NULL);
    if (r.status < 0)
        fail_msg("%s", config_problems_text(&r.problems));
    const struct turn_credential_config *turn = &r.config->turn_credential;
    assert_int_equal(turn->user_count, 1);
    assert_int_equal(turn->secret_count, 2);
    assert_int_equal(turn->token_key_count, 1);
    assert_string_equal(turn->realm, "example.org");
    assert_string_equal(turn->account_realm, "trapezoid");
    assert_true(turn->md5 && turn->sha256 && !turn->userhash);
    writer_init(&w, text, CONFIG_PRINT_MAX - 1);
    assert_int_equal(config_print(r.config, &w), 0);
    *w.at = '\0';
    reading_done(&r);
    assert_null(strstr(text, "wonderland"));
    assert_null(strstr(text, "northwest"));
    assert_null(strstr(text, "SEdraj"));
    assert_non_null(strstr(text, "\n  # turn.users: given, not shown\n"));
    assert_non_null(strstr(text, "\n  realm: \"example.org\"\n"));
    reading_start(&r, text, NULL);
    assert_int_equal(r.status, 0);
    reading_done(&r);
    free(text);
}

static void the_defaults_are_a_good_configuration(void **state)
{
    (void)state;
    struct app_config *defaults;
    char *text = malloc(CONFIG_PRINT_MAX);
    struct writer w;
    assert_int_equal(config_defaults(&defaults), 0);
    writer_init(&w, text, CONFIG_PRINT_MAX - 1);
    assert_int_equal(config_print(defaults, &w), 0);
    *w.at = '\0';
    config_free(defaults);
    struct reading r;
    reading_start(&r, text, NULL);
    if (r.status < 0)
        fail_msg("%s", config_problems_text(&r.problems));
    assert_int_equal(r.config->listen.count, 6);
    assert_int_equal(r.config->proxy.timer_c_s, 181);
    reading_done(&r);
    free(text);
}

static void only_keys_that_need_a_restart_are_named_as_fixed_changes(void **state)
{
    (void)state;
    struct reading a = set_one("workers=2");
    struct reading b;
    reading_start(&b, "workers: 3\nrecord_route: on\nlisten: udp:127.0.0.1:5060\nsip.t1: 1s\n",
                  (const char *const[]){"store.path=:memory:", NULL});
    assert_int_equal(b.status, 0);
    char text[256];
    struct writer w;
    writer_init(&w, text, sizeof text);
    assert_int_equal(config_fixed_changes(a.config, b.config, &w), 3);
    assert_true(slice_equal(writer_slice(&w), SLICE("listen, workers, store.path")));
    assert_int_equal(config_fixed_changes(b.config, b.config, &w), 0);
    reading_done(&a);
    reading_done(&b);
}

static void no_allocation_that_fails_leaks_or_crashes(void **state)
{
    (void)state;
    size_t n = 0;
    do {
        struct reading r;
        memory_fail_after(n++);
        reading_start(&r, "domains: [a.example, b.example]\nroutes: [00=sip:192.0.2.1]\n",
                      (const char *const[]){"auth.realm=x", NULL});
        assert_true(r.status == 0 || r.status == ERR_NO_MEMORY || r.status == ERR_INVALID);
        reading_done(&r);
    } while (memory_fail_hit());
    assert_true(!MEMORY_FAULTS || n > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(switches_take_on_true_yes_and_off_false_no),
        cmocka_unit_test(whole_numbers_are_taken_at_both_ends_of_their_range),
        cmocka_unit_test(durations_take_units_and_are_kept_in_the_unit_of_their_key),
        cmocka_unit_test(sizes_take_k_m_and_g),
        cmocka_unit_test(words_are_taken_in_any_case),
        cmocka_unit_test(texts_are_taken_as_they_are),
        cmocka_unit_test(lists_of_texts_are_cut_at_commas),
        cmocka_unit_test(listeners_are_transport_address_and_port),
        cmocka_unit_test(routes_are_prefix_domain_and_next_hop),
        cmocka_unit_test(addresses_may_be_empty),
        cmocka_unit_test(the_last_set_of_a_key_counts_and_goes_over_the_file),
        cmocka_unit_test(automatic_values_are_filled_in),
        cmocka_unit_test(directories_of_systemd_go_before_all_others),
        cmocka_unit_test(defaults_that_depend_on_another_key_follow_it),
        cmocka_unit_test(what_is_printed_reads_back_the_same),
        cmocka_unit_test(secrets_are_not_printed),
        cmocka_unit_test(the_defaults_are_a_good_configuration),
        cmocka_unit_test(only_keys_that_need_a_restart_are_named_as_fixed_changes),
        cmocka_unit_test(no_allocation_that_fails_leaks_or_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
