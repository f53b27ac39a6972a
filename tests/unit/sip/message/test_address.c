#include "base/error.h"
#include "sip/message/address.h"
#include "unit/sip/text.h"

static struct sip_address parsed(const char *text)
{
    struct sip_address address;
    if (sip_address_parse(slice_from_string(text), false, &address) != 0) {
        fail_msg("not taken: %s", text);
    }
    return address;
}

/* RFC 3261 sections 20.10, 20.20, 20.39 and 25.1. */
static void names_uris_and_parameters_are_told_apart(void **state)
{
    (void)state;
    struct sip_address a = parsed("\"A. G. Bell\" <sip:agb@bell-telephone.com> ;tag=a48s");
    assert_slice(a.display, "\"A. G. Bell\"");
    assert_slice(a.uri, "sip:agb@bell-telephone.com");
    assert_slice(a.params, ";tag=a48s");
    assert_slice(a.tag, "a48s");
    assert_true(a.brackets);
    a = parsed("sip:+12125551212@server.phone2net.com;tag=887s");
    assert_slice(a.uri, "sip:+12125551212@server.phone2net.com");
    assert_slice(a.params, ";tag=887s");
    assert_false(a.brackets);
    a = parsed(" Anonymous  X <sip:c8oqz84zk7z@privacy.org>;Tag=hyh8 ");
    assert_slice(a.display, "Anonymous  X");
    assert_slice(a.tag, "hyh8");
    a = parsed("<sip:a@b;lr?x=y>");
    assert_slice(a.uri, "sip:a@b;lr?x=y");
    assert_slice(a.params, "");
    assert_slice(a.tag, "");
    a = parsed("* <sip:a@b>");
    assert_slice(a.display, "*");
}

/* RFC 4475 sections 3.1.1.1, 3.1.1.2, 3.1.1.6, 3.3.12. */
static void torture_addresses_are_taken(void **state)
{
    (void)state;
    struct sip_address a = parsed(
        "\"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8");
    assert_slice(a.display, "\"J Rosenberg \\\\\\\"\"");
    assert_slice(a.tag, "98asjd8");
    a = parsed("token1~` token2'+_ token3*%!.- "
               "<sip:mundane@example.com>;fromParam''~+*_!.-%=\"\xd1\x80\";tag=_token~1'+`*%!-.");
    assert_slice(a.display, "token1~` token2'+_ token3*%!.-");
    assert_slice(a.tag, "_token~1'+`*%!-.");
    a = parsed("caller<sip:caller@example.com>;tag=323");
    assert_slice(a.display, "caller");
    a = parsed("sip:+19725552222@gw1.example.net;unknownparam");
    assert_slice(a.params, ";unknownparam");
    a = parsed("isbn:2983792873");
    assert_slice(a.uri, "isbn:2983792873");
}

/* RFC 3261 sections 20 and 25.1; RFC 4475 sections 3.1.2.1, 3.1.2.6, 3.1.2.13, 3.1.2.14, 3.1.2.15.
 */
static void malformed_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "   ",
        "*",
        "sip",
        "<>",
        "<sip:a@b",
        "sip:a@b>",
        "\"Mr. J. User <sip:j.user@example.com>",
        "\"Joe\" <sip:joe@example.org>;;;;",
        "sip:user@example.com?Route=%3Csip:sip.example.com%3E",
        "sip:a@b,sip:c@d",
        "\"Watson, Thomas\" < sip:t.watson@example.org >",
        "Bell, Alexander <sip:a.g.bell@example.com>;tag=43",
        "\"a\" b <sip:a@b>",
        "\"a\" sip:a@b",
        "a sip:a@b",
        "a\r\n<sip:a@b>",
        "<sip:a@b> x",
        "<sip:a@b>;",
        "<sip:a@b>;tag=",
        "<sip:a@b>,<sip:c@d>",
        "<sip:a@b\r\n ;lr>",
        "sip:a@b x",
        "J\xc3\xa9 <sip:a@b>",
        "alan@jasomi.com",
        "sip:user;x@host",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct slice input = text_new(bad[i], strlen(bad[i]));
        struct sip_address address;
        if (sip_address_parse(input, false, &address) != ERR_SYNTAX) {
            fail_msg("taken: %s", bad[i]);
        }
        text_free(input);
    }
}

/* RFC 3261 section 10.2.2: "*" stands alone, in Contact only. */
static void star_is_a_contact_of_its_own(void **state)
{
    (void)state;
    struct sip_address a;
    assert_int_equal(sip_address_parse(SLICE(" * "), true, &a), 0);
    assert_true(a.star);
    assert_slice(a.uri, "");
    assert_int_equal(sip_address_parse(SLICE("*;a"), true, &a), ERR_SYNTAX);
    struct sip_contact contact;
    assert_int_equal(sip_contact_parse(SLICE("*"), &contact), 0);
    assert_true(contact.address.star);
}

/* RFC 3261 section 20: a URI with ';' '?' or ',' needs brackets, so all get them. */
static void addresses_are_written_with_brackets(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"sip:a@b;tag=1", "<sip:a@b>;tag=1"},
        {"Bob  Z<sip:a@b?c=d> ; x", "Bob  Z <sip:a@b?c=d>; x"},
        {"*", "*"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char buffer[64];
        struct writer w;
        struct sip_address a;
        writer_init(&w, buffer, sizeof(buffer));
        assert_int_equal(sip_address_parse(slice_from_string(texts[i][0]), true, &a), 0);
        sip_address_write(&w, &a);
        assert_slice(writer_slice(&w), texts[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_uris_and_parameters_are_told_apart),
        cmocka_unit_test(torture_addresses_are_taken),
        cmocka_unit_test(malformed_addresses_are_refused),
        cmocka_unit_test(star_is_a_contact_of_its_own),
        cmocka_unit_test(addresses_are_written_with_brackets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
