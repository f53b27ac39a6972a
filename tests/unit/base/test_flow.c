#include "base/error.h"
#include "base/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* RFC 3261 section 20.42, RFC 7118 section 5.1, RFC 4168 section 6: Via tokens, case ignored */
static void transports_are_found_by_their_via_token(void **state)
{
    (void)state;
    static const char *const names[] = {"udp", "TCP", "Tls", "ws", "WSS", "sctp"};
    static const enum transport wanted[] = {TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_TLS,
                                            TRANSPORT_WS,  TRANSPORT_WSS, TRANSPORT_SCTP};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        enum transport t = TRANSPORT_COUNT;
        assert_int_equal(transport_lookup(slice_from_string(names[i]), &t), 0);
        assert_int_equal(t, wanted[i]);
    }
}

static void a_name_that_is_not_known_leaves_the_output_alone(void **state)
{
    (void)state;
    enum transport t = TRANSPORT_SCTP;
    assert_int_equal(transport_lookup(SLICE("TLS-SCTP"), &t), ERR_NOT_FOUND);
    assert_int_equal(transport_lookup(SLICE(""), &t), ERR_NOT_FOUND);
    assert_int_equal(transport_lookup(SLICE("UD"), &t), ERR_NOT_FOUND);
    assert_int_equal(t, TRANSPORT_SCTP);
}

/* RFC 3261 section 17: only UDP is unreliable among them */
static void only_udp_is_unreliable(void **state)
{
    (void)state;
    for (unsigned t = 0; t < TRANSPORT_COUNT; t++) {
        struct flow flow = {.transport = (uint8_t)t};
        assert_int_equal(transport_reliable((enum transport)t), t != TRANSPORT_UDP);
        assert_int_equal(flow_reliable(&flow), t != TRANSPORT_UDP);
    }
}

static void tls_and_wss_are_secure(void **state)
{
    (void)state;
    for (unsigned t = 0; t < TRANSPORT_COUNT; t++)
        assert_int_equal(transport_secure((enum transport)t),
                         t == TRANSPORT_TLS || t == TRANSPORT_WSS);
}

/* RFC 3261 section 19.1.2: 5060, sips 5061; RFC 7118 section 4: the ports of HTTP */
static void default_ports(void **state)
{
    (void)state;
    assert_int_equal(transport_default_port(TRANSPORT_UDP), 5060);
    assert_int_equal(transport_default_port(TRANSPORT_TCP), 5060);
    assert_int_equal(transport_default_port(TRANSPORT_SCTP), 5060);
    assert_int_equal(transport_default_port(TRANSPORT_TLS), 5061);
    assert_int_equal(transport_default_port(TRANSPORT_WS), 80);
    assert_int_equal(transport_default_port(TRANSPORT_WSS), 443);
}

static void names_are_upper_case_in_via_and_lower_case_in_uris(void **state)
{
    (void)state;
    for (unsigned t = 0; t < TRANSPORT_COUNT; t++) {
        struct slice via = transport_via_name((enum transport)t);
        struct slice uri = transport_uri_name((enum transport)t);
        assert_int_equal(via.len, uri.len);
        for (size_t i = 0; i < via.len; i++)
            assert_int_equal(via.ptr[i] | 0x20, uri.ptr[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transports_are_found_by_their_via_token),
        cmocka_unit_test(a_name_that_is_not_known_leaves_the_output_alone),
        cmocka_unit_test(only_udp_is_unreliable),
        cmocka_unit_test(tls_and_wss_are_secure),
        cmocka_unit_test(default_ports),
        cmocka_unit_test(names_are_upper_case_in_via_and_lower_case_in_uris),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
