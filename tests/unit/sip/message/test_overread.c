/* timeout: 300 */
#include "base/error.h"
#include "sip/message/frame.h"
#include "sip/message/message.h"
#include "unit/sip/guard.h"
#include "unit/sip/text.h"
#include "unit/sip/torture/torture.h"

static struct guard guard;
static struct sip_message msg;

static bool inside(struct slice s, struct slice data)
{
    return s.len == 0 || (s.ptr >= data.ptr && s.ptr + s.len <= data.ptr + data.len);
}

/* Whatever was found lies in the bytes that were given. */
static void assert_inside(struct slice data)
{
    assert_true(inside(msg.raw, data));
    assert_true(inside(msg.start_line, data));
    assert_true(inside(msg.uri, data));
    assert_true(inside(msg.method_name, data));
    assert_true(inside(msg.reason, data));
    assert_true(inside(msg.body, data));
    for (unsigned i = 0; i < msg.header_count; i++) {
        assert_true(inside(sip_header_line(&msg.headers[i]), data));
        assert_true(inside(sip_header_value(&msg.headers[i]), sip_header_line(&msg.headers[i])));
    }
}

static int take(struct slice data, struct sip_fault *ret_fault)
{
    int rc = sip_message_parse(data, NULL, &msg, ret_fault);
    assert_inside(data);
    return rc == 0 ? sip_message_check(&msg, ret_fault) : rc;
}

/* RFC 4475: no prefix of a message is read past its end, and none faults without a reason. */
static void every_prefix_of_every_message_as_a_datagram(void **state)
{
    (void)state;
    for (size_t i = 0; i < torture_count; i++) {
        struct slice data = torture_read(torture_cases[i].file);
        for (size_t len = 0; len <= data.len; len++) {
            struct sip_fault fault = {0, NULL};
            int rc = take(guard_put(&guard, slice_of(data.ptr, len)), &fault);
            assert_true(rc == 0 || fault.reason != NULL);
        }
        text_free(data);
    }
}

/* RFC 3261 section 18.3: byte by byte, a stream gives the frame that it gives as a whole. */
static void every_message_as_a_stream_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < torture_count; i++) {
        struct slice data = torture_read(torture_cases[i].file);
        size_t scanned = 0;
        struct sip_frame whole = sip_frame_next(data, NULL, &scanned);
        struct sip_frame frame = {.kind = SIP_FRAME_MORE};
        size_t len = 0;
        scanned = 0;
        while (frame.kind == SIP_FRAME_MORE && len < data.len) {
            frame = sip_frame_next(guard_put(&guard, slice_of(data.ptr, ++len)), NULL, &scanned);
        }
        assert_int_equal(frame.kind, whole.kind);
        assert_int_equal(frame.length, whole.length);
        assert_int_equal(frame.fault.status, whole.fault.status);
        if (frame.kind == SIP_FRAME_MESSAGE) {
            /* Known the moment its last byte is there, and the parser agrees on its end. */
            struct sip_fault fault;
            assert_int_equal(len, frame.length);
            (void)take(guard_put(&guard, slice_of(data.ptr, len)), &fault);
            assert_int_equal(msg.raw.len, frame.length);
        }
        text_free(data);
    }
}

/* One byte changed anywhere, to any of the bytes that mean something. */
static void every_message_with_one_byte_changed(void **state)
{
    (void)state;
    static const char bytes[] = {'\0', '\t', '\n', '\r', ' ', '"', ',', ':',    ';',
                                 '<',  '>',  '\\', '=',  '@', '[', 'A', '\x7f', '\xff'};
    for (size_t i = 0; i < torture_count; i++) {
        struct slice data = torture_read(torture_cases[i].file);
        struct slice copy = guard_put(&guard, data);
        char *at = guard.end - copy.len;
        for (size_t place = 0; place < copy.len; place++) {
            char kept = at[place];
            for (size_t b = 0; b < sizeof(bytes); b++) {
                struct sip_fault fault;
                at[place] = bytes[b];
                (void)take(copy, &fault);
            }
            at[place] = kept;
        }
        text_free(data);
    }
}

static int set_up(void **state)
{
    (void)state;
    guard = guard_new(8192);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    guard_free(&guard);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_prefix_of_every_message_as_a_datagram),
        cmocka_unit_test(every_message_as_a_stream_byte_by_byte),
        cmocka_unit_test(every_message_with_one_byte_changed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
