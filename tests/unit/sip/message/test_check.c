#include "base/error.h"
#include "sip/message/message.h"
#include "unit/sip/message/basics.h"
#include "unit/sip/text.h"

static struct parsed *checked(const char *text)
{
    struct parsed *p = parsed_good(slice_from_string(text));
    p->rc = sip_message_check(&p->msg, &p->fault);
    return p;
}

static void assert_taken(const char *text)
{
    struct parsed *p = checked(text);
    if (p->rc < 0) {
        print_error("%s: %s\n", text, p->fault.reason);
    }
    assert_int_equal(p->rc, 0);
    parsed_free(p);
}

static void assert_refused(const char *text, unsigned status, const char *reason)
{
    struct parsed *p = checked(text);
    assert_fault(p, ERR_SYNTAX, status, reason);
    parsed_free(p);
}

/* RFC 3261 sections 8.1.1, 16.3; RFC 4475 sections 3.2.1, 3.4.1 for what may be missing. */
static void whole_messages_are_taken(void **state)
{
    (void)state;
    assert_taken(LINE BASICS EMPTY);
    assert_taken(LINE "v: SIP/2.0/UDP a, SIP/2.0/TCP b;branch=z9hG4bKx\r\nf: sip:a@x\r\n"
                      "t: isbn:2983792873\r\ni: a@b\r\nCSeq: 1 OPTIONS\r\n" EMPTY);
    assert_taken(LINE BASICS "Max-Forwards: 0\r\n" EMPTY);
    assert_taken(LINE VIA FROM TO "Call-ID: YQ==@(a)<b>:\\\"/[c]?{d}\r\n" CSEQ EMPTY);
    assert_taken(LINE BASICS "Max-Forwards: 0255\r\nDate: nonsense\r\n" EMPTY);
    assert_taken(LINE BASICS
                 "Contact: <sip:a@b>;q=0.5, \"B, C\" <sip:b@c>\r\nm: sip:d@e\r\n" EMPTY);
    assert_taken("REGISTER sip:x SIP/2.0\r\n" VIA FROM TO CALL_ID
                 "CSeq: 1 REGISTER\r\nContact: *\r\n" EMPTY);
    assert_taken("options sip:x sip/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 options\r\n" EMPTY);
    assert_taken("OPTIONS sip:a?b@x SIP/2.0\r\n" BASICS EMPTY);
    assert_taken("OPTIONS http://x/?a=b SIP/2.0\r\n" BASICS EMPTY);
    /* A response may tell other limits of hops: it is nobody's business. */
    assert_taken("SIP/2.0 200 OK\r\n" BASICS "Max-Forwards: 999\r\n" EMPTY);
}

/* RFC 3261 section 8.1.1: what must be there. */
static void missing_headers_are_named(void **state)
{
    (void)state;
    assert_refused(LINE FROM TO CALL_ID CSEQ EMPTY, 0, "Bad Request - Via missing");
    assert_refused(LINE "Via:\r\n" FROM TO CALL_ID CSEQ EMPTY, 400, "Bad Request - Via missing");
    assert_refused(LINE "Via: ,\r\n" FROM TO CALL_ID CSEQ EMPTY, 400, "Bad Request - Via missing");
    assert_refused(LINE VIA TO CALL_ID CSEQ EMPTY, 400, "Bad Request - From missing");
    assert_refused(LINE VIA FROM CALL_ID CSEQ EMPTY, 400, "Bad Request - To missing");
    assert_refused(LINE VIA FROM TO CSEQ EMPTY, 400, "Bad Request - Call-ID missing");
    assert_refused(LINE VIA FROM TO CALL_ID EMPTY, 400, "Bad Request - CSeq missing");
}

