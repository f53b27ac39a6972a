#include "sip/message/message.h"

#include <stdio.h>

#include "base/error.h"
#include "unit/sip/message/basics.h"
#include "unit/sip/text.h"

/* RFC 3261 section 7.1. */
static void a_request_line_is_read(void **state)
{
    (void)state;
    struct parsed *p =
        parsed_good(SLICE("INVITE sip:bob@x.example.com;transport=tcp SIP/2.0\r\n" BASICS EMPTY));
    assert_true(p->msg.is_request);
    assert_int_equal(p->msg.method, SIP_INVITE);
    assert_slice(p->msg.method_name, "INVITE");
    assert_slice(p->msg.uri, "sip:bob@x.example.com;transport=tcp");
    assert_slice(p->msg.start_line, "INVITE sip:bob@x.example.com;transport=tcp SIP/2.0");
    assert_int_equal(p->msg.header_count, 5);
    assert_int_equal(p->msg.body.len, 0);
    assert_true(slice_equal(p->msg.raw, p->bytes));
    parsed_free(p);
}

/* RFC 3261 section 7.1: only "SIP/" begins a status line. */
static void a_method_may_look_like_a_version(void **state)
{
    (void)state;
    static const char *const methods[] = {"SIP", "sip2", "six", "HIP", "SAP"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        char text[64];
        int len = snprintf(text, sizeof(text), "%s sip:x SIP/2.0\r\n\r\n", methods[i]);
        struct parsed *p = parsed_good(slice_of(text, (size_t)len));
        assert_true(p->msg.is_request);
        assert_slice(p->msg.method_name, methods[i]);
        parsed_free(p);
    }
}

/* RFC 3261 section 7.2. */
static void a_status_line_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        unsigned status;
        const char *reason;
    } rows[] = {
        {"SIP/2.0 200 OK\r\n\r\n", 200, "OK"},
        {"SIP/2.0 100 \r\n\r\n", 100, ""},
        {"SIP/2.0 699\r\n\r\n", 699, ""},
        {"sip/2.0 486 Busy  here \r\n\r\n", 486, "Busy  here "},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct parsed *p = parsed_good(slice_from_string(rows[i].line));
        assert_false(p->msg.is_request);
        assert_int_equal(p->msg.status, rows[i].status);
        assert_slice(p->msg.reason, rows[i].reason);
        parsed_free(p);
    }
}

/* RFC 3261 sections 7.3, 7.3.1: names, compact forms, folds, order and repetition. */
static void header_lines_are_sorted_by_name(void **state)
{
    (void)state;
    struct parsed *p = parsed_good(SLICE(LINE "v: SIP/2.0/UDP a\r\n"
                                              "X-One : 1\r\n"
                                              "VIA:\r\n SIP/2.0/UDP b \r\n"
                                              "x-one: 2\r\n"
                                              "s:\r\n"
                                              "Via: SIP/2.0/UDP c\r\n"
                                              "X-Two: 3\r\n" EMPTY));
    assert_int_equal(p->msg.header_count, 7);
    const struct sip_header *via = sip_message_first(&p->msg, SIP_HEADER_VIA);
    assert_slice(sip_header_value(via), "SIP/2.0/UDP a");
    assert_slice(sip_header_line(via), "v: SIP/2.0/UDP a\r\n");
    via = sip_message_next(&p->msg, via);
    assert_slice(sip_header_value(via), "SIP/2.0/UDP b");
    assert_slice(sip_header_line(via), "VIA:\r\n SIP/2.0/UDP b \r\n");
    via = sip_message_next(&p->msg, via);
    assert_slice(sip_header_value(via), "SIP/2.0/UDP c");
    assert_null(sip_message_next(&p->msg, via));
    assert_null(sip_message_first(&p->msg, SIP_HEADER_TO));
    assert_slice(sip_message_value(&p->msg, SIP_HEADER_TO), "");
    assert_non_null(sip_message_first(&p->msg, SIP_HEADER_SUBJECT));
    assert_slice(sip_message_value(&p->msg, SIP_HEADER_SUBJECT), "");
    assert_slice(slice_of(p->msg.headers[1].name, p->msg.headers[1].name_len), "X-One");
    const struct sip_header *one = sip_message_find(&p->msg, SLICE("X-ONE"), NULL);
    assert_slice(sip_header_value(one), "1");
    one = sip_message_find(&p->msg, SLICE("X-ONE"), one);
    assert_slice(sip_header_value(one), "2");
    assert_null(sip_message_find(&p->msg, SLICE("X-ONE"), one));
    assert_null(sip_message_find(&p->msg, SLICE("X-Three"), NULL));
    assert_slice(sip_header_value(sip_message_find(&p->msg, SLICE("Via"), NULL)), "SIP/2.0/UDP a");
    parsed_free(p);
}

