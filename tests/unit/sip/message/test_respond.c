#include "sip/message/respond.h"

#include <stdio.h>

#include "base/error.h"
#include "unit/sip/message/basics.h"
#include "unit/sip/text.h"

static struct address source(const char *text)
{
    struct address a;
    assert_int_equal(address_parse(slice_from_string(text), &a), 0);
    return a;
}

/* The same whether sip_message_check has read the parts or not. */
static void assert_response(const char *request, const struct sip_response *response,
                            const char *expected)
{
    struct parsed *p = parsed_new(slice_from_string(request), NULL);
    char buffer[2048];
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    assert_int_equal(sip_response_write(&w, &p->msg, response), 0);
    assert_slice(writer_slice(&w), expected);
    struct sip_fault fault;
    (void)sip_message_check(&p->msg, &fault);
    writer_rewind(&w, 0);
    assert_int_equal(sip_response_write(&w, &p->msg, response), 0);
    assert_slice(writer_slice(&w), expected);
    parsed_free(p);
}

/* RFC 3261 sections 8.2.6.1, 8.2.6.2. */
static void what_must_be_copied_is_copied(void **state)
{
    (void)state;
    assert_response(LINE "Record-Route: <sip:p;lr>\r\n" VIA "Timestamp: 54\r\n" FROM TO
                         "v: SIP/2.0/TCP a ,\r\n SIP/2.0/UDP b\r\n"
                         "Max-Forwards: 70\r\n" CALL_ID CSEQ EMPTY,
                    &(struct sip_response){.status = 200, .to_tag = SLICE("t1")},
                    "SIP/2.0 200 OK\r\n" VIA "v: SIP/2.0/TCP a ,\r\n SIP/2.0/UDP b\r\n" FROM
                    "To: <sip:b@x.example.com>;tag=t1\r\n" CALL_ID CSEQ
                    "Content-Length: 0\r\n\r\n");
}

/* RFC 3261 section 8.2.6.1: Timestamp in a 100; section 8.2.6.2: no tag is needed in it. */
static void a_100_takes_timestamp_and_no_tag(void **state)
{
    (void)state;
    assert_response(LINE BASICS "Timestamp: 54\r\n" EMPTY,
                    &(struct sip_response){.status = 100, .to_tag = SLICE("t1")},
                    "SIP/2.0 100 Trying\r\n" BASICS "Timestamp: 54\r\nContent-Length: 0\r\n\r\n");
    /* A delay is added in seconds, and replaces that of an element before us. */
    assert_response(LINE BASICS "Timestamp: 54.2 0.25\r\n" EMPTY,
                    &(struct sip_response){.status = 100, .delay_ms = 3500},
                    "SIP/2.0 100 Trying\r\n" BASICS
                    "Timestamp: 54.2 3.500\r\nContent-Length: 0\r\n\r\n");
    assert_response(LINE BASICS "Timestamp: soon\r\n" EMPTY,
                    &(struct sip_response){.status = 100, .delay_ms = 3500},
                    "SIP/2.0 100 Trying\r\n" BASICS "Timestamp: soon\r\nContent-Length: 0\r\n\r\n");
}

/* RFC 3261 section 8.2.6.2: a To that has a tag keeps it. */
static void a_tag_is_added_once(void **state)
{
    (void)state;
    static const char with_tag[] = "To: \"B\" <sip:b@x>;x=1;TAG=t0\r\n";
    char request[512];
    char expected[512];
    snprintf(request, sizeof(request), "%s%s%s\r\n", LINE VIA FROM, with_tag, CALL_ID CSEQ);
    snprintf(expected, sizeof(expected), "SIP/2.0 486 Busy Here\r\n%s%s%sContent-Length: 0\r\n\r\n",
             VIA FROM, with_tag, CALL_ID CSEQ);
    assert_response(request, &(struct sip_response){.status = 486, .to_tag = SLICE("t1")},
                    expected);
    /* A bare addr-spec: what follows the ';' belongs to the header (section 20). */
    assert_response(LINE VIA FROM "t: sip:b@x \r\n" CALL_ID CSEQ EMPTY,
                    &(struct sip_response){.status = 486, .to_tag = SLICE("t1")},
                    "SIP/2.0 486 Busy Here\r\n" VIA FROM "t: sip:b@x;tag=t1\r\n" CALL_ID CSEQ
                    "Content-Length: 0\r\n\r\n");
    assert_response(LINE BASICS EMPTY, &(struct sip_response){.status = 486},
                    "SIP/2.0 486 Busy Here\r\n" BASICS "Content-Length: 0\r\n\r\n");
}

