#include "base/error.h"
#include "sip/message/info.h"
#include "unit/sip/text.h"

/* RFC 3261 sections 20.4, 20.9, 20.18. */
static void infos_are_read_and_written(void **state)
{
    (void)state;
    char buffer[128];
    struct sip_info info;
    struct writer w;
    assert_int_equal(
        sip_info_parse(SLICE("<http://wwww.example.com/alice/photo.jpg> ;purpose=icon"), &info), 0);
    assert_slice(info.uri, "http://wwww.example.com/alice/photo.jpg");
    assert_slice(info.purpose, "icon");
    writer_init(&w, buffer, sizeof(buffer));
    sip_info_write(&w, &info);
    assert_slice(writer_slice(&w), "<http://wwww.example.com/alice/photo.jpg>;purpose=icon");
    assert_int_equal(sip_info_parse(SLICE("<sip:not-in-service-recording@atlanta.com>"), &info), 0);
    assert_slice(info.purpose, "");
    static const char *const bad[] = {"",          "http://a",     "a <http://a>", "<>",
                                      "<http://a", "<http://a b>", "<http://a>;",  "*"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(sip_info_parse(slice_from_string(bad[i]), &info), ERR_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(infos_are_read_and_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
