#include "base/error.h"
#include "stun/binding.h"
#include "stun/bytes.h"
#include "stun/fingerprint.h"
#include "stun/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint8_t id[STUN_ID_SIZE] = {0x21, 0x12, 0xa4, 0x42, 1, 2,  3,  4,
                                         5,    6,    7,    8,    9, 10, 11, 12};
static char request[4096], buffer[4096];
static const struct stun_place plain;
static struct stun_answer last;

static struct address from(const char *text)
{
    struct address a;
    assert_int_equal(address_parse(slice_from_string(text), &a), 0);
    return a;
}

static struct slice ask_at(const struct stun_place *place, struct stun_writer *w,
                           const char *source)
{
    struct address a = from(source);
    stun_binding_answer(place, stun_write_end(w), &a, &last, buffer, sizeof buffer);
    return last.bytes;
}

static struct slice ask(struct stun_writer *w, const char *source)
{
    return ask_at(&plain, w, source);
}

static void begin(struct stun_writer *w, enum stun_class class, unsigned method)
{
    stun_write_begin(w, request, sizeof request, stun_type(class, method), id);
}

/* RFC 8489 section 6.3.1.1 */
static void the_source_is_told(void **state)
{
    (void)state;
    static const char *const sources[] = {"192.0.2.9:40000", "[2001:db8::9]:40000"};
    for (unsigned i = 0; i < 2; i++) {
        struct stun_writer w;
        struct stun_message m;
        struct address mapped;
        char text[ADDRESS_TEXT_MAX];
        begin(&w, STUN_REQUEST, STUN_BINDING);
        struct slice bytes = ask(&w, sources[i]);
        assert_int_equal(bytes.len, i == 0 ? 32 : 44);
        assert_int_equal(stun_parse(bytes, &m), 0);
        assert_int_equal(m.class, STUN_SUCCESS);
        assert_memory_equal(stun_id(&m), id, sizeof id);
        assert_int_equal(stun_get_address(&m, STUN_XOR_MAPPED_ADDRESS, &mapped), 0);
        assert_string_equal(address_text(&mapped, text), sources[i]);
    }
}

/* RFC 3489 section 8.1: no cookie, no XOR */
static void a_classic_client_gets_a_mapped_address(void **state)
{
    (void)state;
    uint8_t classic[STUN_ID_SIZE] = {1};
    struct stun_writer w;
    struct stun_message m;
    struct address mapped;
    char text[ADDRESS_TEXT_MAX];
    stun_write_begin(&w, request, sizeof request, stun_type(STUN_REQUEST, STUN_BINDING), classic);
    assert_int_equal(stun_parse(ask(&w, "192.0.2.9:40000"), &m), 0);
    assert_memory_equal(stun_id(&m), classic, sizeof classic);
    assert_int_equal(stun_get_address(&m, STUN_MAPPED_ADDRESS, &mapped), 0);
    assert_string_equal(address_text(&mapped, text), "192.0.2.9:40000");
}

/* RFC 7350 section 3: over DTLS nobody is that old */
static void a_classic_client_is_refused_where_it_must_not_be(void **state)
{
    (void)state;
    static const struct stun_place modern = {.modern = true};
    uint8_t classic[STUN_ID_SIZE] = {1};
    struct stun_writer w;
    struct stun_message m;
    stun_write_begin(&w, request, sizeof request, stun_type(STUN_REQUEST, STUN_BINDING), classic);
    assert_int_equal(stun_parse(ask_at(&modern, &w, "192.0.2.9:40000"), &m), 0);
    assert_int_equal(m.class, STUN_ERROR);
    assert_int_equal(last.status, 400);
    begin(&w, STUN_REQUEST, STUN_BINDING);
    assert_int_equal(stun_parse(ask_at(&modern, &w, "192.0.2.9:40000"), &m), 0);
    assert_int_equal(m.class, STUN_SUCCESS);
}

