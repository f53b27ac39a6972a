/* The law by which new requests are refused, against a server and its phones in virtual time. */
#include "stack/overload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

#define SECOND 1000000u

/* Microseconds of a server that carries about 30,000 calls a second. */
enum { COST_INVITE = 12, COST_LATER = 4, COST_REFUSAL = 4, COST_REGISTER = 6 };
#define LATER     5u    /* further messages of a call that is let in */
#define THINKING  3000u /* microseconds until the phones send the next one */
#define QUEUE_MAX 6500u /* datagrams that the system's buffer holds */
#define TURN      256u  /* datagrams of one turn */
#define SLOTS     4096u /* of what the phones are about to send, by time */
#define CARRIES   ((double)SECOND / (COST_INVITE + LATER * COST_LATER))

enum kind { INVITE, REGISTER, MESSAGE };

struct message {
    uint8_t kind;
    uint8_t later; /* MESSAGE: how many follow */
    uint64_t number;
};

struct world {
    struct overload overload;
    bool sifts; /* the system drops what is best left unread */
    uint64_t now_us, calls, registers;
    double due[2]; /* INVITEs and REGISTERs that are to be sent by now */
    double rate[2];
    struct message queue[QUEUE_MAX];
    unsigned first, count, longest;
    unsigned thinking[SLOTS][LATER]; /* by time (a slot is 16 us) and what follows */
    uint64_t turn_refused;
    uint64_t carried, refused, registered, registers_refused, dropped;
};

static uint64_t spread(uint64_t number)
{
    static const struct hash_key key = {1, 2};
    return hash_slice(&key, (struct slice){(const char *)&number, sizeof(number)});
}

static void arrive(struct world *world, struct message message)
{
    if (message.kind == INVITE && world->sifts &&
        (spread(message.number) >> 32) % OVERLOAD_ALL < overload_unread(&world->overload))
        return;
    if (world->count == QUEUE_MAX) {
        world->dropped++;
        return;
    }
    world->queue[(world->first + world->count++) % QUEUE_MAX] = message;
    if (world->count > world->longest)
        world->longest = world->count;
}

static void think(struct world *world, unsigned later)
{
    if (later > 0)
        world->thinking[(world->now_us + THINKING) / 16 % SLOTS][later - 1]++;
}

/* What is sent in the time that the server works. */
static void pass(struct world *world, uint64_t us)
{
    for (uint64_t end = world->now_us + us; world->now_us < end; world->now_us++) {
        for (unsigned kind = INVITE; kind <= REGISTER; kind++) {
            world->due[kind] += world->rate[kind] / SECOND;
            while (world->due[kind] >= 1) {
                world->due[kind]--;
                arrive(world, (struct message){.kind = (uint8_t)kind, .number = world->calls++});
            }
        }
        if (world->now_us % 16 != 0)
            continue;
        unsigned *slot = world->thinking[world->now_us / 16 % SLOTS];
        for (unsigned later = 1; later <= LATER; later++) {
            for (; slot[later - 1] > 0; slot[later - 1]--)
                arrive(world, (struct message){.kind = MESSAGE, .later = (uint8_t)(later - 1)});
        }
    }
}

static unsigned serve(struct world *world, struct message message)
{
    if (message.kind == MESSAGE) {
        world->carried += message.later == 0 ? 1 : 0;
        think(world, message.later);
        return COST_LATER;
    }
    bool invite = message.kind == INVITE;
    if (overload_refuses(&world->overload, invite ? OVERLOAD_CALLS : OVERLOAD_REGISTERS,
                         spread(message.number))) {
        *(invite ? &world->refused : &world->registers_refused) += 1;
        world->turn_refused++;
        return COST_REFUSAL;
    }
    if (!invite) {
        world->registered++;
        return COST_REGISTER;
    }
    think(world, LATER);
    return COST_INVITE;
}

static void turn(struct world *world, uint64_t *turn_us)
{
    uint64_t began = world->now_us;
    unsigned n = world->count < TURN ? world->count : TURN;
    for (unsigned i = 0; i < n; i++) {
        struct message message = world->queue[world->first];
        world->first = (world->first + 1) % QUEUE_MAX;
        world->count--;
        pass(world, serve(world, message));
    }
    struct overload_load load = {
        .now_us = began,
        .turn_us = *turn_us,
        .waiting = n < 64 ? 0 : world->count,
        .fresh = n,
        .refused = (unsigned)world->turn_refused,
    };
    world->turn_refused = 0;
    overload_turn(&world->overload, &load);
    *turn_us = world->now_us - began;
    if (n == 0)
        pass(world, 50);
}

