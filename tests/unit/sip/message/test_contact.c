#include "base/error.h"
#include "sip/message/address.h"
#include "unit/sip/text.h"

static struct sip_contact parsed(const char *text)
{
    struct sip_contact contact;
    if (sip_contact_parse(slice_from_string(text), &contact) != 0) {
        fail_msg("not taken: %s", text);
    }
    return contact;
}

static int failure(const char *text)
{
    struct sip_contact contact;
    return sip_contact_parse(slice_from_string(text), &contact);
}

/* RFC 3261 sections 10.2.1 and 20.10; RFC 5626 section 4.1. */
static void contact_parameters_are_read(void **state)
{
    (void)state;
    struct sip_contact c = parsed(
        "\"Mr. Watson\" <sip:watson@worcester.bell-telephone.com;transport=tcp>;q=0.7; expires=3600"
        ";reg-id=1;+SIP.instance=\"<urn:uuid:0001>\"");
    assert_int_equal(c.q, 700);
    assert_true(c.has_expires);
    assert_int_equal(c.expires, 3600);
    assert_int_equal(c.reg_id, 1);
    assert_slice(c.instance, "<urn:uuid:0001>");
    assert_slice(c.uri.transport, "tcp");
    c = parsed("sip:a@b");
    assert_int_equal(c.q, 1000);
    assert_false(c.has_expires);
    assert_int_equal(c.reg_id, 0);
    assert_slice(c.instance, "");
    assert_slice(parsed("<name:John_Smith>").uri.scheme_name, "name");
}

/* RFC 3261 section 10.2.1.1: "malformed values SHOULD be treated as equivalent to 3600". */
static void malformed_expires_counts_as_an_hour(void **state)
{
    (void)state;
    assert_int_equal(parsed("<sip:a@b>;expires=abc").expires, 3600);
    assert_int_equal(parsed("<sip:a@b>;expires").expires, 3600);
    assert_true(parsed("<sip:a@b>;expires").has_expires);
    assert_int_equal(parsed("<sip:a@b>;expires=10000000000000000000000").expires, 3600);
    assert_int_equal(parsed("<sip:a@b>;expires=4294967296").expires, 3600);
    assert_int_equal(parsed("<sip:a@b>;expires=4294967295").expires, 4294967295U);
    assert_int_equal(parsed("<sip:a@b>;expires=0").expires, 0);
}

/* RFC 3261 section 25.1, RFC 5626 section 4.2.1. */
static void malformed_contacts_are_refused(void **state)
{
    (void)state;
    assert_int_equal(failure("<sip:a@>"), ERR_SYNTAX);
    assert_int_equal(failure("<sip:a@b:70000>"), ERR_RANGE);
    assert_int_equal(failure("<sip:a@b>;q=2"), ERR_SYNTAX);
    assert_int_equal(failure("<sip:a@b>;q"), ERR_SYNTAX);
    assert_int_equal(failure("<sip:a@b>;reg-id=0"), ERR_SYNTAX);
    assert_int_equal(failure("<sip:a@b>;reg-id=x"), ERR_SYNTAX);
    assert_int_equal(failure("<sip:a@b>;reg-id=2147483648"), ERR_SYNTAX);
    assert_int_equal(failure(""), ERR_SYNTAX);
}

/* RFC 3261 section 25.1: qvalue. */
static void qvalues_are_thousandths(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int q;
        const char *written;
    } good[] = {{"0", 0, "0"},          {"1", 1000, "1"},     {"0.", 0, "0"},
                {"1.", 1000, "1"},      {"0.5", 500, "0.5"},  {"0.25", 250, "0.25"},
                {"0.001", 1, "0.001"},  {"1.000", 1000, "1"}, {"0.10", 100, "0.1"},
                {"0.999", 999, "0.999"}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint16_t q = 7;
        char buffer[8];
        struct writer w;
        assert_int_equal(sip_qvalue_parse(slice_from_string(good[i].text), &q), 0);
        assert_int_equal(q, good[i].q);
        writer_init(&w, buffer, sizeof(buffer));
        sip_qvalue_write(&w, q);
        assert_slice(writer_slice(&w), good[i].written);
    }
    static const char *const bad[] = {"",   "2",  "1.1",  "1.001", "0.1234", "0,5",
                                      ".5", "-0", "0.5x", "00",    "a"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint16_t q = 7;
        assert_int_equal(sip_qvalue_parse(slice_from_string(bad[i]), &q), ERR_SYNTAX);
        assert_int_equal(q, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contact_parameters_are_read),
        cmocka_unit_test(malformed_expires_counts_as_an_hour),
        cmocka_unit_test(malformed_contacts_are_refused),
        cmocka_unit_test(qvalues_are_thousandths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
