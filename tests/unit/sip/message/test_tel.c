#include "base/error.h"
#include "sip/message/uri.h"
#include "unit/sip/text.h"

static int parse(const char *text, struct sip_uri *ret_uri)
{
    return sip_uri_parse(slice_from_string(text), ret_uri);
}

/* RFC 3966 sections 3 and 6. */
static void numbers_and_parameters_are_told_apart(void **state)
{
    (void)state;
    struct sip_uri uri;
    assert_int_equal(parse("tel:+1-201-555-0123", &uri), 0);
    assert_int_equal(uri.scheme, SIP_URI_TEL);
    assert_slice(uri.user, "+1-201-555-0123");
    assert_slice(uri.params, "");
    assert_slice(uri.host, "");
    assert_int_equal(parse("tel:863-1234;phone-context=+1-914-555", &uri), 0);
    assert_slice(uri.user, "863-1234");
    assert_slice(uri.params, ";phone-context=+1-914-555");
    struct slice context;
    assert_true(sip_uri_param(&uri, SLICE("phone-context"), &context));
    assert_slice(context, "+1-914-555");
    assert_int_equal(parse("tel:7042;phone-context=example.com", &uri), 0);
    assert_int_equal(parse("tel:*#06#;phone-context=cell.example", &uri), 0);
    assert_int_equal(parse("tel:+358-555-1234567;isub=12@3?;ext=9-9;postd=pp22;m-x=%3B", &uri), 0);
    /* Phones without a context for their short numbers are common. */
    assert_int_equal(parse("tel:100", &uri), 0);
}

/* RFC 3966 section 3. */
static void malformed_numbers_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "tel:",
        "tel:+",
        "tel:+-",
        "tel:-.()",
        "tel:+1a",
        "tel:+1#",
        "tel:12 3",
        "tel:xyz",
        "tel:1+2",
        "tel:+1;",
        "tel:+1;;a",
        "tel:+1;a=",
        "tel:+1;=a",
        "tel:+1;a=b;a",
        "tel:+1;ext=x",
        "tel:+1;ext",
        "tel:+1;isub=",
        "tel:+1?a=b",
        "tel:1;phone-context=",
        "tel:1;phone-context=+",
        "tel:1;phone-context=a..b",
        "tel:+1;a=%4",
        "tel:+1;Ext=1;ext=1",
        "tel:%31",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct slice input = text_new(bad[i], strlen(bad[i]));
        struct sip_uri uri;
        if (sip_uri_parse(input, &uri) != ERR_SYNTAX) {
            fail_msg("taken: %s", bad[i]);
        }
        text_free(input);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_parameters_are_told_apart),
        cmocka_unit_test(malformed_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
