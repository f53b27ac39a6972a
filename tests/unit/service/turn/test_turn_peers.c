#include "base/error.h"
#include "base/memory.h"
#include "service/turn/peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MAX 100

static struct turn_host host(uint32_t number)
{
    return (struct turn_host){0, TURN_HOST_V4 | number};
}

static int permit(struct turn_peers *peers, uint32_t number, uint64_t until_ms, uint64_t now_ms)
{
    struct turn_permission permission = {.host = host(number), .until_ms = until_ms};
    return turn_peers_permit(peers, &permission, MAX, now_ms);
}

static int bind_channel(struct turn_peers *peers, uint16_t number, uint32_t to, uint16_t port,
                        uint64_t until_ms, uint64_t now_ms)
{
    struct turn_channel channel = {
        .host = host(to), .port = port, .number = number, .until_ms = until_ms};
    return turn_peers_bind(peers, &channel, MAX, now_ms);
}

/* RFC 8656 section 9 */
static void a_permission_holds_until_its_time(void **state)
{
    (void)state;
    struct turn_peers peers;
    turn_peers_init(&peers);
    assert_null(turn_peers_permission(&peers, host(1), 0));
    assert_int_equal(permit(&peers, 1, 300, 0), 0);
    assert_non_null(turn_peers_permission(&peers, host(1), 299));
    assert_null(turn_peers_permission(&peers, host(1), 300));
    assert_null(turn_peers_permission(&peers, host(2), 0));
    assert_int_equal(permit(&peers, 1, 500, 200), 0);
    assert_non_null(turn_peers_permission(&peers, host(1), 499));
    assert_int_equal(turn_peers_permissions(&peers, 499), 1);
    assert_int_equal(turn_peers_permissions(&peers, 500), 0);
    turn_peers_done(&peers);
}

static void there_are_no_more_than_the_bound_and_expired_ones_make_room(void **state)
{
    (void)state;
    struct turn_peers peers;
    turn_peers_init(&peers);
    for (uint32_t i = 0; i < MAX; i++)
        assert_int_equal(permit(&peers, i, i == 50 ? 10 : 300, 0), 0);
    assert_int_equal(permit(&peers, MAX, 300, 0), ERR_LIMIT);
    assert_int_equal(turn_peers_room(&peers, MAX, 0), 0);
    assert_int_equal(permit(&peers, 7, 400, 0), 0);
    assert_int_equal(turn_peers_room(&peers, MAX, 10), 1);
    assert_int_equal(permit(&peers, MAX, 300, 10), 0);
    for (uint32_t i = 0; i <= MAX; i++)
        assert_int_equal(turn_peers_permission(&peers, host(i), 20) != NULL, i != 50);
    turn_peers_done(&peers);
}

/* Section 12.2: neither the number nor the peer twice */
static void a_channel_has_one_peer_and_a_peer_one_channel(void **state)
{
    (void)state;
    static const struct {
        uint16_t number;
        uint32_t to;
        uint16_t port;
        uint64_t now_ms;
        int status;
    } rows[] = {
        {0x4000, 1, 10, 0, 0},
        {0x4000, 1, 10, 0, 0},            /* refreshed */
        {0x4000, 1, 11, 0, ERR_CONFLICT}, /* another port */
        {0x4000, 2, 10, 0, ERR_CONFLICT}, /* another host */
        {0x4001, 1, 10, 0, ERR_CONFLICT}, /* another number */
        {0x4001, 1, 11, 0, 0},
        {0x4001, 1, 10, 0, ERR_CONFLICT}, /* both are bound, to others */
        {0x4000, 1, 11, 600, 0},          /* all have expired */
        {0x4001, 1, 11, 600, ERR_CONFLICT},
    };
    struct turn_peers peers;
    turn_peers_init(&peers);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(bind_channel(&peers, rows[i].number, rows[i].to, rows[i].port,
                                      rows[i].now_ms + 600, rows[i].now_ms),
                         rows[i].status);
    turn_peers_done(&peers);
}