/* RFC 8489 section 7: whoever sends one gets one */
static void a_fingerprint_is_answered_by_one_and_a_wrong_one_by_nothing(void **state)
{
    (void)state;
    struct stun_writer w;
    struct stun_message m;
    begin(&w, STUN_REQUEST, STUN_BINDING);
    stun_write_fingerprint(&w);
    assert_int_equal(stun_parse(ask(&w, "192.0.2.9:1"), &m), 0);
    assert_int_equal(stun_fingerprint_check(&m), 0);
    request[w.length - 1] ^= 1;
    assert_null(ask(&w, "192.0.2.9:1").ptr);
}

/* RFC 8489 section 6.3.1; RFC 5780 section 6.1: without a second address a change request is 420 */
static void what_is_not_understood_is_named(void **state)
{
    (void)state;
    struct stun_writer w;
    struct stun_message m;
    unsigned code;
    struct slice reason;
    begin(&w, STUN_REQUEST, STUN_BINDING);
    stun_write_u32(&w, STUN_CHANGE_REQUEST, 6);
    stun_write(&w, STUN_PRIORITY, SLICE("1234"));
    bytes_put16(request + w.length - 8, 0x7abc);
    assert_int_equal(stun_parse(ask(&w, "192.0.2.9:1"), &m), 0);
    assert_int_equal(m.class, STUN_ERROR);
    assert_int_equal(stun_get_error(&m, &code, &reason), 0);
    assert_int_equal(code, 420);
    struct slice types = stun_value(&m, STUN_UNKNOWN_ATTRIBUTES);
    assert_true(types.len == 4 && bytes_get16(types.ptr) == 0x7abc &&
                bytes_get16(types.ptr + 2) == 0x0003);
}

/* RFC 3489 sections 11.2.9, 11.2.10: lengths are multiples of four, for there is no padding */
static void a_classic_client_is_told_errors_without_padding(void **state)
{
    (void)state;
    static const uint8_t classic[STUN_ID_SIZE] = {1};
    static const struct stun_place modern = {.modern = true};
    struct stun_writer w;
    struct stun_message m;
    unsigned code;
    struct slice reason;
    for (unsigned count = 0; count <= STUN_UNKNOWN_MAX + 1; count++) {
        stun_write_begin(&w, request, sizeof request, stun_type(STUN_REQUEST, STUN_BINDING),
                         classic);
        for (unsigned i = 0; i < count; i++) {
            stun_write(&w, STUN_PRIORITY, SLICE("1234"));
            bytes_put16(request + w.length - 8, (uint16_t)(0x7a00 + i));
        }
        const struct stun_place *place = count == 0 ? &modern : &plain;
        assert_int_equal(stun_parse(ask_at(place, &w, "192.0.2.9:1"), &m), 0);
        assert_int_equal(stun_get_error(&m, &code, &reason), 0);
        assert_int_equal(code, count == 0 ? 400 : 420);
        assert_true(reason.len > 0 && reason.len % 4 == 0);
        struct slice types = stun_value(&m, STUN_UNKNOWN_ATTRIBUTES);
        unsigned named = count < STUN_UNKNOWN_MAX ? count : STUN_UNKNOWN_MAX;
        assert_int_equal(types.len, (named + named % 2) * 2);
        for (unsigned i = 0; i < types.len / 2; i++)
            assert_int_equal(bytes_get16(types.ptr + i * 2), 0x7a00 + (i < named ? i : named - 1));
    }
}

/* RFC 8489 section 6.3: attributes that are known but unexpected are ignored */
static void what_belongs_into_answers_is_ignored(void **state)
{
    (void)state;
    struct stun_writer w;
    struct stun_message m;
    struct address other = from("198.51.100.1:1");
    begin(&w, STUN_REQUEST, STUN_BINDING);
    stun_write_address(&w, STUN_MAPPED_ADDRESS, &other);
    stun_write_address(&w, STUN_XOR_MAPPED_ADDRESS, &other);
    stun_write_error(&w, 400, SLICE("Bad Request"));
    stun_write_unknown(&w, (const uint16_t[]){0x7abc}, 1);
    assert_int_equal(stun_parse(ask(&w, "192.0.2.9:1"), &m), 0);
    assert_int_equal(m.class, STUN_SUCCESS);
}