struct refused {
    const char *text;
    unsigned status;
    const char *reason;
};

static void assert_refused(const struct refused *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct parsed *p = parsed_new(slice_from_string(rows[i].text), NULL);
        assert_fault(p, ERR_SYNTAX, rows[i].status, rows[i].reason);
        parsed_free(p);
    }
}

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* RFC 3261 sections 7.1, 7.2, 25.1; RFC 4475 sections 3.1.2.7 to 3.1.2.10, 3.1.2.19. */
static void malformed_start_lines_are_refused(void **state)
{
    (void)state;
    static const char malformed[] = "Bad Request - Malformed request line";
    static const char uri[] = "Bad Request - Malformed Request-URI";
    static const char end[] = "Bad Request - Malformed end of request line";
    static const char code[] = "Status code is not one of 100 to 699";
    static const struct refused rows[] = {
        {"", 0, "Bad Request - Start line does not end"},
        {"OPTIONS sip:x SIP/2.0", 0, "Bad Request - Start line does not end"},
        {"\r\n" BASICS EMPTY, 400, malformed},
        {"OPTIONS\r\n" BASICS EMPTY, 400, malformed},
        {" OPTIONS sip:x SIP/2.0\r\n" BASICS EMPTY, 400, malformed},
        {"OPT(IONS sip:x SIP/2.0\r\n" BASICS EMPTY, 400, malformed},
        {"OPTIONS\tsip:x SIP/2.0\r\n" BASICS EMPTY, 400, malformed},
        {"OPTIONS  sip:x SIP/2.0\r\n" BASICS EMPTY, 400, uri},
        {"OPTIONS sip:x\r\n" BASICS EMPTY, 400, uri},
        {"OPTIONS <sip:x> SIP/2.0\r\n" BASICS EMPTY, 400, uri},
        {"OPTIONS sip:\"x\" SIP/2.0\r\n" BASICS EMPTY, 400, uri},
        {"OPTIONS sip:x\xc3\xa4 SIP/2.0\r\n" BASICS EMPTY, 400, uri},
        {"OPTIONS 1sip:x SIP/2.0\r\n" BASICS EMPTY, 400, uri},
        {"OPTIONS sip:x  SIP/2.0\r\n" BASICS EMPTY, 400, end},
        {"OPTIONS sip:x; lr SIP/2.0\r\n" BASICS EMPTY, 400, end},
        {"OPTIONS sip:x SIP/2.0 \r\n" BASICS EMPTY, 400, end},
        {"OPTIONS sip:x SIP/2\r\n" BASICS EMPTY, 400, end},
        {"OPTIONS sip:x SIP/2.\r\n" BASICS EMPTY, 400, end},
        {"OPTIONS sip:x SIP/2.x\r\n" BASICS EMPTY, 400, end},
        {"OPTIONS sip:x SIP/.0\r\n" BASICS EMPTY, 400, end},
        {"OPTIONS sip:x SIX/2.0\r\n" BASICS EMPTY, 400, end},
        {"OPTIONS sip:x HTTP/1.1\r\n" BASICS EMPTY, 400, end},
        {"OPTIONS sip:x SIP/2.0\r\n SIP/2.0\r\n" BASICS EMPTY, 400,
         "Bad Request - Header line without colon"},
        {"OPTIONS sip:x SIP/2.0\n" BASICS EMPTY, 0,
         "Bad Request - Control character in start line"},
        {"SIP/2.0\r\n" BASICS EMPTY, 0, "Malformed status line"},
        {"SIP/2.0  200 OK\r\n" BASICS EMPTY, 0, code},
        {"SIP/2 200 OK\r\n" BASICS EMPTY, 0, "Malformed status line"},
        {"SIP/2.0 20 OK\r\n" BASICS EMPTY, 0, code},
        {"SIP/2.0 2000 OK\r\n" BASICS EMPTY, 0, code},
        {"SIP/2.0 099 OK\r\n" BASICS EMPTY, 0, code},
        {"SIP/2.0 700 OK\r\n" BASICS EMPTY, 0, code},
        {"SIP/2.0 4294967301 OK\r\n" BASICS EMPTY, 0, code},
        {"SIP/2.0 200OK\r\n" BASICS EMPTY, 0, code},
        {"SIP/2.0 200\tOK\r\n" BASICS EMPTY, 0, code},
    };
    assert_refused(rows, COUNT(rows));
}

