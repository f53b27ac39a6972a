/* The data of DNS records in wire format: what is taken, and that nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/dns_answer.h"

#define WIRE(s) slice_of("" s "", sizeof(s) - 1)

static struct dns_decoded decoded;

/* The data ends where its memory ends, so that an over-read is found. */
static struct dns_block *decode_all(enum dns_type type, const struct slice *data, size_t count)
{
    struct dns_block *block;
    struct slice *exact = calloc(count, sizeof(*exact));
    for (size_t i = 0; i < count; i++) {
        char *copy = malloc(data[i].len + (data[i].len == 0));
        if (data[i].len > 0)
            memcpy(copy, data[i].ptr, data[i].len);
        exact[i] = slice_of(copy, data[i].len);
    }
    assert_int_equal(dns_decode(SLICE("example.com"), type, exact, count, &decoded, &block), 0);
    for (size_t i = 0; i < count; i++)
        free((void *)(uintptr_t)exact[i].ptr);
    free(exact);
    return block;
}

static struct dns_block *decode_one(enum dns_type type, struct slice data)
{
    return decode_all(type, &data, 1);
}

static void is_refused(enum dns_type type, struct slice data)
{
    struct dns_block *block = decode_one(type, data);
    assert_int_equal(block->answer.status, ERR_INVALID);
    assert_int_equal(block->answer.count, 0);
    assert_int_equal(block->answer.left_out, 1);
    assert_int_equal(decoded.malformed, 1);
    dns_answer_unref(&block->answer);
}

static void assert_text(struct slice s, const char *expected)
{
    if (!slice_equal(s, slice_from_string(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARG(s), expected);
}

/* RFC 1035 section 3.4.1, RFC 3596 section 2.2. */
static void addresses_have_four_or_sixteen_bytes(void **state)
{
    (void)state;
    struct dns_block *block = decode_one(DNS_A, WIRE("\xc0\x00\x02\x01"));
    struct address expected;
    assert_int_equal(address_parse_host(SLICE("192.0.2.1"), 0, &expected), 0);
    assert_int_equal(block->answer.count, 1);
    assert_true(address_equal(&block->answer.records[0].address, &expected));
    dns_answer_unref(&block->answer);
    block = decode_one(DNS_AAAA, WIRE("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"));
    assert_int_equal(address_parse_host(SLICE("2001:db8::1"), 0, &expected), 0);
    assert_true(address_equal(&block->answer.records[0].address, &expected));
    dns_answer_unref(&block->answer);
    is_refused(DNS_A, WIRE(""));
    is_refused(DNS_A, WIRE("\xc0\x00\x02"));
    is_refused(DNS_A, WIRE("\xc0\x00\x02\x01\x01"));
    is_refused(DNS_A, WIRE("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"));
    is_refused(DNS_AAAA, WIRE("\xc0\x00\x02\x01"));
}

/* RFC 2782. */
static void srv_is_priority_weight_port_and_target(void **state)
{
    (void)state;
    struct dns_block *block = decode_one(DNS_SRV, WIRE("\x00\x0a\x01\x02\x13\xc4\x04host\x07"
                                                       "example\x03"
                                                       "com\x00"));
    const struct dns_srv *srv = &block->answer.records[0].srv;
    assert_int_equal(block->answer.status, 0);
    assert_int_equal(srv->priority, 10);
    assert_int_equal(srv->weight, 258);
    assert_int_equal(srv->port, 5060);
    assert_text(srv->target, "host.example.com");
    dns_answer_unref(&block->answer);
}

/* RFC 2782: a target of "." means that the service is decidedly not available. */
static void a_target_of_the_root_is_empty(void **state)
{
    (void)state;
    struct dns_block *block = decode_one(DNS_SRV, WIRE("\0\0\0\0\0\0\0"));
    assert_int_equal(block->answer.count, 1);
    assert_int_equal(block->answer.records[0].srv.target.len, 0);
    dns_answer_unref(&block->answer);
}

/* RFC 3403 section 4.1. */
static void naptr_is_two_numbers_three_texts_and_a_name(void **state)
{
    (void)state;
    struct dns_block *block =
        decode_one(DNS_NAPTR, WIRE("\x00\x32\x01\x00\x01"
                                   "s\x07SIP+D2T\x05!a\x00\xff!\x04_sip\x04_tcp\x00"));
    const struct dns_naptr *naptr = &block->answer.records[0].naptr;
    assert_int_equal(block->answer.status, 0);
    assert_int_equal(naptr->order, 50);
    assert_int_equal(naptr->preference, 256);
    assert_text(naptr->flags, "s");
    assert_text(naptr->service, "SIP+D2T");
    assert_int_equal(naptr->regexp.len, 5);
    assert_memory_equal(naptr->regexp.ptr, "!a\x00\xff!", 5);
    assert_text(naptr->replacement, "_sip._tcp");
    dns_answer_unref(&block->answer);
}

/* Cut anywhere, or with a byte too many, neither is one. */
static void what_is_cut_off_or_too_long_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum dns_type type;
        struct slice data;
    } whole[] = {
        {DNS_SRV, SLICE_LITERAL("\x00\x0a\x01\x02\x13\xc4\x01"
                                "a\x02"
                                "bc\x00")},
        {DNS_NAPTR, SLICE_LITERAL("\x00\x32\x00\x01\x01s\x03SIP\x01x\x02yz\x00")},
    };
    for (size_t i = 0; i < 2; i++) {
        char longer[64];
        for (size_t len = 0; len < whole[i].data.len; len++)
            is_refused(whole[i].type, slice_of(whole[i].data.ptr, len));
        memcpy(longer, whole[i].data.ptr, whole[i].data.len);
        longer[whole[i].data.len] = 0;
        is_refused(whole[i].type, slice_of(longer, whole[i].data.len + 1));
        struct dns_block *block = decode_one(whole[i].type, whole[i].data);
        assert_int_equal(block->answer.count, 1);
        dns_answer_unref(&block->answer);
    }
}

