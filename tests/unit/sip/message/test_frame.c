#include "sip/message/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/sip/message/basics.h"
#include "unit/sip/text.h"

#define WHOLE LINE BASICS "Content-Length: 4\r\n\r\nbody"

static struct sip_frame frame_once(const char *text, const struct sip_limits *limits)
{
    struct slice s = text_new(text, strlen(text));
    size_t scanned = 0;
    struct sip_frame frame = sip_frame_next(s, limits, &scanned);
    text_free(s);
    return frame;
}

static void assert_frame(const char *text, enum sip_frame_kind kind, size_t length)
{
    struct sip_frame frame = frame_once(text, NULL);
    if (frame.kind != kind || frame.length != length) {
        print_error("%s\n: %d %zu, expected %d %zu\n", text, frame.kind, frame.length, kind,
                    length);
    }
    assert_int_equal(frame.kind, kind);
    assert_int_equal(frame.length, length);
}

static void assert_bad(const char *text, const struct sip_limits *limits, unsigned status,
                       const char *reason)
{
    struct sip_frame frame = frame_once(text, limits);
    assert_int_equal(frame.kind, SIP_FRAME_BAD);
    assert_int_equal(frame.fault.status, status);
    assert_string_equal(frame.fault.reason, reason);
    const char *empty_line = strstr(text, "\r\n\r\n");
    assert_int_equal(frame.length, empty_line ? (size_t)(empty_line + 4 - text) : 0);
}

/* RFC 3261 section 18.3. */
static void a_message_ends_where_content_length_says(void **state)
{
    (void)state;
    assert_frame("", SIP_FRAME_MORE, 0);
    assert_frame(WHOLE, SIP_FRAME_MESSAGE, sizeof(WHOLE) - 1);
    assert_frame(WHOLE WHOLE, SIP_FRAME_MESSAGE, sizeof(WHOLE) - 1);
    assert_frame(WHOLE "\r\n\r\n", SIP_FRAME_MESSAGE, sizeof(WHOLE) - 1);
    assert_frame(LINE BASICS "Content-Length: 5\r\n\r\nbody", SIP_FRAME_MORE, 0);
    assert_frame(LINE "l :\r\n 0000\r\n\r\nmore", SIP_FRAME_MESSAGE, sizeof(LINE) - 1 + 14);
    assert_frame(LINE "Content-Length: 0\r\nl: 0\r\n\r\n", SIP_FRAME_MESSAGE,
                 sizeof(LINE) - 1 + 27);
    assert_frame(LINE "Subject: Content-Length: 7\r\n l: 8\r\nl: 0\r\n\r\n", SIP_FRAME_MESSAGE,
                 sizeof(LINE) - 1 + 43);
    assert_frame("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", SIP_FRAME_MESSAGE, 38);
}

/* RFC 3261 sections 18.3, 20.14; RFC 4475 sections 3.1.2.3, 3.3.9. */
static void a_stream_without_a_sure_length_is_given_up(void **state)
{
    (void)state;
    assert_bad(LINE BASICS "\r\n", NULL, 400, "Bad Request - Content-Length missing on a stream");
    assert_bad("\x01\r\n\r\n", NULL, 400, "Bad Request - Content-Length missing on a stream");
    assert_bad(LINE "l: -999\r\n\r\n", NULL, 400, "Bad Request - Malformed Content-Length");
    assert_bad(LINE "l: 1x\r\n\r\n", NULL, 400, "Bad Request - Malformed Content-Length");
    assert_bad(LINE "l:\r\n\r\n", NULL, 400, "Bad Request - Malformed Content-Length");
    assert_bad(LINE "l: 1\r\nl: 2\r\n\r\n", NULL, 400, "Bad Request - Content-Length lines differ");
    assert_bad(LINE "l: 1\r\nl: x\r\n\r\n", NULL, 400, "Bad Request - Malformed Content-Length");
    assert_bad("\rX", NULL, 0, "CR alone between messages");
}