/* RFC 3261 sections 12.1.1, 20.14: Record-Route, further headers, a body with its length. */
static void headers_and_a_body_are_added(void **state)
{
    (void)state;
    assert_response(LINE BASICS "Record-Route: <sip:p>\r\nRecord-Route: <sip:q>\r\n" EMPTY,
                    &(struct sip_response){.status = 299,
                                           .reason = "Well Done",
                                           .record_route = true,
                                           .headers = SLICE("Content-Type: text/plain\r\n"),
                                           .body = SLICE("hello")},
                    "SIP/2.0 299 Well Done\r\n" BASICS
                    "Record-Route: <sip:p>\r\nRecord-Route: <sip:q>\r\n"
                    "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
}

/* RFC 4475 sections 3.3.1, 3.3.8, 3.1.2.6: what is missing, doubled or unreadable. */
static void refused_requests_are_answered(void **state)
{
    (void)state;
    struct sip_response bad = {.status = 400, .to_tag = SLICE("t1")};
    assert_response(LINE VIA CSEQ EMPTY, &bad,
                    "SIP/2.0 400 Bad Request\r\n" VIA CSEQ "Content-Length: 0\r\n\r\n");
    assert_response(LINE BASICS "CSeq: 2 BYE\r\nTo: <sip:c@d>\r\nCall-ID: 2\r\n" EMPTY, &bad,
                    "SIP/2.0 400 Bad Request\r\n" VIA FROM
                    "To: <sip:b@x.example.com>;tag=t1\r\n" CALL_ID CSEQ
                    "Content-Length: 0\r\n\r\n");
    assert_response(LINE VIA FROM "To: \"open <sip:b@x>\r\n" CALL_ID CSEQ EMPTY, &bad,
                    "SIP/2.0 400 Bad Request\r\n" VIA FROM "To: \"open <sip:b@x>\r\n" CALL_ID CSEQ
                    "Content-Length: 0\r\n\r\n");
    assert_response(LINE VIA FROM "To: <sip:b@x>;tag\r\n" CALL_ID CSEQ EMPTY, &bad,
                    "SIP/2.0 400 Bad Request\r\n" VIA FROM "To: <sip:b@x>;tag\r\n" CALL_ID CSEQ
                    "Content-Length: 0\r\n\r\n");
    struct address from = source("192.0.2.9:5070");
    assert_response(LINE "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n" CSEQ EMPTY,
                    &(struct sip_response){.status = 400, .source = &from},
                    "SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n" CSEQ
                    "Content-Length: 0\r\n\r\n");
}

static void without_via_or_room_there_is_no_response(void **state)
{
    (void)state;
    char buffer[512];
    struct writer w;
    struct parsed *p = parsed_new(SLICE(LINE CSEQ EMPTY), NULL);
    writer_init(&w, buffer, sizeof(buffer));
    assert_int_equal(sip_response_write(&w, &p->msg, &(struct sip_response){.status = 400}),
                     ERR_SYNTAX);
    parsed_free(p);
    p = parsed_new(SLICE(LINE BASICS EMPTY), NULL);
    for (size_t size = 0; size < 180; size++) {
        writer_init(&w, buffer, size);
        assert_int_equal(sip_response_write(&w, &p->msg, &(struct sip_response){.status = 400}),
                         ERR_LIMIT);
    }
    parsed_free(p);
}

/* RFC 3261 section 18.2.1, RFC 3581 section 4. */
static void received_and_rport_are_set_from_the_source(void **state)
{
    (void)state;
    static const struct {
        const char *via, *from, *expected;
    } rows[] = {
        {"SIP/2.0/UDP 192.0.2.1:5062;branch=b", "192.0.2.1:9",
         "SIP/2.0/UDP 192.0.2.1:5062;branch=b"},
        {"SIP/2.0/UDP 10.1.1.1;branch=b", "192.0.2.1:9",
         "SIP/2.0/UDP 10.1.1.1;branch=b;received=192.0.2.1"},
        {"SIP/2.0/UDP h.example.com;branch=b", "192.0.2.1:9",
         "SIP/2.0/UDP h.example.com;branch=b;received=192.0.2.1"},
        {"SIP/2.0/UDP 192.0.2.1;rport;branch=b", "192.0.2.1:9",
         "SIP/2.0/UDP 192.0.2.1;rport=9;received=192.0.2.1;branch=b"},
        {"SIP/2.0/UDP 10.1.1.1;rport=1;branch=b;RECEIVED=10.9.9.9;x", "192.0.2.1:9",
         "SIP/2.0/UDP 10.1.1.1;branch=b;x;received=192.0.2.1;rport=9"},
        {"SIP/2.0/UDP 192.0.2.1;received=10.9.9.9;branch=b", "192.0.2.1:9",
         "SIP/2.0/UDP 192.0.2.1;branch=b"},
        {"SIP/2.0/UDP 192.0.2.1 ; x = \"a;b\" ;branch=b", "192.0.2.2:9",
         "SIP/2.0/UDP 192.0.2.1 ; x = \"a;b\" ;branch=b;received=192.0.2.2"},
        {"SIP/2.0/UDP [2001:db8::1]", "[2001:db8:0:0::1]:9", "SIP/2.0/UDP [2001:db8::1]"},
        {"SIP/2.0/UDP [2001:db8::1];rport", "[2001:db8::2]:9",
         "SIP/2.0/UDP [2001:db8::1];rport=9;received=2001:db8::2"},
        {"SIP/2.0/UDP 192.0.2.1", "[::ffff:192.0.2.1]:9", "SIP/2.0/UDP 192.0.2.1"},
        {"SIP/2.0/UDP 192.0.2.1;rport, SIP/2.0/UDP b;rport", "192.0.2.1:9",
         "SIP/2.0/UDP 192.0.2.1;rport=9;received=192.0.2.1"},
        {"nonsense", "192.0.2.1:9", "nonsense"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        int len = snprintf(text, sizeof(text), "%sVia: %s\r\n\r\n", LINE, rows[i].via);
        struct parsed *p = parsed_new(slice_of(text, (size_t)len), NULL);
        struct address from = source(rows[i].from);
        char buffer[256];
        struct writer w;
        writer_init(&w, buffer, sizeof(buffer));
        sip_via_write_received(&w, &p->msg, &from);
        assert_slice(writer_slice(&w), rows[i].expected);
        parsed_free(p);
    }
}

/* RFC 3261 section 18.2.1: only the top value changes, the others of its line and the lines after
 * it stay. */
static void a_response_carries_received_in_its_top_via(void **state)
{
    (void)state;
    struct address from = source("192.0.2.9:5070");
    assert_response(
        LINE "v : SIP/2.0/UDP a;rport , SIP/2.0/UDP b;rport\r\n" VIA CSEQ EMPTY,
        &(struct sip_response){.status = 404, .source = &from},
        "SIP/2.0 404 Not Found\r\n"
        "v : SIP/2.0/UDP a;rport=5070;received=192.0.2.9 , SIP/2.0/UDP b;rport\r\n" VIA CSEQ
        "Content-Length: 0\r\n\r\n");
    assert_response(LINE "v:\r\nv: ,SIP/2.0/UDP a;rport;branch=b\r\n" VIA CSEQ EMPTY,
                    &(struct sip_response){.status = 404, .source = &from},
                    "SIP/2.0 404 Not Found\r\n"
                    "v:\r\nv: ,SIP/2.0/UDP a;rport=5070;received=192.0.2.9;branch=b\r\n" VIA CSEQ
                    "Content-Length: 0\r\n\r\n");
}

/* RFC 3261 section 21 and the RFCs named in status.c. */
static void every_status_has_its_phrase(void **state)
{
    (void)state;
    static const unsigned known[] = {
        100, 180, 181, 182, 183, 199, 200, 202, 204, 300, 301, 302, 305, 380, 400,
        401, 402, 403, 404, 405, 406, 407, 408, 410, 412, 413, 414, 415, 416, 417,
        420, 421, 422, 423, 424, 425, 428, 429, 430, 433, 436, 437, 438, 439, 440,
        469, 470, 480, 481, 482, 483, 484, 485, 486, 487, 488, 489, 491, 493, 494,
        500, 501, 502, 503, 504, 505, 513, 555, 580, 600, 603, 604, 606, 607, 608};
    size_t next = 0;
    for (unsigned status = 0; status < 1000; status++) {
        bool unknown = strcmp(sip_status_reason(status), "Unknown") == 0;
        bool expected = next < sizeof(known) / sizeof(known[0]) && known[next] == status;
        assert_int_equal(!unknown, expected);
        next += expected;
    }
    assert_string_equal(sip_status_reason(487), "Request Terminated");
    assert_string_equal(sip_status_reason(440), "Max-Breadth Exceeded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_must_be_copied_is_copied),
        cmocka_unit_test(a_100_takes_timestamp_and_no_tag),
        cmocka_unit_test(a_tag_is_added_once),
        cmocka_unit_test(headers_and_a_body_are_added),
        cmocka_unit_test(refused_requests_are_answered),
        cmocka_unit_test(without_via_or_room_there_is_no_response),
        cmocka_unit_test(received_and_rport_are_set_from_the_source),
        cmocka_unit_test(a_response_carries_received_in_its_top_via),
        cmocka_unit_test(every_status_has_its_phrase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