static void broken_attributes_are_a_bad_request(void **state)
{
    (void)state;
    struct stun_writer w;
    struct stun_message m;
    unsigned code;
    struct slice reason;
    begin(&w, STUN_REQUEST, STUN_BINDING);
    stun_write(&w, STUN_LIFETIME, SLICE("12345"));
    assert_int_equal(stun_parse(ask(&w, "192.0.2.9:1"), &m), 0);
    assert_int_equal(stun_get_error(&m, &code, &reason), 0);
    assert_int_equal(code, 400);
}

/* Section 6.3.2: an indication keeps a mapping alive and gets no answer; responses are nobody's */
static void only_binding_requests_are_answered(void **state)
{
    (void)state;
    for (unsigned class = 0; class < 4; class ++) {
        for (unsigned method = 0; method < 16; method++) {
            struct stun_writer w;
            begin(&w, (enum stun_class) class, method);
            bool answered = ask(&w, "192.0.2.9:1").ptr != NULL;
            assert_int_equal(answered, class == STUN_REQUEST && method == STUN_BINDING);
        }
    }
    struct address a = from("192.0.2.9:1");
    static const struct slice others[] = {SLICE_LITERAL("OPTIONS sip:a SIP/2.0"),
                                          SLICE_LITERAL("")};
    for (unsigned i = 0; i < 2; i++) {
        stun_binding_answer(&plain, others[i], &a, &last, buffer, sizeof buffer);
        assert_null(last.bytes.ptr);
    }
}

/* Whatever is asked: not a lever for floods */
static void no_answer_is_much_longer_than_its_request(void **state)
{
    (void)state;
    for (unsigned unknown = 0; unknown < 60; unknown++) {
        struct stun_writer w;
        begin(&w, STUN_REQUEST, STUN_BINDING);
        for (unsigned i = 0; i < unknown; i++)
            stun_write(&w, STUN_USE_CANDIDATE, SLICE_NULL);
        for (unsigned i = 0; i < unknown; i++)
            bytes_put16(request + STUN_HEADER_SIZE + i * 4u, 0x7f00);
        size_t asked = w.length;
        struct slice bytes = ask(&w, "192.0.2.9:1");
        assert_non_null(bytes.ptr);
        assert_true(bytes.len <= asked + 32);
    }
}

static struct stun_place two_addresses(void)
{
    return (struct stun_place){.behaviour = true,
                               .told = true,
                               .origin = from("192.0.2.1:3478"),
                               .other = from("192.0.2.2:3479"),
                               .software = SLICE("test")};
}

static void assert_address(const struct stun_message *m, enum stun_attribute attribute,
                           const char *wanted)
{
    struct address a;
    char text[ADDRESS_TEXT_MAX];
    assert_int_equal(stun_get_address(m, attribute, &a), 0);
    assert_string_equal(address_text(&a, text), wanted);
}

/* RFC 5780 section 6.1, table 1; RFC 3489 section 8.1, table 1 */
static void a_change_request_names_the_socket(void **state)
{
    (void)state;
    static const char *const origins[] = {[0] = "192.0.2.1:3478",
                                          [STUN_CHANGE_PORT] = "192.0.2.1:3479",
                                          [STUN_CHANGE_IP] = "192.0.2.2:3478",
                                          [STUN_CHANGE_IP | STUN_CHANGE_PORT] = "192.0.2.2:3479"};
    static const uint8_t classic[STUN_ID_SIZE] = {7};
    struct stun_place place = two_addresses();
    for (unsigned flags = 0; flags < 8; flags++) {
        for (unsigned old = 0; old < 2; old++) {
            struct stun_writer w;
            struct stun_message m;
            stun_write_begin(&w, request, sizeof request, stun_type(STUN_REQUEST, STUN_BINDING),
                             old ? classic : id);
            stun_write_u32(&w, STUN_CHANGE_REQUEST, flags);
            assert_int_equal(stun_parse(ask_at(&place, &w, "192.0.2.9:1"), &m), 0);
            assert_int_equal(m.class, STUN_SUCCESS);
            assert_int_equal(last.change, flags & 6);
            assert_address(&m, STUN_MAPPED_ADDRESS, "192.0.2.9:1");
            assert_address(&m, old ? STUN_SOURCE_ADDRESS : STUN_RESPONSE_ORIGIN,
                           origins[flags & 6]);
            assert_address(&m, old ? STUN_CHANGED_ADDRESS : STUN_OTHER_ADDRESS, "192.0.2.2:3479");
            assert_int_equal(stun_has(&m, STUN_XOR_MAPPED_ADDRESS), !old);
            assert_int_equal(stun_has(&m, STUN_SOFTWARE), !old);
        }
    }
}

