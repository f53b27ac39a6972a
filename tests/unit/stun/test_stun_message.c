#include "base/error.h"
#include "stun/bytes.h"
#include "stun/fingerprint.h"
#include "stun/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define PASSWORD "VOkJxbRl1RmTxUk/WvJxBt"

static struct stun_integrity integrity;
static const uint8_t id[STUN_ID_SIZE] = {0x21, 0x12, 0xa4, 0x42, 1, 2,  3,  4,
                                         5,    6,    7,    8,    9, 10, 11, 12};

static int set_up(void **state)
{
    (void)state;
    return stun_integrity_init(&integrity);
}

static int tear_down(void **state)
{
    (void)state;
    stun_integrity_done(&integrity);
    return 0;
}

static struct slice load(const char *name, char *buffer, size_t size)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/unit/stun/vectors/%s", TESTS_DIR, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(buffer, 1, size, file);
    (void)fclose(file);
    assert_true(n > 0);
    return slice_of(buffer, n);
}

static struct slice sample(char *buffer, size_t size)
{
    struct stun_writer w;
    stun_write_begin(&w, buffer, size, stun_type(STUN_REQUEST, STUN_ALLOCATE), id);
    stun_write(&w, STUN_USERNAME, SLICE("alice"));
    stun_write(&w, STUN_REALM, SLICE("example.org"));
    stun_write_u32(&w, STUN_LIFETIME, 600);
    stun_write_integrity(&w, &integrity, STUN_HMAC_SHA1, SLICE("key"));
    stun_write_integrity(&w, &integrity, STUN_HMAC_SHA256, SLICE("key"));
    stun_write_fingerprint(&w);
    struct slice bytes = stun_write_end(&w);
    assert_non_null(bytes.ptr);
    return bytes;
}

/* RFC 5769 section 2.1 */
static void the_sample_request_is_read(void **state)
{
    (void)state;
    char buffer[256];
    struct stun_message m;
    assert_int_equal(stun_parse(load("rfc5769_2.1_request.bin", buffer, sizeof buffer), &m), 0);
    assert_int_equal(m.class, STUN_REQUEST);
    assert_int_equal(m.method, STUN_BINDING);
    assert_false(m.classic);
    assert_true(slice_equal(stun_value(&m, STUN_SOFTWARE), SLICE("STUN test client")));
    assert_true(slice_equal(stun_value(&m, STUN_USERNAME), SLICE("evtj:h6vY")));
    assert_int_equal(stun_integrity_check(&integrity, &m, STUN_HMAC_SHA1, SLICE(PASSWORD)), 0);
    assert_int_equal(stun_integrity_check(&integrity, &m, STUN_HMAC_SHA1, SLICE("VOk")),
                     ERR_DENIED);
    assert_int_equal(stun_integrity_check(&integrity, &m, STUN_HMAC_SHA256, SLICE(PASSWORD)),
                     ERR_NOT_FOUND);
    assert_int_equal(stun_fingerprint_check(&m), 0);
}

/* RFC 5769 sections 2.2 and 2.3 */
static void the_sample_responses_are_read(void **state)
{
    (void)state;
    static const char *const files[] = {"rfc5769_2.2_ipv4_response.bin",
                                        "rfc5769_2.3_ipv6_response.bin"};
    static const char *const wanted[] = {"192.0.2.1:32853",
                                         "[2001:db8:1234:5678:11:2233:4455:6677]:32853"};
    for (unsigned i = 0; i < 2; i++) {
        char buffer[256], text[ADDRESS_TEXT_MAX];
        struct stun_message m;
        struct address mapped;
        assert_int_equal(stun_parse(load(files[i], buffer, sizeof buffer), &m), 0);
        assert_int_equal(m.class, STUN_SUCCESS);
        assert_int_equal(stun_get_address(&m, STUN_XOR_MAPPED_ADDRESS, &mapped), 0);
        assert_string_equal(address_text(&mapped, text), wanted[i]);
        assert_int_equal(stun_integrity_check(&integrity, &m, STUN_HMAC_SHA1, SLICE(PASSWORD)), 0);
        assert_int_equal(stun_fingerprint_check(&m), 0);
    }
}

/* RFC 5769: every bit is covered, by the fingerprint at least */
static void a_changed_bit_is_noticed(void **state)
{
    (void)state;
    char buffer[256];
    struct slice good = load("rfc5769_2.1_request.bin", buffer, sizeof buffer);
    for (size_t bit = 0; bit < good.len * 8; bit++) {
        struct stun_message m;
        buffer[bit / 8] ^= (char)(1 << bit % 8);
        bool noticed = stun_parse(good, &m) < 0 || stun_fingerprint_check(&m) < 0;
        assert_true(noticed);
        buffer[bit / 8] ^= (char)(1 << bit % 8);
    }
}

