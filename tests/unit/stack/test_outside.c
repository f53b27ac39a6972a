#include "stack/outside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct address parsed(const char *text)
{
    struct address a;
    assert_int_equal(address_parse(slice_from_string(text), &a), 0);
    return a;
}

static struct outside behind(enum outside_source source, const char *there)
{
    struct outside outside = {.local_count = 1};
    struct address address = parsed(there);
    address_set_port(&address, 0);
    outside.hosts[address_is_v6(&address) ? OUTSIDE_V6 : OUTSIDE_V4] =
        (struct outside_host){source, address};
    assert_int_equal(network_parse(SLICE("10.77.1.0/24"), &outside.local[0]), 0);
    return outside;
}

struct row {
    enum outside_source source;
    const char *local, *remote, *seen;
};

/* Each row: behind 203.0.113.7, what remote sees of local. */
static void who_is_outside_sees_the_outside_address(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {OUTSIDE_CONFIGURED, "10.77.1.2:5060", "198.51.100.9:40000", "203.0.113.7:5060"},
        {OUTSIDE_NAMED, "10.77.1.2:5061", "198.51.100.9:40000", "203.0.113.7:5061"},
        {OUTSIDE_STUN, "10.77.1.2:5060", "198.51.100.9:40000", "203.0.113.7:5060"},
        /* the same network, this machine */
        {OUTSIDE_STUN, "10.77.1.2:5060", "10.77.1.9:5060", "10.77.1.2:5060"},
        {OUTSIDE_CONFIGURED, "10.77.1.2:5060", "10.77.1.9:5060", "10.77.1.2:5060"},
        {OUTSIDE_CONFIGURED, "127.0.0.1:5060", "127.0.0.1:4000", "127.0.0.1:5060"},
        {OUTSIDE_CONFIGURED, "127.0.0.1:5060", "198.51.100.9:4000", "127.0.0.1:5060"},
        /* another private network, as that of a phone behind the same provider */
        {OUTSIDE_STUN, "10.77.1.2:5060", "10.78.1.9:5060", "203.0.113.7:5060"},
        /* a public address beside the private one */
        {OUTSIDE_STUN, "192.0.2.4:5060", "198.51.100.9:4000", "192.0.2.4:5060"},
        {OUTSIDE_CONFIGURED, "192.0.2.4:5060", "198.51.100.9:4000", "203.0.113.7:5060"},
        /* no NAT known for that family */
        {OUTSIDE_CONFIGURED, "[2001:db8::1]:5060", "[2001:db8::2]:5060", "[2001:db8::1]:5060"},
        {OUTSIDE_INTERFACES, "10.77.1.2:5060", "198.51.100.9:4000", "10.77.1.2:5060"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct outside outside = behind(rows[i].source, "203.0.113.7:9");
        struct address local = parsed(rows[i].local), remote = parsed(rows[i].remote);
        char text[ADDRESS_TEXT_MAX];
        struct address seen = outside_towards(&outside, &local, &remote);
        assert_string_equal(address_text(&seen, text), rows[i].seen);
    }
}

/* RFC 8656 section 7.2: what everybody is told, whoever asks. */
static void a_relayed_address_is_the_outside_one(void **state)
{
    (void)state;
    struct outside none = {0}, v6 = behind(OUTSIDE_CONFIGURED, "[2001:db8::7]:9"),
                   v4 = behind(OUTSIDE_STUN, "203.0.113.7:9");
    struct address local4 = parsed("10.77.1.2:50000"), local6 = parsed("[fd00::1]:50000");
    struct address wildcard = parsed("0.0.0.0:5060"), want;
    want = outside_of(&none, &local4);
    assert_true(address_equal(&want, &local4));
    want = outside_of(&v4, &local4);
    struct address there = parsed("203.0.113.7:50000");
    assert_true(address_equal(&want, &there));
    want = outside_of(&v6, &local6);
    there = parsed("[2001:db8::7]:50000");
    assert_true(address_equal(&want, &there));
    want = outside_of(&v6, &local4);
    assert_true(address_equal(&want, &local4));
    want = outside_of(&v4, &wildcard);
    there = parsed("203.0.113.7:5060");
    assert_true(address_equal(&want, &there));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_outside_sees_the_outside_address),
        cmocka_unit_test(a_relayed_address_is_the_outside_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