/* RFC 1035 sections 3.1, 4.1.4; RFC 1123 section 2.1. */
static void names_are_labels_of_host_names_up_to_255_bytes(void **state)
{
    (void)state;
    char text[DNS_NAME_MAX];
    char wire[300];
    struct slice data = WIRE("\x03www\x01-\x01_\x00rest");
    assert_int_equal(dns_name_decode(&data, text), 7);
    assert_memory_equal(text, "www.-._", 7);
    assert_text(data, "rest");
    static const struct slice bad[] = {
        SLICE_LITERAL(""),
        SLICE_LITERAL("\x03www"),     /* no end */
        SLICE_LITERAL("\x04www\x00"), /* label past the end */
        SLICE_LITERAL("\xc0\x0c"),    /* a pointer */
        SLICE_LITERAL("\x01"
                      "a\xc0\x00"), /* a pointer to itself */
        SLICE_LITERAL("\x40"
                      "aaaa\x00"), /* a reserved kind of label */
        SLICE_LITERAL("\x03"
                      "a.b\x00"), /* a dot in a label */
        SLICE_LITERAL("\x03"
                      "a\x00"
                      "b\x00"),
        SLICE_LITERAL("\x02"
                      "a \x00"),
        SLICE_LITERAL("\x02\xc3\xa4\x00"),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        data = bad[i];
        assert_int_equal(dns_name_decode(&data, text), ERR_SYNTAX);
        assert_ptr_equal(data.ptr, bad[i].ptr);
    }
    /* 127 labels of one letter: 255 bytes, 253 letters and dots. One letter more does not fit. */
    for (size_t i = 0; i < 127; i++)
        memcpy(wire + 2 * i, "\x01x", 2);
    wire[254] = 0;
    data = slice_of(wire, 255);
    assert_int_equal(dns_name_decode(&data, text), DNS_NAME_MAX);
    memcpy(wire + 252, "\x02xx", 4);
    data = slice_of(wire, 256);
    assert_int_equal(dns_name_decode(&data, text), ERR_SYNTAX);
    memset(wire, 'x', sizeof(wire));
    wire[0] = 63;
    wire[64] = 0;
    data = slice_of(wire, 65);
    assert_int_equal(dns_name_decode(&data, text), 63);
}

static void srv_data(char *data, unsigned priority, unsigned port)
{
    memcpy(data, "\0\0\0\0\0\0\x01h\0", 9);
    data[0] = (char)(priority >> 8);
    data[1] = (char)priority;
    data[4] = (char)(port >> 8);
    data[5] = (char)port;
}

/* RFC 2782: lower priority first; those of one priority stay as they came. */
static void records_come_by_preference_and_the_last_are_left_out(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    static char bytes[COUNT][9];
    static struct slice data[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        srv_data(bytes[i], (COUNT - i) / 2 * 100, i);
        data[i] = slice_of(bytes[i], i == COUNT - 1 ? 3 : 9);
    }
    struct dns_block *block = decode_all(DNS_SRV, data, COUNT);
    assert_int_equal(block->answer.count, DNS_RECORDS_MAX);
    assert_int_equal(block->answer.left_out, COUNT - DNS_RECORDS_MAX);
    assert_int_equal(decoded.malformed, 1);
    assert_int_equal(decoded.left_out, COUNT - DNS_RECORDS_MAX - 1);
    for (unsigned i = 1; i < DNS_RECORDS_MAX; i++) {
        const struct dns_srv *a = &block->answer.records[i - 1].srv;
        const struct dns_srv *b = &block->answer.records[i].srv;
        assert_true(a->priority < b->priority || (a->priority == b->priority && a->port < b->port));
    }
    assert_int_equal(block->answer.records[0].srv.port, COUNT - 3);
    dns_answer_unref(&block->answer);
}

