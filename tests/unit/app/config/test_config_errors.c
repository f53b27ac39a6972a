/* What is wrong with a configuration is said with file, line, key, and what would be right. */
#include "base/error.h"
#include "unit/app/config/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* yaml is refused with exactly these complaints. */
static void refused(const char *yaml, const char *complaints)
{
    struct reading r;
    char text[8192];
    reading_start(&r, yaml, NULL);
    assert_string_equal(reading_complaints(&r, text, sizeof text), complaints);
    assert_int_equal(r.status, ERR_INVALID);
    assert_null(r.config);
    reading_done(&r);
}

static void refused_set(const char *assignment, const char *complaints)
{
    struct reading r;
    char text[8192];
    reading_start(&r, NULL, (const char *const[]){assignment, NULL});
    assert_string_equal(reading_complaints(&r, text, sizeof text), complaints);
    assert_int_equal(r.status, ERR_INVALID);
    reading_done(&r);
}

static void an_unknown_key_is_refused_with_the_nearest_one(void **state)
{
    (void)state;
    refused("\ndomain: example.org\n", "FILE:2: domain: no such key; did you mean domains?\n");
    refused("auth:\n  realm: x\n  registr: on\n",
            "FILE:3: auth.registr: no such key; did you mean auth.register?\n");
    refused("auth.cal: on\n", "FILE:1: auth.cal: no such key; did you mean auth.call?\n");
    refused("t1: 5\n", "FILE:1: t1: no such key; did you mean sip.t1?\n");
    refused("locaton:\n  max_contacts: 5\n",
            "FILE:1: locaton: no such key; did you mean location?\n");
    refused("nothing_like_it: 5\n", "FILE:1: nothing_like_it: no such key\n");
    refused_set("recordroute=on", "--set: recordroute: no such key; did you mean record_route?\n");
}

static void a_wrong_value_is_refused_with_what_would_be_right(void **state)
{
    (void)state;
    refused("record_route: maybe\n",
            "FILE:1: record_route: \"maybe\" is not a switch; write on or off\n");
    refused("workers: some\n", "FILE:1: workers: \"some\" is not a whole number; write a whole "
                               "number from 0 to 64 threads\n");
    refused("workers: -1\n", "FILE:1: workers: \"-1\" is not a whole number; write a whole "
                             "number from 0 to 64 threads\n");
    refused("sip.t1: 5x\n", "FILE:1: sip.t1: \"5x\" is not a duration; write a duration from 1ms "
                            "to 1m (a plain number is milliseconds)\n");
    refused("limits.memory: lots\n", "FILE:1: limits.memory: \"lots\" is not a size; write a size "
                                     "from 1M to 1024G\n");
    refused("location: {durability: comit}\n",
            "FILE:1: location.durability: \"comit\" is not known; write commit or async; did you "
            "mean commit?\n");
    refused("metrics.listen: localhost\n",
            "FILE:1: metrics.listen: \"localhost\" is no ADDRESS:PORT; write for example "
            "127.0.0.1:9060 or [::1]:9060, or nothing to turn it off\n");
    refused("dns.servers: [192.0.2.1:53, 192.0.2.2]\n",
            "FILE:1: dns.servers: \"192.0.2.2\" is no ADDRESS:PORT; write for example 192.0.2.1:53 "
            "or [::1]:53\n");
    refused("dns.servers: '192.0.2.1:0'\n",
            "FILE:1: dns.servers: \"192.0.2.1:0\" is no ADDRESS:PORT; write for example "
            "192.0.2.1:53 or [::1]:53\n");
    refused("dns.dnssec: on\n",
            "FILE:1: dns.trust_anchor: \"\" is no file of DS or DNSKEY records, which dns.dnssec "
            "needs; write for example /usr/share/dns/root.key (Debian: apt install "
            "dns-root-data)\n");
    refused("outside.address: 192.0.2.1:5060\n",
            "FILE:1: outside.address: \"192.0.2.1:5060\" is no address and no name; write for "
            "example 203.0.113.7 or sip.example.org, without a port\n");
    refused("outside.address: 0.0.0.0\n",
            "FILE:1: outside.address: \"0.0.0.0\" is no address and no name; write for example "
            "203.0.113.7 or sip.example.org, without a port\n");
    refused("outside.address: [192.0.2.1, 192.0.2.2]\n",
            "FILE:1: outside.address: has two addresses of one family; write one of IPv4 and one "
            "of IPv6\n");
    refused("outside.stun: 'stun.example.org:x'\n",
            "FILE:1: outside.stun: \"stun.example.org:x\" is no HOST or HOST:PORT; write for "
            "example stun.example.org or 192.0.2.1:3478\n");
    refused("outside.local: 10.0.0.0/33\n",
            "FILE:1: outside.local: \"10.0.0.0/33\" is no network; write for example "
            "192.168.1.0/24 or fd00::/8\n");
    refused("auth.realm: 'a\"b'\n", "FILE:1: auth.realm: a realm holds no quotes, backslashes, "
                                    "colons or control characters\n");
    refused("auth.realm: ''\n", "FILE:1: auth.realm: has 0 characters; write at least one and 100 "
                                "at most\n");
}

