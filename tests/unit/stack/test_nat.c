/* What Via and Contact show of a NAT, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "stack/nat.h"

struct row {
    const char *via;
    const char *contact;
    const char *source;
    uint8_t transport;
    bool hides;
};

static const struct row rows[] = {
    /* Where they say: */
    {"192.0.2.10:5060;rport", "sip:a@192.0.2.10", "192.0.2.10:5060", TRANSPORT_UDP, false},
    {"192.0.2.10;rport", "sip:a@192.0.2.10:5060", "192.0.2.10:5060", TRANSPORT_UDP, false},
    {"10.0.0.1:5060;rport", "sip:a@10.0.0.1", "10.0.0.1:5060", TRANSPORT_UDP, false},
    {"192.0.2.10:5060", "sip:a@192.0.2.10", "192.0.2.10:4000", TRANSPORT_UDP, false},
    {"192.0.2.10:5060;rport", "sip:a@192.0.2.10", "192.0.2.10:4000", TRANSPORT_TCP, false},
    {"phone.example.org;rport", "sip:a@phone.example.org", "192.0.2.10:4000", TRANSPORT_UDP, false},
    {"10.0.0.1:5060;rport", "sip:a@phone.example.org", "192.0.2.10:4000", TRANSPORT_UDP, false},
    /* An address that it does not send from: */
    {"10.0.0.1:5060;rport", "sip:a@10.0.0.1:5060", "192.0.2.10:5060", TRANSPORT_UDP, true},
    {"10.0.0.1:5060", "sip:a@10.0.0.1:5070", "192.0.2.10:4000", TRANSPORT_UDP, true},
    {"10.0.0.1:5060", "sip:a@10.0.0.1:5060", "10.9.0.1:4000", TRANSPORT_UDP, true},
    {"10.0.0.1:4711", "sip:a@10.0.0.1:5060", "192.0.2.10:4000", TRANSPORT_TLS, true},
    {"[fd00::1]:5060", "sip:a@[fd00::1]", "[2001:db8::1]:5060", TRANSPORT_UDP, true},
    /* It has learned the address of its mapping: */
    {"10.0.0.1:5060;rport", "sip:a@192.0.2.10:4000", "192.0.2.10:4000", TRANSPORT_UDP, true},
    {"10.0.0.1:5060;rport", "sip:a@192.0.2.10:4000", "192.0.2.10:4000", TRANSPORT_TCP, true},
    /* That of another one: */
    {"192.0.2.10:4001;rport", "sip:a@192.0.2.10:4001", "192.0.2.10:4000", TRANSPORT_UDP, true},
    {"192.0.2.10:4001;rport", "sip:a@192.0.2.10:5070", "192.0.2.10:4000", TRANSPORT_UDP, false},
    {"10.0.0.1:5060;rport", "sip:a@192.0.2.10:4001", "192.0.2.10:4000", TRANSPORT_UDP, true},
    /* A private address of another interface: */
    {"192.168.1.5:5060;rport", "sip:a@10.8.0.3", "192.0.2.10:4000", TRANSPORT_UDP, true},
    {"phone.lan:5060;rport", "sip:a@10.8.0.3", "192.0.2.10:4000", TRANSPORT_UDP, true},
    {"192.0.2.10:5060;rport", "sip:a@10.8.0.3", "192.0.2.10:5060", TRANSPORT_UDP, true},
    {"192.168.1.5:5060;rport", "sip:a@10.8.0.3", "10.1.1.1:4000", TRANSPORT_UDP, false},
    /* Another place on purpose: */
    {"192.0.2.10:5060;rport", "sip:a@192.0.2.11", "192.0.2.10:5060", TRANSPORT_UDP, false},
    {"10.0.0.1:5060;rport", "sip:a@192.0.2.11", "192.0.2.10:5060", TRANSPORT_UDP, false},
};

static struct flow flow_from(const char *source, uint8_t transport)
{
    struct flow flow = {.transport = transport};
    assert_int_equal(address_parse(slice_from_string(source), &flow.remote), 0);
    return flow;
}

static struct sip_via via_of(char text[128], const char *sent_by)
{
    struct sip_via via;
    (void)snprintf(text, 128, "SIP/2.0/UDP %s;branch=z9hG4bKx", sent_by);
    assert_int_equal(sip_via_parse(slice_from_string(text), &via), 0);
    return via;
}

/* RFC 3261 section 18.2.1, RFC 3581 section 4 */
static void what_only_its_flow_leads_to(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[128];
        struct sip_via via = via_of(text, rows[i].via);
        struct flow flow = flow_from(rows[i].source, rows[i].transport);
        struct sip_uri contact;
        assert_int_equal(sip_uri_parse(slice_from_string(rows[i].contact), &contact), 0);
        if (nat_hides(&via, &flow, &contact) != rows[i].hides)
            fail_msg("row %zu: %s from %s", i, rows[i].contact, rows[i].source);
    }
}

/* RFC 3261 section 18.2.2 but for who cannot be there */
static void answers_to_private_addresses_go_to_the_source(void **state)
{
    (void)state;
    static const struct {
        const char *via, *source;
        bool there;
    } answers[] = {
        {"10.0.0.1:5060", "192.0.2.10:4000", true}, {"10.0.0.1:5060", "10.1.0.1:4000", true},
        {"10.0.0.1:5060", "10.0.0.1:4000", false},  {"192.0.2.11", "192.0.2.10:4000", false},
        {"192.0.2.10", "192.0.2.10:4000", false},   {"phone.lan", "192.0.2.10:4000", false},
        {"[fd00::1]", "[2001:db8::1]:4000", true},
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        char text[128];
        struct sip_via via = via_of(text, answers[i].via);
        struct flow flow = flow_from(answers[i].source, TRANSPORT_UDP);
        assert_int_equal(nat_answers_source(&via, &flow), answers[i].there);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_only_its_flow_leads_to),
        cmocka_unit_test(answers_to_private_addresses_go_to_the_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