/* RFC 3261 sections 7.3.1, 18.3, 25.1; RFC 4475 sections 3.1.2.2, 3.1.2.3, 3.3.8, 3.3.9. */
static void malformed_header_sections_are_refused(void **state)
{
    (void)state;
    static const char bare[] = "Bad Request - CR or LF alone in header section";
    static const char name[] = "Bad Request - Malformed header name";
    static const char control[] = "Bad Request - Control character in header";
    static const char open[] = "Bad Request - No empty line after the headers";
    static const char twice[] = "Bad Request - A header that may stand once is there twice";
    static const char length[] = "Bad Request - Malformed Content-Length";
    static const struct refused rows[] = {
        {LINE BASICS, 400, open},
        {LINE BASICS "\r", 400, open},
        {LINE BASICS "\n", 400, open},
        {LINE BASICS "Subject: a", 400, open},
        {LINE BASICS "Subject: a\nX: b\r\n" EMPTY, 400, bare},
        {LINE BASICS "a\nX: b\r\n" EMPTY, 400, bare},
        {LINE BASICS "Subject: a\rb\r\n" EMPTY, 400, bare},
        {LINE BASICS "Subject: a\r\r\n" EMPTY, 400, bare},
        {LINE BASICS "Subject\r\n" EMPTY, 400, "Bad Request - Header line without colon"},
        {LINE BASICS ": a\r\n" EMPTY, 400, name},
        {LINE BASICS "Sub ject: a\r\n" EMPTY, 400, name},
        {LINE BASICS "Subj\xc3\xa4: a\r\n" EMPTY, 400, name},
        {LINE BASICS "Subject\r\n : a\r\n" EMPTY, 400, name},
        {LINE BASICS "Subject: a\x01\r\n" EMPTY, 400, control},
        {LINE BASICS "Subject: a\x7f\r\n" EMPTY, 400, control},
        {LINE BASICS CSEQ EMPTY, 400, twice},
        {LINE BASICS "i: c2\r\n" EMPTY, 400, twice},
        {LINE BASICS "Content-Length: 0\r\nl: 0\r\n" EMPTY, 400, twice},
        {LINE BASICS "Content-Length: 2\r\n" EMPTY "x", 400,
         "Bad Request - Body is shorter than Content-Length"},
        {LINE BASICS "Content-Length: 99999999999\r\n" EMPTY "x", 400,
         "Bad Request - Body is shorter than Content-Length"},
        {LINE BASICS "Content-Length: -1\r\n" EMPTY "x", 400, length},
        {LINE BASICS "Content-Length:\r\n" EMPTY "x", 400, length},
        {LINE BASICS "Content-Length: 0x1\r\n" EMPTY "x", 400, length},
        {LINE BASICS "Content-Length: 1 1\r\n" EMPTY "x", 400, length},
    };
    assert_refused(rows, COUNT(rows));
}