static void a_value_out_of_range_is_refused_with_the_range(void **state)
{
    (void)state;
    refused("workers: 65\n", "FILE:1: workers: 65 is out of range; write a whole number from 0 to "
                             "64 threads\n");
    refused("workers: 99999999999999999999999\n",
            "FILE:1: workers: 99999999999999999999999 is out of range; write a whole number from "
            "0 to 64 threads\n");
    refused("sip.t1: 2m\n", "FILE:1: sip.t1: 2m is out of range; write a duration from 1ms to 1m "
                            "(a plain number is milliseconds)\n");
    refused("sip.timer_c: 1500ms\n",
            "FILE:1: sip.timer_c: 1500ms is out of range; write a duration from 1s to 86400s (a "
            "plain number is seconds)\n");
    refused("sip.max_uri: 1G\n",
            "FILE:1: sip.max_uri: 1G is out of range; write a size from 64 to 64K\n");
    refused("listen: []\n",
            "FILE:1: listen: has 0 items; write a list of listeners, 1 to 32 items\n");
}

static void each_wrong_item_of_a_list_is_named_with_its_line(void **state)
{
    (void)state;
    refused("listen:\n  - udp:127.0.0.1:5060\n  - tpc:127.0.0.1:5060\n  - tcp:127.0.0.1:66000\n"
            "  - udp:localhost:5060\n",
            "FILE:3: listen: \"tpc:127.0.0.1:5060\" does not begin with udp:, tcp:, tls:, ws:, "
            "wss: or sctp:; "
            "write for "
            "example udp:0.0.0.0:5060 or tls:[::]:5061\n"
            "FILE:4: listen: \"127.0.0.1:66000\" is no port (0 to 65535); write for example "
            "tcp:192.0.2.1:5060 or tcp:[2001:db8::1]:5060\n"
            "FILE:5: listen: \"localhost:5060\" is no ADDRESS:PORT; write for example "
            "udp:192.0.2.1:5060 or udp:[2001:db8::1]:5060\n");
    refused("domains: [a.example, 'b c', 'd:5060']\n",
            "FILE:1: domains: \"b c\" is no domain; write a name like example.org, without a port\n"
            "FILE:1: domains: \"d:5060\" is no domain; write a name like example.org, without a "
            "port\n");
    refused("log.levels: [spi=debug, sip=loud, sip]\n",
            "FILE:1: log.levels: there is no subsystem \"spi\"; did you mean sip?\n"
            "FILE:1: log.levels: \"loud\" is no level; write error, warn, info or debug\n"
            "FILE:1: log.levels: \"sip\" is no SUBSYSTEM=LEVEL; write for example sip=debug\n");
    refused_set("domains=a.example,,b.example", "--set: domains: an item is empty\n");
    refused_set("auth.algorithms=md6",
                "--set: auth.algorithms: \"md6\" is not known; write a list of SHA-256 or MD5; "
                "did you mean MD5?\n");
}