static void channels_are_found_both_ways(void **state)
{
    (void)state;
    struct turn_peers peers;
    turn_peers_init(&peers);
    for (uint16_t i = 0; i < 20; i++)
        assert_int_equal(bind_channel(&peers, (uint16_t)(0x4000 + i), i, 100, 600, 0), 0);
    for (uint16_t i = 0; i < 20; i++) {
        const struct turn_channel *by_number =
            turn_peers_channel(&peers, (uint16_t)(0x4000 + i), 599);
        assert_non_null(by_number);
        assert_true(turn_host_equal(by_number->host, host(i)));
        assert_ptr_equal(turn_peers_channel_to(&peers, host(i), 100, 599), by_number);
        assert_null(turn_peers_channel_to(&peers, host(i), 101, 599));
        assert_null(turn_peers_channel(&peers, (uint16_t)(0x4000 + i), 600));
        assert_null(turn_peers_channel_to(&peers, host(i), 100, 600));
    }
    assert_null(turn_peers_channel(&peers, 0x4014, 0));
    assert_int_equal(turn_peers_channels(&peers, 599), 20);
    assert_int_equal(turn_peers_channels(&peers, 600), 0);
    turn_peers_done(&peers);
}

static void channels_have_their_bound(void **state)
{
    (void)state;
    struct turn_peers peers;
    turn_peers_init(&peers);
    for (uint16_t i = 0; i < MAX; i++)
        assert_int_equal(bind_channel(&peers, (uint16_t)(0x4000 + i), i, 1, 600, 0), 0);
    assert_int_equal(bind_channel(&peers, 0x4fff, MAX, 1, 600, 0), ERR_LIMIT);
    assert_int_equal(bind_channel(&peers, 0x4005, 5, 1, 700, 0), 0);
    assert_int_equal(bind_channel(&peers, 0x4fff, MAX, 1, 1200, 600), 0);
    turn_peers_done(&peers);
}

static bool is_even(void *user, struct turn_host h)
{
    (void)user;
    return h.low % 2 == 0;
}

static void what_is_dropped_is_gone(void **state)
{
    (void)state;
    struct turn_peers peers;
    turn_peers_init(&peers);
    for (uint16_t i = 0; i < 6; i++) {
        assert_int_equal(permit(&peers, i, 300, 0), 0);
        assert_int_equal(bind_channel(&peers, (uint16_t)(0x4000 + i), i, 1, 600, 0), 0);
    }
    turn_peers_drop(&peers, is_even, NULL);
    for (uint16_t i = 0; i < 6; i++) {
        assert_int_equal(turn_peers_permission(&peers, host(i), 1) != NULL, i % 2 == 1);
        assert_int_equal(turn_peers_channel(&peers, (uint16_t)(0x4000 + i), 1) != NULL, i % 2 == 1);
    }
    turn_peers_done(&peers);
}

static void without_memory_all_stays_as_it_was(void **state)
{
    (void)state;
    size_t n = 0;
    do {
        struct turn_peers peers;
        turn_peers_init(&peers);
        assert_int_equal(permit(&peers, 1, 300, 0), 0);
        memory_fail_after(n++);
        for (uint32_t i = 2; i < 12; i++) {
            int status = permit(&peers, i, 300, 0);
            assert_true(status == 0 || status == ERR_NO_MEMORY);
            status = bind_channel(&peers, (uint16_t)(0x4000 + i), i, 1, 600, 0);
            assert_true(status == 0 || status == ERR_NO_MEMORY);
        }
        assert_non_null(turn_peers_permission(&peers, host(1), 0));
        turn_peers_done(&peers);
    } while (memory_fail_hit());
    assert_int_equal(n > 1, MEMORY_FAULTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_permission_holds_until_its_time),
        cmocka_unit_test(there_are_no_more_than_the_bound_and_expired_ones_make_room),
        cmocka_unit_test(a_channel_has_one_peer_and_a_peer_one_channel),
        cmocka_unit_test(channels_are_found_both_ways),
        cmocka_unit_test(channels_have_their_bound),
        cmocka_unit_test(what_is_dropped_is_gone),
        cmocka_unit_test(without_memory_all_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
