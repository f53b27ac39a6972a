#include <stdio.h>

#include "base/error.h"
#include "sip/message/message.h"
#include "unit/sip/message/basics.h"
#include "unit/sip/text.h"

/* The values of a list, joined by '|'. */
static void assert_list(const char *list, const char *expected)
{
    struct slice text = text_new(list, strlen(list));
    struct slice rest = text;
    struct slice value;
    char buffer[256];
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    while (sip_list_next(&rest, &value)) {
        if (writer_length(&w) > 0) {
            writer_char(&w, '|');
        }
        writer_put(&w, value);
    }
    assert_int_equal(writer_status(&w), 0);
    assert_slice(writer_slice(&w), expected);
    assert_false(sip_list_next(&rest, &value));
    text_free(text);
}

/* RFC 3261 sections 7.3.1, 25.1: commas in quotes and <> do not divide. */
static void commas_divide_a_list(void **state)
{
    (void)state;
    assert_list("", "");
    assert_list("a", "a");
    assert_list(" a , b,c ", "a|b|c");
    assert_list("a,\r\n b\r\n\t,c", "a|b|c");
    assert_list(",, a ,,\t, b ,", "a|b");
    assert_list("\"x, y\" <sip:a,b@c>;p=\"q,r\", <sip:d>",
                "\"x, y\" <sip:a,b@c>;p=\"q,r\"|<sip:d>");
    assert_list("\"a\\\",b\",c", "\"a\\\",b\"|c");
    assert_list("\"<\",a", "\"<\"|a");
    assert_list("<\">,a", "<\">|a");
    assert_list("\"\",a", "\"\"|a");
    assert_list("a\\,b", "a\\|b");
    assert_list("<a>b,c", "<a>b|c");
    assert_list("<a<b>,c>", "<a<b>|c>");
    /* What stays open takes the rest, and is refused by whoever parses it. */
    assert_list("a, \"b, c", "a|\"b, c");
    assert_list("a, <b, c", "a|<b, c");
    assert_list("\"a, \\", "\"a, \\");
}

/* RFC 3261 section 7.3.1: several lines mean the same as one. */
static void values_run_over_all_lines(void **state)
{
    (void)state;
    struct parsed *p = parsed_good(SLICE(LINE "Route: <sip:a>, <sip:b>\r\n"
                                              "Route:\r\n"
                                              "Supported: x\r\n"
                                              "route: <sip:c>\r\n" EMPTY));
    static const char *const expected[] = {"<sip:a>", "<sip:b>", "<sip:c>"};
    static const unsigned lines[] = {0, 0, 3};
    struct sip_values it;
    struct slice value;
    unsigned count = 0;
    sip_values_init(&it, &p->msg, SIP_HEADER_ROUTE);
    while (sip_values_next(&it, &value)) {
        assert_in_range(count, 0, 2);
        assert_slice(value, expected[count]);
        assert_ptr_equal(it.line, &p->msg.headers[lines[count]]);
        count++;
    }
    assert_int_equal(count, 3);
    assert_false(sip_values_next(&it, &value));
    sip_values_init(&it, &p->msg, SIP_HEADER_PATH);
    assert_false(sip_values_next(&it, &value));
    parsed_free(p);
}

/* RFC 3261 section 7.3.1: tokens ignore case; section 7.1: methods do not. */
static void tokens_are_found_in_lists(void **state)
{
    (void)state;
    struct parsed *p = parsed_good(SLICE(LINE "Supported: path, 100rel\r\nk: OUTBOUND\r\n"
                                              "Allow: INVITE, ACK\r\n" EMPTY));
    assert_true(sip_message_has_token(&p->msg, SIP_HEADER_SUPPORTED, SLICE("100rel")));
    assert_true(sip_message_has_token(&p->msg, SIP_HEADER_SUPPORTED, SLICE("outbound")));
    assert_false(sip_message_has_token(&p->msg, SIP_HEADER_SUPPORTED, SLICE("out")));
    assert_false(sip_message_has_token(&p->msg, SIP_HEADER_REQUIRE, SLICE("path")));
    assert_true(sip_message_has_token(&p->msg, SIP_HEADER_ALLOW, SLICE("ACK")));
    assert_false(sip_message_has_token(&p->msg, SIP_HEADER_ALLOW, SLICE("ack")));
    parsed_free(p);
}

/* RFC 3261 section 20.14; RFC 4475 sections 3.1.2.3, 3.3.9. */
static void content_length_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        int rc;
        uint32_t length;
    } rows[] = {
        {"", ERR_NOT_FOUND, 0},
        {"Content-Length: 0\r\n", 0, 0},
        {"l:\r\n 0012\r\n", 0, 12},
        {"l: 4294967295\r\n", 0, UINT32_MAX},
        {"l: 4294967296\r\n", ERR_RANGE, 0},
        {"l: -1\r\n", ERR_SYNTAX, 0},
        {"l:\r\n", ERR_SYNTAX, 0},
        {"l: 5\r\nContent-Length: 5\r\n", 0, 5},
        {"l: 5\r\nContent-Length: 6\r\n", ERR_CONFLICT, 0},
        {"l: 5\r\nContent-Length: x\r\n", ERR_SYNTAX, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        int len = snprintf(text, sizeof(text), "%s%s\r\n", LINE BASICS, rows[i].lines);
        struct parsed *p = parsed_new(slice_of(text, (size_t)len), NULL);
        uint32_t length = 4711;
        assert_int_equal(sip_message_content_length(&p->msg, &length), rows[i].rc);
        assert_int_equal(length, rows[i].rc == 0 ? rows[i].length : 4711);
        parsed_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_divide_a_list),
        cmocka_unit_test(values_run_over_all_lines),
        cmocka_unit_test(tokens_are_found_in_lists),
        cmocka_unit_test(content_length_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
