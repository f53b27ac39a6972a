#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "service/turn/ticket.h"

#include <cmocka.h>

static const uint8_t key[TURN_TICKET_KEY] = "0123456789abcdef0123456789abcde";
static const struct turn_ticket sample = {
    .number = UINT64_C(0x123456789abcdef0), .sequence = 0xfedcba98, .worker = 63};

static struct turn_ticket_sealer sealer;

static int set_up(void **state)
{
    (void)state;
    return turn_ticket_sealer_init(&sealer, key);
}

static int tear_down(void **state)
{
    (void)state;
    turn_ticket_sealer_done(&sealer);
    return 0;
}

static void what_is_sealed_is_opened(void **state)
{
    char sealed[TURN_TICKET_SIZE];
    struct turn_ticket ticket;
    (void)state;
    assert_int_equal(turn_ticket_seal(&sealer, &sample, sealed), 0);
    assert_int_equal(turn_ticket_open(&sealer, slice_of(sealed, sizeof sealed), &ticket), 0);
    assert_int_equal(ticket.number, sample.number);
    assert_int_equal(ticket.sequence, sample.sequence);
    assert_int_equal(ticket.worker, sample.worker);
}

/* RFC 8016 section 5: strong entropy; section 3.2.2: each is another */
static void two_tickets_have_nothing_in_common(void **state)
{
    char a[TURN_TICKET_SIZE], b[TURN_TICKET_SIZE];
    (void)state;
    assert_int_equal(turn_ticket_seal(&sealer, &sample, a), 0);
    assert_int_equal(turn_ticket_seal(&sealer, &sample, b), 0);
    for (size_t i = 0; i + 8 <= sizeof a; i++)
        assert_memory_not_equal(a + i, b + i, 8);
}

/* RFC 8016 section 5: authenticated */
static void nobody_else_makes_one(void **state)
{
    char sealed[TURN_TICKET_SIZE + 1] = {0};
    struct turn_ticket ticket;
    (void)state;
    assert_int_equal(turn_ticket_seal(&sealer, &sample, sealed), 0);
    for (size_t i = 0; i < TURN_TICKET_SIZE; i++) {
        sealed[i] ^= 1;
        assert_int_equal(turn_ticket_open(&sealer, slice_of(sealed, TURN_TICKET_SIZE), &ticket),
                         ERR_DENIED);
        sealed[i] ^= 1;
        assert_int_equal(turn_ticket_open(&sealer, slice_of(sealed, i), &ticket), ERR_DENIED);
    }
    assert_int_equal(turn_ticket_open(&sealer, slice_of(sealed, sizeof sealed), &ticket),
                     ERR_DENIED);
    struct turn_ticket_sealer other;
    uint8_t other_key[TURN_TICKET_KEY] = "another";
    assert_int_equal(turn_ticket_sealer_init(&other, other_key), 0);
    assert_int_equal(turn_ticket_open(&other, slice_of(sealed, TURN_TICKET_SIZE), &ticket),
                     ERR_DENIED);
    turn_ticket_sealer_done(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_is_opened),
        cmocka_unit_test(two_tickets_have_nothing_in_common),
        cmocka_unit_test(nobody_else_makes_one),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
