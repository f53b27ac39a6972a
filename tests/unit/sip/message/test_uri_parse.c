#include "base/error.h"
#include "sip/message/uri.h"
#include "unit/sip/text.h"

static struct sip_uri parsed(const char *text)
{
    struct sip_uri uri;
    if (sip_uri_parse(slice_from_string(text), &uri) != 0) {
        fail_msg("not taken: %s", text);
    }
    return uri;
}

/* Parsed from a copy that ends at the edge of its heap block. */
static int parse_at_edge(const char *text, size_t len)
{
    struct slice input = text_new(text, len);
    struct sip_uri uri;
    int rc = sip_uri_parse(input, &uri);
    text_free(input);
    return rc;
}

/* RFC 3261 section 19.1.1: the components. */
static void components_are_told_apart(void **state)
{
    (void)state;
    struct sip_uri uri = parsed("sips:alice:secretword@atlanta.com:5071;transport=tcp;LR?subject="
                                "project%20x&priority=urgent");
    assert_int_equal(uri.scheme, SIP_URI_SIPS);
    assert_slice(uri.scheme_name, "sips");
    assert_slice(uri.user, "alice");
    assert_true(uri.has_user);
    assert_slice(uri.password, "secretword");
    assert_slice(uri.host, "atlanta.com");
    assert_int_equal(uri.port, 5071);
    assert_slice(uri.params, ";transport=tcp;LR");
    assert_slice(uri.headers, "subject=project%20x&priority=urgent");
    assert_true(uri.lr);
    assert_slice(uri.transport, "tcp");
    assert_slice(uri.maddr, "");
    assert_false(uri.user_phone);
}

/* RFC 3261 section 19.1.3: its examples. */
static void examples_of_the_standard_are_taken(void **state)
{
    (void)state;
    struct sip_uri uri = parsed("sip:+1-212-555-1212:1234@gateway.com;user=phone");
    assert_slice(uri.user, "+1-212-555-1212");
    assert_slice(uri.password, "1234");
    assert_true(uri.user_phone);
    parsed("sip:alice@atlanta.com");
    parsed("sips:1212@gateway.com");
    uri = parsed("sip:alice@192.0.2.4");
    assert_slice(uri.host, "192.0.2.4");
    uri = parsed("sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com");
    assert_false(uri.has_user);
    assert_slice(uri.headers, "to=alice%40atlanta.com");
    uri = parsed("sip:alice;day=tuesday@atlanta.com");
    assert_slice(uri.user, "alice;day=tuesday");
    assert_slice(uri.params, "");
}

