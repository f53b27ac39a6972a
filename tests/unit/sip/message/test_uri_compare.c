#include "sip/message/uri.h"
#include "unit/sip/text.h"

static bool equal(const char *a, const char *b)
{
    struct sip_uri x, y;
    if (sip_uri_parse(slice_from_string(a), &x) != 0 ||
        sip_uri_parse(slice_from_string(b), &y) != 0) {
        fail_msg("not taken: %s or %s", a, b);
    }
    assert_true(sip_uri_equal(&x, &x));
    assert_true(sip_uri_equal(&y, &y));
    bool result = sip_uri_equal(&x, &y);
    assert_int_equal(sip_uri_equal(&y, &x), result);
    return result;
}

#define assert_equivalent(a, b)                                                                    \
    do {                                                                                           \
        if (!equal(a, b)) {                                                                        \
            fail_msg("must be equivalent: %s %s", a, b);                                           \
        }                                                                                          \
    } while (0)
#define assert_different(a, b)                                                                     \
    do {                                                                                           \
        if (equal(a, b)) {                                                                         \
            fail_msg("must not be equivalent: %s %s", a, b);                                       \
        }                                                                                          \
    } while (0)

/* RFC 3261 section 19.1.4: the sets of equivalent URIs. */
static void sets_of_equivalent_uris(void **state)
{
    (void)state;
    assert_equivalent("sip:%61lice@atlanta.com;transport=TCP",
                      "sip:alice@AtLanTa.CoM;Transport=tcp");
    assert_equivalent("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5");
    assert_equivalent("sip:carol@chicago.com", "sip:carol@chicago.com;security=on");
    assert_equivalent("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on");
    assert_equivalent("sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                      "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com");
    assert_equivalent("sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                      "sip:alice@atlanta.com?priority=urgent&subject=project%20x");
}

/* RFC 3261 section 19.1.4: the sets of URIs that are not equivalent. */
static void sets_of_different_uris(void **state)
{
    (void)state;
    assert_different("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP");
    assert_different("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060");
    assert_different("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp");
    assert_different("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp");
    assert_different("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting");
    assert_different("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4");
}

/* RFC 3261 section 19.1.4: "equality is not transitive". */
static void equality_is_not_transitive(void **state)
{
    (void)state;
    assert_equivalent("sip:carol@chicago.com", "sip:carol@chicago.com;security=on");
    assert_equivalent("sip:carol@chicago.com", "sip:carol@chicago.com;security=off");
    assert_different("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off");
}

/* RFC 3261 section 19.1.4: the rules, one by one. */
static void rules_of_comparison(void **state)
{
    (void)state;
    assert_different("sip:alice@atlanta.com", "sips:alice@atlanta.com");
    assert_different("sip:atlanta.com", "sip:alice@atlanta.com");
    assert_different("sip:alice:@atlanta.com", "sip:alice@atlanta.com");
    assert_different("sip:alice:a@atlanta.com", "sip:alice:A@atlanta.com");
    assert_equivalent("sip:alice:%61@atlanta.com", "sip:alice:a@atlanta.com");
    assert_different("sip:h;user=phone", "sip:h");
    assert_different("sip:h;ttl=1", "sip:h");
    assert_different("sip:h;method=INVITE", "sip:h");
    assert_different("sip:h;maddr=192.0.2.1", "sip:h");
    assert_different("sip:h;maddr=192.0.2.1", "sip:h;maddr=192.0.2.2");
    assert_equivalent("sip:h;lr", "sip:h");
    assert_different("sip:h;lr", "sip:h;lr=on");
    assert_equivalent("sip:h;p%41r=%62", "sip:h;par=B");
    assert_equivalent("sip:h:5060", "sip:h:05060");
    assert_different("sip:h?a=b&a=b", "sip:h?a=b");
    assert_different("sip:h?a=b&a=b", "sip:h?a=b&a=c");
    assert_equivalent("sip:h?a=b&a=c", "sip:h?a=c&a=b");
    /* Reserved characters differ from their escapes, all others do not. */
    assert_different("sip:a%3Bb@h", "sip:a;b@h");
    assert_equivalent("sip:a%3bb@h", "sip:a%3Bb@h");
    assert_different("sip:a%40h@h", "sip:a@h");
    assert_equivalent("sip:%7E%21@h", "sip:~!@h");
    assert_equivalent("sip:*%2367%23@h", "sip:*#67#@h");
    assert_different("sip:%00@h", "sip:%00%00@h");
}

/* RFC 5954 section 4.2: textual forms of one address are one address. */
static void addresses_are_compared_as_numbers(void **state)
{
    (void)state;
    assert_equivalent("sip:bob@[::ffff:192.0.2.128]", "sip:bob@[::ffff:c000:280]");
    assert_equivalent("sip:bob@[2001:db8::9:1]", "sip:bob@[2001:db8::9:01]");
    assert_equivalent("sip:bob@[0:0:0:0:0:FFFF:129.144.52.38]", "sip:bob@[::FFFF:129.144.52.38]");
    assert_different("sip:bob@[2001:db8::9:1]", "sip:bob@[2001:db8::9:2]");
    assert_different("sip:bob@192.0.2.1", "sip:bob@192.0.2.2");
}

/* RFC 3966 section 4. */
static void tel_uris_are_compared_by_their_digits(void **state)
{
    (void)state;
    assert_equivalent("tel:+1-201-555-0123", "tel:+12015550123");
    assert_equivalent("tel:+1(201)555.0123", "TEL:+12015550123");
    assert_different("tel:+12015550123", "tel:+12015550124");
    assert_different("tel:+12015550123", "tel:12015550123;phone-context=+1");
    assert_equivalent("tel:7042;phone-context=example.com", "tel:70-42;phone-context=EXAMPLE.com");
    assert_equivalent("tel:863-1234;phone-context=+1-914-555",
                      "tel:8631234;phone-context=+1914555");
    assert_different("tel:7042;phone-context=example.com", "tel:7042;phone-context=example.org");
    assert_different("tel:7042;phone-context=example.com", "tel:7042;phone-context=+1");
    assert_equivalent("tel:abC#;phone-context=x.com", "tel:ABc#;phone-context=x.com");
    assert_equivalent("tel:+1;ext=1-2;isub=X", "tel:+1;isub=x;ext=12");
    assert_different("tel:+1;ext=12", "tel:+1;ext=13");
    assert_different("tel:+1;a=b", "tel:+1");
    assert_equivalent("tel:+1;A=b;c", "tel:+1;C;a=B");
    assert_different("tel:+1;a", "tel:+1;a=b");
    assert_different("tel:+12015550123", "sip:+12015550123@h");
}

/* RFC 3261 section 19.1.4 is about sip and sips only. */
static void other_schemes_are_compared_byte_for_byte(void **state)
{
    (void)state;
    assert_equivalent("urn:service:sos", "urn:service:sos");
    assert_different("urn:service:sos", "URN:service:sos");
    assert_different("urn:%61", "urn:a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_of_equivalent_uris),
        cmocka_unit_test(sets_of_different_uris),
        cmocka_unit_test(equality_is_not_transitive),
        cmocka_unit_test(rules_of_comparison),
        cmocka_unit_test(addresses_are_compared_as_numbers),
        cmocka_unit_test(tel_uris_are_compared_by_their_digits),
        cmocka_unit_test(other_schemes_are_compared_byte_for_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
