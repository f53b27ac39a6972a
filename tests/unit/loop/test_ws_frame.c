#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/ws.h"

#include <cmocka.h>

#define MESSAGE_MAX 70000u

/* What was sent. */
struct wire {
    size_t length;
    char bytes[2 * MESSAGE_MAX];
};

static int append(void *user, struct slice bytes)
{
    struct wire *wire = user;
    assert_true(wire->length + bytes.len <= sizeof(wire->bytes));
    memcpy(wire->bytes + wire->length, bytes.ptr, bytes.len);
    wire->length += bytes.len;
    return 0;
}

static struct wire wire;
static struct ws_codec codec;

static int set_up(void **state)
{
    (void)state;
    wire.length = 0;
    return ws_codec_init(&codec, MESSAGE_MAX, 0);
}

static int tear_down(void **state)
{
    (void)state;
    /* What connections took has come back, but for a spare. */
    assert_in_range(codec.readers, 0, 1);
    assert_int_equal(codec.blocks.bytes, 0);
    ws_codec_done(&codec);
    return 0;
}

/* Each event as a letter, then its data or code: "M:Hello P: C:1000 V:1002". piece: bytes at a
 * time. */
static void read_all(bool client, struct slice input, size_t piece, char *text, size_t size)
{
    struct ws ws;
    struct writer w;
    writer_init(&w, text, size - 1);
    ws_init(&ws, &codec, client);
    while (input.len > 0) {
        size_t n = piece < input.len ? piece : input.len;
        /* A copy of its own, so that an over-read is found. */
        char *copy = malloc(n);
        assert_non_null(copy);
        memcpy(copy, input.ptr, n);
        struct slice some = slice_of(copy, n);
        struct ws_event event;
        while ((event = ws_next(&ws, &some)).kind != WS_MORE) {
            writer_char(&w, "-MPpCV"[event.kind]);
            writer_char(&w, ':');
            if (event.kind == WS_CLOSE || event.kind == WS_VIOLATION)
                writer_u64(&w, event.code);
            if (event.kind == WS_VIOLATION)
                assert_non_null(event.why);
            else
                writer_put(&w, slice_of(event.data.ptr, event.data.len < 40 ? event.data.len : 40));
            writer_char(&w, ' ');
        }
        assert_int_equal(some.len, 0);
        free(copy);
        input = slice_from(input, n);
    }
    if (ws_waits(&ws) && !ws.ended)
        writer_char(&w, '+');
    ws_done(&ws);
    assert_int_equal(writer_status(&w), 0);
    *w.at = '\0';
}

struct row {
    bool client;
    struct slice input;
    const char *events;
};

#define ROW(client, input, events)                                                                 \
    {                                                                                              \
        client, SLICE_LITERAL(input), events                                                       \
    }
/* A mask of zeros leaves the payload readable. */
#define MASK "\x00\x00\x00\x00"

static void check_rows(const struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char text[512];
        for (size_t piece = 1; piece <= rows[i].input.len; piece++) {
            read_all(rows[i].client, rows[i].input, piece, text, sizeof(text));
            if (strcmp(text, rows[i].events) != 0)
                print_error("row %u in pieces of %zu\n", i, piece);
            assert_string_equal(text, rows[i].events);
        }
    }
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof(rows[0]))

/* RFC 6455 section 5.7 */
static void the_examples_of_the_rfc_are_read(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW(true, "\x81\x05\x48\x65\x6c\x6c\x6f", "M:Hello "),
        ROW(false, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "M:Hello "),
        ROW(true, "\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f", "M:Hello "),
        ROW(true, "\x89\x05\x48\x65\x6c\x6c\x6f", "P:Hello "),
        ROW(false, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "p:Hello "),
    };
    CHECK_ROWS(rows);
}

/* RFC 6455 sections 5.4, 5.5: control frames may come between fragments, fragments may be empty. */
static void messages_of_several_frames_are_put_together(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW(false, "\x01\x82" MASK "ab\x89\x81" MASK "x\x00\x80" MASK "\x80\x81" MASK "c",
            "P:x M:abc "),
        ROW(false, "\x02\x80" MASK "\x80\x80" MASK, "M: "),
        ROW(false, "\x81\x80" MASK "\x82\x81" MASK "z", "M: M:z "),
        ROW(false, "\x81\x81" MASK "a\x81\x81" MASK "b\x8a\x80" MASK "\x89\x80" MASK,
            "M:a M:b p: P: "),
        ROW(false, "\x01\x81" MASK "a", "+"),
        ROW(false, "\x81\x82" MASK "a", "+"),
        ROW(false, "\x81", "+"),
        /* Fragments of text may part a character. */
        ROW(false, "\x01\x81" MASK "\xc3\x80\x81" MASK "\xa4", "M:\xc3\xa4 "),
    };
    CHECK_ROWS(rows);
}

