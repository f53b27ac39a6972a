#include "app/doctor/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* RFC 3263 section 4.1, RFC 2782, RFC 3403 section 4.1, RFC 4168 section 5.3. */
static void each_transport_has_its_lines(void **state)
{
    (void)state;
    static const struct {
        uint8_t transport;
        const char *srv, *naptr;
    } rows[] = {
        {TRANSPORT_UDP, "_sip._udp.example.org. 3600 IN SRV 10 10 5060 sip.example.org.",
         "example.org. 3600 IN NAPTR 10 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.org."},
        {TRANSPORT_TCP, "_sip._tcp.example.org. 3600 IN SRV 10 10 5060 sip.example.org.",
         "example.org. 3600 IN NAPTR 10 50 \"s\" \"SIP+D2T\" \"\" _sip._tcp.example.org."},
        {TRANSPORT_TLS, "_sips._tcp.example.org. 3600 IN SRV 10 10 5060 sip.example.org.",
         "example.org. 3600 IN NAPTR 10 50 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.example.org."},
        {TRANSPORT_SCTP, "_sip._sctp.example.org. 3600 IN SRV 10 10 5060 sip.example.org.",
         "example.org. 3600 IN NAPTR 10 50 \"s\" \"SIP+D2S\" \"\" _sip._sctp.example.org."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[ZONE_LINE_MAX];
        const struct zone_service *service = zone_service_of(rows[i].transport);
        assert_non_null(service);
        assert_string_equal(
            zone_srv_line(service, SLICE("example.org"), 5060, SLICE("sip.example.org"), line),
            rows[i].srv);
        assert_string_equal(zone_naptr_line(service, SLICE("example.org"), 10, line),
                            rows[i].naptr);
        assert_ptr_equal(zone_service_of_naptr(slice_from_string(service->naptr)), service);
    }
    assert_null(zone_service_of(TRANSPORT_WS));
    assert_null(zone_service_of_naptr(SLICE("E2U+sip")));
    assert_ptr_equal(zone_service_of_naptr(SLICE("sip+d2u")), zone_service_of(TRANSPORT_UDP));
}

/* RFC 1035 section 3.4.1, RFC 3596 section 2.1. */
static void addresses_have_the_record_of_their_family(void **state)
{
    (void)state;
    char line[ZONE_LINE_MAX];
    struct address v4, v6;
    assert_int_equal(address_parse_host(SLICE("203.0.113.7"), 5060, &v4), 0);
    assert_int_equal(address_parse_host(SLICE("2001:db8::7"), 5060, &v6), 0);
    assert_string_equal(zone_address_line(SLICE("sip.example.org"), &v4, line),
                        "sip.example.org. 3600 IN A 203.0.113.7");
    assert_string_equal(zone_address_line(SLICE("sip.example.org"), &v6, line),
                        "sip.example.org. 3600 IN AAAA 2001:db8::7");
}

/* RFC 1035 section 2.3.4: the longest names fit. */
static void the_longest_names_fit(void **state)
{
    (void)state;
    char name[253], line[ZONE_LINE_MAX];
    memset(name, 'a', sizeof name);
    struct slice longest = slice_of(name, sizeof name);
    size_t srv =
        strlen(zone_srv_line(zone_service_of(TRANSPORT_TLS), longest, 65535, longest, line));
    assert_true(srv > 2 * sizeof name && line[srv - 1] == '.');
    size_t naptr = strlen(zone_naptr_line(zone_service_of(TRANSPORT_TLS), longest, 10, line));
    assert_true(naptr > 2 * sizeof name && line[naptr - 1] == '.');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_transport_has_its_lines),
        cmocka_unit_test(addresses_have_the_record_of_their_family),
        cmocka_unit_test(the_longest_names_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
