/* Loose and strict routing through the proxy: RFC 3261 sections 16.4, 16.6 steps 2 and 6, 16.12;
 * and what a loop is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "unit/service/proxy/proxy_fixture.h"
#include "unit/sip/text.h"

#define US    "sip:192.0.2.1;lr;tz=0123456789abcdef"
#define US2   "sip:192.0.2.1:5060;transport=tcp;lr;tz=0123456789abcdef"
#define PHONE "sip:bob@192.0.2.20:5062"

struct row {
    const char *name; /* and section */
    const char *uri;
    const char *routes; /* lines */
    const char *target; /* URI of a binding, or NULL: where the request says */
    const char *path;   /* of the binding, or NULL */
    const char *uri_after;
    const char *routes_after;
    const char *next_hop;
};

static const struct row rows[] = {
    {"nothing to route: 16.6 step 7", PHONE, "", NULL, NULL, PHONE, "", PHONE},
    {"our own Route comes off: 16.4", PHONE, "Route: <" US ">\r\n", NULL, NULL, PHONE, "", PHONE},
    {"both of a double Record-Route come off: RFC 5658", PHONE, "Route: <" US2 ">, <" US ">\r\n",
     NULL, NULL, PHONE, "", PHONE},
    {"the next Route is the next hop: 16.6 step 7", PHONE,
     "Route: <" US ">\r\nRoute: <sip:p2.example.org;lr>\r\nRoute: <sip:p3.example.org;lr>\r\n",
     NULL, NULL, PHONE, "<sip:p2.example.org;lr>, <sip:p3.example.org;lr>",
     "sip:p2.example.org;lr"},
    {"a Route of ours that comes later stays: 16.4", PHONE,
     "Route: <" US ">, <sip:p2.example.org;lr>, <" US ">\r\n", NULL, NULL, PHONE,
     "<sip:p2.example.org;lr>, <" US ">", "sip:p2.example.org;lr"},
    {"Route parameters stay as they are: 16.6 step 1", PHONE,
     "Route: <" US ">, \"P, 2\" <sip:p2.example.org;lr>;x=1\r\n", NULL, NULL, PHONE,
     "\"P, 2\" <sip:p2.example.org;lr>;x=1", "sip:p2.example.org;lr"},
    {"a strict router before us: 16.4", US, "Route: <" PHONE ">\r\n", NULL, NULL, PHONE, "", PHONE},
    {"a strict router before us, more hops after: 16.4", US,
     "Route: <sip:p2.example.org;lr>, <" PHONE ">\r\n", NULL, NULL, PHONE,
     "<sip:p2.example.org;lr>", "sip:p2.example.org;lr"},
    {"a strict router before us, double Record-Route: 16.4, RFC 5658", US2,
     "Route: <" US ">, <" PHONE ">\r\n", NULL, NULL, PHONE, "", PHONE},
    {"a strict router before us, double Record-Route, a hop after: 16.4", US2,
     "Route: <" US ">\r\nRoute: <sip:p2.example.org;lr>\r\nRoute: <" PHONE ">\r\n", NULL, NULL,
     PHONE, "<sip:p2.example.org;lr>", "sip:p2.example.org;lr"},
    {"a strict router after us: 16.6 step 6", PHONE,
     "Route: <" US ">, <sip:old.example.org>, <sip:p3.example.org;lr>\r\n", NULL, NULL,
     "sip:old.example.org", "<sip:p3.example.org;lr>, <" PHONE ">", "sip:old.example.org"},
    {"a strict router after us, the last Route: 16.6 step 6", PHONE,
     "Route: <" US ">, <sip:old.example.org>\r\n", NULL, NULL, "sip:old.example.org", "<" PHONE ">",
     "sip:old.example.org"},
    {"strict routers on both sides: 16.4 and 16.6 step 6", US,
     "Route: <sip:old.example.org>, <sip:p3.example.org;lr>, <" PHONE ">\r\n", NULL, NULL,
     "sip:old.example.org", "<sip:p3.example.org;lr>, <" PHONE ">", "sip:old.example.org"},
    {"strict routers on both sides, no more hops: 16.4 and 16.6 step 6", US,
     "Route: <sip:old.example.org>, <" PHONE ">\r\n", NULL, NULL, "sip:old.example.org",
     "<" PHONE ">", "sip:old.example.org"},
    {"strict routers on both sides, double Record-Route: 16.4 and 16.6 step 6", US2,
     "Route: <" US ">, <sip:old.example.org>, <" PHONE ">\r\n", NULL, NULL, "sip:old.example.org",
     "<" PHONE ">", "sip:old.example.org"},
    {"a Request-URI of ours that we never put into a Record-Route is no strict routing: 16.4",
     "sip:192.0.2.1;lr", "Route: <" PHONE ";lr>\r\n", NULL, NULL, "sip:192.0.2.1;lr",
     "<" PHONE ";lr>", PHONE ";lr"},
    {"a binding's URI replaces the Request-URI: 16.6 step 2", "sip:bob@example.com", "", PHONE,
     NULL, PHONE, "", PHONE},
    {"headers and method of a Contact are left out: 16.6 step 2, table 1", "sip:bob@example.com",
     "", PHONE ";method=INVITE;x=1?Subject=a&Route=%3Csip:x%3E", NULL, PHONE ";x=1", "",
     PHONE ";method=INVITE;x=1?Subject=a&Route=%3Csip:x%3E"},
    {"an maddr of ours is taken off, with port and transport: 16.4",
     "sip:bob@foreign.example.org:5060;transport=udp;maddr=192.0.2.1;x=1", "", NULL, NULL,
     "sip:bob@foreign.example.org;x=1", "", "sip:bob@foreign.example.org;x=1"},
    {"an maddr of ours by name, after strict routing: 16.4", US,
     "Route: <sip:bob@foreign.example.org;maddr=example.com>\r\n", NULL, NULL,
     "sip:bob@foreign.example.org", "", "sip:bob@foreign.example.org"},
    {"another's maddr stays: 16.5", "sip:bob@example.com;maddr=192.0.2.77", "", NULL, NULL,
     "sip:bob@example.com;maddr=192.0.2.77", "", "sip:bob@example.com;maddr=192.0.2.77"},
    {"a Path is a preloaded Route: RFC 3327 section 5.4", "sip:bob@example.com",
     "Route: <" US ">\r\n", PHONE, "<sip:edge.example.org;lr>, <sip:p2.example.org;lr>", PHONE,
     "<sip:edge.example.org;lr>, <sip:p2.example.org;lr>", "sip:edge.example.org;lr"},
};