/* RFC 8489 section 14.5: the header's length counts as if the message ended with the MAC */
static void what_is_written_is_read_and_verified(void **state)
{
    (void)state;
    char buffer[512];
    struct stun_message m;
    uint32_t lifetime = 0;
    assert_int_equal(stun_parse(sample(buffer, sizeof buffer), &m), 0);
    assert_int_equal(m.method, STUN_ALLOCATE);
    assert_true(slice_equal(stun_value(&m, STUN_REALM), SLICE("example.org")));
    assert_int_equal(stun_get_u32(&m, STUN_LIFETIME, &lifetime), 0);
    assert_int_equal(lifetime, 600);
    assert_int_equal(stun_integrity_check(&integrity, &m, STUN_HMAC_SHA1, SLICE("key")), 0);
    assert_int_equal(stun_integrity_check(&integrity, &m, STUN_HMAC_SHA256, SLICE("key")), 0);
    assert_int_equal(stun_integrity_check(&integrity, &m, STUN_HMAC_SHA256, SLICE("kez")),
                     ERR_DENIED);
    assert_int_equal(stun_fingerprint_check(&m), 0);
}

static void a_message_that_was_cut_is_none(void **state)
{
    (void)state;
    char buffer[512];
    struct slice whole = sample(buffer, sizeof buffer);
    for (size_t n = 0; n < whole.len; n++) {
        struct stun_message m;
        size_t length = 99;
        char *copy = malloc(n + 1); /* so that the sanitizer sees its end */
        memcpy(copy, buffer, n);
        struct slice cut = slice_of(copy, n);
        assert_int_equal(stun_parse(cut, &m), ERR_SYNTAX);
        assert_false(stun_looks_like(cut));
        assert_int_equal(stun_frame(cut, &length), 0);
        assert_int_equal(length, 0);
        free(copy);
    }
    size_t length = 0;
    assert_true(stun_looks_like(whole));
    assert_int_equal(stun_frame(slice_of(buffer, sizeof buffer), &length), 0);
    assert_int_equal(length, whole.len);
}

/* RFC 8489 section 14: each attribute, with every length that its table row forbids */
static void attributes_too_short_or_too_long_are_told(void **state)
{
    (void)state;
    static char buffer[2048], value[1024];
    for (unsigned a = 0; a < STUN_ATTRIBUTE_COUNT; a++) {
        const struct stun_attribute_info *info = stun_attribute_info((enum stun_attribute)a);
        for (size_t n = 0; n < sizeof(value); n++) {
            struct stun_writer w;
            struct stun_message m;
            stun_write_begin(&w, buffer, sizeof buffer, stun_type(STUN_REQUEST, STUN_BINDING), id);
            stun_write(&w, (enum stun_attribute)a, slice_of(value, n));
            int status = stun_parse(stun_write_end(&w), &m);
            bool fits = n >= info->min && n <= info->max;
            assert_int_equal(status, fits ? 0 : ERR_INVALID);
            assert_int_equal(stun_has(&m, (enum stun_attribute)a), fits);
            assert_int_equal(m.fault != NULL, !fits);
            assert_int_equal(m.method, STUN_BINDING); /* enough to answer 400 */
        }
    }
}

/* Section 14: an attribute that claims more than the message has */
static void an_attribute_beyond_the_end_is_told(void **state)
{
    (void)state;
    char buffer[64];
    for (unsigned claimed = 9; claimed <= 65535; claimed += 601) {
        struct stun_writer w;
        struct stun_message m;
        stun_write_begin(&w, buffer, sizeof buffer, stun_type(STUN_REQUEST, STUN_BINDING), id);
        stun_write(&w, STUN_DATA, SLICE("12345678"));
        struct slice bytes = stun_write_end(&w);
        bytes_put16(buffer + STUN_HEADER_SIZE + 2, (uint16_t)claimed);
        assert_int_equal(stun_parse(bytes, &m), ERR_INVALID);
    }
}

