#include "sip/message/glance.h"

#include "base/error.h"
#include "unit/sip/message/basics.h"

#define INVITE   "INVITE sip:b@x.example.com SIP/2.0\r\n"
#define ACK      "ACK sip:b@x.example.com SIP/2.0\r\n"
#define CSEQ_I   "CSeq: 1 INVITE\r\n"
#define BASICS_I VIA FROM TO CALL_ID CSEQ_I
#define OTHERS                                                                                     \
    "Contact: <sip:a@h>\r\nMax-Forwards: 70\r\nX-Via: v\r\nTimestamp: 1\r\nSupported: x\r\n"

static const enum sip_header_id wanted[] = {SIP_HEADER_VIA, SIP_HEADER_FROM, SIP_HEADER_TO,
                                            SIP_HEADER_CALL_ID, SIP_HEADER_CSEQ};

static bool same(struct slice a, struct slice b)
{
    return a.ptr == b.ptr && a.len == b.len;
}

static void assert_same_lines(const struct sip_message *msg, const struct sip_message *parsed)
{
    for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const struct sip_header *a = sip_message_first(msg, wanted[i]);
        const struct sip_header *b = sip_message_first(parsed, wanted[i]);
        for (; a != NULL && b != NULL;
             a = sip_message_next(msg, a), b = sip_message_next(parsed, b)) {
            assert_true(same(sip_header_line(a), sip_header_line(b)));
            assert_true(same(sip_header_value(a), sip_header_value(b)));
            assert_int_equal(a->id, b->id);
        }
        assert_true(a == NULL && b == NULL);
    }
}

/* What is glanced at is what is parsed, or there is no glance at all. */
static void assert_glance(const char *text, bool taken)
{
    struct parsed *p = parsed_new(slice_from_string(text), NULL);
    struct sip_message *msg = calloc(1, sizeof(*msg));
    assert_non_null(msg);
    if (sip_message_glance(p->bytes, msg) != taken)
        print_error("%s\n", text);
    assert_int_equal(sip_message_glance(p->bytes, msg), taken);
    if (taken) {
        assert_int_equal(p->rc, 0);
        assert_int_equal(msg->method, p->msg.method);
        assert_true(same(msg->uri, p->msg.uri));
        assert_true(same(msg->method_name, p->msg.method_name));
        assert_same_lines(msg, &p->msg);
        struct sip_fault fault;
        assert_int_equal(sip_message_check(&p->msg, &fault), 0);
        assert_true(sip_message_glance_parts(msg));
        assert_memory_equal(&msg->parts.cseq, &p->msg.parts.cseq, sizeof(msg->parts.cseq));
        assert_true(same(msg->parts.via.branch, p->msg.parts.via.branch));
        assert_true(same(msg->parts.from.tag, p->msg.parts.from.tag));
        assert_true(same(msg->parts.to.tag, p->msg.parts.to.tag));
    }
    free(msg);
    parsed_free(p);
}

static void what_an_answer_repeats_is_found(void **state)
{
    (void)state;
    assert_glance(INVITE BASICS_I EMPTY, true);
    assert_glance(INVITE OTHERS BASICS_I EMPTY, true);
    assert_glance(INVITE CSEQ_I CALL_ID TO OTHERS FROM VIA EMPTY, true);
    assert_glance(ACK VIA FROM TO CALL_ID "CSeq: 1 ACK\r\n" EMPTY, true);
    assert_glance(INVITE "Content-Length: 3\r\n" BASICS_I EMPTY "abc", true);
}

/* RFC 3261 sections 7.3.1, 7.3.3, 20. */
static void compact_forms_folds_and_letters_of_any_case_are_known(void **state)
{
    (void)state;
    assert_glance(INVITE "v:SIP/2.0/UDP h;branch=z9hG4bK1\r\nf:<sip:a@x>;tag=1\r\nt: <sip:b@x>\r\n"
                         "i:c1\r\nCSEQ:1 INVITE\r\n" EMPTY,
                  true);
    assert_glance(INVITE "VIA: SIP/2.0/UDP h;branch=z9hG4bK1\r\nfrom: <sip:a@x>;\r\n tag=1\r\n"
                         "TO: <sip:b@x>\r\ncall-ID: c1\r\nCSeq:\r\n\t1\r\n INVITE\r\n" EMPTY,
                  true);
}

