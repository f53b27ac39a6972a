#include "base/error.h"
#include "loop/port.h"
#include "service/turn/indication.h"
#include "stun/write.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint8_t id[STUN_ID_SIZE] = {0x21, 0x12, 0xa4, 0x42, 1, 2,  3,  4,
                                         5,    6,    7,    8,    9, 10, 11, 12};

static struct address peer_of(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(slice_from_string(text), &address), 0);
    return address;
}

static void begin(struct stun_writer *w, void *buffer, size_t size)
{
    stun_write_begin(w, buffer, size, TURN_SEND_TYPE, id);
}

/* RFC 8656 section 11.2 */
static void a_send_indication_is_read(void **state)
{
    (void)state;
    static const char *const peers[] = {"192.0.2.1:5004", "[2001:db8::7]:65535"};
    for (size_t i = 0; i < 2; i++) {
        uint8_t buffer[256];
        struct stun_writer w;
        struct turn_send send;
        struct address peer = peer_of(peers[i]);
        begin(&w, buffer, sizeof buffer);
        stun_write_address(&w, STUN_XOR_PEER_ADDRESS, &peer);
        stun_write(&w, STUN_SOFTWARE, SLICE("whatever"));
        if (i == 1)
            stun_write(&w, STUN_DONT_FRAGMENT, SLICE_NULL);
        stun_write(&w, STUN_DATA, SLICE("hello"));
        stun_write_fingerprint(&w);
        assert_int_equal(turn_send_parse(stun_write_end(&w), &send), 0);
        struct turn_host host = turn_host_of(&peer);
        assert_true(turn_host_equal(send.host, host));
        assert_int_equal(send.port, address_port(&peer));
        assert_int_equal(send.v6, i == 1);
        assert_int_equal(send.whole, i == 1);
        assert_true(slice_equal(send.data, SLICE("hello")));
    }
}

static void no_data_is_data_too(void **state)
{
    (void)state;
    uint8_t buffer[128];
    struct stun_writer w;
    struct turn_send send;
    struct address peer = peer_of("192.0.2.1:1");
    begin(&w, buffer, sizeof buffer);
    stun_write(&w, STUN_DATA, SLICE_NULL);
    stun_write_address(&w, STUN_XOR_PEER_ADDRESS, &peer);
    assert_int_equal(turn_send_parse(stun_write_end(&w), &send), 0);
    assert_int_equal(send.data.len, 0);
}

/* What is missing, broken or not understood: discarded */
static void what_is_no_send_indication_is_refused(void **state)
{
    (void)state;
    enum {
        NO_PEER,
        NO_DATA,
        UNKNOWN,
        NO_PORT,
        BAD_PRINT,
        BAD_FAMILY,
        AFTER_PRINT,
        DF_LENGTH,
        CASES
    };
    struct address peer = peer_of("192.0.2.1:5004");
    for (unsigned i = 0; i < CASES; i++) {
        uint8_t buffer[128];
        struct stun_writer w;
        struct turn_send send = {.port = 7};
        begin(&w, buffer, sizeof buffer);
        if (i == NO_PORT)
            address_set_port(&peer, 0);
        if (i == BAD_FAMILY)
            stun_write(&w, STUN_XOR_PEER_ADDRESS, slice_of("\0\3\1\2\3\4\5\6", 8));
        else if (i != NO_PEER)
            stun_write_address(&w, STUN_XOR_PEER_ADDRESS, &peer);
        if (i != NO_DATA)
            stun_write(&w, STUN_DATA, SLICE("hello"));
        if (i == DF_LENGTH)
            stun_write(&w, STUN_DONT_FRAGMENT, SLICE("x"));
        if (i == AFTER_PRINT || i == BAD_PRINT)
            stun_write_fingerprint(&w);
        if (i == AFTER_PRINT)
            stun_write(&w, STUN_SOFTWARE, SLICE("late"));
        struct slice message = stun_write_end(&w);
        if (i == UNKNOWN)
            buffer[20] = 0x7f;
        if (i == BAD_PRINT)
            buffer[message.len - 1] ^= 1;
        assert_int_equal(turn_send_parse(message, &send), ERR_SYNTAX);
        assert_int_equal(send.port, 7);
        address_set_port(&peer, 5004);
    }
}

/* Whatever is cut or changed: read or refused, never past the end */
static void nothing_is_read_past_the_end(void **state)
{
    (void)state;
    uint8_t buffer[128];
    struct stun_writer w;
    struct address peer = peer_of("[2001:db8::7]:65535");
    begin(&w, buffer, sizeof buffer);
    stun_write_address(&w, STUN_XOR_PEER_ADDRESS, &peer);
    stun_write(&w, STUN_DATA, SLICE("hello"));
    stun_write_fingerprint(&w);
    struct slice whole = stun_write_end(&w);
    for (size_t length = 0; length <= whole.len; length++) {
        for (unsigned changed = 0; changed < 256; changed += 15) {
            char *exact = malloc(length + 1); /* the sanitizer sees who reads on */
            struct turn_send send;
            assert_non_null(exact);
            memcpy(exact + 1, whole.ptr, length);
            if (length >= 4)
                exact[4] = (char)(length - STUN_HEADER_SIZE);
            if (length > 24)
                exact[24] = (char)changed;
            int status = turn_send_parse(slice_of(exact + 1, length), &send);
            assert_true(status == 0 || status == ERR_SYNTAX);
            free(exact);
        }
    }
}

/* Section 11.3 */
static void a_data_indication_is_written_around_its_payload(void **state)
{
    (void)state;
    static const char *const peers[] = {"192.0.2.1:5004", "[2001:db8::7]:65535"};
    for (size_t length = 0; length < 9; length++) {
        for (size_t i = 0; i < 2; i++) {
            char buffer[PORT_HEADROOM + 16 + PORT_TAILROOM];
            struct stun_message message;
            struct address peer = peer_of(peers[i]), told;
            memset(buffer, 0x5a, sizeof buffer);
            memcpy(buffer + PORT_HEADROOM, "payload!", length < 8 ? length : 8);
            struct slice made = turn_data_write(buffer + PORT_HEADROOM, length, &peer, id + 4);
            assert_int_equal(stun_parse(made, &message), 0);
            assert_int_equal(message.class, STUN_INDICATION);
            assert_int_equal(message.method, STUN_DATA_INDICATION);
            assert_memory_equal(stun_id(&message), id, sizeof id);
            assert_int_equal(stun_get_address(&message, STUN_XOR_PEER_ADDRESS, &told), 0);
            assert_true(address_equal(&told, &peer));
            assert_int_equal(stun_value(&message, STUN_DATA).len, length);
            assert_ptr_equal(stun_value(&message, STUN_DATA).ptr, buffer + PORT_HEADROOM);
        }
    }
    char large[PORT_HEADROOM + 8];
    struct address peer = peer_of("192.0.2.1:1");
    assert_int_equal(turn_data_write(large + PORT_HEADROOM, 65507, &peer, id + 4).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_send_indication_is_read),
        cmocka_unit_test(no_data_is_data_too),
        cmocka_unit_test(what_is_no_send_indication_is_refused),
        cmocka_unit_test(nothing_is_read_past_the_end),
        cmocka_unit_test(a_data_indication_is_written_around_its_payload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
