#include "base/error.h"
#include "sip/message/date.h"
#include "unit/sip/text.h"

#include <time.h>

static char buffer[64];

static struct slice written(int64_t seconds)
{
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    sip_date_write(&w, seconds);
    return writer_slice(&w);
}

/* RFC 3261 section 20.17. */
static void the_example_is_read_and_written(void **state)
{
    (void)state;
    int64_t seconds;
    assert_int_equal(sip_date_parse(SLICE("Sat, 13 Nov 2010 23:29:00 GMT"), &seconds), 0);
    assert_int_equal(seconds, 1289690940);
    assert_slice(written(seconds), "Sat, 13 Nov 2010 23:29:00 GMT");
    assert_slice(written(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_slice(written(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
    assert_slice(written(INT64_MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    assert_slice(written(INT64_MIN), "Sat, 01 Jan 0000 00:00:00 GMT");
}

/* Every 11 days and some from 1600 to 2500, compared with the C library. */
static void dates_agree_with_the_library(void **state)
{
    (void)state;
    for (int64_t t = -11676096000; t < 16725225600; t += 11 * 86400 + 12345) {
        time_t library_time = (time_t)t;
        struct tm tm;
        char expected[64];
        int64_t back;
        assert_non_null(gmtime_r(&library_time, &tm));
        assert_true(strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
        assert_slice(written(t), expected);
        assert_int_equal(
            sip_date_parse(writer_slice(&(struct writer){.start = buffer, .at = buffer + 29}),
                           &back),
            0);
        assert_true(back == t);
    }
}

/* RFC 3261 section 20.17; RFC 4475 section 3.1.2.12. */
static void other_forms_and_zones_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "Fri, 01 Jan 2010 16:00:00 EST",
        "sat, 13 Nov 2010 23:29:00 GMT",
        "Sat, 13 nov 2010 23:29:00 GMT",
        "Sat, 13 Nov 2010 23:29:00 gmt",
        "Sun, 13 Nov 2010 23:29:00 GMT",
        "Sat,13 Nov 2010 23:29:00 GMT",
        "Sat, 13 Nov 2010 24:29:00 GMT",
        "Sat, 13 Nov 2010 23:60:00 GMT",
        "Sat, 13 Nov 2010 23:29:60 GMT",
        "Sat, 1x Nov 2010 23:29:00 GMT",
        "Tue, 30 Feb 2010 00:00:00 GMT",
        "Mon, 29 Feb 2100 00:00:00 GMT",
        "Wed, 31 Nov 2010 00:00:00 GMT",
        "Sun, 00 Nov 2010 00:00:00 GMT",
        "Sat, 13 Nov 10 23:29:00 GMT",
        "Sat, 13 Nov 2010 23:29:00 GMT x",
        "Saturday, 13-Nov-10 23:29:00 GMT",
        "Sat Nov 13 23:29:00 2010",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct slice input = text_new(bad[i], strlen(bad[i]));
        int64_t seconds = 5;
        if (sip_date_parse(input, &seconds) != ERR_SYNTAX || seconds != 5) {
            fail_msg("taken: %s", bad[i]);
        }
        text_free(input);
    }
    int64_t seconds;
    assert_int_equal(sip_date_parse(SLICE("Tue, 29 Feb 2000 00:00:00 GMT"), &seconds), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_read_and_written),
        cmocka_unit_test(dates_agree_with_the_library),
        cmocka_unit_test(other_forms_and_zones_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