/* RFC 3403 section 4.1: order, then preference. */
static void naptr_records_come_by_order_then_preference(void **state)
{
    (void)state;
    struct slice data[] = {WIRE("\0\x02\0\x01\0\0\0\0"), WIRE("\0\x01\0\x02\0\0\0\0"),
                           WIRE("\0\x01\0\x01\0\0\0\0")};
    struct dns_block *block = decode_all(DNS_NAPTR, data, 3);
    const struct dns_record *r = block->answer.records;
    assert_int_equal(r[0].naptr.order * 10 + r[0].naptr.preference, 11);
    assert_int_equal(r[1].naptr.order * 10 + r[1].naptr.preference, 12);
    assert_int_equal(r[2].naptr.order * 10 + r[2].naptr.preference, 21);
    dns_answer_unref(&block->answer);
}

static void a_malformed_record_spoils_no_other(void **state)
{
    (void)state;
    struct slice data[] = {WIRE("\x7f\0\0"), WIRE("\x7f\0\0\x01")};
    struct dns_block *block = decode_all(DNS_A, data, 2);
    assert_int_equal(block->answer.status, 0);
    assert_int_equal(block->answer.count, 1);
    assert_int_equal(block->answer.left_out, 1);
    assert_int_equal(decoded.malformed, 1);
    dns_answer_unref(&block->answer);
}

static void without_memory_there_is_no_answer(void **state)
{
    (void)state;
    struct slice data = WIRE("\x7f\0\0\x01");
    size_t n = 0;
    do {
        struct dns_block *block;
        memory_fail_after(n++);
        int status = dns_decode(SLICE("example.com"), DNS_A, &data, 1, &decoded, &block);
        if (status == 0)
            dns_answer_unref(&block->answer);
        else
            assert_int_equal(status, ERR_NO_MEMORY);
    } while (memory_fail_hit());
}

/* RFC 1123 section 2.1, RFC 2782 (underscores), RFC 3696 section 2 (no numeric top label). */
static void only_host_names_are_looked_up(void **state)
{
    (void)state;
    struct slice name;
    assert_int_equal(dns_name_check(SLICE("_sip._udp.Example.com"), &name), 0);
    assert_int_equal(dns_name_check(SLICE("example.com."), &name), 0);
    assert_text(name, "example.com");
    assert_int_equal(dns_name_check(SLICE("4.3.2.1.e164.arpa"), &name), 0);
    assert_int_equal(dns_name_check(SLICE("localhost"), &name), 0);
    static const struct slice bad[] = {
        SLICE_LITERAL(""),       SLICE_LITERAL("."),
        SLICE_LITERAL(".a"),     SLICE_LITERAL("a..b"),
        SLICE_LITERAL("a.."),    SLICE_LITERAL("192.0.2.1"),
        SLICE_LITERAL("[::1]"),  SLICE_LITERAL("a b"),
        SLICE_LITERAL("a\0b"),   SLICE_LITERAL("\xc3\xa4.de"),
        SLICE_LITERAL("a/b.de"),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(dns_name_check(bad[i], &name), ERR_INVALID);
    char text[256];
    memset(text, 'a', sizeof(text));
    assert_int_equal(dns_name_check(slice_of(text, 63), &name), 0);
    assert_int_equal(dns_name_check(slice_of(text, 64), &name), ERR_INVALID);
    for (size_t i = 1; i < sizeof(text); i += 2)
        text[i] = '.';
    assert_int_equal(dns_name_check(slice_of(text, 253), &name), 0);
    assert_int_equal(dns_name_check(slice_of(text, 254), &name), 0);
    assert_int_equal(name.len, 253);
    assert_int_equal(dns_name_check(slice_of(text, 255), &name), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_have_four_or_sixteen_bytes),
        cmocka_unit_test(srv_is_priority_weight_port_and_target),
        cmocka_unit_test(a_target_of_the_root_is_empty),
        cmocka_unit_test(naptr_is_two_numbers_three_texts_and_a_name),
        cmocka_unit_test(what_is_cut_off_or_too_long_is_refused),
        cmocka_unit_test(names_are_labels_of_host_names_up_to_255_bytes),
        cmocka_unit_test(records_come_by_preference_and_the_last_are_left_out),
        cmocka_unit_test(naptr_records_come_by_order_then_preference),
        cmocka_unit_test(a_malformed_record_spoils_no_other),
        cmocka_unit_test(without_memory_there_is_no_answer),
        cmocka_unit_test(only_host_names_are_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