static void a_wrong_route_is_named_with_its_part(void **state)
{
    (void)state;
    refused("routes:\n"
            "  - {prefix: '1', nexthop: 'sip:x'}\n"
            "  - {prefix: '1', next_hop: 'http://x'}\n"
            "  - nonsense\n"
            "  - {next_hop: 'sip:x'}\n"
            "  - {domain: 'a b', next_hop: 'sip:x'}\n"
            "  - {prefix: 'a@b', next_hop: 'sip:x'}\n",
            "FILE:2: routes: a route has no part \"nexthop\"; its parts are prefix, domain and "
            "next_hop; did you mean next_hop?\n"
            "FILE:7: routes: a prefix holds neither @ nor =\n"
            "FILE:3: routes: \"http://x\" is no next hop; write a SIP or SIPS URI, for example "
            "sip:192.0.2.1:5060;transport=tcp\n"
            "FILE:4: routes: \"nonsense\" is no route; write PREFIX=NEXT_HOP, @DOMAIN=NEXT_HOP or "
            "PREFIX@DOMAIN=NEXT_HOP, for example 00=sip:192.0.2.1\n"
            "FILE:5: routes: \"=sip:x\" is no route; write PREFIX=NEXT_HOP, @DOMAIN=NEXT_HOP or "
            "PREFIX@DOMAIN=NEXT_HOP, for example 00=sip:192.0.2.1\n"
            "FILE:6: routes: \"a b\" is no domain; write a name like example.org, without a "
            "port\n");
}

static void a_key_given_twice_is_refused_with_both_lines(void **state)
{
    (void)state;
    refused("auth.call: on\nauth:\n  call: off\n",
            "FILE:3: auth.call: given twice; the first is in line 1\n");
}

static void the_shape_must_fit_the_key(void **state)
{
    (void)state;
    refused("workers: [1, 2]\n", "FILE:1: workers: takes one value, not a list\n");
    refused("workers: {a: 1}\n", "FILE:1: workers: takes a value, nothing can stand below it\n");
    refused("workers:\n", "FILE:1: workers: has no value; write a whole number from 0 to 64 "
                          "threads\n");
    refused("auth: on\n",
            "FILE:1: auth: is a group of keys; write them below it, each on its own line\n");
    refused("domains: [[a, b]]\n", "FILE:1: domains: an item is one text\n");
    refused("[a, b]: c\n", "FILE:1: a key is one word\n");
    refused("- a\n", "FILE:1: a configuration is lines of the form KEY: VALUE\n");
    refused("workers: 1\n---\nworkers: 2\n", "FILE:2: a second document begins; write only one\n");
    refused("auth.realm: &x a\nsip.server: *x\n",
            "FILE:2: sip.server: aliases are not supported; write the value again\n");
}

static void what_is_no_yaml_is_refused_with_its_line(void **state)
{
    (void)state;
    refused("workers: 1\ndomains: [a, b\n",
            "FILE:3: this is no YAML: did not find expected ',' or ']' while parsing a flow "
            "sequence\n");
    refused("workers: 1\n\tauth.call: on\n",
            "FILE:2: this is no YAML: a tab; write blanks instead\n");
}