static void run(struct world *world, double calls, double registers, uint64_t us)
{
    uint64_t turn_us = 0;
    world->rate[INVITE] = calls;
    world->rate[REGISTER] = registers;
    world->carried = world->refused = world->registered = world->registers_refused = 0;
    world->dropped = world->longest = 0;
    for (uint64_t end = world->now_us + us; world->now_us < end;)
        turn(world, &turn_us);
}

static int begin(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    overload_init(&world->overload);
    *state = world;
    return 0;
}

static int end(void **state)
{
    free(*state);
    return 0;
}

/* What can be carried a second when every call beyond it costs a refusal. */
static double possible(double offered)
{
    double call = COST_INVITE + LATER * COST_LATER;
    return (SECOND - offered * COST_REFUSAL) / (call - COST_REFUSAL);
}

static void nothing_is_refused_just_below_the_maximum(void **state)
{
    struct world *world = *state;
    run(world, CARRIES * 0.95, 0, 3 * SECOND);
    assert_int_equal(world->refused, 0);
    assert_int_equal(world->dropped, 0);
    assert_false(overload_active(&world->overload));
}

/* RFC 8033 section 4.3 (burst tolerance) */
static void nothing_is_refused_for_a_short_burst(void **state)
{
    struct world *world = *state;
    run(world, CARRIES / 2, 0, SECOND);
    run(world, CARRIES * 3, 0, 5000);
    run(world, CARRIES / 2, 0, SECOND);
    assert_int_equal(world->refused, 0);
    assert_true(world->longest > 100);
}

/* RFC 6357 section 5: throughput stays near its maximum whatever is offered. */
static void a_flood_leaves_what_refusals_do_not_cost(void **state)
{
    static const double times[] = {1.2, 1.5, 2.5, 4};
    struct world *world = *state;
    for (unsigned i = 0; i < sizeof times / sizeof *times; i++) {
        double offered = CARRIES * times[i];
        run(world, offered, 0, SECOND);
        run(world, offered, 0, 4 * SECOND);
        assert_true((double)world->carried >= 4 * 0.93 * possible(offered));
        assert_true((double)world->carried <= 4 * 1.05 * possible(offered));
        assert_int_equal(world->dropped, 0);
        /* What waits waits for milliseconds: four times the target at worst, and the batches. */
        assert_true((world->longest - 1024) * 9 < 4 * OVERLOAD_TARGET_US);
    }
}

static void more_than_can_even_be_refused_leaves_something(void **state)
{
    struct world *world = *state;
    run(world, 2.0 * SECOND / COST_REFUSAL, 0, 3 * SECOND);
    assert_true(world->refused > SECOND / COST_REFUSAL);
    run(world, CARRIES / 2, 0, 2 * SECOND);
    world->carried = 0;
    run(world, CARRIES / 2, 0, SECOND);
    assert_int_equal(world->refused, 0);
}

/* Thirty times what can be carried, eight times what can be refused: half of the time is for calls.
 */
static void what_cannot_even_be_refused_is_not_read(void **state)
{
    struct world *world = *state;
    world->sifts = true;
    run(world, CARRIES * 2.5, 0, 2 * SECOND);
    assert_int_equal(overload_unread(&world->overload), 0);
    run(world, CARRIES * 30.0, 0, 2 * SECOND);
    run(world, CARRIES * 30.0, 0, 2 * SECOND);
    assert_true((double)world->carried >= 2 * 0.4 * CARRIES);
    assert_true((double)world->refused > CARRIES);
    run(world, CARRIES * 0.8, 0, SECOND);
    assert_false(overload_active(&world->overload));
    assert_int_equal(overload_unread(&world->overload), 0);
}

static void all_are_let_in_again_within_half_a_second(void **state)
{
    struct world *world = *state;
    run(world, CARRIES * 5, 0, 3 * SECOND);
    assert_true(overload_active(&world->overload));
    run(world, CARRIES * 0.8, 0, SECOND / 2);
    assert_false(overload_active(&world->overload));
    assert_int_equal(overload_permille(&world->overload), 0);
    run(world, CARRIES * 0.8, 0, SECOND);
    assert_int_equal(world->refused, 0);
}

