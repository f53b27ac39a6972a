#include "base/address.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/random.h"
#include "unit/base/edge.h"

static struct address parsed(const char *text)
{
    struct address a;
    assert_int_equal(address_parse(slice_from_string(text), &a), 0);
    return a;
}

static struct address host(const char *text)
{
    struct address a;
    assert_int_equal(address_parse_host(slice_from_string(text), 0, &a), 0);
    return a;
}

/* RFC 3261 section 25.1: IPv4address, IPv6reference. */
static void hosts_are_read_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *out; /* with brackets */
    } rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"2001:db8::1", "[2001:db8::1]"},
        {"[2001:db8::1]", "[2001:db8::1]"},
        {"2001:DB8:0:0:0:0:0:1", "[2001:db8::1]"},
        {"::", "[::]"},
        {"[::1]", "[::1]"},
        {"::ffff:192.0.2.1", "[::ffff:192.0.2.1]"},
        {"1111:2222:3333:4444:5555:6666:7777:8888", "[1111:2222:3333:4444:5555:6666:7777:8888]"},
        {"fe80::1%3", "[fe80::1]"},
        {"0000:0000:0000:0000:0000:ffff:192.168.100.200", "[::ffff:192.168.100.200]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct address a;
        assert_int_equal(address_parse_host(slice_from_string(rows[i].in), 5060, &a), 0);
        assert_int_equal(address_port(&a), 5060);
        char buf[100];
        struct writer w;
        writer_init(&w, buf, sizeof buf);
        address_write_host(&w, &a, true);
        writer_char(&w, '\0');
        assert_string_equal(buf, rows[i].out);
        writer_rewind(&w, 0);
        address_write_host(&w, &a, false);
        writer_char(&w, '\0');
        size_t cut = address_is_v6(&a) ? 1 : 0;
        assert_int_equal(strlen(buf), strlen(rows[i].out) - 2 * cut);
        assert_memory_equal(buf, rows[i].out + cut, strlen(buf));
    }
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "a",
        "example.com",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "1.2.3.4 ",
        " 1.2.3.4",
        "01.2.3.4",
        "1.2.3.00",
        "1.2.3.",
        ".1.2.3",
        "1..2.3",
        "1.2.3.4.",
        "1.2.3.1000",
        "0x1.2.3.4",
        "1.2.3.4%1",
        "[1.2.3.4]",
        "[]",
        "[",
        "]",
        "[::1",
        "::1]",
        "[[::1]]",
        ":",
        ":::",
        "1::2::3",
        "12345::",
        "1:2:3:4:5:6:7:8:9",
        "0000:0000:0000:0000:0000:ffff:192.168.100.2001",
        "fe80::1%",
        "fe80::1%eth0",
        "fe80::1%4294967296",
        "fe80::1%%1",
        "%1",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd",
    };
    char *edge = edge_new();
    struct address untouched = parsed("192.0.2.9:9");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = strlen(rows[i]);
        struct address a = untouched;
        struct slice s = slice_of(edge_copy(edge, rows[i], len), len);
        if (address_parse_host(s, 1, &a) != ERR_SYNTAX)
            fail_msg("taken: %s", rows[i]);
        assert_true(address_equal(&a, &untouched));
    }
    struct address a;
    assert_int_equal(address_parse_host(SLICE("1.2.3.4\0x"), 1, &a), ERR_SYNTAX);
    assert_int_equal(address_parse_host(SLICE("::1\0"), 1, &a), ERR_SYNTAX);
    assert_int_equal(address_parse_host(SLICE_NULL, 1, &a), ERR_SYNTAX);
    edge_free(edge);
}

static void ipv4_agrees_with_the_system(void **state)
{
    (void)state;
    struct random random;
    random_seed(&random, 4);
    for (unsigned i = 0; i < 200000; i++) {
        static const char letters[] = "0125..";
        char text[17], written[INET_ADDRSTRLEN];
        struct address a = {0};
        struct in_addr plain;
        size_t len = random_below(&random, sizeof text);
        for (size_t k = 0; k < len; k++)
            text[k] = letters[random_below(&random, sizeof letters - 1)];
        text[len] = '\0';
        bool right = inet_pton(AF_INET, text, &plain) == 1;
        assert_int_equal(address_parse_host(slice_of(text, len), 0, &a) == 0, right);
        if (!right)
            continue;
        assert_int_equal(a.in4.sin_addr.s_addr, plain.s_addr);
        struct writer w;
        writer_init(&w, written, sizeof written);
        address_write_host(&w, &a, false);
        writer_char(&w, '\0');
        assert_string_equal(written, inet_ntop(AF_INET, &plain, text, sizeof text));
    }
}