static void values_must_fit_each_other(void **state)
{
    (void)state;
    refused("registrar:\n  expires_min: 100\n  expires_max: 50\n",
            "FILE:2: registrar.expires_min: must be at most registrar.expires_max\n"
            "FILE:2: registrar.expires_min: must be at most registrar.expires_default\n");
    refused("sip.t2: 100ms\n", "FILE:1: sip.t2: must be at least sip.t1\n");
    refused("tcp.buffer: 2000\n", "FILE:1: tcp.buffer: must be at least sip.max_message\n");
    refused("listen: udp:127.0.0.1:5060,udp:127.0.0.1:5060\n",
            "FILE:1: listen: 127.0.0.1:5060 is there twice\n");
    refused("listen: tcp:127.0.0.1:5060,udp:127.0.0.1:5060,tls:0.0.0.0:5060,udp:[::]:5060\n",
            "FILE:1: listen: 0.0.0.0:5060 has 127.0.0.1:5060 in it; write one of them\n");
}

static void everything_wrong_is_said_at_once(void **state)
{
    (void)state;
    struct reading r;
    char text[8192];
    reading_start(&r, "workers: x\nfoo: 1\nsip.t1: 1h\n",
                  (const char *const[]){"auth.call=5", "bar=1", "workers", NULL});
    assert_string_equal(
        reading_complaints(&r, text, sizeof text),
        "FILE:1: workers: \"x\" is not a whole number; write a whole number from 0 to 64 threads\n"
        "FILE:2: foo: no such key\n"
        "FILE:3: sip.t1: 1h is out of range; write a duration from 1ms to 1m (a plain number is "
        "milliseconds)\n"
        "--set: auth.call: \"5\" is not a switch; write on or off\n"
        "--set: bar: no such key\n"
        "--set: workers: write --set KEY=VALUE\n");
    reading_done(&r);
}

static void a_file_that_cannot_be_read_is_refused(void **state)
{
    (void)state;
    struct app_config *config = NULL;
    struct config_problems problems;
    config_problems_init(&problems);
    struct config_source source = {.file = "/nonexistent/trapezoid.yaml"};
    assert_int_equal(config_read(&source, &problems, &config), ERR_INVALID);
    assert_string_equal(config_problems_text(&problems),
                        "/nonexistent/trapezoid.yaml: cannot be read: No such file or directory\n");
    config_problems_init(&problems);
    source.file = "/tmp";
    assert_int_equal(config_read(&source, &problems, &config), ERR_INVALID);
    assert_string_equal(config_problems_text(&problems), "/tmp: cannot be read: Is a directory\n");
    assert_null(config);
}

static void sockets_that_stun_cannot_have_are_told(void **state)
{
    (void)state;
    refused("stun.listen: [sctp:127.0.0.1:3478]\n",
            "FILE:1: stun.listen: \"sctp:127.0.0.1:3478\" does not begin with udp:, tcp:, tls: or "
            "dtls:; write for example udp:0.0.0.0:5060 or tls:[::]:5061\n");
    refused("stun.listen: [udp:127.0.0.1:5349, tls:127.0.0.1:5349, dtls:127.0.0.1:5349]\n",
            "FILE:1: stun.listen: 127.0.0.1:5349 is there twice; UDP and DTLS need a port each, "
            "and TCP and TLS\n");
    refused("listen: [udp:127.0.0.1:5060]\nstun.listen: [udp:127.0.0.1:5060]\n",
            "FILE:2: stun.listen: 127.0.0.1:5060 is in listen too; STUN needs a port of its own, "
            "usually 3478\n");
    refused("stun: {listen: [udp:192.0.2.1:3478, dtls:192.0.2.1:3479], alternate: "
            "192.0.2.2:3479}\n",
            "FILE:1: stun.alternate: needs the UDP port of 192.0.2.1:3479, which is a listener "
            "already; write another port\n");
    refused("tls.min_version: 1.3\nstun.listen: [dtls:127.0.0.1:5349]\n",
            "FILE:1: tls.min_version: 1.3 leaves nothing for dtls: in stun.listen, which is DTLS "
            "1.2; write 1.2, or take dtls: out\n");
}

