/* From a URI to one target after the other: RFC 3263 sections 4.2 and 4.3, RFC 2782, RFC 7984. */
/* link: -Wl,--wrap=dns_lookup,--wrap=dns_cancel,--wrap=dns_in_hosts */
/* link: -Wl,--wrap=dns_answer_ref,--wrap=dns_answer_unref */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "stack/resolver.h"
#include "unit/stack/zone.h"

static struct log log_of_test;
static struct endpoint_config config;
static struct loop *loop;
static struct endpoint *endpoint;
static struct resolver *resolver;
static struct resolver *with_v6; /* speaks everything; no health */
static struct health *health;

static unsigned woken;
static struct resolver_plan *plan;
static struct endpoint_target target;

static void on_plan(void *user)
{
    assert_ptr_equal(user, &plan);
    woken++;
}

static int locate_by(struct resolver *by, const char *text, uint64_t seed)
{
    struct sip_uri uri;
    assert_int_equal(sip_uri_parse(slice_from_string(text), &uri), 0);
    struct resolver_ask ask = {.uri = &uri, .seed = seed, .done = on_plan, .user = &plan};
    woken = 0;
    plan = NULL;
    memset(&target, 0, sizeof target);
    return resolver_locate(by, &ask, &target, &plan);
}

static const char *target_text(void)
{
    static char text[ADDRESS_TEXT_MAX + 8];
    char address[ADDRESS_TEXT_MAX];
    (void)snprintf(text, sizeof text, "%.*s %s",
                   SLICE_ARG(transport_via_name((enum transport)target.transport)),
                   address_text(&target.address, address));
    return text;
}

/* All targets, in order. */
static const char *walk_from(int status)
{
    static char all[4096];
    size_t len = 0;
    all[0] = '\0';
    for (; status == 1; status = plan != NULL ? resolver_next(plan, &target) : ERR_NOT_FOUND)
        len += (size_t)snprintf(all + len, sizeof all - len, "%s;", target_text());
    resolver_forget(plan);
    plan = NULL;
    if (len == 0)
        return status == 0 ? "waits" : error_text(status);
    return all;
}

#define WALKS(by, uri, expected) assert_string_equal(walk_from(locate_by(by, uri, 1)), expected)

static void is_at(const char *text, const char *expected)
{
    assert_int_equal(locate_by(resolver, text, 1), 1);
    assert_null(plan); /* the only one, and nothing was allocated for it */
    assert_string_equal(target_text(), expected);
}

/* RFC 3263 sections 4.1, 4.2: a numeric host needs no look-up; RFC 3261 section 19.1.2: default
 * ports. */
static void numeric_hosts_are_known_at_once(void **state)
{
    (void)state;
    zone_set(NULL);
    is_at("sip:192.0.2.7", "UDP 192.0.2.7:5060");
    is_at("sip:bob@192.0.2.7:5070;transport=udp", "UDP 192.0.2.7:5070");
    is_at("sip:192.0.2.7;transport=TCP", "TCP 192.0.2.7:5060");
    is_at("sip:[2001:db8::7]:5080", "UDP [2001:db8::7]:5080");
    assert_int_equal(zone_asked(), 0);
}

/* RFC 3261 section 19.1.1: maddr overrides the host. */
static void maddr_comes_before_the_host(void **state)
{
    (void)state;
    is_at("sip:bob@example.com:5070;maddr=192.0.2.8", "UDP 192.0.2.8:5070");
}

static int flow_to_target(void)
{
    struct flow flow;
    return endpoint_flow(endpoint, &target, &flow);
}

/* RFC 3263 section 4.1, RFC 3261 section 26.2.2: sips means TLS, whatever the transport parameter;
 * what we do not speak is not replaced by what we do. */
