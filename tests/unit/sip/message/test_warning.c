#include "base/error.h"
#include "sip/message/warning.h"
#include "unit/sip/text.h"

/* RFC 3261 section 20.43: its examples. */
static void warnings_are_read_and_written(void **state)
{
    (void)state;
    char buffer[128];
    struct sip_warning warning;
    struct writer w;
    assert_int_equal(sip_warning_parse(
                         SLICE("307 isi.edu \"Session parameter 'foo' not understood\""), &warning),
                     0);
    assert_int_equal(warning.code, 307);
    assert_slice(warning.agent, "isi.edu");
    assert_slice(warning.text, "\"Session parameter 'foo' not understood\"");
    assert_int_equal(sip_warning_parse(SLICE("005 [2001:db8::1]:5060 \"a \\\" b\""), &warning), 0);
    assert_slice(warning.agent, "[2001:db8::1]:5060");
    writer_init(&w, buffer, sizeof(buffer));
    sip_warning_write(&w, &warning);
    assert_slice(writer_slice(&w), "005 [2001:db8::1]:5060 \"a \\\" b\"");
}

/* RFC 3261 section 25.1; RFC 4475 section 3.1.2.5: a code of four digits. */
static void malformed_warnings_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "307",
                                      "307 a",
                                      "307 a b",
                                      "307 \"a\"",
                                      "1812 overture \"In Progress\"",
                                      "30 a \"b\"",
                                      "3o7 a \"b\"",
                                      "307 a \"b",
                                      "307 a \"b\" c",
                                      "307 a\"b\"",
                                      "307a \"b\"",
                                      "307 a;b \"c\""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct slice input = text_new(bad[i], strlen(bad[i]));
        struct sip_warning warning;
        if (sip_warning_parse(input, &warning) != ERR_SYNTAX) {
            fail_msg("taken: %s", bad[i]);
        }
        text_free(input);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warnings_are_read_and_written),
        cmocka_unit_test(malformed_warnings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