/* RFC 4475 sections 3.1.1.1 to 3.1.1.9, 3.3.2, 3.3.3, 3.3.13, 3.3.14. */
static void torture_uris_are_taken(void **state)
{
    (void)state;
    struct sip_uri uri = parsed("sip:vivekg@chair-dnrc.example.com;unknownparam");
    assert_slice(uri.params, ";unknownparam");
    uri = parsed("sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/"
                 ";;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com");
    assert_slice(uri.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    assert_slice(uri.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
    uri = parsed("sip:sips%3Auser%40example.com@example.net");
    assert_slice(uri.user, "sips%3Auser%40example.com");
    uri = parsed("sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31");
    assert_true(uri.lr);
    struct slice value;
    assert_true(sip_uri_param(&uri, SLICE("NAME"), &value));
    assert_slice(value, "v%61lue%25%34%31");
    uri = parsed("sip:null-%00-null@example.com");
    assert_slice(uri.user, "null-%00-null");
    uri = parsed("sip:user;par=u%40example.net@example.com");
    assert_slice(uri.user, "user;par=u%40example.net");
    uri = parsed("sip:user@example.com?Route=%3Csip:sip.example.com%3E");
    assert_slice(uri.headers, "Route=%3Csip:sip.example.com%3E");
    uri = parsed("nobodyKnowsThisScheme:totallyopaquecontent");
    assert_int_equal(uri.scheme, SIP_URI_OTHER);
    assert_slice(uri.scheme_name, "nobodyKnowsThisScheme");
    assert_slice(uri.user, "totallyopaquecontent");
    uri = parsed("soap.beep://192.0.2.103:3002");
    assert_slice(uri.scheme_name, "soap.beep");
    parsed("http://www.example.com/a?b=c&d[e]=%20");
    parsed("urn:service:sos");
    parsed("isbn:2983792873");
}

/* RFC 3261 section 25.1: host, port; RFC 5954 section 4.1: IPv6 addresses. */
static void hosts_and_ports(void **state)
{
    (void)state;
    struct sip_uri uri = parsed("sip:[2001:db8::10]:5070;maddr=[::1]");
    assert_slice(uri.host, "[2001:db8::10]");
    assert_int_equal(uri.port, 5070);
    assert_slice(uri.maddr, "[::1]");
    uri = parsed("sip:a@[::ffff:192.0.2.10]");
    assert_slice(uri.host, "[::ffff:192.0.2.10]");
    uri = parsed("SIP:example.com.:05060");
    assert_slice(uri.host, "example.com.");
    assert_int_equal(uri.port, 5060);
    parsed("sip:user@3f2a9c7d");
    parsed("sip:user@a-b.x1");
    parsed("sip:user@my_host:65535");
    parsed("sip:255.255.255.255");
}

struct bad_uri {
    const char *text;
    int error;
};

/* RFC 3261 section 25.1; RFC 4475 sections 3.1.2.7, 3.1.2.8. */
static void malformed_uris_are_refused(void **state)
{
    (void)state;
    static const struct bad_uri bad[] = {
        {"", ERR_SYNTAX},
        {"sip", ERR_SYNTAX},
        {"sip:", ERR_SYNTAX},
        {":a", ERR_SYNTAX},
        {"1x:a", ERR_SYNTAX},
        {"s ip:a", ERR_SYNTAX},
        {"x:", ERR_SYNTAX},
        {"x:a b", ERR_SYNTAX},
        {"x:%4", ERR_SYNTAX},
        {"sip:@host", ERR_SYNTAX},
        {"sip::pw@host", ERR_SYNTAX},
        {"sip:user@", ERR_SYNTAX},
        {"sip:us er@host", ERR_SYNTAX},
        {"sip:us%4@host", ERR_SYNTAX},
        {"sip:us%4g@host", ERR_SYNTAX},
        {"sip:us%", ERR_SYNTAX},
        {"sip:user:p;w@host", ERR_SYNTAX},
        {"sip:user:p:w@host", ERR_SYNTAX},
        {"sip:a@b@c", ERR_SYNTAX},
        {"<sip:user@example.com>", ERR_SYNTAX},
        {"sip:user@example.com; lr", ERR_SYNTAX},
        {"sip:user@ex%61mple.com", ERR_SYNTAX},
        {"sip:user@-a.com", ERR_SYNTAX},
        {"sip:user@a-.com", ERR_SYNTAX},
        {"sip:user@a.com-", ERR_SYNTAX},
        {"sip:user@a..com", ERR_SYNTAX},
        {"sip:user@.com", ERR_SYNTAX},
        {"sip:user@.", ERR_SYNTAX},
        {"sip:user@1.2.3", ERR_SYNTAX},
        {"sip:user@1.2.3.4.5", ERR_SYNTAX},
        {"sip:user@1.2.3.256", ERR_SYNTAX},
        {"sip:user@1.2.3.4.", ERR_SYNTAX},
        {"sip:user@1.2.3.0004", ERR_SYNTAX},
        {"sip:user@example.12", ERR_SYNTAX},
        {"sip:user@[::1", ERR_SYNTAX},
        {"sip:user@[]", ERR_SYNTAX},
        {"sip:user@[1.2.3.4]", ERR_SYNTAX},
        {"sip:user@[fe80::1%25eth0]", ERR_SYNTAX},
        {"sip:user@[:::1]", ERR_SYNTAX},
        {"sip:user@[::1]x", ERR_SYNTAX},
        {"sip:user@::1", ERR_SYNTAX},
        {"sip:user@host:", ERR_SYNTAX},
        {"sip:user@host:x", ERR_SYNTAX},
        {"sip:user@host:5060x", ERR_SYNTAX},
        {"sip:user@host:0", ERR_RANGE},
        {"sip:user@host:65536", ERR_RANGE},
        {"sip:user@host:4294972356", ERR_RANGE},
        {"sip:user@host:18446744073709556676", ERR_RANGE},
        {"sip:host;", ERR_SYNTAX},
        {"sip:host;;lr", ERR_SYNTAX},
        {"sip:host;=x", ERR_SYNTAX},
        {"sip:host;transport=", ERR_SYNTAX},
        {"sip:host;a=b=c", ERR_SYNTAX},
        {"sip:host;a=%g0", ERR_SYNTAX},
        {"sip:host;transport=tcp;Transport=udp", ERR_SYNTAX},
        {"sip:host;lr;lr=on", ERR_SYNTAX},
        {"sip:host?", ERR_SYNTAX},
        {"sip:host?a", ERR_SYNTAX},
        {"sip:host?=b", ERR_SYNTAX},
        {"sip:host?a=b&", ERR_SYNTAX},
        {"sip:host?a=b;lr", ERR_SYNTAX},
        {"sip:host?a=<b>", ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int rc = parse_at_edge(bad[i].text, strlen(bad[i].text));
        if (rc != bad[i].error) {
            fail_msg("%s: %d, expected %d", bad[i].text, rc, bad[i].error);
        }
    }
    assert_int_equal(parse_at_edge("sip:a\0@b", 8), ERR_SYNTAX);
    struct sip_uri uri = {.port = 7};
    assert_int_equal(sip_uri_parse(SLICE("sip:host:99999"), &uri), ERR_RANGE);
    assert_int_equal(uri.port, 7);
}

/* RFC 3261 section 19.1.1: no parameter name more than once; the same twice does no harm. */
static void equal_repetitions_are_taken(void **state)
{
    (void)state;
    struct sip_uri uri = parsed("sip:host;transport=TCP;transport=tcp;ob;ob");
    assert_slice(uri.transport, "tcp");
    assert_int_equal(uri.scheme, SIP_URI_SIP);
}

/* What cannot be compared in bounded time is not taken. */
static void parts_of_a_uri_are_bounded(void **state)
{
    (void)state;
    char text[1024];
    struct sip_uri uri;
    for (unsigned parts = SIP_URI_PARTS_MAX; parts <= SIP_URI_PARTS_MAX + 1; parts++) {
        int expected = parts > SIP_URI_PARTS_MAX ? ERR_LIMIT : 0;
        struct writer params, headers;
        writer_init(&params, text, sizeof(text));
        writer_literal(&params, "sip:h");
        for (unsigned i = 0; i < parts; i++) {
            writer_char(&params, ';');
            writer_char(&params, 'p');
            writer_hex(&params, i, 2);
        }
        assert_int_equal(sip_uri_parse(writer_slice(&params), &uri), expected);
        writer_init(&headers, text, sizeof(text));
        writer_literal(&headers, "sip:h?x=y");
        for (unsigned i = 1; i < parts; i++) {
            writer_literal(&headers, "&x=y");
        }
        assert_int_equal(sip_uri_parse(writer_slice(&headers), &uri), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(components_are_told_apart),
        cmocka_unit_test(examples_of_the_standard_are_taken),
        cmocka_unit_test(torture_uris_are_taken),
        cmocka_unit_test(hosts_and_ports),
        cmocka_unit_test(malformed_uris_are_refused),
        cmocka_unit_test(equal_repetitions_are_taken),
        cmocka_unit_test(parts_of_a_uri_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
