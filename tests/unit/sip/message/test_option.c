#include "base/error.h"
#include "sip/message/option.h"
#include "unit/sip/text.h"

static struct sip_message message;
static char buffer[128];

static int missing(const char *lines, struct writer *w)
{
    static const struct slice known[] = {SLICE_LITERAL("path"), SLICE_LITERAL("100rel")};
    static char text[512];
    struct sip_limits limits = {0};
    struct sip_fault fault;
    struct writer m;
    writer_init(&m, text, sizeof(text));
    writer_format(&m, "OPTIONS sip:h SIP/2.0\r\n%s\r\n", lines);
    assert_int_equal(sip_message_parse(writer_slice(&m), &limits, &message, &fault), 0);
    writer_init(w, buffer, sizeof(buffer));
    return sip_option_tags_missing(&message, SIP_HEADER_REQUIRE, known, 2, w);
}

/* RFC 3261 sections 8.2.2.3 and 20.40; RFC 4475 section 3.3.5. */
static void tags_that_we_lack_are_listed(void **state)
{
    (void)state;
    struct writer w;
    assert_int_equal(missing("", &w), 0);
    assert_int_equal(missing("Require: Path, 100REL\r\n", &w), 0);
    assert_slice(writer_slice(&w), "");
    assert_int_equal(missing("Require: nothingSupportsThis,path\r\nProxy-Require: x\r\nRequire: "
                             "nothingSupportsThisEither\r\n",
                             &w),
                     2);
    assert_slice(writer_slice(&w), "nothingSupportsThis, nothingSupportsThisEither");
    assert_int_equal(missing("Require: a b\r\n", &w), ERR_SYNTAX);
}

/* RFC 3261 section 25.1: callid. */
static void call_ids_are_words(void **state)
{
    (void)state;
    assert_true(sip_is_call_id(SLICE("f81d4fae-7dec-11d0-a765-00a0c91e6bf6@foo.bar.com")));
    assert_true(sip_is_call_id(SLICE("a")));
    assert_true(sip_is_call_id(SLICE("0ha0isndaksdj1!%*_+`'~()<>:\\\"/[]?{}@x")));
    assert_false(sip_is_call_id(SLICE("")));
    assert_false(sip_is_call_id(SLICE("@b")));
    assert_false(sip_is_call_id(SLICE("a@")));
    assert_false(sip_is_call_id(SLICE("a@b@c")));
    assert_false(sip_is_call_id(SLICE("a b")));
    assert_false(sip_is_call_id(SLICE("a;b")));
}

/* RFC 3261 section 20.26. */
static void priorities_are_known_by_name(void **state)
{
    (void)state;
    enum sip_priority priority;
    for (unsigned i = 0; i < SIP_PRIORITY_OTHER; i++) {
        assert_int_equal(sip_priority_parse(sip_priority_name((enum sip_priority)i), &priority), 0);
        assert_int_equal(priority, i);
    }
    assert_int_equal(sip_priority_parse(SLICE(" Emergency"), &priority), 0);
    assert_int_equal(priority, SIP_PRIORITY_EMERGENCY);
    assert_int_equal(sip_priority_parse(SLICE("psap-callback"), &priority), 0);
    assert_int_equal(priority, SIP_PRIORITY_OTHER);
    assert_int_equal(sip_priority_parse(SLICE("very urgent"), &priority), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_that_we_lack_are_listed),
        cmocka_unit_test(call_ids_are_words),
        cmocka_unit_test(priorities_are_known_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