/* RFC 6455 sections 5.1, 5.2, 5.4, 5.5, 8.1. */
static void violations_have_their_code(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW(false,
            "\x81\x01"
            "a",
            "V:1002 "),                             /* not masked */
        ROW(true, "\x81\x81" MASK "a", "V:1002 "),  /* masked by a server */
        ROW(false, "\xc1\x81" MASK "a", "V:1002 "), /* reserved bits */
        ROW(false, "\xa1\x81" MASK "a", "V:1002 "),
        ROW(false, "\x91\x81" MASK "a", "V:1002 "),
        ROW(false, "\x83\x81" MASK "a", "V:1002 "), /* reserved opcodes */
        ROW(false, "\x87\x81" MASK "a", "V:1002 "),
        ROW(false, "\x8b\x81" MASK "a", "V:1002 "),
        ROW(false, "\x8f\x81" MASK "a", "V:1002 "),
        ROW(false, "\x80\x81" MASK "a", "V:1002 "),                  /* continuation of nothing */
        ROW(false, "\x01\x81" MASK "a\x81\x81" MASK "b", "V:1002 "), /* two at once */
        ROW(false, "\x09\x81" MASK "a", "V:1002 "),                  /* Ping in pieces */
        ROW(false, "\x89\xfe\x00\x7e" MASK "abcdef", "V:1002 "),     /* Ping of 126 bytes */
        ROW(false, "\x81\xfe\x00\x05" MASK "Hello", "V:1002 "),      /* length not the shortest */
        ROW(false, "\x81\xff\x00\x00\x00\x00\x00\x00\x00\x05" MASK "Hello", "V:1002 "),
        ROW(false, "\x81\xff\x80\x00\x00\x00\x00\x00\x00\x05" MASK "Hello", "V:1002 "),
        ROW(false, "\x82\xff\x00\x00\x00\x00\x00\x01\x11\x71" MASK "Hello", "V:1009 "),
        ROW(false, "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff" MASK "Hello", "V:1009 "),
        ROW(false, "\x81\x82" MASK "\xc3\x28", "V:1007 "), /* text that is none */
        ROW(false, "\x01\x81" MASK "\xc3\x80\x81" MASK "\x28", "V:1007 "),
        /* What follows a violation is not read. */
        ROW(false, "\x83\x80" MASK "\x81\x81" MASK "a", "V:1002 "),
    };
    CHECK_ROWS(rows);
}

/* RFC 6455 sections 5.5.1, 7.4. */
static void a_close_has_a_code_that_may_be_sent(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW(false, "\x88\x80" MASK, "C:1005 "),
        ROW(false, "\x88\x82" MASK "\x03\xe8\x81\x81" MASK "a", "C:1000 "),
        ROW(false,
            "\x88\x85" MASK "\x03\xe9"
            "bye",
            "C:1001bye "),
        ROW(false, "\x88\x82" MASK "\x0b\xb8", "C:3000 "),
        ROW(false, "\x88\x82" MASK "\x13\x87", "C:4999 "),
        ROW(false, "\x88\x81" MASK "\x03", "V:1002 "),
        ROW(false, "\x88\x82" MASK "\x00\x00", "V:1002 "),
        ROW(false, "\x88\x82" MASK "\x03\xe7", "V:1002 "), /* 999 */
        ROW(false, "\x88\x82" MASK "\x03\xec", "V:1002 "), /* 1004 */
        ROW(false, "\x88\x82" MASK "\x03\xed", "V:1002 "), /* 1005 */
        ROW(false, "\x88\x82" MASK "\x03\xee", "V:1002 "), /* 1006 */
        ROW(false, "\x88\x82" MASK "\x03\xf7", "V:1002 "), /* 1015 */
        ROW(false, "\x88\x82" MASK "\x0b\xb7", "V:1002 "), /* 2999 */
        ROW(false, "\x88\x82" MASK "\x13\x88", "V:1002 "), /* 5000 */
        ROW(false, "\x88\x84" MASK "\x03\xe8\xc3\x28", "V:1007 "),
    };
    CHECK_ROWS(rows);
}

/* RFC 6455 section 5.2: the three forms of length; 5.3: masks differ. */
static void what_one_side_sends_the_other_reads(void **state)
{
    (void)state;
    static const size_t lengths[] = {0,    1,    125,  126,   127,   4090,       4096,
                                     4097, 8192, 9000, 65535, 65536, MESSAGE_MAX};
    static char message[MESSAGE_MAX];
    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = (char)('a' + i % 26);
    for (unsigned client = 0; client < 2; client++) {
        for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            struct ws from, to;
            struct slice sent = slice_of(message, lengths[i]);
            ws_init(&from, &codec, client != 0);
            ws_init(&to, &codec, client == 0);
            wire.length = 0;
            assert_int_equal(ws_send_message(&from, sent, append, &wire), 0);
            assert_int_equal(ws_send_ping(&from, SLICE("?"), append, &wire), 0);
            struct slice input = slice_of(wire.bytes, wire.length);
            struct ws_event event = ws_next(&to, &input);
            assert_int_equal(event.kind, WS_MESSAGE);
            assert_true(slice_equal(event.data, sent));
            assert_int_equal(ws_next(&to, &input).kind, WS_PING);
            assert_int_equal(ws_next(&to, &input).kind, WS_MORE);
            assert_false(ws_waits(&to));
            ws_done(&from);
            ws_done(&to);
        }
    }
}

