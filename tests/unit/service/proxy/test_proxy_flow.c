/* Flow tokens: RFC 5626 section 5.2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/error.h"
#include "unit/service/proxy/proxy_fixture.h"

static struct flow flow_of(enum transport transport, const char *local, const char *remote)
{
    struct flow flow = {.transport = (uint8_t)transport, .listener = 3};
    assert_int_equal(address_parse(slice_from_string(local), &flow.local), 0);
    assert_int_equal(address_parse(slice_from_string(remote), &flow.remote), 0);
    if (transport != TRANSPORT_UDP) {
        flow.worker = 2;
        flow.connection = 70000;
        flow.generation = 9;
    }
    return flow;
}

static struct flow some_flow(unsigned i)
{
    switch (i) {
    case 0: return flow_of(TRANSPORT_UDP, "192.0.2.1:5060", "192.0.2.9:40001");
    case 1: return flow_of(TRANSPORT_TCP, "192.0.2.1:5060", "192.0.2.9:40001");
    case 4: {
        struct flow flow = some_flow(1);
        flow.listener = 4; /* its token has an instance */
        return flow;
    }
    case 2: return flow_of(TRANSPORT_WSS, "[2001:db8::1]:443", "[2001:db8::9]:40001");
    default: return flow_of(TRANSPORT_UDP, "[fe80::1%2]:5060", "[fe80::9%2]:5060");
    }
}
#define FLOWS 5

static struct slice token_of(struct proxy_fixture *f, const struct flow *flow, bool for_path,
                             char *buf)
{
    struct writer w;
    writer_init(&w, buf, 256);
    struct proxy_flow_token token = {
        .flow = *flow, .for_path = for_path, .instance = flow->listener == 4 ? 0xfedcba98 : 0};
    proxy_flow_write(f->proxy, &w, &f->in, &token);
    assert_int_equal(writer_status(&w), 0);
    return writer_slice(&w);
}

static int read_token(struct proxy_fixture *f, struct slice text, struct flow *ret_flow,
                      bool *ret_for_path)
{
    struct proxy_flow_token token = {.instance = 0};
    int status = proxy_flow_read(f->proxy, &f->in, text, &token);
    if (status == 0) {
        *ret_flow = token.flow;
        *ret_for_path = token.for_path;
        assert_int_equal(token.instance, token.flow.listener == 4 ? 0xfedcba98 : 0);
    }
    return status;
}

static void open_fixture(struct proxy_fixture *f)
{
    struct proxy_config config = {.max_forwards = 70, .max_breadth = 60};
    proxy_fixture_open(f, &config);
    assert_int_equal(proxy_fixture_take(f, "INVITE", "sip:bob@192.0.2.20", ""), 0);
}

/* RFC 5626 section 5.2: the flow can be recovered from the token */
static void a_flow_comes_out_as_it_went_in(void **state)
{
    (void)state;
    static struct proxy_fixture f;
    char buf[256];
    open_fixture(&f);
    for (unsigned i = 0; i < 2 * FLOWS; i++) {
        struct flow flow = some_flow(i % FLOWS), read = {0};
        bool for_path = i >= FLOWS, read_for_path;
        struct slice token = token_of(&f, &flow, for_path, buf);
        assert_int_equal(read_token(&f, token, &read, &read_for_path), 0);
        assert_memory_equal(&read, &flow, sizeof(flow));
        assert_int_equal(read_for_path, for_path);
    }
    proxy_fixture_close(&f);
}

/* section 5.2: the token cannot be modified by attackers */
static void nothing_in_a_token_can_be_changed(void **state)
{
    (void)state;
    static struct proxy_fixture f;
    char buf[256];
    struct flow read;
    bool for_path;
    open_fixture(&f);
    for (unsigned i = 0; i < 2 * FLOWS; i++) {
        struct flow flow = some_flow(i % FLOWS);
        struct slice token = token_of(&f, &flow, i >= FLOWS, buf);
        for (size_t at = 0; at < token.len; at++) {
            char before = buf[at];
            for (const char *c = "AQZaz09-_"; *c != '\0'; c++) {
                buf[at] = *c;
                if (*c != before)
                    assert_int_equal(read_token(&f, token, &read, &for_path), ERR_INVALID);
            }
            buf[at] = before;
            assert_int_equal(read_token(&f, slice_of(buf, at), &read, &for_path), ERR_INVALID);
        }
    }
    proxy_fixture_close(&f);
}

