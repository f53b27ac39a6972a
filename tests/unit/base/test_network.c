#include "base/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

static struct address host(const char *text)
{
    struct address a;
    assert_int_equal(address_parse_host(slice_from_string(text), 5060, &a), 0);
    return a;
}

/* RFC 4632 section 3.1; RFC 4291 section 2.3. */
static void networks_are_read_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"10.0.0.0/8", "10.0.0.0/8"},         {"10.255.3.4/8", "10.0.0.0/8"},
        {"192.0.2.129/25", "192.0.2.128/25"}, {"192.0.2.129", "192.0.2.129/32"},
        {"0.0.0.0/0", "0.0.0.0/0"},           {"2001:db8:ffff::/33", "2001:db8:8000::/33"},
        {"2001:db8::1", "2001:db8::1/128"},   {"::/0", "::/0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct network network;
        char text[NETWORK_TEXT_MAX];
        assert_int_equal(network_parse(slice_from_string(rows[i].in), &network), 0);
        assert_string_equal(network_text(&network, text), rows[i].out);
    }
}

static void what_is_no_network_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        int status;
    } rows[] = {
        {"", ERR_SYNTAX},
        {"10.0.0/8", ERR_SYNTAX},
        {"10.0.0.0/", ERR_SYNTAX},
        {"10.0.0.0/33", ERR_RANGE},
        {"::/129", ERR_RANGE},
        {"10.0.0.0/-1", ERR_SYNTAX},
        {"example.org", ERR_SYNTAX},
        {"10.0.0.0/8/8", ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct network network;
        assert_int_equal(network_parse(slice_from_string(rows[i].in), &network), rows[i].status);
    }
}

static void an_address_is_in_a_network_by_its_first_bits(void **state)
{
    (void)state;
    static const struct {
        const char *network, *address;
        bool in;
    } rows[] = {
        {"10.0.0.0/8", "10.255.255.255", true},  {"10.0.0.0/8", "11.0.0.0", false},
        {"192.0.2.128/25", "192.0.2.128", true}, {"192.0.2.128/25", "192.0.2.127", false},
        {"0.0.0.0/0", "203.0.113.9", true},      {"0.0.0.0/0", "2001:db8::1", false},
        {"10.0.0.0/8", "::ffff:10.1.2.3", true}, {"2001:db8::/32", "2001:db8:1::1", true},
        {"2001:db8::/32", "2001:db9::1", false}, {"2001:db8::/32", "10.0.0.1", false},
        {"192.0.2.1/32", "192.0.2.1", true},     {"192.0.2.1/32", "192.0.2.0", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct network network;
        struct address address = host(rows[i].address);
        assert_int_equal(network_parse(slice_from_string(rows[i].network), &network), 0);
        assert_int_equal(network_has(&network, &address), rows[i].in);
    }
}

static void one_source_is_a_host_or_a_network_that_one_user_has_whole(void **state)
{
    (void)state;
    static const struct {
        const char *one, *other;
        bool same;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
        {"2001:db8::1", "2001:db8::ffff:0:0:1", true},
        {"2001:db8::1", "2001:db8:0:1::1", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct address one = host(rows[i].one), other = host(rows[i].other);
        address_set_port(&one, 5060);
        one = network_source(&one);
        other = network_source(&other);
        assert_int_equal(address_port(&one), 0);
        assert_int_equal(address_equal(&one, &other), rows[i].same);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_read_and_written),
        cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(an_address_is_in_a_network_by_its_first_bits),
        cmocka_unit_test(one_source_is_a_host_or_a_network_that_one_user_has_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
