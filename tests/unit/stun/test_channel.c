#include "base/error.h"
#include "stun/channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* RFC 8656 section 12.4 */
static void a_datagram_is_read(void **state)
{
    (void)state;
    uint16_t number = 0;
    struct slice payload = SLICE_NULL;
    assert_int_equal(channel_parse(SLICE("\x40\x01\0\5hello"), &number, &payload), 0);
    assert_int_equal(number, 0x4001);
    assert_true(slice_equal(payload, SLICE("hello")));
    assert_int_equal(channel_parse(SLICE("\x4f\xff\0\5hello\0\0\0"), &number, &payload), 0);
    assert_int_equal(payload.len, 5);
    assert_int_equal(channel_parse(SLICE("\x40\x01\0\0"), &number, &payload), 0);
    assert_int_equal(payload.len, 0);
}

/* Section 12.6: discarded without an answer */
static void a_datagram_that_is_none_is_refused(void **state)
{
    (void)state;
    static const struct slice bad[] = {SLICE_LITERAL(""),
                                       SLICE_LITERAL("\x40"),
                                       SLICE_LITERAL("\x40\x01\0"),
                                       SLICE_LITERAL("\x40\x01\0\6hello"),
                                       SLICE_LITERAL("\x3f\x01\0\1x"),
                                       SLICE_LITERAL("\x80\x01\0\1x"),
                                       SLICE_LITERAL("\x40\x01\xff\xffhello")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint16_t number = 7;
        struct slice payload = SLICE_NULL;
        assert_int_equal(channel_parse(bad[i], &number, &payload), ERR_SYNTAX);
        assert_int_equal(number, 7);
    }
}

/* Section 12.5: frames of a stream are padded to four bytes */
static void frames_of_a_stream(void **state)
{
    (void)state;
    struct slice bytes = SLICE("\x40\x01\0\5hello\0\0\0\x40\x02");
    for (size_t n = 0; n <= bytes.len; n++) {
        size_t length = 99;
        assert_int_equal(channel_frame(slice_of(bytes.ptr, n), &length), 0);
        assert_int_equal(length, n < 12 ? 0 : 12);
    }
    size_t length = 99;
    assert_int_equal(channel_frame(SLICE("\x80"
                                         "EGISTER"),
                                   &length),
                     ERR_SYNTAX);
    assert_int_equal(length, 99);
}

static void a_header_is_written(void **state)
{
    (void)state;
    uint8_t header[CHANNEL_HEADER_SIZE];
    channel_write_header(header, 0x4abc, 0x1234);
    assert_memory_equal(header, "\x4a\xbc\x12\x34", sizeof header);
    assert_true(channel_valid(CHANNEL_FIRST));
    assert_true(channel_valid(CHANNEL_LAST));
    assert_false(channel_valid(CHANNEL_FIRST - 1));
    assert_false(channel_valid(CHANNEL_LAST + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_datagram_is_read),
        cmocka_unit_test(a_datagram_that_is_none_is_refused),
        cmocka_unit_test(frames_of_a_stream),
        cmocka_unit_test(a_header_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