static void secure_uris_never_become_plain(void **state)
{
    (void)state;
    is_at("sips:192.0.2.7", "TLS 192.0.2.7:5061");
    assert_int_equal(flow_to_target(), ERR_UNSUPPORTED);
    is_at("sips:192.0.2.7;transport=tcp", "TLS 192.0.2.7:5061");
    assert_int_equal(flow_to_target(), ERR_UNSUPPORTED);
    is_at("sip:192.0.2.7;transport=tls", "TLS 192.0.2.7:5061");
    assert_int_equal(flow_to_target(), ERR_UNSUPPORTED);
    assert_int_equal(locate_by(resolver, "sips:192.0.2.7;transport=udp", 1), ERR_UNSUPPORTED);
    assert_false(endpoint_secure(endpoint));
}

static void what_cannot_be_reached_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(locate_by(resolver, "sip:192.0.2.7;transport=carrier-pigeon", 1),
                     ERR_UNSUPPORTED);
    assert_int_equal(locate_by(resolver, "tel:+4930123", 1), ERR_UNSUPPORTED);
    assert_int_equal(locate_by(resolver, "sips:nowhere.example", 1), ERR_UNSUPPORTED);
    is_at("sip:[2001:db8::7]", "UDP [2001:db8::7]:5060");
    assert_int_equal(flow_to_target(), ERR_UNSUPPORTED); /* no IPv6 listener */
    is_at("sip:224.0.1.75", "UDP 224.0.1.75:5060");
    assert_int_equal(flow_to_target(), ERR_UNREACHABLE);
    is_at("sip:255.255.255.255", "UDP 255.255.255.255:5060");
    assert_int_equal(flow_to_target(), ERR_UNREACHABLE);
}

static const char *const two_servers[] = {
    "_sip._udp.two.example 60 SRV 20 1 5062 b.two.example",
    "_sip._udp.two.example 60 SRV 10 1 5061 a.two.example",
    "a.two.example 60 A 192.0.2.1",
    "b.two.example 60 A 192.0.2.2",
    "b.two.example 60 A 192.0.2.3",
    "b.two.example 60 AAAA 2001:db8::2",
    "one.example 60 A 192.0.2.9",
    "only6.example 60 AAAA 2001:db8::6",
    "none.example 0 FAIL A",
    NULL,
};

/* RFC 3263 section 4.2, 4.3: all records are used, those of a family without listener apart. */
static void targets_come_one_after_the_other(void **state)
{
    (void)state;
    zone_set(two_servers);
    const char *all = walk_from(locate_by(resolver, "sip:two.example", 1));
    assert_true(strcmp(all, "UDP 192.0.2.1:5061;UDP 192.0.2.2:5062;UDP 192.0.2.3:5062;") == 0 ||
                strcmp(all, "UDP 192.0.2.1:5061;UDP 192.0.2.3:5062;UDP 192.0.2.2:5062;") == 0);
    WALKS(resolver, "sip:one.example:5080;transport=tcp", "TCP 192.0.2.9:5080;");
    WALKS(resolver, "sip:nothing.example", "not found");
    WALKS(resolver, "sip:only6.example", "not found");
    WALKS(resolver, "sip:none.example", "unreachable");
}

/* RFC 8421 section 4: the families take turns. */
static void both_families_are_tried_in_turn(void **state)
{
    static const char *const zone[] = {
        "a.example 60 A 192.0.2.1",      "a.example 60 A 192.0.2.2",
        "a.example 60 A 192.0.2.3",      "a.example 60 AAAA 2001:db8::1",
        "a.example 60 AAAA 2001:db8::2", NULL,
    };
    (void)state;
    zone_set(zone);
    int status = locate_by(with_v6, "sip:a.example", 1);
    for (unsigned i = 0; i < 5; i++, status = resolver_next(plan, &target)) {
        assert_int_equal(status, 1);
        assert_int_equal(address_is_v6(&target.address), i == 0 || i == 2);
    }
    assert_int_equal(status, ERR_NOT_FOUND);
    assert_false(resolver_more(plan));
    resolver_forget(plan);
}

/* RFC 2782: within a priority a server gets its share of the first tries; one without weight nearly
 * none. */
