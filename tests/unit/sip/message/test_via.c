#include "sip/message/via.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/error.h"
#include "unit/sip/text.h"

struct taken {
    const char *text, *transport, *host;
    uint16_t port;
    const char *branch;
    bool magic;
};

static const struct taken taken[] = {
    {"SIP/2.0/UDP 192.0.2.1", "UDP", "192.0.2.1", 0, "", false},
    {"SIP/2.0/UDP a.example.com:5060;branch=z9hG4bK1", "UDP", "a.example.com", 5060, "z9hG4bK1",
     true},
    {"SIP/2.0/TLS [2001:db8::9:1]:5061;branch=Z9HG4BKx", "TLS", "[2001:db8::9:1]", 5061, "Z9HG4BKx",
     true},
    {"SIP/2.0/UDP [::ffff:192.0.2.1]", "UDP", "[::ffff:192.0.2.1]", 0, "", false},
    {"SIP / 2.0 \t/\r\n UDP   h : 99 ; branch = b", "UDP", "h", 99, "b", false},
    {"SIP/2.0/\r\n UDP h", "UDP", "h", 0, "", false},
    {"SIP/2.0/UDP h;branch=z9hG4bK", "UDP", "h", 0, "z9hG4bK", false},
    {"SIP/2.0/UNKNOWN h_1.x;lskpmc;x=\"y;z\"", "UNKNOWN", "h_1.x", 0, "", false},
    {"SIP/7.0/UDP h", "UDP", "h", 0, "", false},
    {"sip/2.0/udp h", "udp", "h", 0, "", false},
};

/* RFC 3261 sections 20.42, 25.1; RFC 4475 sections 3.1.1.1, 3.1.1.10. */
static void well_formed_values_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        const struct taken *row = &taken[i];
        struct slice s = text_new(row->text, strlen(row->text));
        struct sip_via via;
        assert_int_equal(sip_via_parse(s, &via), 0);
        assert_slice(via.value, row->text);
        assert_slice(via.transport, row->transport);
        assert_slice(via.host, row->host);
        assert_int_equal(via.port, row->port);
        assert_slice(via.branch, row->branch);
        assert_int_equal(via.magic, row->magic);
        text_free(s);
    }
}

/* RFC 3261 sections 18.2.1, 20.42; RFC 3581 section 3; RFC 5923 section 8. */
static void parameters_are_read(void **state)
{
    (void)state;
    struct sip_via via;
    assert_int_equal(sip_via_parse(SLICE("SIP/2.0/UDP h;ttl=16;maddr=224.2.0.1;received=192.0.2.7;"
                                         "rport=5062;alias;branch=z9hG4bKa"),
                                   &via),
                     0);
    assert_int_equal(via.ttl, 16);
    assert_slice(via.maddr, "224.2.0.1");
    assert_slice(via.received, "192.0.2.7");
    assert_slice(via.rport_param, "rport=5062");
    assert_true(via.rport);
    assert_int_equal(via.rport_value, 5062);
    assert_true(via.alias);
    assert_int_equal(
        sip_via_parse(SLICE("SIP/2.0/UDP h;RPORT;branch=b;received=2001:db8::1"), &via), 0);
    assert_slice(via.rport_param, "RPORT");
    assert_true(via.rport);
    assert_int_equal(via.rport_value, 0);
    assert_slice(via.received, "2001:db8::1");
    assert_false(via.alias);
    assert_int_equal(sip_via_parse(SLICE("SIP/2.0/UDP h;rport = 7 ;x"), &via), 0);
    assert_slice(via.rport_param, "rport = 7");
    assert_int_equal(sip_via_parse(SLICE("SIP/2.0/UDP h"), &via), 0);
    assert_false(via.rport);
    assert_int_equal(via.rport_param.len, 0);
}

static const struct {
    const char *text;
    int error;
} refused[] = {
    {"", ERR_SYNTAX},
    {"SIP", ERR_SYNTAX},
    {"SIP/2.0", ERR_SYNTAX},
    {"SIP/2.0/", ERR_SYNTAX},
    {"SIP/2.0/UDP", ERR_SYNTAX},
    {"SIP/2.0/UDP ", ERR_SYNTAX},
    {"SIP/2.0 UDP h", ERR_SYNTAX},
    {"SIP//UDP h", ERR_SYNTAX},
    {"SIP/2.0/UDP ;branch=b", ERR_SYNTAX},
    {"SIP/2.0/UDP h b", ERR_SYNTAX},
    {"SIP/2.0/UDP h:", ERR_SYNTAX},
    {"SIP/2.0/UDP h:x", ERR_SYNTAX},
    {"SIP/2.0/UDP h:65536", ERR_RANGE},
    {"SIP/2.0/UDP h:99999999999999999999", ERR_RANGE},
    {"SIP/2.0/UDP [2001:db8::1", ERR_SYNTAX},
    {"SIP/2.0/UDP []", ERR_SYNTAX},
    {"SIP/2.0/UDP [2001:db8::1]x", ERR_SYNTAX},
    {"SIP/2.0/UDP h;", ERR_SYNTAX},
    {"SIP/2.0/UDP 192.0.2.15;;", ERR_SYNTAX},
    {"SIP/2.0/UDP h;branch=", ERR_SYNTAX},
    {"SIP/2.0/UDP h;branch", ERR_SYNTAX},
    {"SIP/2.0/UDP h;branch=a;branch=b", ERR_SYNTAX},
    {"SIP/2.0/UDP h;received=192.0.2.1;received=192.0.2.2", ERR_SYNTAX},
    {"SIP/2.0/UDP h;rport;rport=1", ERR_SYNTAX},
    {"SIP/2.0/UDP h;rport=x", ERR_SYNTAX},
    {"SIP/2.0/UDP h;rport=65536", ERR_RANGE},
    {"SIP/2.0/UDP h;ttl=256", ERR_RANGE},
    {"SIP/2.0/UDP h;ttl", ERR_SYNTAX},
    {"SIP/2.0/UDP h;branch=\"open", ERR_SYNTAX},
};

/* RFC 3261 sections 7.3.1, 25.1; RFC 4475 section 3.1.2.1. */
static void malformed_values_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct slice s = text_new(refused[i].text, strlen(refused[i].text));
        struct sip_via via = {.port = 4711};
        int rc = sip_via_parse(s, &via);
        if (rc != refused[i].error) {
            print_error("%s: %d\n", refused[i].text, rc);
        }
        assert_int_equal(rc, refused[i].error);
        assert_int_equal(via.port, 4711);
        text_free(s);
    }
}

/* No prefix of a value makes the parser read past its end. */
static void every_prefix_is_survived(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        for (size_t len = 0; len < strlen(taken[i].text); len++) {
            struct slice s = text_new(taken[i].text, len);
            struct sip_via via;
            (void)sip_via_parse(s, &via);
            text_free(s);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_values_are_read),
        cmocka_unit_test(parameters_are_read),
        cmocka_unit_test(malformed_values_are_refused),
        cmocka_unit_test(every_prefix_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