static void host_and_port_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        int rc;
        uint16_t port;
    } rows[] = {
        {"192.0.2.1:5060", 0, 5060},
        {"192.0.2.1:0", 0, 0},
        {"192.0.2.1:65535", 0, 65535},
        {"[2001:db8::1]:5061", 0, 5061},
        {"[fe80::1%2]:5061", 0, 5061},
        {"192.0.2.1:65536", ERR_RANGE, 0},
        {"[::1]:99999", ERR_RANGE, 0},
        {"x:99999", ERR_SYNTAX, 0},
        {"192.0.2.1", ERR_SYNTAX, 0},
        {"192.0.2.1:", ERR_SYNTAX, 0},
        {"192.0.2.1:x", ERR_SYNTAX, 0},
        {"192.0.2.1:-1", ERR_SYNTAX, 0},
        {"192.0.2.1:1:2", ERR_SYNTAX, 0},
        {":5060", ERR_SYNTAX, 0},
        {"", ERR_SYNTAX, 0},
        {"::1:5060", ERR_SYNTAX, 0},
        {"2001:db8::1", ERR_SYNTAX, 0},
        {"[::1]", ERR_SYNTAX, 0},
        {"[::1]5060", ERR_SYNTAX, 0},
        {"[::1]:", ERR_SYNTAX, 0},
        {"[::1", ERR_SYNTAX, 0},
        {"[1.2.3.4]:5060", ERR_SYNTAX, 0},
        {"[]:5060", ERR_SYNTAX, 0},
    };
    char *edge = edge_new();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct address a = {.in4 = {.sin_family = AF_INET, .sin_port = 0x1234}};
        size_t len = strlen(rows[i].in);
        int rc = address_parse(slice_of(edge_copy(edge, rows[i].in, len), len), &a);
        if (rc != rows[i].rc)
            fail_msg("%s: %d", rows[i].in, rc);
        if (rc == 0)
            assert_int_equal(address_port(&a), rows[i].port);
        else
            assert_int_equal(a.in4.sin_port, 0x1234);
    }
    edge_free(edge);
}

static void the_text_says_all(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "192.0.2.1:5060",
        "255.255.255.255:65535",
        "[2001:db8::1]:5061",
        "[fe80::1%7]:5060",
        "[1111:2222:3333:4444:5555:6666:7777:8888%4294967295]:65535",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char buf[ADDRESS_TEXT_MAX];
        struct address a = parsed(rows[i]);
        assert_ptr_equal(address_text(&a, buf), buf);
        assert_string_equal(buf, rows[i]);
    }
    char buf[ADDRESS_TEXT_MAX];
    struct address none = {0};
    assert_string_equal(address_text(&none, buf), "-:0");
}

static void the_wire_never_shows_a_scope(void **state)
{
    (void)state;
    char buf[100];
    struct writer w;
    struct address a = parsed("[fe80::1%7]:5060");
    writer_init(&w, buf, sizeof buf);
    address_write(&w, &a);
    assert_true(slice_equal(writer_slice(&w), SLICE("[fe80::1]:5060")));
    writer_init(&w, buf, 5);
    address_write(&w, &a);
    assert_int_equal(writer_status(&w), ERR_LIMIT);
}

static void equal_addresses_hash_equally_and_others_do_not(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "192.0.2.1:5060",     "192.0.2.1:5061",     "192.0.2.2:5060",
        "[2001:db8::1]:5060", "[2001:db8::1]:5061", "[2001:db8::2]:5060",
        "[fe80::1%1]:5060",   "[fe80::1%2]:5060",   "[::ffff:192.0.2.1]:5060",
    };
    const size_t count = sizeof rows / sizeof rows[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            struct address a = parsed(rows[i]);
            struct address b = parsed(rows[j]);
            /* Padding does not count. */
            if (!address_is_v6(&b))
                memset(b.in4.sin_zero, 0xff, sizeof b.in4.sin_zero);
            else
                b.in6.sin6_flowinfo = 1;
            assert_int_equal(address_equal(&a, &b), i == j);
            assert_int_equal(address_hash(5, &a) == address_hash(5, &b), i == j);
            assert_int_equal(address_hash_host(5, &a) == address_hash_host(5, &b),
                             address_equal_host(&a, &b));
            if (i == j)
                assert_true(address_hash(5, &a) != address_hash(6, &b));
        }
    }
    struct address a = parsed("192.0.2.1:1");
    struct address b = parsed("192.0.2.1:2");
    assert_true(address_equal_host(&a, &b));
    a = parsed("[2001:db8::1]:1");
    b = parsed("[2001:db8::1]:2");
    assert_true(address_equal_host(&a, &b));
}