static void servers_get_their_share(void **state)
{
    static const char *const zone[] = {
        "_sip._udp.s.example 60 SRV 1 0 5060 192.0.2.1",
        "_sip._udp.s.example 60 SRV 1 10 5060 192.0.2.2",
        "_sip._udp.s.example 60 SRV 1 30 5060 192.0.2.3",
        "_sip._udp.s.example 60 SRV 1 60 5060 192.0.2.4",
        "_sip._udp.s.example 60 SRV 2 60000 5060 192.0.2.5",
        NULL,
    };
    unsigned first[6] = {0}, second[6] = {0};
    (void)state;
    zone_set(zone);
    for (unsigned i = 0; i < 20000; i++) {
        assert_int_equal(locate_by(resolver, "sip:s.example", hash_mix(7, i)), 1);
        first[ntohl(target.address.in4.sin_addr.s_addr) & 7]++;
        assert_int_equal(resolver_next(plan, &target), 1);
        second[ntohl(target.address.in4.sin_addr.s_addr) & 7]++;
        resolver_forget(plan);
    }
    assert_in_range(first[1], 100, 350); /* 1 of 101 */
    assert_in_range(first[2], 1750, 2250);
    assert_in_range(first[3], 5600, 6300);
    assert_in_range(first[4], 11500, 12300);
    assert_int_equal(first[5], 0);
    /* After 192.0.2.4 the others share as if it were not there. */
    assert_in_range(second[3], 8800, 10800);
    assert_int_equal(second[5], 0);
}

/* The same seed, the same server: what belongs to one call goes one way. */
static void a_seed_decides(void **state)
{
    char before[64];
    (void)state;
    for (unsigned seed = 0; seed < 50; seed++) {
        assert_int_equal(locate_by(resolver, "sip:s.example", seed), 1);
        (void)snprintf(before, sizeof before, "%s", target_text());
        resolver_forget(plan);
        assert_int_equal(locate_by(resolver, "sip:S.example", seed), 1);
        assert_string_equal(target_text(), before);
        resolver_forget(plan);
    }
}

/* A decision is remembered for as long as its records live. */
static void decisions_are_remembered(void **state)
{
    (void)state;
    zone_set(two_servers);
    /* The first walk below may meet what an earlier test left. */
    (void)walk_from(locate_by(resolver, "sip:two.example;transport=udp", 1));
    unsigned asked = zone_asked();
    (void)walk_from(locate_by(resolver, "sip:TWO.example;transport=udp", 1));
    assert_int_equal(zone_asked() - asked, 2); /* the addresses of both servers */
}

/* RFC 3263 section 4.3 and more: who failed is asked after the others; with all of them down
 * everybody is asked. */
static void servers_that_are_down_come_last(void **state)
{
    struct address a, b;
    (void)state;
    zone_set(two_servers);
    assert_int_equal(address_parse(SLICE("192.0.2.1:5061"), &a), 0);
    assert_int_equal(address_parse(SLICE("192.0.2.2:5062"), &b), 0);
    resolver_report(resolver, TRANSPORT_UDP, &a, HEALTH_FAILED, 0);
    WALKS(with_v6, "sip:one.example", "UDP 192.0.2.9:5060;");
    resolver_report(resolver, TRANSPORT_UDP, &b, HEALTH_FAILED, 0);
    const char *all = walk_from(locate_by(resolver, "sip:two.example", 1));
    assert_true(strncmp(all, "UDP 192.0.2.3:5062;UDP 192.0.2.1:5061;", 38) == 0);
    assert_int_equal(strlen(all), 3 * 19);
    resolver_report(resolver, TRANSPORT_UDP, &a, HEALTH_OK, 0);
    all = walk_from(locate_by(resolver, "sip:two.example", 1));
    assert_true(strncmp(all, "UDP 192.0.2.1:5061;UDP 192.0.2.3:5062;UDP 192.0.2.2", 51) == 0);
    resolver_report(resolver, TRANSPORT_UDP, &b, HEALTH_OK, 0);
}

