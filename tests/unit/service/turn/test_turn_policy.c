#include "base/error.h"
#include "service/turn/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct address host_of(const char *text)
{
    struct address address;
    assert_int_equal(address_parse_host(slice_from_string(text), 5060, &address), 0);
    return address;
}

static struct turn_net net_of(const char *text)
{
    struct turn_net net;
    assert_int_equal(turn_net_parse(slice_from_string(text), &net), 0);
    return net;
}

static enum turn_reach judge(const struct turn_policy *policy, const struct turn_own *own,
                             const char *host)
{
    struct address address = host_of(host);
    return turn_policy_judge(policy, own, &address);
}

static void networks_are_read(void **state)
{
    (void)state;
    assert_int_equal(net_of("10.0.0.0/8").bits, 104);
    assert_int_equal(net_of("192.0.2.1").bits, 128);
    assert_int_equal(net_of("2001:db8::/32").bits, 32);
    assert_int_equal(net_of("::/0").bits, 0);
    assert_int_equal(net_of("0.0.0.0/0").bits, 96);
    static const char *const bad[] = {"",       "/8",      "10.0.0.0/",  "10.0.0.0/33",
                                      "10.0/8", "::1/129", "10.0.0.1/x", "example.org"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct turn_net net = {.bits = 7};
        assert_true(turn_net_parse(slice_from_string(bad[i]), &net) < 0);
        assert_int_equal(net.bits, 7);
    }
}

/* What is not for the public Internet; RFC 8656 section 21.4 for the tunnels */
static void by_default_only_public_hosts_are_reached(void **state)
{
    (void)state;
    static const struct turn_policy policy;
    static const struct turn_own own;
    static const char *const no[] = {"0.0.0.0",
                                     "0.1.2.3",
                                     "10.0.0.1",
                                     "10.255.255.255",
                                     "100.64.0.1",
                                     "100.127.255.255",
                                     "127.0.0.1",
                                     "127.255.255.255",
                                     "169.254.169.254",
                                     "172.16.0.1",
                                     "172.31.255.255",
                                     "192.0.0.8",
                                     "192.168.0.1",
                                     "198.18.0.1",
                                     "198.19.255.255",
                                     "224.0.0.1",
                                     "239.1.1.1",
                                     "240.0.0.1",
                                     "255.255.255.255",
                                     "::",
                                     "::1",
                                     "::7f00:1",
                                     "fe80::1",
                                     "febf::1",
                                     "fec0::1",
                                     "fc00::1",
                                     "fdff::1",
                                     "ff02::1",
                                     "100::1",
                                     "2002:808:808::1",
                                     "2001::1",
                                     "::ffff:8.8.8.8",
                                     "::ffff:127.0.0.1",
                                     "64:ff9b::10.0.0.1",
                                     "64:ff9b::127.0.0.1",
                                     "64:ff9b:1::808:808",
                                     "::ffff:0:127.0.0.1",
                                     "::ffff:0:8.8.8.8",
                                     "2001:2::1"};
    static const char *const yes[] = {"1.1.1.1",         "9.255.255.255",   "11.0.0.0",
                                      "100.63.255.255",  "100.128.0.0",     "126.255.255.255",
                                      "128.0.0.0",       "172.15.255.255",  "172.32.0.0",
                                      "192.167.255.255", "198.51.100.1",    "203.0.113.1",
                                      "223.255.255.255", "2001:db8::1",     "2001:200::1",
                                      "2a00::1",         "64:ff9b::8.8.8.8"};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_int_equal(judge(&policy, &own, no[i]), TURN_REACH_NO);
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_int_equal(judge(&policy, &own, yes[i]), TURN_REACH_YES);
}

