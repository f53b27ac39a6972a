#include "app/nat/server.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int parse(const char *text, struct nat_server *server)
{
    return nat_server_parse(slice_from_string(text), server);
}

/* RFC 7064: stun:host[:port] */
static void a_server_is_named_as_people_write_it(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        unsigned port;
        bool given;
    } cases[] = {
        {"stun.example.org", "stun.example.org", 3478, false},
        {"stun.example.org:3479", "stun.example.org", 3479, true},
        {"stun:stun.example.org", "stun.example.org", 3478, false},
        {"STUN:stun.example.org:5060", "stun.example.org", 5060, true},
        {"192.0.2.1", "192.0.2.1", 3478, false},
        {"192.0.2.1:1", "192.0.2.1", 1, true},
        {"2001:db8::1", "2001:db8::1", 3478, false},
        {"[2001:db8::1]", "2001:db8::1", 3478, false},
        {"[2001:db8::1]:65535", "2001:db8::1", 65535, true},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct nat_server server;
        assert_int_equal(parse(cases[i].text, &server), 0);
        assert_string_equal(server.host, cases[i].host);
        assert_int_equal(server.port, cases[i].port);
        assert_int_equal(server.port_given, cases[i].given);
    }
}

static void what_is_no_server_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "stun:",
        ":3478",
        "host:",
        "host:0",
        "host:65536",
        "a b",
        "host:34x",
        "[192.0.2.1]",
        "[host]:1",
        "[2001:db8::1",
        "[2001:db8::1]x",
        "http://stun.example.org",
        "user@host",
        "host:1:2",
        "a\nb",
    };
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct nat_server server = {.port = 77};
        assert_true(parse(bad[i], &server) < 0);
        assert_int_equal(server.port, 77);
    }
    char name[400];
    struct nat_server server;
    memset(name, 'a', sizeof name);
    assert_int_equal(nat_server_parse(slice_of(name, NAT_HOST_MAX - 1), &server), 0);
    assert_int_equal(nat_server_parse(slice_of(name, NAT_HOST_MAX), &server), ERR_SYNTAX);
}

static void addresses_need_no_name_server(void **state)
{
    (void)state;
    struct nat_server server;
    char text[ADDRESS_TEXT_MAX];
    assert_int_equal(parse("[2001:db8::1]:99", &server), 0);
    assert_int_equal(nat_server_resolve(&server), 0);
    assert_int_equal(server.count, 1);
    assert_string_equal(address_text(&server.addresses[0], text), "[2001:db8::1]:99");
    assert_int_equal(parse("192.0.2.1", &server), 0);
    assert_int_equal(nat_server_resolve(&server), 0);
    assert_int_equal(server.count, 1);
    assert_string_equal(address_text(&server.addresses[0], text), "192.0.2.1:3478");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_named_as_people_write_it),
        cmocka_unit_test(what_is_no_server_is_refused),
        cmocka_unit_test(addresses_need_no_name_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