/* The same server behind two names is tried once. */
static void no_target_comes_twice(void **state)
{
    static const char *const zone[] = {
        "_sip._udp.d.example 60 SRV 1 1 5060 x.example",
        "_sip._udp.d.example 60 SRV 2 1 5060 y.example",
        "_sip._udp.d.example 60 SRV 3 1 5061 y.example",
        "x.example 60 A 192.0.2.1",
        "y.example 60 A 192.0.2.1",
        NULL,
    };
    (void)state;
    zone_set(zone);
    WALKS(resolver, "sip:d.example", "UDP 192.0.2.1:5060;UDP 192.0.2.1:5061;");
}

static void many_records_are_bounded(void **state)
{
    static char lines[300][80];
    static const char *zone[301];
    unsigned count = 0;
    (void)state;
    for (unsigned i = 0; i < 250; i++) {
        (void)snprintf(lines[i], sizeof lines[i], "many.example 60 A 192.0.2.%u", i + 1);
        zone[i] = lines[i];
    }
    zone[250] = NULL;
    zone_set(zone);
    for (int status = locate_by(resolver, "sip:many.example", 1); status == 1;
         status = resolver_next(plan, &target))
        count++;
    assert_int_equal(count, RESOLVER_TARGETS_MAX);
    resolver_forget(plan);
}

/* ---- waiting ---- */

static void an_answer_that_comes_later(void **state)
{
    (void)state;
    zone_set(two_servers);
    zone_hold(DNS_NAPTR);
    assert_int_equal(locate_by(resolver, "sip:later.example", 1), 0);
    assert_int_equal(zone_waiting(), 1);
    assert_true(resolver_more(plan));
    assert_int_equal(zone_answer("later.example", DNS_NAPTR), 1);
    assert_int_equal(woken, 1);
    assert_int_equal(resolver_next(plan, &target), ERR_NOT_FOUND);
    resolver_forget(plan);

    zone_hold(DNS_A);
    assert_int_equal(locate_by(resolver, "sip:two.example;transport=udp", 1), 0);
    assert_int_equal(zone_answer("a.two.example", DNS_A), 1);
    assert_int_equal(woken, 1);
    assert_int_equal(resolver_next(plan, &target), 1);
    assert_string_equal(target_text(), "UDP 192.0.2.1:5061");
    assert_int_equal(resolver_next(plan, &target), 0); /* the second server's address */
    assert_int_equal(zone_answer("b.two.example", DNS_A), 1);
    assert_int_equal(woken, 2);
    assert_int_equal(resolver_next(plan, &target), 1);
    resolver_forget(plan);
}

static void stop_loop(void *user)
{
    woken++;
    loop_stop(user);
}

/* RFC 8305 section 3: a family whose answer does not come is not waited for. */
static void one_family_waits_for_the_other_a_little(void **state)
{
    static const char *const zone[] = {"dual.example 60 A 192.0.2.1",
                                       "dual.example 60 AAAA 2001:db8::1", NULL};
    (void)state;
    zone_set(zone);
    zone_hold(DNS_AAAA);
    assert_int_equal(locate_by(with_v6, "sip:dual.example", 1), 0);
    resolver_set_user(plan, stop_loop, loop);
    assert_int_equal(loop_run(loop), 0);
    assert_int_equal(woken, 1);
    assert_int_equal(resolver_next(plan, &target), 1);
    assert_string_equal(target_text(), "UDP 192.0.2.1:5060");
    assert_true(resolver_more(plan));
    assert_int_equal(resolver_next(plan, &target), 0);
    assert_int_equal(zone_answer("dual.example", DNS_AAAA), 1);
    assert_int_equal(resolver_next(plan, &target), 1);
    assert_string_equal(target_text(), "UDP [2001:db8::1]:5060");
    assert_int_equal(resolver_next(plan, &target), ERR_NOT_FOUND);
    resolver_forget(plan);
}

static void memory_that_is_out_fails_one_walk(void **state)
{
    size_t n = 0;
    bool hit;
    (void)state;
    zone_set(two_servers);
    do {
        resolver_reset(resolver);
        memory_fail_after(n++);
        int status = locate_by(resolver, "sip:two.example", 1);
        hit = memory_fail_hit();
        assert_true(status == 1 || (hit && status == ERR_NO_MEMORY));
        resolver_forget(plan);
    } while (hit);
    assert_true(n > 3 || !MEMORY_FAULTS);
}