static void allow_wins_over_the_defaults_and_deny_over_all(void **state)
{
    (void)state;
    static const struct turn_own own;
    struct turn_policy policy = {0};
    policy.allow.items[policy.allow.count++] = net_of("10.0.0.0/8");
    policy.allow.items[policy.allow.count++] = net_of("::/0");
    policy.deny.items[policy.deny.count++] = net_of("10.1.0.0/16");
    policy.deny.items[policy.deny.count++] = net_of("8.8.8.0/24");
    assert_int_equal(judge(&policy, &own, "10.0.0.1"), TURN_REACH_YES);
    assert_int_equal(judge(&policy, &own, "10.1.0.1"), TURN_REACH_NO);
    assert_int_equal(judge(&policy, &own, "8.8.8.8"), TURN_REACH_NO);
    assert_int_equal(judge(&policy, &own, "8.8.9.8"), TURN_REACH_YES);
    assert_int_equal(judge(&policy, &own, "127.0.0.1"), TURN_REACH_NO);
    assert_int_equal(judge(&policy, &own, "fe80::1"), TURN_REACH_YES);
    /* what is denied is so within NAT64, too; tunnels and mapped forms are never reached */
    assert_int_equal(judge(&policy, &own, "64:ff9b::8.8.8.8"), TURN_REACH_NO);
    assert_int_equal(judge(&policy, &own, "64:ff9b::10.0.0.1"), TURN_REACH_YES);
    assert_int_equal(judge(&policy, &own, "2002::1"), TURN_REACH_NO);
    assert_int_equal(judge(&policy, &own, "2001::1"), TURN_REACH_NO);
    assert_int_equal(judge(&policy, &own, "::ffff:10.0.0.1"), TURN_REACH_NO);
    assert_int_equal(judge(&policy, &own, "::"), TURN_REACH_NO);
}

static void of_this_machine_only_other_relays_are_reached(void **state)
{
    (void)state;
    struct turn_policy policy = {0};
    struct turn_own own = {0};
    struct address mine = host_of("203.0.113.1"), relay = host_of("203.0.113.2");
    own.addresses[own.count++] = turn_host_of(&mine);
    own.addresses[own.count++] = turn_host_of(&relay);
    own.relays[own.relay_count++] = turn_host_of(&relay);
    assert_int_equal(judge(&policy, &own, "203.0.113.1"), TURN_REACH_NO);
    assert_int_equal(judge(&policy, &own, "203.0.113.2"), TURN_REACH_RELAYS);
    assert_int_equal(judge(&policy, &own, "203.0.113.3"), TURN_REACH_YES);
    assert_int_equal(judge(&policy, &own, "64:ff9b::203.0.113.1"), TURN_REACH_NO);
    assert_int_equal(judge(&policy, &own, "64:ff9b::203.0.113.2"), TURN_REACH_NO);
    policy.allow.items[policy.allow.count++] = net_of("203.0.113.1");
    assert_int_equal(judge(&policy, &own, "203.0.113.1"), TURN_REACH_YES);
    policy.deny.items[policy.deny.count++] = net_of("203.0.113.2");
    assert_int_equal(judge(&policy, &own, "203.0.113.2"), TURN_REACH_NO);
}

/* RFC 8656 section 21.4 */
static void clients_behind_tunnels_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool tunneled;
    } rows[] = {
        {"2002:1::1", true}, {"2001:0:1::1", true}, {"2001:1::1", false}, {"192.0.2.1", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address address = host_of(rows[i].host);
        assert_int_equal(turn_policy_tunneled(&address), rows[i].tunneled);
    }
}

static void hosts_become_addresses_again(void **state)
{
    (void)state;
    static const char *const hosts[] = {"192.0.2.1", "0.0.0.0", "2001:db8::1", "::1", "fe80::1"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct address address = host_of(hosts[i]), again;
        turn_host_address(turn_host_of(&address), 5060, &again);
        assert_true(address_equal(&address, &again));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_read),
        cmocka_unit_test(by_default_only_public_hosts_are_reached),
        cmocka_unit_test(allow_wins_over_the_defaults_and_deny_over_all),
        cmocka_unit_test(of_this_machine_only_other_relays_are_reached),
        cmocka_unit_test(clients_behind_tunnels_are_known),
        cmocka_unit_test(hosts_become_addresses_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