/* RFC 7118 section 4.2 */
static void what_is_not_utf_8_is_sent_as_binary(void **state)
{
    (void)state;
    struct ws ws;
    ws_init(&ws, &codec, false);
    assert_int_equal(ws_send_message(&ws, SLICE("SIP \xc3\xa4"), append, &wire), 0);
    assert_memory_equal(wire.bytes, "\x81\x06SIP", 5);
    wire.length = 0;
    assert_int_equal(ws_send_message(&ws, SLICE("SIP \xe4"), append, &wire), 0);
    assert_memory_equal(wire.bytes, "\x82\x05SIP \xe4", 7);
    ws_done(&ws);
}

static void control_frames_are_short(void **state)
{
    (void)state;
    struct ws ws;
    ws_init(&ws, &codec, false);
    assert_int_equal(ws_send_close(&ws, WS_CODE_GOING_AWAY, append, &wire), 0);
    assert_int_equal(ws_send_close(&ws, WS_CODE_NONE, append, &wire), 0);
    assert_int_equal(ws_send_pong(&ws, SLICE("x"), append, &wire), 0);
    assert_int_equal(wire.length, 9);
    assert_memory_equal(wire.bytes, "\x88\x02\x03\xe9\x88\x00\x8a\x01x", 9);
    ws_done(&ws);
}

static int refuse(void *user, struct slice bytes)
{
    unsigned *calls = user;
    (void)bytes;
    ++*calls;
    return ERR_LIMIT;
}

/* The sender serves all connections: one that fails leaves no half frame to the next. */
static void output_that_fails_harms_nobody_else(void **state)
{
    (void)state;
    struct ws ws;
    unsigned calls = 0;
    ws_init(&ws, &codec, true);
    assert_int_equal(ws_send_message(&ws, SLICE("lost"), refuse, &calls), ERR_LIMIT);
    assert_int_equal(calls, 1);
    assert_int_equal(ws_send_message(&ws, SLICE("good"), append, &wire), 0);
    char text[64];
    read_all(false, slice_of(wire.bytes, wire.length), 3, text, sizeof(text));
    assert_string_equal(text, "M:good ");
    ws_done(&ws);
}

/* An idle connection holds nothing; those within a frame are bounded. */
static void readers_are_borrowed_and_bounded(void **state)
{
    (void)state;
    struct ws ws[3];
    codec.readers_max = 2;
    struct slice input[3];
    for (unsigned i = 0; i < 3; i++) {
        ws_init(&ws[i], &codec, false);
        input[i] = SLICE("\x81");
    }
    assert_int_equal(ws_next(&ws[0], &input[0]).kind, WS_MORE);
    assert_int_equal(ws_next(&ws[1], &input[1]).kind, WS_MORE);
    struct ws_event event = ws_next(&ws[2], &input[2]);
    assert_int_equal(event.kind, WS_VIOLATION);
    assert_int_equal(event.code, WS_CODE_INTERNAL);
    input[0] = SLICE("\x81" MASK "a");
    assert_int_equal(ws_next(&ws[0], &input[0]).kind, WS_MESSAGE);
    assert_int_equal(ws_next(&ws[0], &input[0]).kind, WS_MORE);
    assert_null(ws[0].reader);
    assert_null(ws[0].message);
    assert_non_null(codec.spare);
    for (unsigned i = 0; i < 3; i++)
        ws_done(&ws[i]);
}

static void without_memory_a_connection_ends(void **state)
{
    (void)state;
    struct slice all = SLICE("\x01\x82" MASK "ab\x80\x81" MASK "c");
    size_t n = 0;
    do {
        struct ws ws;
        struct ws_codec small;
        memory_fail_after(n++);
        if (ws_codec_init(&small, 0, 0) != 0) {
            ws_codec_done(&small);
            continue;
        }
        ws_init(&ws, &small, false);
        struct slice input = all;
        struct ws_event event = ws_next(&ws, &input);
        if (event.kind == WS_VIOLATION)
            assert_int_equal(event.code, WS_CODE_INTERNAL);
        else
            assert_int_equal(event.kind, WS_MESSAGE);
        ws_done(&ws);
        ws_codec_done(&small);
    } while (memory_fail_hit());
    assert_true(n > 1 || !MEMORY_FAULTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_examples_of_the_rfc_are_read),
        TEST(messages_of_several_frames_are_put_together),
        TEST(violations_have_their_code),
        TEST(a_close_has_a_code_that_may_be_sent),
        TEST(what_one_side_sends_the_other_reads),
        TEST(what_is_not_utf_8_is_sent_as_binary),
        TEST(control_frames_are_short),
        TEST(output_that_fails_harms_nobody_else),
        TEST(readers_are_borrowed_and_bounded),
        TEST(without_memory_a_connection_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
