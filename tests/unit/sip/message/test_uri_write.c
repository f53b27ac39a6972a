#include "base/error.h"
#include "sip/message/uri.h"
#include "unit/sip/text.h"

static char buffer[256];

static struct sip_uri parsed(const char *text)
{
    struct sip_uri uri;
    assert_int_equal(sip_uri_parse(slice_from_string(text), &uri), 0);
    return uri;
}

static struct slice aor(const char *text)
{
    struct sip_uri uri = parsed(text);
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    assert_int_equal(sip_uri_write_aor(&w, &uri), 0);
    return writer_slice(&w);
}

static struct slice request(const char *text)
{
    struct sip_uri uri = parsed(text);
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    sip_uri_write_request(&w, &uri);
    return writer_slice(&w);
}

static struct slice reached(const char *text)
{
    struct sip_uri uri = parsed(text);
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    sip_uri_write_reached(&w, &uri);
    return writer_slice(&w);
}

/* RFC 3261 section 16.4. */
static void an_maddr_that_was_reached_goes_with_port_and_transport(void **state)
{
    (void)state;
    assert_slice(reached("sip:a:p@h:5070;x=1;maddr=192.0.2.1;TRANSPORT=tcp;lr?s=1"),
                 "sip:a:p@h;x=1;lr");
    assert_slice(reached("sips:h;%6Daddr=192.0.2.1;method=BYE"), "sips:h");
    assert_slice(reached("sip:[2001:db8::1]:5060"), "sip:[2001:db8::1]");
}

/* RFC 3261 section 10.3 step 5. */
static void address_of_record_is_canonical(void **state)
{
    (void)state;
    assert_slice(aor("SIP:Alice@AtLanTa.CoM"), "sip:Alice@atlanta.com");
    assert_slice(aor("sips:%61lice:pw@atlanta.com:5061;transport=tcp?a=b"),
                 "sip:alice@atlanta.com");
    assert_slice(aor("sip:alice@atlanta.com:5060"), "sip:alice@atlanta.com");
    assert_slice(aor("sip:alice@atlanta.com:5061"), "sip:alice@atlanta.com:5061");
    assert_slice(aor("sips:alice@atlanta.com:5060"), "sip:alice@atlanta.com");
    assert_slice(aor("sip:%00%00%40%3a%3b%25@h"), "sip:%00%00%40%3A;%25@h");
    assert_slice(aor("sip:*#67#@h"), "sip:*%2367%23@h");
    assert_slice(aor("sip:j%c3%a9@h"), "sip:j%C3%A9@h");
    assert_slice(aor("sip:Example.COM"), "sip:example.com");
    assert_slice(aor("sip:a@[2001:DB8:0:0::1]"), "sip:a@[2001:db8::1]");
    struct sip_uri uri = parsed("tel:+1");
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    assert_int_equal(sip_uri_write_aor(&w, &uri), ERR_UNSUPPORTED);
    assert_int_equal(writer_length(&w), 0);
    uri = parsed("sip:alice@atlanta.com");
    writer_init(&w, buffer, 20);
    assert_int_equal(sip_uri_write_aor(&w, &uri), ERR_LIMIT);
}

/* RFC 3261 section 19.1.1 table 1: no headers, no method in a Request-URI; section 16.5. */
static void request_uri_has_no_headers_and_no_method(void **state)
{
    (void)state;
    assert_slice(request("sip:a:b@H:5060;x=y;Method=INVITE;lr?Route=x&b=c"),
                 "sip:a:b@H:5060;x=y;lr");
    assert_slice(request("sip:h;%6Dethod=BYE"), "sip:h");
    assert_slice(request("sip:h"), "sip:h");
    assert_slice(request("tel:+1;method=x"), "tel:+1;method=x");
    assert_slice(request("urn:a?b;method=c"), "urn:a?b;method=c");
}

/* RFC 3261 section 19.1.2; RFC 4475 section 3.1.1.4. */
static void escapes_are_undone_once(void **state)
{
    (void)state;
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    sip_unescape_write(&w, SLICE("a%25%34%31%00b%zz%4"));
    assert_int_equal(writer_length(&w), 11);
    assert_memory_equal(buffer, "a%41\0b%zz%4", 11);
    writer_init(&w, buffer, sizeof(buffer));
    sip_unescape_write(&w, SLICE_NULL);
    assert_int_equal(writer_length(&w), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_of_record_is_canonical),
        cmocka_unit_test(an_maddr_that_was_reached_goes_with_port_and_transport),
        cmocka_unit_test(request_uri_has_no_headers_and_no_method),
        cmocka_unit_test(escapes_are_undone_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