/* Section 14: the first of its type counts; several peers are read one by one */
static void doubled_attributes(void **state)
{
    (void)state;
    char buffer[256], text[ADDRESS_TEXT_MAX];
    struct stun_writer w;
    struct stun_message m;
    struct address peers[2], peer;
    assert_int_equal(address_parse(SLICE("192.0.2.7:4000"), &peers[0]), 0);
    assert_int_equal(address_parse(SLICE("[2001:db8::7]:4001"), &peers[1]), 0);
    stun_write_begin(&w, buffer, sizeof buffer, stun_type(STUN_REQUEST, STUN_CREATE_PERMISSION),
                     id);
    stun_write_address(&w, STUN_XOR_PEER_ADDRESS, &peers[0]);
    stun_write(&w, STUN_USERNAME, SLICE("first"));
    stun_write(&w, STUN_USERNAME, SLICE("second"));
    stun_write_address(&w, STUN_XOR_PEER_ADDRESS, &peers[1]);
    stun_write_integrity(&w, &integrity, STUN_HMAC_SHA1, SLICE("key"));
    stun_write_address(&w, STUN_XOR_PEER_ADDRESS, &peers[0]); /* nobody signed it */
    assert_int_equal(stun_parse(stun_write_end(&w), &m), 0);
    assert_true(slice_equal(stun_value(&m, STUN_USERNAME), SLICE("first")));
    struct slice value = stun_value(&m, STUN_XOR_PEER_ADDRESS);
    assert_int_equal(stun_address_parse(&m, value, true, &peer), 0);
    assert_string_equal(address_text(&peer, text), "192.0.2.7:4000");
    assert_true(stun_next(&m, STUN_XOR_PEER_ADDRESS, &value));
    assert_int_equal(stun_address_parse(&m, value, true, &peer), 0);
    assert_string_equal(address_text(&peer, text), "[2001:db8::7]:4001");
    assert_false(stun_next(&m, STUN_XOR_PEER_ADDRESS, &value));
}

/* Sections 14.5 to 14.7: order matters behind the integrity */
static void what_follows_the_integrity_does_not_count(void **state)
{
    (void)state;
    char buffer[256];
    struct stun_writer w;
    struct stun_message m;
    stun_write_begin(&w, buffer, sizeof buffer, stun_type(STUN_REQUEST, STUN_BINDING), id);
    stun_write_integrity(&w, &integrity, STUN_HMAC_SHA256, SLICE("key"));
    stun_write_integrity(&w, &integrity, STUN_HMAC_SHA1, SLICE("key"));
    stun_write(&w, STUN_USERNAME, SLICE("mallory"));
    stun_write_fingerprint(&w);
    assert_int_equal(stun_parse(stun_write_end(&w), &m), 0);
    assert_false(stun_has(&m, STUN_MESSAGE_INTEGRITY));
    assert_false(stun_has(&m, STUN_USERNAME));
    assert_int_equal(stun_integrity_check(&integrity, &m, STUN_HMAC_SHA256, SLICE("key")), 0);
    assert_int_equal(stun_fingerprint_check(&m), 0);

    stun_write_begin(&w, buffer, sizeof buffer, stun_type(STUN_REQUEST, STUN_BINDING), id);
    stun_write_fingerprint(&w);
    stun_write(&w, STUN_USERNAME, SLICE("late"));
    assert_int_equal(stun_parse(stun_write_end(&w), &m), ERR_INVALID);
}

/* Section 6.3.1: unknown comprehension-required attributes are what a 420 names */
static void unknown_attributes_are_gathered(void **state)
{
    (void)state;
    uint8_t buffer[256];
    struct stun_writer w;
    struct stun_message m;
    stun_write_begin(&w, buffer, sizeof buffer, stun_type(STUN_REQUEST, STUN_BINDING), id);
    for (unsigned i = 0; i < STUN_UNKNOWN_MAX + 4; i++)
        stun_write(&w, STUN_PADDING, SLICE_NULL);
    for (unsigned i = 0; i < STUN_UNKNOWN_MAX + 4; i++)
        bytes_put16(buffer + STUN_HEADER_SIZE + i * 4u, (uint16_t)(i == 1   ? 0x9001
                                                                   : i == 2 ? 0x0030
                                                                            : 0x7f00 + i));
    assert_int_equal(stun_parse(stun_write_end(&w), &m), 0);
    assert_int_equal(m.unknown_count, STUN_UNKNOWN_MAX);
    assert_int_equal(m.unknown[0], 0x7f00);
    assert_int_equal(m.unknown[1], 0x0030);
    assert_int_equal(m.unknown[2], 0x7f03);
}