static void a_partner_needs_an_address_and_a_secret(void **state)
{
    (void)state;
    refused("stun: {listen: [udp:192.0.2.1:3478], partner: 192.0.2.2:3480}\n",
            "FILE:1: stun.partner: needs stun.alternate, the partner's address as well\n");
    refused("stun: {listen: [udp:192.0.2.1:3478], alternate: 192.0.2.2:3479, partner: "
            "192.0.2.2:3480}\n",
            "FILE:1: stun.partner: needs stun.partner_secret as well\n");
    refused("stun: {listen: [udp:192.0.2.1:3478], alternate: 192.0.2.2:3479, partner: "
            "0.0.0.0:3480, partner_secret: [0123456789abcdef]}\n",
            "FILE:1: stun.partner: names no machine; write for example 192.0.2.2:3480\n");
    refused(
        "stun: {listen: [udp:192.0.2.1:3478], alternate: 192.0.2.2:3479, partner: "
        "192.0.2.2:3480, partner_listen: \"192.0.2.1:3478\", partner_secret: "
        "[0123456789abcdef]}\n",
        "FILE:1: stun.partner_listen: needs the UDP port of 192.0.2.1:3478, which is a listener "
        "already; write another port\n");
    refused("stun.partner_secret: [short]\n",
            "FILE:1: stun.partner_secret: a secret has 16 to 256 characters; make one with: "
            "openssl rand -hex 32\n");
}

static void what_is_wrong_with_a_secret_is_said_without_it(void **state)
{
    (void)state;
    refused("turn.users: [alice]\n", "FILE:1: turn.users: an item is no NAME:PASSWORD; write for "
                                     "example alice:wonderland\n");
    refused("turn.secret: ['']\n", "FILE:1: turn.secret: an item is empty\n");
    refused("turn.token_keys: [\"k:A128GCM:hunter2\"]\n",
            "FILE:1: turn.token_keys: an item is no KID:ALGORITHM:KEY; write A128GCM or A256GCM "
            "for the algorithm and the key, of 16 or 32 bytes, in base64\n");
    refused("turn: {userhash: on, secret: [northwest]}\n",
            "FILE:1: turn.userhash: cannot be on with turn.secret: names that expire cannot be "
            "sent hashed; write off\n");
}

static void many_problems_are_counted_but_not_all_kept(void **state)
{
    (void)state;
    char yaml[4096] = "";
    for (int i = 0; i < 60; i++)
        strcat(yaml, "zzzzzzzz: 1\n");
    struct reading r;
    reading_start(&r, yaml, NULL);
    assert_int_equal(r.status, ERR_INVALID);
    assert_int_equal(r.problems.count, 60);
    assert_non_null(strstr(config_problems_text(&r.problems), "and 10 more\n"));
    reading_done(&r);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    (void)state;
    refused("\"a\\eb\": 1\n", "FILE:1: a?b: no such key\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_key_is_refused_with_the_nearest_one),
        cmocka_unit_test(a_wrong_value_is_refused_with_what_would_be_right),
        cmocka_unit_test(a_value_out_of_range_is_refused_with_the_range),
        cmocka_unit_test(each_wrong_item_of_a_list_is_named_with_its_line),
        cmocka_unit_test(a_wrong_route_is_named_with_its_part),
        cmocka_unit_test(a_key_given_twice_is_refused_with_both_lines),
        cmocka_unit_test(the_shape_must_fit_the_key),
        cmocka_unit_test(what_is_no_yaml_is_refused_with_its_line),
        cmocka_unit_test(values_must_fit_each_other),
        cmocka_unit_test(everything_wrong_is_said_at_once),
        cmocka_unit_test(a_file_that_cannot_be_read_is_refused),
        cmocka_unit_test(sockets_that_stun_cannot_have_are_told),
        cmocka_unit_test(a_partner_needs_an_address_and_a_secret),
        cmocka_unit_test(what_is_wrong_with_a_secret_is_said_without_it),
        cmocka_unit_test(many_problems_are_counted_but_not_all_kept),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
