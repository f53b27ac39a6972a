#include "sip/message/cseq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/error.h"
#include "unit/sip/text.h"

/* RFC 3261 section 20.16; leading zeros and folds: RFC 4475 section 3.1.1.1. */
static void well_formed_values_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t number;
        enum sip_method method;
        const char *name;
    } rows[] = {
        {"1 INVITE", 1, SIP_INVITE, "INVITE"},
        {"0009\r\n  INVITE", 9, SIP_INVITE, "INVITE"},
        {"0 ACK", 0, SIP_ACK, "ACK"},
        {"2147483647\tREGISTER", 2147483647, SIP_REGISTER, "REGISTER"},
        {"4294967295 BYE", 4294967295, SIP_BYE, "BYE"},
        {"00000000000000000000001 BYE", 1, SIP_BYE, "BYE"},
        {"7 invite", 7, SIP_METHOD_OTHER, "invite"},
        {"7 !new-Method%", 7, SIP_METHOD_OTHER, "!new-Method%"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice s = text_new(rows[i].text, strlen(rows[i].text));
        struct sip_cseq cseq;
        assert_int_equal(sip_cseq_parse(s, &cseq), 0);
        assert_int_equal(cseq.number, rows[i].number);
        assert_int_equal(cseq.method, rows[i].method);
        assert_slice(cseq.method_name, rows[i].name);
        text_free(s);
    }
}

/* RFC 4475 section 3.1.2.4 for the range. */
static void malformed_values_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int error;
    } rows[] = {
        {"", ERR_SYNTAX},
        {"1", ERR_SYNTAX},
        {"1 ", ERR_SYNTAX},
        {"INVITE", ERR_SYNTAX},
        {"1INVITE", ERR_SYNTAX},
        {"-1 INVITE", ERR_SYNTAX},
        {"1 INVITE x", ERR_SYNTAX},
        {"1 IN/VITE", ERR_SYNTAX},
        {"1\r\nINVITE", ERR_SYNTAX},
        {"4294967296 INVITE", ERR_RANGE},
        {"36893488147419103232 REGISTER", ERR_RANGE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice s = text_new(rows[i].text, strlen(rows[i].text));
        struct sip_cseq cseq = {.number = 4711};
        assert_int_equal(sip_cseq_parse(s, &cseq), rows[i].error);
        assert_int_equal(cseq.number, 4711);
        text_free(s);
    }
    struct sip_cseq cseq;
    assert_int_equal(sip_cseq_parse(SLICE_NULL, &cseq), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_values_are_read),
        cmocka_unit_test(malformed_values_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