/* RFC 5780 section 6.1 */
/* RFC 5780 sections 4.3, 6: along a connection mapping can be found out, and nothing else */
static void a_connection_tells_the_other_address_and_changes_nothing(void **state)
{
    (void)state;
    struct stun_place place = {.elsewhere = true,
                               .told = true,
                               .origin = from("192.0.2.1:3478"),
                               .other = from("192.0.2.2:3479")};
    struct stun_writer w;
    struct stun_message m;
    struct address a;
    begin(&w, STUN_REQUEST, STUN_BINDING);
    assert_int_equal(stun_parse(ask_at(&place, &w, "192.0.2.9:1"), &m), 0);
    assert_int_equal(m.class, STUN_SUCCESS);
    assert_int_equal(stun_get_address(&m, STUN_OTHER_ADDRESS, &a), 0);
    assert_true(address_equal(&a, &place.other));
    assert_int_equal(stun_get_address(&m, STUN_RESPONSE_ORIGIN, &a), 0);
    assert_true(address_equal(&a, &place.origin));
    assert_true(stun_has(&m, STUN_MAPPED_ADDRESS));
    begin(&w, STUN_REQUEST, STUN_BINDING);
    stun_write_u32(&w, STUN_CHANGE_REQUEST, STUN_CHANGE_IP | STUN_CHANGE_PORT);
    assert_int_equal(stun_parse(ask_at(&place, &w, "192.0.2.9:1"), &m), 0);
    assert_int_equal(m.class, STUN_ERROR);
    assert_int_equal(last.status, 420);
}

static void response_port_and_padding(void **state)
{
    (void)state;
    static const char zeros[1500];
    struct stun_place place = two_addresses();
    struct stun_writer w;
    struct stun_message m;
    begin(&w, STUN_REQUEST, STUN_BINDING);
    stun_write(&w, STUN_RESPONSE_PORT, SLICE("\x12\x34"));
    assert_int_equal(stun_parse(ask_at(&place, &w, "192.0.2.9:1"), &m), 0);
    assert_int_equal(last.port, 0x1234);

    begin(&w, STUN_REQUEST, STUN_BINDING);
    stun_write(&w, STUN_PADDING, slice_of(zeros, sizeof zeros));
    assert_int_equal(stun_parse(ask_at(&place, &w, "192.0.2.9:1"), &m), 0);
    assert_int_equal(stun_value(&m, STUN_PADDING).len, sizeof zeros);

    stun_write(&w, STUN_RESPONSE_PORT, SLICE("\x12\x34"));
    assert_int_equal(stun_parse(ask_at(&place, &w, "192.0.2.9:1"), &m), 0);
    assert_int_equal(m.class, STUN_ERROR);
    assert_int_equal(last.status, 400);
    assert_int_equal(last.port, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_source_is_told),
        cmocka_unit_test(a_classic_client_gets_a_mapped_address),
        cmocka_unit_test(a_classic_client_is_refused_where_it_must_not_be),
        cmocka_unit_test(a_fingerprint_is_answered_by_one_and_a_wrong_one_by_nothing),
        cmocka_unit_test(what_is_not_understood_is_named),
        cmocka_unit_test(a_classic_client_is_told_errors_without_padding),
        cmocka_unit_test(what_belongs_into_answers_is_ignored),
        cmocka_unit_test(broken_attributes_are_a_bad_request),
        cmocka_unit_test(only_binding_requests_are_answered),
        cmocka_unit_test(no_answer_is_much_longer_than_its_request),
        cmocka_unit_test(a_change_request_names_the_socket),
        cmocka_unit_test(a_connection_tells_the_other_address_and_changes_nothing),
        cmocka_unit_test(response_port_and_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