/* RFC 3261 section 8.2: what was found stays valid, whatever the fault and wherever it stands. */
static void a_refused_request_can_still_be_answered(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "OPTIONS <sip:x> SIP/2.0\r\n" BASICS EMPTY,
        LINE "No colon\r\n" BASICS EMPTY,
        LINE "Bare: a\nX: b\r\n" BASICS EMPTY,
        LINE BASICS,
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct parsed *p = parsed_new(slice_from_string(texts[i]), NULL);
        assert_int_equal(p->rc, ERR_SYNTAX);
        assert_int_equal(p->fault.status, 400);
        assert_int_equal(p->msg.header_count, 5);
        assert_int_equal(p->msg.body.len, 0);
        assert_slice(sip_message_value(&p->msg, SIP_HEADER_CSEQ), "1 OPTIONS");
        assert_slice(sip_message_value(&p->msg, SIP_HEADER_CALL_ID), "c1");
        parsed_free(p);
    }
}

/* RFC 3261 sections 17.1.1.3, 8.2: no answer to an ACK, to a response, without a Via. */
static void what_cannot_be_answered_is_dropped(void **state)
{
    (void)state;
    static const struct refused rows[] = {
        {"ACK <sip:x> SIP/2.0\r\n" BASICS EMPTY, 0, "Bad Request - Malformed Request-URI"},
        {"SIP/2.0 200 OK\r\n" BASICS, 0, "Bad Request - No empty line after the headers"},
        {LINE FROM TO CALL_ID CSEQ, 0, "Bad Request - No empty line after the headers"},
    };
    assert_refused(rows, COUNT(rows));
}

/* RFC 3261 section 18.3: the body of a datagram. */
static void the_body_ends_where_content_length_says(void **state)
{
    (void)state;
    struct parsed *p = parsed_good(SLICE(LINE BASICS "Content-Length: 003\r\n\r\nabcdef"));
    assert_slice(p->msg.body, "abc");
    assert_int_equal(p->msg.raw.len, p->bytes.len - 3);
    parsed_free(p);
    p = parsed_good(SLICE(LINE BASICS "\r\nabcdef"));
    assert_slice(p->msg.body, "abcdef");
    assert_int_equal(p->msg.raw.len, p->bytes.len);
    parsed_free(p);
}

/* A message of count lines "X-Line: 1", with body bytes after the empty line. */
static struct slice many_lines(char *buffer, size_t size, unsigned count, size_t body)
{
    struct writer w;
    writer_init(&w, buffer, size);
    writer_literal(&w, LINE VIA);
    for (unsigned i = 0; i < count; i++) {
        writer_literal(&w, "X-Line: 1\r\n");
    }
    writer_literal(&w, "\r\n");
    for (size_t i = 0; i < body; i++) {
        writer_char(&w, 'b');
    }
    assert_int_equal(writer_status(&w), 0);
    return writer_slice(&w);
}

static void assert_limit(struct slice text, struct sip_limits limits, unsigned status,
                         const char *reason)
{
    struct parsed *p = parsed_new(text, &limits);
    if (status == 0) {
        assert_int_equal(p->rc, 0);
    } else {
        assert_fault(p, ERR_LIMIT, status, reason);
    }
    parsed_free(p);
}