/* A token seen in one call opens no way in another; that of a Path is for all calls. */
static void a_token_of_a_dialog_holds_for_its_call_id(void **state)
{
    (void)state;
    static struct proxy_fixture f;
    char buf[256], buf_path[256];
    struct flow flow = some_flow(1), read;
    bool for_path;
    open_fixture(&f);
    struct slice token = token_of(&f, &flow, false, buf);
    struct slice of_path = token_of(&f, &flow, true, buf_path);
    char *call_id = strstr(f.text, "Call-ID: c");
    assert_non_null(call_id);
    call_id[9] = 'd';
    assert_int_equal(read_token(&f, token, &read, &for_path), ERR_INVALID);
    assert_int_equal(read_token(&f, of_path, &read, &for_path), 0);
    proxy_fixture_close(&f);
}

/* section 5.3.1: the flow no longer exists */
static void a_connection_does_not_outlive_the_process_but_a_udp_flow_does(void **state)
{
    (void)state;
    static struct proxy_fixture f;
    char buf[256];
    struct flow read;
    bool for_path;
    open_fixture(&f);
    for (unsigned i = 0; i < FLOWS; i++) {
        struct flow flow = some_flow(i);
        struct slice token = token_of(&f, &flow, false, buf);
        f.proxy->run++;
        assert_int_equal(read_token(&f, token, &read, &for_path),
                         flow_reliable(&flow) ? ERR_CLOSED : 0);
    }
    proxy_fixture_close(&f);
}

/* section 5.3: a request is outgoing when it came along the flow of the token of the only Route of
 * ours; of two, the last one is the far side */
static void what_comes_along_the_flow_itself_goes_out(void **state)
{
    (void)state;
    static struct proxy_fixture f;
    char buf[256], lines[1024];
    struct slice token;
    open_fixture(&f);
    struct flow here = flow_of(TRANSPORT_UDP, "192.0.2.1:5060", "192.0.2.9:5060");
    struct flow there = flow_of(TRANSPORT_UDP, "192.0.2.1:5060", "192.0.2.9:5062");
    token = token_of(&f, &here, false, buf);
    (void)snprintf(lines, sizeof(lines), "Route: <sip:192.0.2.1;lr;fl=%.*s>\r\n", SLICE_ARG(token));
    assert_int_equal(proxy_fixture_take(&f, "BYE", "sip:bob@192.0.2.20", lines), 0);
    assert_int_equal(f.info.flow_use, PROXY_FLOW_NONE);
    token = token_of(&f, &there, false, buf);
    (void)snprintf(lines, sizeof(lines), "Route: <sip:192.0.2.1;lr;fl=%.*s>\r\n", SLICE_ARG(token));
    assert_int_equal(proxy_fixture_take(&f, "BYE", "sip:bob@192.0.2.20", lines), 0);
    assert_int_equal(f.info.flow_use, PROXY_FLOW_DIALOG);
    assert_true(address_equal(&f.info.flow.flow.remote, &there.remote));
    token = token_of(&f, &here, false, buf); /* both ends speak to us along one flow */
    (void)snprintf(lines, sizeof(lines),
                   "Route: <sip:192.0.2.1;lr>, <sip:192.0.2.1;lr;fl=%.*s>\r\n", SLICE_ARG(token));
    assert_int_equal(proxy_fixture_take(&f, "BYE", "sip:bob@192.0.2.20", lines), 0);
    assert_int_equal(f.info.flow_use, PROXY_FLOW_DIALOG);
    (void)snprintf(lines, sizeof(lines),
                   "Route: <sip:192.0.2.1;lr;fl=%.*s>, <sip:p.example.org;lr>\r\n",
                   SLICE_ARG(token));
    assert_int_equal(proxy_fixture_take(&f, "BYE", "sip:bob@192.0.2.20", lines), 0);
    assert_int_equal(f.info.flow_use, PROXY_FLOW_NONE);
    assert_true(f.info.has_route);
    (void)snprintf(lines, sizeof(lines), "Route: <sip:192.0.2.1;lr;fl=%.*sA>\r\n",
                   SLICE_ARG(token));
    assert_true(proxy_fixture_take(&f, "BYE", "sip:bob@192.0.2.20", lines) < 0);
    assert_int_equal(f.fault.status, 403);
    proxy_fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flow_comes_out_as_it_went_in),
        cmocka_unit_test(nothing_in_a_token_can_be_changed),
        cmocka_unit_test(a_token_of_a_dialog_holds_for_its_call_id),
        cmocka_unit_test(a_connection_does_not_outlive_the_process_but_a_udp_flow_does),
        cmocka_unit_test(what_comes_along_the_flow_itself_goes_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