/* RFC 3489 section 11.1: 128 bits of ID, no cookie */
static void classic_messages_are_told_apart(void **state)
{
    (void)state;
    char buffer[64];
    uint8_t classic[STUN_ID_SIZE] = {9, 8, 7};
    struct stun_writer w;
    struct stun_message m;
    stun_write_begin(&w, buffer, sizeof buffer, stun_type(STUN_REQUEST, STUN_BINDING), classic);
    stun_write_u32(&w, STUN_CHANGE_REQUEST, 6);
    struct slice bytes = stun_write_end(&w);
    assert_int_equal(stun_parse(bytes, &m), 0);
    assert_true(m.classic);
    assert_memory_equal(stun_id(&m), classic, sizeof(classic));
    assert_false(stun_looks_like(bytes));
}

/* RFC 5780 section 7.5 */
static void response_ports_of_two_and_four_bytes(void **state)
{
    (void)state;
    for (size_t n = 2; n <= 4; n++) {
        char buffer[64];
        struct stun_writer w;
        struct stun_message m;
        uint16_t port = 0;
        stun_write_begin(&w, buffer, sizeof buffer, stun_type(STUN_REQUEST, STUN_BINDING), id);
        stun_write(&w, STUN_RESPONSE_PORT, slice_of("\x12\x34\0\0", n));
        assert_int_equal(stun_parse(stun_write_end(&w), &m), 0);
        assert_int_equal(stun_get_response_port(&m, &port), n == 3 ? ERR_INVALID : 0);
        assert_int_equal(port, n == 3 ? 0 : 0x1234);
    }
}

/* Section 14.8 */
static void errors_are_written_and_read(void **state)
{
    (void)state;
    char buffer[64];
    struct stun_writer w;
    struct stun_message m;
    unsigned code = 0;
    struct slice reason = SLICE_NULL;
    stun_write_begin(&w, buffer, sizeof buffer, stun_type(STUN_ERROR, STUN_BINDING), id);
    stun_write_error(&w, 438, SLICE("Stale Nonce"));
    assert_int_equal(stun_parse(stun_write_end(&w), &m), 0);
    assert_int_equal(m.class, STUN_ERROR);
    assert_int_equal(stun_get_error(&m, &code, &reason), 0);
    assert_int_equal(code, 438);
    assert_true(slice_equal(reason, SLICE("Stale Nonce")));
}

static void a_message_that_does_not_fit_is_not_written(void **state)
{
    (void)state;
    char buffer[512], small[512];
    size_t length = sample(buffer, sizeof buffer).len;
    for (size_t n = 0; n < length; n++) {
        struct stun_writer w;
        stun_write_begin(&w, small, n, stun_type(STUN_REQUEST, STUN_ALLOCATE), id);
        stun_write(&w, STUN_USERNAME, slice_of(buffer, 100));
        stun_write_integrity(&w, &integrity, STUN_HMAC_SHA1, SLICE("key"));
        stun_write_fingerprint(&w);
        assert_null(stun_write_end(&w).ptr);
    }
}

/* Section 5: the bits of class and method lie between each other */
static void types_are_composed(void **state)
{
    (void)state;
    for (unsigned method = 0; method < 0x1000; method++) {
        for (unsigned class = 0; class < 4; class ++) {
            uint8_t buffer[STUN_HEADER_SIZE];
            struct stun_writer w;
            struct stun_message m;
            stun_write_begin(&w, buffer, sizeof buffer, stun_type((enum stun_class) class, method),
                             id);
            assert_int_equal(stun_parse(stun_write_end(&w), &m), 0);
            assert_int_equal(m.method, method);
            assert_int_equal(m.class, class);
        }
    }
    assert_int_equal(stun_type(STUN_SUCCESS, STUN_BINDING), 0x0101);
    assert_int_equal(stun_type(STUN_ERROR, STUN_ALLOCATE), 0x0113);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_request_is_read),
        cmocka_unit_test(the_sample_responses_are_read),
        cmocka_unit_test(a_changed_bit_is_noticed),
        cmocka_unit_test(what_is_written_is_read_and_verified),
        cmocka_unit_test(a_message_that_was_cut_is_none),
        cmocka_unit_test(attributes_too_short_or_too_long_are_told),
        cmocka_unit_test(an_attribute_beyond_the_end_is_told),
        cmocka_unit_test(doubled_attributes),
        cmocka_unit_test(what_follows_the_integrity_does_not_count),
        cmocka_unit_test(unknown_attributes_are_gathered),
        cmocka_unit_test(classic_messages_are_told_apart),
        cmocka_unit_test(response_ports_of_two_and_four_bytes),
        cmocka_unit_test(errors_are_written_and_read),
        cmocka_unit_test(a_message_that_does_not_fit_is_not_written),
        cmocka_unit_test(types_are_composed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
