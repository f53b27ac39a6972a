/* From a URI to an address: what is there of RFC 3263 (docs/rfc/3263.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/error.h"
#include "stack/resolver.h"
#include "unit/sip/text.h"

static struct log log_of_test;
static struct endpoint_config config;
static struct loop *loop;
static struct endpoint *endpoint;
static struct resolver *resolver;

static struct answer {
    unsigned calls;
    int status;
    struct endpoint_target target;
} answer;

static void on_resolved(void *user, int status, const struct endpoint_target *target)
{
    struct answer *a = user;
    a->calls++;
    a->status = status;
    a->target = *target;
    loop_stop(loop);
}

static int locate(const char *text)
{
    struct sip_uri uri;
    struct resolver_query *query;
    answer = (struct answer){0};
    assert_int_equal(sip_uri_parse(slice_from_string(text), &uri), 0);
    return resolver_locate(resolver, &uri, on_resolved, &answer, &answer.target, &query);
}

static void is_at(const char *text, const char *address, enum transport transport)
{
    char shown[ADDRESS_TEXT_MAX];
    int status = locate(text);
    if (status != 1)
        fail_msg("%s: %s", text, error_text(status));
    assert_string_equal(address_text(&answer.target.address, shown), address);
    assert_int_equal(answer.target.transport, transport);
    assert_int_equal(answer.calls, 0);
}

/* RFC 3263 sections 4.1, 4.2: a numeric host needs no look-up; RFC 3261 section 19.1.2: default
 * ports. */
static void numeric_hosts_are_known_at_once(void **state)
{
    (void)state;
    is_at("sip:192.0.2.7", "192.0.2.7:5060", TRANSPORT_UDP);
    is_at("sip:bob@192.0.2.7:5070;transport=udp", "192.0.2.7:5070", TRANSPORT_UDP);
    is_at("sip:192.0.2.7;transport=TCP", "192.0.2.7:5060", TRANSPORT_TCP);
    is_at("sip:[2001:db8::7]:5080", "[2001:db8::7]:5080", TRANSPORT_UDP);
}

/* RFC 3261 section 19.1.1: maddr overrides the host. */
static void maddr_comes_before_the_host(void **state)
{
    (void)state;
    is_at("sip:bob@example.com:5070;maddr=192.0.2.8", "192.0.2.8:5070", TRANSPORT_UDP);
}

static int flow_to_answer(void)
{
    struct flow flow;
    return endpoint_flow(endpoint, &answer.target, &flow);
}

/* RFC 3263 section 4.1, RFC 3261 section 26.2.2: sips means TLS, whatever the transport parameter;
 * what we do not speak is not replaced by what we do. */
static void secure_uris_never_become_plain(void **state)
{
    (void)state;
    is_at("sips:192.0.2.7", "192.0.2.7:5061", TRANSPORT_TLS);
    assert_int_equal(flow_to_answer(), ERR_UNSUPPORTED);
    is_at("sips:192.0.2.7;transport=tcp", "192.0.2.7:5061", TRANSPORT_TLS);
    assert_int_equal(flow_to_answer(), ERR_UNSUPPORTED);
    is_at("sip:192.0.2.7;transport=tls", "192.0.2.7:5061", TRANSPORT_TLS);
    assert_int_equal(flow_to_answer(), ERR_UNSUPPORTED);
    assert_false(endpoint_secure(endpoint));
}

static void what_cannot_be_reached_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(locate("sip:192.0.2.7;transport=carrier-pigeon"), ERR_UNSUPPORTED);
    assert_int_equal(locate("tel:+4930123"), ERR_UNSUPPORTED);
    is_at("sip:[2001:db8::7]", "[2001:db8::7]:5060", TRANSPORT_UDP);
    assert_int_equal(flow_to_answer(), ERR_UNSUPPORTED); /* no IPv6 listener */
    is_at("sip:224.0.1.75", "224.0.1.75:5060", TRANSPORT_UDP);
    assert_int_equal(flow_to_answer(), ERR_UNREACHABLE);
    is_at("sip:255.255.255.255", "255.255.255.255:5060", TRANSPORT_UDP);
    assert_int_equal(flow_to_answer(), ERR_UNREACHABLE);
}

/* RFC 3263 section 4.2: A and AAAA; of them the first that we have a listener for. */
static void names_are_looked_up_and_remembered(void **state)
{
    (void)state;
    char shown[ADDRESS_TEXT_MAX];
    assert_int_equal(locate("sip:localhost:5090;transport=tcp"), 0);
    assert_int_equal(loop_run(loop), 0);
    assert_int_equal(answer.calls, 1);
    assert_int_equal(answer.status, 0);
    assert_string_equal(address_text(&answer.target.address, shown), "127.0.0.1:5090");
    assert_int_equal(answer.target.transport, TRANSPORT_TCP);
    is_at("sip:LocalHost:5091", "127.0.0.1:5091", TRANSPORT_UDP);
}

static void a_query_that_is_given_up_says_nothing(void **state)
{
    (void)state;
    struct sip_uri uri;
    struct resolver_query *query;
    answer = (struct answer){0};
    assert_int_equal(sip_uri_parse(SLICE("sip:ip6-localhost"), &uri), 0);
    assert_int_equal(resolver_locate(resolver, &uri, on_resolved, &answer, &answer.target, &query),
                     0);
    resolver_cancel(query);
    assert_int_equal(answer.calls, 0);
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
    return resolver_new(endpoint, &resolver);
}

static int close_resolver(void **state)
{
    (void)state;
    resolver_free(resolver);
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
        cmocka_unit_test(names_are_looked_up_and_remembered),
        cmocka_unit_test(a_query_that_is_given_up_says_nothing),
    };
    return cmocka_run_group_tests_name("resolver", tests, open_resolver, close_resolver);
}