/* Bounds are refused as soon as they are known, before the body is there. */
static void too_large_messages_are_refused_early(void **state)
{
    (void)state;
    static const char entity[] = "Request Entity Too Large";
    static const char message[] = "Message Too Large";
    assert_bad(LINE "l: 99999999999\r\n\r\n", NULL, 413, entity);
    assert_bad(LINE "l: 65536\r\n\r\n", NULL, 413, entity);
    assert_bad(LINE "l: 65500\r\n\r\n", NULL, 513, message);
    assert_bad(LINE "l: 9\r\n\r\n", &(struct sip_limits){.body = 8}, 413, entity);
    struct sip_limits small = {.message = sizeof(LINE) - 1 + 8 + 4};
    assert_bad(LINE "l: 5\r\n\r\n", &small, 513, message);
    struct sip_frame frame = frame_once(LINE "l: 4\r\n\r\nbody", &small);
    assert_int_equal(frame.kind, SIP_FRAME_MESSAGE);
    frame = frame_once(LINE "l: 9\r\n\r\nbodybody1", &(struct sip_limits){.body = 9});
    assert_int_equal(frame.kind, SIP_FRAME_MESSAGE);
    /* A header section as long as the limit, whole and not yet. */
    struct sip_limits exact = {.message = sizeof(LINE) - 1 + 8};
    frame = frame_once(LINE "l: 0\r\n\r\n", &exact);
    assert_int_equal(frame.kind, SIP_FRAME_MESSAGE);
    frame = frame_once(LINE "l: 0\r\n\r", &(struct sip_limits){.message = sizeof(LINE) - 1 + 7});
    assert_int_equal(frame.kind, SIP_FRAME_MORE);
    /* A header section that does not end. */
    assert_bad("OPTIONS sip:x.example.com SIP/2.0 and more of it so that the limit is met", &small,
               513, message);
}

/* RFC 5626 section 4.4.1. */
static void keep_alives_are_told_apart(void **state)
{
    (void)state;
    assert_frame("\r", SIP_FRAME_MORE, 0);
    assert_frame("\r\n", SIP_FRAME_PONG, 2);
    assert_frame("\r\n\r", SIP_FRAME_MORE, 0);
    assert_frame("\r\n\r\n", SIP_FRAME_PING, 4);
    assert_frame("\r\n\r\n" WHOLE, SIP_FRAME_PING, 4);
    assert_frame("\r\n" WHOLE, SIP_FRAME_PONG, 2);
    assert_frame("\r\n\r" WHOLE, SIP_FRAME_PONG, 2);
}

/* RFC 3261 section 7.5. */
static void crlf_before_a_datagram_is_skipped(void **state)
{
    (void)state;
    assert_int_equal(sip_frame_skip_crlf(SLICE("\r\n\r\nOPTIONS")), 4);
    assert_int_equal(sip_frame_skip_crlf(SLICE("OPTIONS")), 0);
    assert_int_equal(sip_frame_skip_crlf(SLICE("\r\n\n")), 3);
    assert_int_equal(sip_frame_skip_crlf(SLICE_NULL), 0);
}

/* Two CRLFs that come apart are two pongs, together a ping: else pieces of any size give the frames
 * that the whole gives. */
static void pieces_of_any_size_give_the_same_frames(void **state)
{
    (void)state;
    static const char stream[] = "\r\n\r\n" WHOLE "\r\n" LINE "l: 0\r\n\r\n" WHOLE "\r\n\r\n";
    for (size_t piece = 1; piece < sizeof(stream); piece++) {
        size_t start = 0;
        size_t have = 0;
        size_t scanned = 0;
        char seen[32];
        struct writer w;
        writer_init(&w, seen, sizeof(seen));
        while (start < sizeof(stream) - 1) {
            struct slice s = text_new(stream + start, have - start);
            struct sip_frame frame = sip_frame_next(s, NULL, &scanned);
            text_free(s);
            if (frame.kind == SIP_FRAME_MORE) {
                assert_int_equal(frame.length, 0);
                assert_true(have < sizeof(stream) - 1);
                have = have + piece < sizeof(stream) - 1 ? have + piece : sizeof(stream) - 1;
                continue;
            }
            static const char *const letters[] = {[SIP_FRAME_MESSAGE] = "m",
                                                  [SIP_FRAME_PING] = "..",
                                                  [SIP_FRAME_PONG] = ".",
                                                  [SIP_FRAME_BAD] = "!"};
            writer_string(&w, letters[frame.kind]);
            start += frame.length;
            scanned = 0;
        }
        assert_slice(writer_slice(&w), "..m.mm..");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_ends_where_content_length_says),
        cmocka_unit_test(a_stream_without_a_sure_length_is_given_up),
        cmocka_unit_test(too_large_messages_are_refused_early),
        cmocka_unit_test(keep_alives_are_told_apart),
        cmocka_unit_test(crlf_before_a_datagram_is_skipped),
        cmocka_unit_test(pieces_of_any_size_give_the_same_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
