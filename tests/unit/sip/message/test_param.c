#include "base/error.h"
#include "sip/message/param.h"
#include "unit/sip/text.h"

static int count_params(const char *text)
{
    struct slice input = text_new(text, strlen(text)), rest = input;
    struct sip_param param;
    int count = 0, rc;
    while ((rc = sip_param_next(&rest, &param)) > 0) {
        count++;
    }
    text_free(input);
    return rc < 0 ? rc : count;
}

/* RFC 3261 section 25.1: generic-param = token [ EQUAL gen-value ], with LWS around ';' and '='. */
static void params_are_cut_off_one_by_one(void **state)
{
    (void)state;
    struct slice rest = SLICE(" ;\tbranch=z9hG4bK87 ; rport;x = \"a;b\\\"c\"\r\n ;h=[2001:db8::1]");
    struct sip_param param;
    assert_int_equal(sip_param_next(&rest, &param), 1);
    assert_slice(param.name, "branch");
    assert_slice(param.value, "z9hG4bK87");
    assert_true(param.has_value);
    assert_int_equal(sip_param_next(&rest, &param), 1);
    assert_slice(param.name, "rport");
    assert_false(param.has_value);
    assert_int_equal(sip_param_next(&rest, &param), 1);
    assert_slice(param.name, "x");
    assert_slice(param.value, "\"a;b\\\"c\"");
    assert_int_equal(sip_param_next(&rest, &param), 1);
    assert_slice(param.value, "[2001:db8::1]");
    assert_int_equal(sip_param_next(&rest, &param), 0);
    assert_int_equal(sip_param_next(&rest, &param), 0);
}

/* RFC 3261 section 25.1, RFC 4475 section 3.1.2.1. */
static void malformed_params_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        ";",     ";;a",       ";a;",         ";=b",      ";a=",          ";a=;b",
        "a=b",   ";a b",      ";a=b c",      ";a=\"b",   ";a=b,c",       ";a=b\r\n",
        ";a=@x", ";a=\"b\"c", ";a=\"\x01\"", ";a=\"b\\", ";a=\"b\r\nc\""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (count_params(bad[i]) != ERR_SYNTAX) {
            fail_msg("taken: %s", bad[i]);
        }
    }
    assert_int_equal(count_params(""), 0);
    assert_int_equal(count_params("  "), 0);
    assert_int_equal(count_params(";a \r\n\t= b ; c"), 2);
    assert_int_equal(count_params(";tag=abc/d=="), 1);
}

/* RFC 3261 section 7.3.1: parameter names are compared without case. */
static void params_are_found_without_case(void **state)
{
    (void)state;
    struct slice params = SLICE(";lr;Tag=17;tag=18");
    struct sip_param param = {.value = SLICE_LITERAL("kept")};
    assert_true(sip_param_find(params, SLICE("TAG"), &param));
    assert_slice(param.value, "17");
    assert_false(sip_param_find(params, SLICE("ta"), &param));
    assert_slice(param.value, "17");
    assert_false(sip_param_find(SLICE_NULL, SLICE("tag"), &param));
}

/* RFC 3261 section 25.1: quoted-string, quoted-pair. */
static void quoted_strings_end_at_their_own_quote(void **state)
{
    (void)state;
    assert_int_equal(sip_quoted_length(SLICE("\"abc\" <sip:x>")), 5);
    assert_int_equal(sip_quoted_length(SLICE("\"\"")), 2);
    assert_int_equal(sip_quoted_length(SLICE("\"a\\\"b\"")), 6);
    assert_int_equal(sip_quoted_length(SLICE("\"\\\\\"x\"")), 4);
    assert_int_equal(sip_quoted_length(SLICE("\"a\r\n b\"")), 7);
    assert_int_equal(sip_quoted_length(SLICE("\"\xd1\x80\"")), 4);
    assert_int_equal(sip_quoted_length(slice_of("\"\\\0\"", 4)), 4);
    assert_int_equal(sip_quoted_length(SLICE("abc")), 0);
    assert_int_equal(sip_quoted_length(SLICE_NULL), 0);
    assert_int_equal(sip_quoted_length(SLICE("\"")), ERR_SYNTAX);
    assert_int_equal(sip_quoted_length(SLICE("\"abc\\\"")), ERR_SYNTAX);
    assert_int_equal(sip_quoted_length(SLICE("\"a\nb\"")), ERR_SYNTAX);
    assert_int_equal(sip_quoted_length(SLICE("\"\\\r\"")), ERR_SYNTAX);
    assert_int_equal(sip_quoted_length(SLICE("\"\\\xd1\"")), ERR_SYNTAX);
}

/* RFC 3261 section 25.1. */
static void quoting_and_unquoting_undo_each_other(void **state)
{
    (void)state;
    static const char text[] = "J \"R\" \\ \x07 \xc3\xa9";
    char quoted[64], plain[64];
    struct writer w, v;
    writer_init(&w, quoted, sizeof(quoted));
    sip_quote_write(&w, slice_from_string(text));
    assert_slice(writer_slice(&w), "\"J \\\"R\\\" \\\\ \\\x07 \xc3\xa9\"");
    assert_int_equal(sip_quoted_length(writer_slice(&w)), writer_length(&w));
    writer_init(&v, plain, sizeof(plain));
    sip_unquote_write(&v, writer_slice(&w));
    assert_slice(writer_slice(&v), text);
    writer_init(&v, plain, sizeof(plain));
    sip_unquote_write(&v, SLICE("plain\\x"));
    assert_slice(writer_slice(&v), "plain\\x");
    /* CR and LF have no place in a quoted-string. */
    writer_init(&v, plain, sizeof(plain));
    sip_quote_write(&v, SLICE("a\r\nB: c"));
    assert_slice(writer_slice(&v), "\"a  B: c\"");
}

/* RFC 3261 section 25.1: token, LWS. */
static void tokens_and_blanks_are_told_apart(void **state)
{
    (void)state;
    assert_true(sip_is_token(SLICE("a-.!%*_+`'~Z9")));
    assert_false(sip_is_token(SLICE("a b")));
    assert_false(sip_is_token(SLICE("a/b")));
    assert_false(sip_is_token(SLICE_NULL));
    assert_slice(sip_skip_lws(SLICE(" \t\r\n x ")), "x ");
    assert_slice(sip_skip_lws(SLICE("\r\nx")), "\r\nx");
    assert_slice(sip_skip_lws(SLICE("\r\n")), "\r\n");
    assert_slice(sip_skip_lws(SLICE("  ")), "");
    unsigned tokens = 0;
    for (unsigned c = 0; c < 256; c++) {
        tokens += sip_is_token_char((unsigned char)c);
    }
    assert_int_equal(tokens, 62 + 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(params_are_cut_off_one_by_one),
        cmocka_unit_test(malformed_params_are_refused),
        cmocka_unit_test(params_are_found_without_case),
        cmocka_unit_test(quoted_strings_end_at_their_own_quote),
        cmocka_unit_test(quoting_and_unquoting_undo_each_other),
        cmocka_unit_test(tokens_and_blanks_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