/* RFC 3261 section 8.2.6.2: all of them go into the answer. */
static void every_via_is_found(void **state)
{
    (void)state;
    assert_glance(INVITE BASICS_I "v: SIP/2.0/TCP p\r\n" OTHERS
                                  "Via: SIP/2.0/UDP q, SIP/2.0/UDP r\r\n"
                                  "Via : SIP/2.0/UDP s\r\n" EMPTY,
                  false);
    assert_glance(INVITE BASICS_I "v: SIP/2.0/TCP p\r\n" OTHERS
                                  "Via: SIP/2.0/UDP q, SIP/2.0/UDP r\r\n"
                                  "Vi: SIP/2.0/UDP s\r\n" EMPTY,
                  true);
}

static void what_is_not_plain_is_left_to_the_parser(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "INVITE",
        "INVITE ",
        INVITE,
        INVITE BASICS_I,
        INVITE EMPTY,
        LINE BASICS EMPTY,
        "SIP/2.0 200 OK\r\n" BASICS_I EMPTY,
        "INVITE sip:b@x.example.com SIP/3.0\r\n" BASICS_I EMPTY,
        "INVITE sip:b@x .example.com SIP/2.0\r\n" BASICS_I EMPTY,
        "INVITE  SIP/2.0\r\n" BASICS_I EMPTY,
        "INVITE sip:\x01 SIP/2.0\r\n" BASICS_I EMPTY,
        INVITE FROM TO CALL_ID CSEQ_I EMPTY,
        INVITE VIA TO CALL_ID CSEQ_I EMPTY,
        INVITE VIA FROM CALL_ID CSEQ_I EMPTY,
        INVITE VIA FROM TO CSEQ_I EMPTY,
        INVITE VIA FROM TO CALL_ID EMPTY,
        INVITE BASICS_I FROM EMPTY,
        INVITE BASICS_I "i: c2\r\n" EMPTY,
        INVITE BASICS_I "Call-ID\t: c2\r\n" EMPTY,
        INVITE BASICS_I "From : x\r\n" EMPTY,
        INVITE BASICS_I "Subject: a\rb\r\n" EMPTY,
        INVITE BASICS_I "Subject: a\nVia: b\r\n" EMPTY,
        INVITE BASICS_I "v\r\n" EMPTY,
    };
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_glance(texts[i], false);
}

/* RFC 3261 sections 8.1.1.5, 19.3. */
static void parts_that_cannot_be_read_are_told(void **state)
{
    (void)state;
    static const char *const texts[] = {
        INVITE "Via: UDP h\r\n" FROM TO CALL_ID CSEQ_I EMPTY,
        INVITE VIA "From: <sip:a@x\r\n" TO CALL_ID CSEQ_I EMPTY,
        INVITE VIA FROM "To: <sip:a@x>;tag\r\n" CALL_ID CSEQ_I EMPTY,
        INVITE VIA FROM TO CALL_ID CSEQ EMPTY,
        INVITE VIA FROM TO CALL_ID "CSeq: x INVITE\r\n" EMPTY,
    };
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct slice text = text_new(texts[i], strlen(texts[i]));
        struct sip_message *msg = calloc(1, sizeof(*msg));
        assert_non_null(msg);
        assert_true(sip_message_glance(text, msg));
        assert_false(sip_message_glance_parts(msg));
        free(msg);
        text_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_answer_repeats_is_found),
        cmocka_unit_test(compact_forms_folds_and_letters_of_any_case_are_known),
        cmocka_unit_test(every_via_is_found),
        cmocka_unit_test(what_is_not_plain_is_left_to_the_parser),
        cmocka_unit_test(parts_that_cannot_be_read_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