static void ports_are_set(void **state)
{
    (void)state;
    struct address a = host("192.0.2.1");
    address_set_port(&a, 5060);
    assert_int_equal(address_port(&a), 5060);
    assert_int_equal(a.in4.sin_port, htons(5060));
    a = host("::1");
    address_set_port(&a, 65535);
    assert_int_equal(address_port(&a), 65535);
    struct address none = {0};
    address_set_port(&none, 1);
    assert_int_equal(address_port(&none), 0);
}

static void kinds_of_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool v6, wildcard, loopback, many;
    } rows[] = {
        {"192.0.2.1", false, false, false, false},
        {"0.0.0.0", false, true, false, false},
        {"127.0.0.1", false, false, true, false},
        {"127.255.255.254", false, false, true, false},
        {"128.0.0.1", false, false, false, false},
        {"224.0.1.75", false, false, false, true},
        {"239.255.255.255", false, false, false, true},
        {"240.0.0.1", false, false, false, false},
        {"255.255.255.255", false, false, false, true},
        {"2001:db8::1", true, false, false, false},
        {"::", true, true, false, false},
        {"::1", true, false, true, false},
        {"::2", true, false, false, false},
        {"ff02::1", true, false, false, true},
        {"fe80::1", true, false, false, false},
        {"::ffff:127.0.0.1", true, false, true, false},
        {"::ffff:0.0.0.0", true, true, false, false},
        {"::ffff:224.0.0.1", true, false, false, true},
        {"::ffff:192.0.2.1", true, false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct address a = host(rows[i].text);
        assert_int_equal(address_is_v6(&a), rows[i].v6);
        assert_int_equal(address_is_wildcard(&a), rows[i].wildcard);
        assert_int_equal(address_is_loopback(&a), rows[i].loopback);
        assert_int_equal(address_is_multicast_or_broadcast(&a), rows[i].many);
        assert_int_equal(address_length(&a),
                         rows[i].v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
    }
}

/* RFC 1918 section 3, RFC 6598 section 7, RFC 4193 section 3.1 */
static void private_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_private;
    } rows[] = {
        {"10.0.0.0", true},
        {"10.255.255.255", true},
        {"9.255.255.255", false},
        {"11.0.0.0", false},
        {"172.16.0.1", true},
        {"172.31.255.255", true},
        {"172.15.255.255", false},
        {"172.32.0.0", false},
        {"192.168.0.1", true},
        {"192.169.0.1", false},
        {"100.64.0.0", true},
        {"100.127.255.255", true},
        {"100.63.255.255", false},
        {"100.128.0.0", false},
        {"169.254.1.1", true},
        {"127.0.0.1", true},
        {"192.0.2.1", false},
        {"0.0.0.0", false},
        {"fc00::1", true},
        {"fdff::1", true},
        {"fe00::1", false},
        {"fe80::1", true},
        {"::1", true},
        {"2001:db8::1", false},
        {"::ffff:10.0.0.1", true},
        {"::ffff:8.8.8.8", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct address a = host(rows[i].text);
        assert_int_equal(address_is_private(&a), rows[i].is_private);
    }
}

/* RFC 4291 section 2.5.5.2. */
static void mapped_addresses_become_plain(void **state)
{
    (void)state;
    struct address mapped = parsed("[::ffff:192.0.2.1]:5060");
    struct address plain = parsed("192.0.2.1:5060");
    address_unmap(&mapped);
    assert_true(address_equal(&mapped, &plain));
    assert_true(address_hash(1, &mapped) == address_hash(1, &plain));
    address_unmap(&mapped);
    assert_true(address_equal(&mapped, &plain));
    struct address v6 = parsed("[2001:db8::1]:5060");
    struct address same = v6;
    address_unmap(&v6);
    assert_true(address_equal(&v6, &same));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_read_and_written),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(ipv4_agrees_with_the_system),
        cmocka_unit_test(host_and_port_are_read),
        cmocka_unit_test(the_text_says_all),
        cmocka_unit_test(the_wire_never_shows_a_scope),
        cmocka_unit_test(equal_addresses_hash_equally_and_others_do_not),
        cmocka_unit_test(ports_are_set),
        cmocka_unit_test(kinds_of_addresses),
        cmocka_unit_test(private_addresses),
        cmocka_unit_test(mapped_addresses_become_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