/* RFC 3261 section 20; RFC 4475 sections 3.1.2.1 to 3.1.2.17. */
static void malformed_values_are_named(void **state)
{
    (void)state;
    static const char via[] = "Bad Request - Malformed Via";
    static const char from[] = "Bad Request - Malformed From";
    static const char to[] = "Bad Request - Malformed To";
    static const char call_id[] = "Bad Request - Malformed Call-ID";
    static const char contact[] = "Bad Request - Malformed Contact";
    static const char hops[] = "Bad Request - Malformed Max-Forwards";
    static const struct {
        const char *text, *reason;
    } rows[] = {
        {LINE "Via: x\r\n" FROM TO CALL_ID CSEQ EMPTY, via},
        {LINE BASICS "Via: SIP/2.0/UDP\r\n" EMPTY, via},
        {LINE VIA "From:\r\n" TO CALL_ID CSEQ EMPTY, from},
        {LINE VIA "From: <sip:a@b>;tag=1;tag=2\r\n" TO CALL_ID CSEQ EMPTY, from},
        {LINE VIA FROM "To: <sip:a@b>;tag\r\n" CALL_ID CSEQ EMPTY, to},
        {LINE VIA "From: <sip:a@b>;tag;x=1\r\n" TO CALL_ID CSEQ EMPTY, from},
        {LINE VIA "From: *\r\n" TO CALL_ID CSEQ EMPTY, from},
        {LINE VIA "From: A, B <sip:a@b>\r\n" TO CALL_ID CSEQ EMPTY, from},
        {LINE VIA FROM "To: \"open <sip:a@b>\r\n" CALL_ID CSEQ EMPTY, to},
        {LINE VIA FROM "To: < sip:a@b >\r\n" CALL_ID CSEQ EMPTY, to},
        {LINE VIA FROM TO "Call-ID:\r\n" CSEQ EMPTY, call_id},
        {LINE VIA FROM TO "Call-ID: a;b\r\n" CSEQ EMPTY, call_id},
        {LINE VIA FROM TO "Call-ID: a b\r\n" CSEQ EMPTY, call_id},
        {LINE VIA FROM TO "Call-ID: a@\r\n" CSEQ EMPTY, call_id},
        {LINE VIA FROM TO "Call-ID: @a\r\n" CSEQ EMPTY, call_id},
        {LINE VIA FROM TO "Call-ID: a@b@c\r\n" CSEQ EMPTY, call_id},
        {LINE VIA FROM TO "Call-ID: a,b\r\n" CSEQ EMPTY, call_id},
        {LINE VIA FROM TO CALL_ID "CSeq: OPTIONS\r\n" EMPTY, "Bad Request - Malformed CSeq"},
        {LINE VIA FROM TO CALL_ID "CSeq: 4294967296 OPTIONS\r\n" EMPTY,
         "Bad Request - CSeq number over 2^32-1"},
        {LINE VIA FROM TO CALL_ID "CSeq: 1 INVITE\r\n" EMPTY,
         "Bad Request - CSeq names another method"},
        {LINE VIA FROM TO CALL_ID "CSeq: 1 options\r\n" EMPTY,
         "Bad Request - CSeq names another method"},
        {LINE BASICS "Max-Forwards: 256\r\n" EMPTY, "Bad Request - Max-Forwards over 255"},
        {LINE BASICS "Max-Forwards: -1\r\n" EMPTY, hops},
        {LINE BASICS "Max-Forwards:\r\n" EMPTY, hops},
        {LINE BASICS "Contact: *\r\n" EMPTY, contact},
        {LINE BASICS "Contact: <sip:a@b>, <sip:a@b>;;\r\n" EMPTY, contact},
        {LINE BASICS "Contact: sip:a@b?c=d\r\n" EMPTY, contact},
        {"OPTIONS sip:a@b?c=d SIP/2.0\r\n" BASICS EMPTY, "Bad Request - Headers in Request-URI"},
        {"OPTIONS SIPS:b?c=d SIP/2.0\r\n" BASICS EMPTY, "Bad Request - Headers in Request-URI"},
        {"OPTIONS sip:u?v@b?c=d SIP/2.0\r\n" BASICS EMPTY, "Bad Request - Headers in Request-URI"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_refused(rows[i].text, 400, rows[i].reason);
    }
}

/* RFC 3261 section 21.5.6, RFC 4475 section 3.1.2.16. */
static void other_versions_are_refused(void **state)
{
    (void)state;
    assert_refused("OPTIONS sip:x SIP/7.0\r\n" BASICS EMPTY, 505, "Version Not Supported");
    assert_refused("OPTIONS sip:x SIP/2.00\r\n" BASICS EMPTY, 505, "Version Not Supported");
    assert_refused("OPTIONS sip:x SIP/12.0\r\n" BASICS EMPTY, 505, "Version Not Supported");
    assert_refused("SIP/3.0 200 OK\r\n" BASICS EMPTY, 0, "Version Not Supported");
}

/* RFC 4475 section 3.1.2.18. */
static void an_unknown_method_that_cseq_does_not_name_is_not_implemented(void **state)
{
    (void)state;
    assert_refused("NEW sip:x SIP/2.0\r\n" BASICS EMPTY, 501,
                   "Not Implemented - Unknown method that CSeq does not name");
    assert_taken("NEW sip:x SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 NEW\r\n" EMPTY);
}

/* RFC 3261 section 17.1.3: a response's method is that of its CSeq. */
static void a_response_gets_the_method_of_its_cseq(void **state)
{
    (void)state;
    struct parsed *p = checked("SIP/2.0 200 OK\r\n" BASICS EMPTY);
    assert_int_equal(p->rc, 0);
    assert_int_equal(p->msg.method, SIP_OPTIONS);
    parsed_free(p);
    assert_refused("SIP/2.0 200 OK\r\n" VIA FROM TO CALL_ID "CSeq: x\r\n" EMPTY, 0,
                   "Bad Request - Malformed CSeq");
    assert_refused("ACK sip:x SIP/2.0\r\n" BASICS EMPTY, 0,
                   "Bad Request - CSeq names another method");
}

/* What the check reads it keeps; what is not right stays zero. */
static void the_parts_that_are_right_are_kept(void **state)
{
    (void)state;
    struct parsed *p =
        checked(LINE "Via: SIP/2.0/UDP a;branch=z9hG4bK2, SIP/2.0/UDP b\r\n" BASICS EMPTY);
    assert_slice(p->msg.parts.via.value, "SIP/2.0/UDP a;branch=z9hG4bK2");
    assert_slice(p->msg.parts.from.tag, "1");
    assert_slice(p->msg.parts.to.uri, "sip:b@x.example.com");
    assert_int_equal(p->msg.parts.cseq.method, SIP_OPTIONS);
    parsed_free(p);
    p = checked(LINE VIA FROM "To: \"open\r\n" CALL_ID CSEQ EMPTY);
    assert_int_equal(p->rc, ERR_SYNTAX);
    assert_slice(p->msg.parts.from.tag, "1");
    assert_int_equal(p->msg.parts.to.uri.len, 0);
    parsed_free(p);
    p = checked(LINE "Via: x\r\n" FROM TO CALL_ID CSEQ EMPTY);
    assert_int_equal(p->msg.parts.via.value.len, 0);
    assert_int_equal(p->msg.parts.cseq.method_name.len, 0);
    parsed_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_messages_are_taken),
        cmocka_unit_test(missing_headers_are_named),
        cmocka_unit_test(malformed_values_are_named),
        cmocka_unit_test(other_versions_are_refused),
        cmocka_unit_test(an_unknown_method_that_cseq_does_not_name_is_not_implemented),
        cmocka_unit_test(a_response_gets_the_method_of_its_cseq),
        cmocka_unit_test(the_parts_that_are_right_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