static struct proxy_fixture fixture;
static const struct proxy_config plain = {.max_forwards = 70, .max_breadth = 60};

static void fits(const struct row *row, struct slice got, const char *wanted, const char *what)
{
    if (slice_equal(got, slice_from_string(wanted)))
        return;
    print_error("%s: %s is \"%.*s\", not \"%s\"\n", row->name, what, SLICE_ARG(got), wanted);
    fail();
}

/* RFC 3261 sections 16.4, 16.6 steps 2, 6 and 7. */
static void routes_lead_where_sections_16_4_and_16_6_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct sip_uri next_hop;
        struct proxy_target target = {.q = 1000};
        if (row->target != NULL)
            target.uri = slice_from_string(row->target);
        if (row->path != NULL)
            target.path = slice_from_string(row->path);
        if (proxy_fixture_take(&fixture, "BYE", row->uri, row->routes) < 0)
            fail_msg("%s: %s", row->name, fixture.fault.reason);
        assert_int_equal(proxy_next_hop(&fixture.info, &target, &next_hop), 0);
        fits(row, next_hop.raw, row->next_hop, "the next hop");
        proxy_fixture_forward(&fixture, &target);
        fits(row, fixture.out.uri, row->uri_after, "the Request-URI");
        fits(row, slice_from_string(proxy_fixture_values(&fixture, SIP_HEADER_ROUTE)),
             row->routes_after, "Route");
    }
}

/* Puts what left back in, as if another proxy had sent it to us again with these lines. */
static int take_again(const char *method, const char *uri, const char *lines)
{
    static char text[4096];
    struct slice via = sip_header_line(sip_message_first(&fixture.out, SIP_HEADER_VIA));
    (void)snprintf(text, sizeof(text), "%s%.*s", lines, SLICE_ARG(via));
    return proxy_fixture_take(&fixture, method, uri, text);
}

static void send_on(const char *method, const char *uri, const char *lines)
{
    struct proxy_target target = {.q = 1000};
    assert_int_equal(proxy_fixture_take(&fixture, method, uri, lines), 0);
    proxy_fixture_forward(&fixture, &target);
}

/* RFC 5393 section 4.2.2. */
static void the_same_request_again_is_a_loop(void **state)
{
    (void)state;
    send_on("BYE", PHONE, "Route: <" US ">\r\n");
    assert_true(take_again("BYE", PHONE, "Route: <" US ">\r\n") < 0);
    assert_int_equal(fixture.fault.status, 482);
}

/* RFC 5393 section 4.2.1: the second part must not vary with the method. */
static void the_method_does_not_count_for_a_loop(void **state)
{
    (void)state;
    send_on("INVITE", PHONE, "");
    assert_true(take_again("ACK", PHONE, "") < 0);
    assert_int_equal(fixture.fault.status, 482);
}

/* RFC 3261 section 16.6 step 8: any Route counts, also when each stands on a line of its own. */
static void a_spiral_is_no_loop(void **state)
{
    (void)state;
    send_on("BYE", PHONE,
            "Route: <" US ">\r\nRoute: <sip:p2.example.org;lr>\r\nRoute: <" US ">\r\n");
    assert_int_equal(take_again("BYE", PHONE, "Route: <" US ">\r\n"), 0);
    send_on("BYE", PHONE, "");
    assert_int_equal(take_again("BYE", "sip:bob@192.0.2.21", ""), 0);
    send_on("INVITE", PHONE, "Proxy-Authorization: Digest realm=\"a\"\r\n");
    assert_int_equal(take_again("INVITE", PHONE,
                                "Proxy-Authorization: Digest realm=\"a\"\r\n"
                                "Proxy-Authorization: Digest realm=\"b\"\r\n"),
                     0);
}

static int open(void **state)
{
    (void)state;
    proxy_fixture_open(&fixture, &plain);
    return 0;
}

static int close(void **state)
{
    (void)state;
    proxy_fixture_close(&fixture);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_lead_where_sections_16_4_and_16_6_say),
        cmocka_unit_test(the_same_request_again_is_a_loop),
        cmocka_unit_test(the_method_does_not_count_for_a_loop),
        cmocka_unit_test(a_spiral_is_no_loop),
    };
    return cmocka_run_group_tests_name("proxy routes", tests, open, close);
}