static void a_plan_that_is_forgotten_says_nothing(void **state)
{
    (void)state;
    zone_set(two_servers);
    zone_hold(DNS_SRV);
    assert_int_equal(locate_by(resolver, "sip:forgotten.example", 1), 0);
    assert_int_equal(zone_waiting(), 2);
    resolver_forget(plan);
    assert_int_equal(zone_waiting(), 0);
    zone_hold(DNS_A);
    assert_int_equal(locate_by(resolver, "sip:two.example;transport=udp", 1), 0);
    resolver_forget(plan);
    assert_int_equal(zone_waiting(), 0);
    assert_int_equal(woken, 0);
}

static void names_that_cannot_be_exist_nowhere(void **state)
{
    static char text[600];
    (void)state;
    zone_set(NULL);
    memset(text, 'a', sizeof text);
    memcpy(text, "sip:", 4);
    text[4 + 254] = '\0';
    WALKS(resolver, text, "not found");
    text[4 + 250] = '\0';
    WALKS(resolver, text, "not found");
}

static int open_resolver(void **state)
{
    unsigned failed;
    (void)state;
    log_init(&log_of_test, 2, false, LOG_ERROR);
    struct loop_config loop_config = {.log = &log_of_test};
    assert_int_equal(loop_new(&loop_config, &loop), 0);
    struct address local;
    assert_int_equal(address_parse_host(SLICE("127.0.0.1"), 0, &local), 0);
    config = (struct endpoint_config){
        .listeners = {{TRANSPORT_UDP, local}, {TRANSPORT_TCP, local}},
        .listener_count = 2,
        .times = {500, 4000, 5000},
    };
    assert_int_equal(endpoint_new(loop, &config, 1, NULL, &failed, &endpoint), 0);
    struct hash_key key = {1, 2};
    assert_int_equal(health_new(&key, &health), 0);
    struct resolver_config options = {
        .loop = loop, .speaks = resolver_speaks_of(endpoint), .health = health};
    assert_int_equal(resolver_new(&options, &resolver), 0);
    options.health = NULL;
    for (unsigned t = 0; t < TRANSPORT_COUNT; t++)
        options.speaks.family[t][0] = options.speaks.family[t][1] = true;
    return resolver_new(&options, &with_v6);
}

static int close_resolver(void **state)
{
    struct dns_query *query;
    const struct dns_answer *answer;
    (void)state;
    resolver_free(resolver);
    resolver_free(with_v6);
    (void)dns_lookup(loop, SLICE_NULL, DNS_A, NULL, NULL, &answer, &query); /* forgets the last */
    assert_int_equal(zone_references(), 0);
    health_free(health);
    endpoint_free(endpoint);
    loop_free(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numeric_hosts_are_known_at_once),
        cmocka_unit_test(maddr_comes_before_the_host),
        cmocka_unit_test(secure_uris_never_become_plain),
        cmocka_unit_test(what_cannot_be_reached_is_an_error),
        cmocka_unit_test(targets_come_one_after_the_other),
        cmocka_unit_test(both_families_are_tried_in_turn),
        cmocka_unit_test(servers_get_their_share),
        cmocka_unit_test(a_seed_decides),
        cmocka_unit_test(decisions_are_remembered),
        cmocka_unit_test(servers_that_are_down_come_last),
        cmocka_unit_test(no_target_comes_twice),
        cmocka_unit_test(many_records_are_bounded),
        cmocka_unit_test(an_answer_that_comes_later),
        cmocka_unit_test(one_family_waits_for_the_other_a_little),
        cmocka_unit_test(a_plan_that_is_forgotten_says_nothing),
        cmocka_unit_test(memory_that_is_out_fails_one_walk),
        cmocka_unit_test(names_that_cannot_be_exist_nowhere),
    };
    return cmocka_run_group_tests_name("resolver", tests, open_resolver, close_resolver);
}