/* Each limit holds at its value and refuses one more, with the status of its own. */
static void limits_have_their_statuses(void **state)
{
    (void)state;
    static char buffer[70000];
    struct slice text = many_lines(buffer, sizeof(buffer), 9, 20);
    static const char lines[] = "Bad Request - Too many header lines";
    assert_limit(text, (struct sip_limits){.headers = 10}, 0, NULL);
    assert_limit(text, (struct sip_limits){.headers = 9}, 400, lines);
    assert_limit(text, (struct sip_limits){.body = 20}, 0, NULL);
    assert_limit(text, (struct sip_limits){.body = 19}, 413, "Request Entity Too Large");
    assert_limit(text, (struct sip_limits){.message = (uint32_t)text.len}, 0, NULL);
    assert_limit(text, (struct sip_limits){.message = (uint32_t)text.len - 1}, 513,
                 "Message Too Large");
    assert_limit(text, (struct sip_limits){.uri = 17}, 0, NULL);
    assert_limit(text, (struct sip_limits){.uri = 16}, 414, "Request-URI Too Long");
    assert_limit(text, (struct sip_limits){.header_bytes = sizeof(VIA) - 1}, 0, NULL);
    struct slice long_line = SLICE(LINE VIA "X-Long: a value that is longer than the Via is\r\n"
                                            " with what is folded\r\n\r\n");
    assert_limit(long_line, (struct sip_limits){.header_bytes = sizeof(VIA) - 1}, 400,
                 "Bad Request - Header line too long");
    assert_limit(many_lines(buffer, sizeof(buffer), 127, 0), (struct sip_limits){0}, 0, NULL);
    assert_limit(many_lines(buffer, sizeof(buffer), 128, 0), (struct sip_limits){0}, 400, lines);
    /* The storage bounds what may be configured. */
    assert_limit(many_lines(buffer, sizeof(buffer), 254, 0), (struct sip_limits){.headers = 1000},
                 0, NULL);
    assert_limit(many_lines(buffer, sizeof(buffer), 255, 0), (struct sip_limits){.headers = 1000},
                 400, lines);
}

/* A name of more bytes than a header can note, where the limit of a line allows it. */
static void a_header_name_is_bounded(void **state)
{
    (void)state;
    static char buffer[70000];
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    writer_literal(&w, LINE VIA);
    for (int i = 0; i < 65536; i++) {
        writer_char(&w, 'x');
    }
    writer_literal(&w, ": 1\r\n\r\n");
    assert_limit(writer_slice(&w), (struct sip_limits){.message = 100000, .header_bytes = 100000},
                 400, "Bad Request - Header name too long");
}

/* Values count over all lines of a header, and only there where commas divide. */
static void values_of_one_header_are_bounded(void **state)
{
    (void)state;
    struct sip_limits limits = {.values = 4};
    static const char many[] = "Bad Request - Too many values in one header";
    assert_limit(SLICE(LINE VIA "Route: <a>,<b>\r\nRoute: <c>, <d>\r\n\r\n"), limits, 0, NULL);
    assert_limit(SLICE(LINE VIA "Route: <a>,<b>\r\nRoute: <c>, <d>,<e>\r\n\r\n"), limits, 400,
                 many);
    assert_limit(SLICE(LINE VIA "Allow: A,B,C,D,E\r\n\r\n"), limits, 400, many);
    assert_limit(SLICE(LINE VIA "Allow: A,B\r\nSupported: a,b,c\r\n\r\n"), limits, 0, NULL);
    assert_limit(SLICE(LINE VIA "Contact: \"a,b,c,d,e\" <sip:a,b@x>\r\n\r\n"), limits, 0, NULL);
    assert_limit(SLICE(LINE VIA "X-List: a,b,c,d,e,f\r\n\r\n"), limits, 0, NULL);
    assert_limit(SLICE(LINE VIA "Subject: a,b,c,d,e,f\r\n\r\n"), limits, 0, NULL);
    /* The fewest bytes that hold one too many. */
    struct slice shortest = SLICE(LINE "Allow: A,B,C,D,E\r\n\r\n");
    struct parsed *p = parsed_new(shortest, &limits);
    assert_fault(p, ERR_LIMIT, 0, many);
    parsed_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_line_is_read),
        cmocka_unit_test(a_method_may_look_like_a_version),
        cmocka_unit_test(a_status_line_is_read),
        cmocka_unit_test(header_lines_are_sorted_by_name),
        cmocka_unit_test(malformed_start_lines_are_refused),
        cmocka_unit_test(malformed_header_sections_are_refused),
        cmocka_unit_test(a_refused_request_can_still_be_answered),
        cmocka_unit_test(what_cannot_be_answered_is_dropped),
        cmocka_unit_test(the_body_ends_where_content_length_says),
        cmocka_unit_test(limits_have_their_statuses),
        cmocka_unit_test(a_header_name_is_bounded),
        cmocka_unit_test(values_of_one_header_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
