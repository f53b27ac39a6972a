#include "base/error.h"
#include "sip/message/number.h"
#include "unit/sip/text.h"

static char buffer[128];

/* RFC 3261 sections 20.19, 20.22, 20.23; RFC 4475 sections 3.1.2.4, 3.3.11. */
static void numbers_keep_to_their_range(void **state)
{
    (void)state;
    uint32_t seconds = 7;
    uint8_t hops = 7;
    assert_int_equal(sip_seconds_parse(SLICE(" 0060 "), &seconds), 0);
    assert_int_equal(seconds, 60);
    assert_int_equal(sip_seconds_parse(SLICE("4294967295"), &seconds), 0);
    assert_int_equal(sip_seconds_parse(SLICE("4294967296"), &seconds), ERR_RANGE);
    assert_int_equal(sip_seconds_parse(SLICE("-1"), &seconds), ERR_SYNTAX);
    assert_int_equal(sip_seconds_parse(SLICE("6 0"), &seconds), ERR_SYNTAX);
    assert_int_equal(sip_seconds_parse(SLICE(""), &seconds), ERR_SYNTAX);
    assert_int_equal(sip_max_forwards_parse(SLICE("0"), &hops), 0);
    assert_int_equal(hops, 0);
    assert_int_equal(sip_max_forwards_parse(SLICE("0255"), &hops), 0);
    assert_int_equal(hops, 255);
    assert_int_equal(sip_max_forwards_parse(SLICE("256"), &hops), ERR_RANGE);
    assert_int_equal(sip_max_forwards_parse(SLICE("300000000000000000000"), &hops), ERR_RANGE);
    assert_int_equal(sip_max_forwards_parse(SLICE("x"), &hops), ERR_SYNTAX);
    assert_int_equal(hops, 255);
}

/* RFC 3261 section 20.33: its examples. */
static void retry_after_is_read_and_written(void **state)
{
    (void)state;
    struct sip_retry_after retry;
    struct writer w;
    assert_int_equal(sip_retry_after_parse(SLICE("18000;duration=3600"), &retry), 0);
    assert_int_equal(retry.seconds, 18000);
    assert_true(retry.has_duration);
    assert_int_equal(retry.duration, 3600);
    assert_slice(retry.comment, "");
    assert_int_equal(
        sip_retry_after_parse(SLICE("120 (I'm in a \\( (nested) meeting) ;x=y"), &retry), 0);
    assert_int_equal(retry.seconds, 120);
    assert_slice(retry.comment, "(I'm in a \\( (nested) meeting)");
    assert_slice(retry.params, ";x=y");
    assert_false(retry.has_duration);
    writer_init(&w, buffer, sizeof(buffer));
    sip_retry_after_write(&w, &retry);
    assert_slice(writer_slice(&w), "120 (I'm in a \\( (nested) meeting);x=y");
    assert_int_equal(sip_retry_after_parse(SLICE("949302838503028349304023988"), &retry),
                     ERR_RANGE);
    assert_int_equal(sip_retry_after_parse(SLICE("1;duration=4294967296"), &retry), ERR_RANGE);
    static const char *const bad[] = {"",   "x",          "1 x",      "1 (a", "1 (a))", "1 a)",
                                      "1;", "1;duration", "1 (\x01)", "(a)",  "1 (\\"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct slice input = text_new(bad[i], strlen(bad[i]));
        if (sip_retry_after_parse(input, &retry) != ERR_SYNTAX) {
            fail_msg("taken: %s", bad[i]);
        }
        text_free(input);
    }
}

/* RFC 3261 section 20.38. */
static void timestamps_are_kept_as_sent(void **state)
{
    (void)state;
    struct sip_timestamp timestamp;
    struct writer w;
    assert_int_equal(sip_timestamp_parse(SLICE("54.20 \t0.5"), &timestamp), 0);
    assert_slice(timestamp.time, "54.20");
    assert_slice(timestamp.delay, "0.5");
    writer_init(&w, buffer, sizeof(buffer));
    sip_timestamp_write(&w, &timestamp);
    assert_slice(writer_slice(&w), "54.20 0.5");
    assert_int_equal(sip_timestamp_parse(SLICE("54"), &timestamp), 0);
    assert_slice(timestamp.delay, "");
    assert_int_equal(sip_timestamp_parse(SLICE("54. ."), &timestamp), 0);
    static const char *const bad[] = {"", ".5", "5a", "5.5.5", "5 a", "5 1 2", "-1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(sip_timestamp_parse(slice_from_string(bad[i]), &timestamp), ERR_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_keep_to_their_range),
        cmocka_unit_test(retry_after_is_read_and_written),
        cmocka_unit_test(timestamps_are_kept_as_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
