#include "base/error.h"
#include "service/turn/ask.h"
#include "stun/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NONE (-1)

/* Values of attributes; NONE: absent. */
struct row {
    int transport, requested, additional, even;
    bool token;
    bool v4_here, v6_here;
    unsigned code;
    bool v4, v6;
};

static struct stun_message message_of(const struct row *row, void *buffer, size_t size)
{
    static const uint8_t id[STUN_ID_SIZE] = {0x21, 0x12, 0xa4, 0x42};
    struct stun_writer w;
    struct stun_message message;
    stun_write_begin(&w, buffer, size, stun_type(STUN_REQUEST, STUN_ALLOCATE), id);
    if (row->transport != NONE)
        stun_write_u32(&w, STUN_REQUESTED_TRANSPORT, (uint32_t)row->transport << 24);
    if (row->requested != NONE)
        stun_write_u32(&w, STUN_REQUESTED_ADDRESS_FAMILY, (uint32_t)row->requested << 24);
    if (row->additional != NONE)
        stun_write_u32(&w, STUN_ADDITIONAL_ADDRESS_FAMILY, (uint32_t)row->additional << 24);
    if (row->even != NONE) {
        char value = (char)row->even;
        stun_write(&w, STUN_EVEN_PORT, slice_of(&value, 1));
    }
    if (row->token)
        stun_write(&w, STUN_RESERVATION_TOKEN, SLICE("12345678"));
    assert_int_equal(stun_parse(stun_write_end(&w), &message), 0);
    return message;
}

/* RFC 8656 section 7.2, by its steps */
static void what_an_allocate_asks_for(void **state)
{
    (void)state;
    static const struct row rows[] = {
        /* 3: the transport */
        {NONE, NONE, NONE, NONE, false, true, true, 400, false, false},
        {132, NONE, NONE, NONE, false, true, true, 442, false, false},
        {0, NONE, NONE, NONE, false, true, true, 442, false, false},
        {17, NONE, NONE, NONE, false, true, true, 0, true, false},
        /* 5: a token goes with nothing else */
        {17, NONE, NONE, NONE, true, true, true, 0, false, false},
        {17, NONE, NONE, 0, true, true, true, 400, false, false},
        {17, 1, NONE, NONE, true, true, true, 400, false, false},
        {17, NONE, 2, NONE, true, true, true, 400, false, false},
        {17, NONE, NONE, NONE, true, false, true, 0, false, false},
        /* 6: both families' attributes */
        {17, 1, 2, NONE, false, true, true, 400, false, false},
        /* 7: the family */
        {17, 1, NONE, NONE, false, true, true, 0, true, false},
        {17, 2, NONE, NONE, false, true, true, 0, false, true},
        {17, 2, NONE, NONE, false, true, false, 440, false, false},
        {17, 1, NONE, NONE, false, false, true, 440, false, false},
        {17, NONE, NONE, NONE, false, false, true, 440, false, false},
        {17, 0, NONE, NONE, false, true, true, 440, false, false},
        {17, 3, NONE, NONE, false, true, true, 440, false, false},
        /* 8: a reservation for one family only */
        {17, NONE, NONE, 0x80, false, true, true, 0, true, false},
        {17, NONE, 2, 0x80, false, true, true, 400, false, false},
        {17, NONE, 2, 0x00, false, true, true, 0, true, true},
        /* 9: both families */
        {17, NONE, 1, NONE, false, true, true, 400, false, false},
        {17, NONE, 0, NONE, false, true, true, 400, false, false},
        {17, NONE, 2, NONE, false, true, true, 0, true, true},
        {17, NONE, 2, NONE, false, true, false, 0, true, true},
        {17, NONE, 2, NONE, false, false, true, 0, true, true},
        {17, NONE, 2, NONE, false, false, false, 440, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t buffer[128];
        struct turn_ask ask = {.v4 = false};
        struct stun_message message = message_of(&rows[i], buffer, sizeof buffer);
        unsigned code = turn_ask_read(&message, rows[i].v4_here, rows[i].v6_here, &ask);
        if (code != rows[i].code)
            fail_msg("row %zu: %u", i, code);
        assert_int_equal(ask.v4, rows[i].v4);
        assert_int_equal(ask.v6, rows[i].v6);
        assert_int_equal(ask.has_token, code == 0 && rows[i].token);
        if (code == 0 && rows[i].even != NONE)
            assert_int_equal(ask.wish, rows[i].even == 0x80 ? TURN_PORT_PAIR : TURN_PORT_EVEN);
    }
}

/* Sections 7.2, 8.2 */
static void lifetimes_are_between_least_and_most(void **state)
{
    (void)state;
    static const struct {
        long asked;
        uint32_t lifetime;
    } rows[] = {{NONE, 600}, {0, 600},     {1, 600},     {600, 600},
                {601, 601},  {3600, 3600}, {3601, 3600}, {0xffffffff, 3600}};
    static const uint8_t id[STUN_ID_SIZE] = {0x21, 0x12, 0xa4, 0x42};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t buffer[64];
        struct stun_writer w;
        struct stun_message message;
        stun_write_begin(&w, buffer, sizeof buffer, stun_type(STUN_REQUEST, STUN_REFRESH), id);
        if (rows[i].asked != NONE)
            stun_write_u32(&w, STUN_LIFETIME, (uint32_t)rows[i].asked);
        assert_int_equal(stun_parse(stun_write_end(&w), &message), 0);
        assert_int_equal(turn_ask_lifetime(&message, 600, 3600), rows[i].lifetime);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_allocate_asks_for),
        cmocka_unit_test(lifetimes_are_between_least_and_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