/* An avalanche of phones that come back beside a flood of calls: the calls give way. */
static void registrations_come_before_calls(void **state)
{
    struct world *world = *state;
    double registers = 0.6 * SECOND / COST_REGISTER;
    run(world, CARRIES * 1.5, registers, SECOND);
    run(world, CARRIES * 1.5, registers, 3 * SECOND);
    assert_int_equal(world->registers_refused, 0);
    assert_true((double)world->registered > 2.9 * registers);
    assert_true(world->refused > 0);
    assert_true(world->carried > 0);
}

static void registrations_alone_can_be_too_many(void **state)
{
    struct world *world = *state;
    run(world, 0, 1.3 * SECOND / COST_REGISTER, 3 * SECOND);
    assert_true(world->registers_refused > 0);
    assert_true(world->registered > 0);
}

/* Callers that wait for their answers, on a machine that has hardly time for us. */
static void a_slow_machine_is_not_overload(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= 1000; i++)
        overload_turn(&world->overload,
                      &(struct overload_load){
                          .now_us = i * 15000, .turn_us = 15000, .waiting = 1000, .fresh = 256});
    assert_false(overload_active(&world->overload));
}

/* RFC 3261 section 8.2.7: the share may change, the order of who is refused does not. */
static void a_retransmission_fares_like_the_request(void **state)
{
    struct world *world = *state;
    run(world, CARRIES * 3, 0, 2 * SECOND);
    struct overload_share *share = &world->overload.shares[OVERLOAD_CALLS];
    assert_in_range(share->refused, 1, OVERLOAD_ALL - 1);
    for (uint64_t hash = 0; hash < OVERLOAD_ALL; hash += 97)
        assert_int_equal(overload_refuses(&world->overload, OVERLOAD_CALLS, hash),
                         hash < share->refused);
}

/* A buffer so small that it is served within the target all the same. */
static void a_small_buffer_does_not_run_over(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= 50; i++)
        overload_turn(
            &world->overload,
            &(struct overload_load){
                .now_us = i * 5000, .turn_us = 500, .waiting = 200, .room = 220, .fresh = 256});
    assert_true(overload_permille(&world->overload) > 500);
}

/* Connections have no buffer that could be asked: turns that take long tell of them. */
static void long_turns_are_overload_too(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= 20; i++)
        overload_turn(
            &world->overload,
            &(struct overload_load){.now_us = i * 40000, .turn_us = 40000, .messages = 100});
    assert_true(overload_permille(&world->overload) > 500);
    for (unsigned i = 1; i <= 100; i++)
        overload_turn(&world->overload,
                      &(struct overload_load){.now_us = SECOND + i * 20000, .turn_us = 100});
    assert_int_equal(overload_permille(&world->overload), 0);
}

/* Others had the CPU meanwhile. */
static void long_turns_over_little_are_not(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= 1000; i++)
        overload_turn(&world->overload,
                      &(struct overload_load){
                          .now_us = i * 90000, .turn_us = 90000, .fresh = 10, .messages = 20});
    assert_false(overload_active(&world->overload));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_refused_just_below_the_maximum, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_refused_for_a_short_burst, begin, end),
        cmocka_unit_test_setup_teardown(a_flood_leaves_what_refusals_do_not_cost, begin, end),
        cmocka_unit_test_setup_teardown(more_than_can_even_be_refused_leaves_something, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_even_be_refused_is_not_read, begin, end),
        cmocka_unit_test_setup_teardown(all_are_let_in_again_within_half_a_second, begin, end),
        cmocka_unit_test_setup_teardown(registrations_come_before_calls, begin, end),
        cmocka_unit_test_setup_teardown(registrations_alone_can_be_too_many, begin, end),
        cmocka_unit_test_setup_teardown(a_slow_machine_is_not_overload, begin, end),
        cmocka_unit_test_setup_teardown(long_turns_over_little_are_not, begin, end),
        cmocka_unit_test_setup_teardown(a_retransmission_fares_like_the_request, begin, end),
        cmocka_unit_test_setup_teardown(a_small_buffer_does_not_run_over, begin, end),
        cmocka_unit_test_setup_teardown(long_turns_are_overload_too, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
