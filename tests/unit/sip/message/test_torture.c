#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/error.h"
#include "sip/message/address.h"
#include "sip/message/cseq.h"
#include "sip/message/message.h"
#include "sip/message/via.h"
#include "unit/sip/torture/torture.h"

struct taken {
    struct sip_message msg;
    struct sip_fault fault;
    int rc;
    char *bytes;
};

/* Parser and check, as a transport calls them for a datagram. */
static struct taken *take(const char *file)
{
    struct slice data = torture_read(file);
    struct taken *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    /* Exactly the bytes of the datagram: an over-read is seen by the sanitizer. */
    t->bytes = malloc(data.len);
    assert_non_null(t->bytes);
    memcpy(t->bytes, data.ptr, data.len);
    free((void *)(uintptr_t)data.ptr);
    t->rc = sip_message_parse(slice_of(t->bytes, data.len), NULL, &t->msg, &t->fault);
    if (t->rc == 0) {
        t->rc = sip_message_check(&t->msg, &t->fault);
    }
    return t;
}

static void drop(struct taken *t)
{
    free(t->bytes);
    free(t);
}

static void assert_slice(struct slice s, const char *expected)
{
    char text[512];
    assert_string_equal(slice_to_string(s, text, sizeof(text)), expected);
}

/* RFC 4475: each message has the outcome that its section asks for. */
static void each_message_has_its_outcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < torture_count; i++) {
        const struct torture_case *c = &torture_cases[i];
        struct taken *t = take(c->file);
        bool right = c->refusal == NULL ? t->rc == 0
                                        : t->rc < 0 && t->fault.status == c->status &&
                                              strcmp(t->fault.reason, c->refusal) == 0;
        if (!right) {
            print_message("%s: rc %d, %u %s; expected %u %s\n", c->file, t->rc, t->fault.status,
                          t->rc < 0 ? t->fault.reason : "taken", c->status,
                          c->refusal ? c->refusal : "taken");
        }
        assert_true(right);
        drop(t);
    }
}

/* RFC 4475 section 3.1.1.1: names, folds and values of the tortuous INVITE. */
static void wsinv_is_read_whole(void **state)
{
    (void)state;
    struct taken *t = take("wsinv");
    assert_int_equal(t->rc, 0);
    assert_int_equal(t->msg.method, SIP_INVITE);
    struct sip_address to;
    assert_int_equal(sip_address_parse(sip_message_value(&t->msg, SIP_HEADER_TO), false, &to), 0);
    assert_slice(to.uri, "sip:vivekg@chair-dnrc.example.com");
    assert_slice(to.tag, "1918181833n");
    struct sip_cseq cseq;
    assert_int_equal(sip_cseq_parse(sip_message_value(&t->msg, SIP_HEADER_CSEQ), &cseq), 0);
    assert_int_equal(cseq.number, 9);
    assert_int_equal(cseq.method, SIP_INVITE);
    assert_slice(sip_message_value(&t->msg, SIP_HEADER_MAX_FORWARDS), "0068");
    assert_slice(sip_message_value(&t->msg, SIP_HEADER_SUBJECT), "");
    const struct sip_header *other = sip_message_find(&t->msg, SLICE("newfangledheader"), NULL);
    assert_non_null(other);
    assert_slice(sip_header_value(other), "newfangled value\r\n continued newfangled value");
    assert_int_equal(t->msg.body.len, 150);
    static const char *const branches[] = {"390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"};
    static const char *const hosts[] = {"192.0.2.2", "spindle.example.com", "192.168.255.111"};
    struct sip_values it;
    struct slice value;
    size_t count = 0;
    sip_values_init(&it, &t->msg, SIP_HEADER_VIA);
    while (sip_values_next(&it, &value)) {
        struct sip_via via;
        assert_in_range(count, 0, 2);
        assert_int_equal(sip_via_parse(value, &via), 0);
        assert_slice(via.branch, branches[count]);
        assert_slice(via.host, hosts[count]);
        assert_int_equal(via.magic, count > 0);
        count++;
    }
    assert_int_equal(count, 3);
    drop(t);
}

/* RFC 4475 section 3.1.1.2: unusual but legal characters, an escaped NUL in a quoted string. */
static void intmeth_keeps_its_characters(void **state)
{
    (void)state;
    struct taken *t = take("intmeth");
    assert_int_equal(t->rc, 0);
    assert_int_equal(t->msg.method, SIP_METHOD_OTHER);
    assert_slice(t->msg.method_name, "!interesting-Method0123456789_*+`.%indeed'~");
    struct sip_address to;
    assert_int_equal(sip_address_parse(sip_message_value(&t->msg, SIP_HEADER_TO), false, &to), 0);
    assert_memory_equal(to.display.ptr, "\"BEL:\\\x07 NUL:\\\0 DEL:\\\x7f\"", to.display.len);
    assert_int_equal(to.display.len, 22);
    drop(t);
}

/* RFC 4475 section 3.1.1.8, RFC 3261 section 18.3: bytes past Content-Length are no part of it. */
static void dblreq_ends_where_content_length_says(void **state)
{
    (void)state;
    struct taken *t = take("dblreq");
    assert_int_equal(t->msg.method, SIP_REGISTER);
    assert_int_equal(t->msg.body.len, 0);
    assert_true(t->msg.raw.len < 750);
    assert_memory_equal(t->msg.raw.ptr + t->msg.raw.len - 4, "\r\n\r\n", 4);
    drop(t);
}

/* RFC 4475 section 3.1.1.11: NUL and LF in a body are nobody's business. */
static void mpart01_has_its_binary_body(void **state)
{
    (void)state;
    struct taken *t = take("mpart01");
    uint32_t length;
    assert_int_equal(sip_message_content_length(&t->msg, &length), 0);
    assert_int_equal(t->msg.body.len, length);
    assert_non_null(memchr(t->msg.body.ptr, '\0', t->msg.body.len));
    drop(t);
}

/* RFC 4475 sections 3.1.1.12, 3.1.1.13: reason phrases. */
static void reasons_may_be_empty_or_utf8(void **state)
{
    (void)state;
    struct taken *t = take("noreason");
    assert_int_equal(t->msg.status, 100);
    assert_int_equal(t->msg.reason.len, 0);
    assert_false(t->msg.is_request);
    drop(t);
    t = take("unreason");
    assert_int_equal(t->msg.status, 200);
    assert_memory_equal(t->msg.reason.ptr, "= 2**3 * 5**2 ", 14);
    assert_int_equal(t->msg.method, SIP_INVITE);
    drop(t);
}

/* RFC 4475 section 3.1.1.5: an escaped method or header name is another name. */
static void esc02_is_not_unescaped(void **state)
{
    (void)state;
    struct taken *t = take("esc02");
    assert_int_equal(t->msg.method, SIP_METHOD_OTHER);
    struct sip_values it;
    struct slice value;
    unsigned contacts = 0;
    sip_values_init(&it, &t->msg, SIP_HEADER_CONTACT);
    while (sip_values_next(&it, &value)) {
        contacts++;
    }
    assert_int_equal(contacts, 2);
    drop(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_has_its_outcome),
        cmocka_unit_test(wsinv_is_read_whole),
        cmocka_unit_test(intmeth_keeps_its_characters),
        cmocka_unit_test(dblreq_ends_where_content_length_says),
        cmocka_unit_test(mpart01_has_its_binary_body),
        cmocka_unit_test(reasons_may_be_empty_or_utf8),
        cmocka_unit_test(esc02_is_not_unescaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
