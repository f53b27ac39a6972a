/* How the interval of keep-alives follows what is measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "service/location/pace.h"

#define NOW 1700000000

static const struct location_pace pace = {LOCATION_KEEP_AUTO, 25, 10, 110};

static struct binding phone(uint8_t transport, const char *source)
{
    struct binding b = {.call_id = SLICE("call"), .behind_nat = true};
    b.flow.transport = transport;
    b.flow.connection = transport == TRANSPORT_UDP ? 0 : 7;
    assert_int_equal(address_parse(slice_from_string(source), &b.flow.remote), 0);
    b.seen_ms = NOW * INT64_C(1000);
    pace_on_register(&pace, NULL, &b, NOW, 0);
    return b;
}

/* Its ping is sent when it is due; what happens until it is answered, or lost. */
static enum pace_step ping(struct binding *b, bool answered, int64_t *now)
{
    *now = b->keep.due_s;
    assert_int_equal(pace_on_due(&pace, b, *now, 0), PACE_SEND);
    if (answered) {
        *now += 1;
        pace_on_answer(&pace, b, *now, 0);
        return PACE_WAIT;
    }
    enum pace_step step;
    do {
        *now = b->keep.due_s;
        step = pace_on_due(&pace, b, *now, 0);
    } while (step == PACE_AGAIN);
    return step;
}

static void whose_mapping_is_kept_alive(void **state)
{
    (void)state;
    static const struct {
        uint32_t mode;
        bool nat;
        uint32_t reg_id;
        uint8_t transport;
        uint32_t connection;
        bool path, wanted;
    } rows[] = {
        {LOCATION_KEEP_AUTO, true, 0, TRANSPORT_UDP, 0, false, true},
        {LOCATION_KEEP_AUTO, true, 0, TRANSPORT_TCP, 1, false, true},
        {LOCATION_KEEP_AUTO, true, 0, TRANSPORT_TLS, 1, false, true},
        {LOCATION_KEEP_AUTO, true, 0, TRANSPORT_TCP, 0, false, false},
        {LOCATION_KEEP_AUTO, true, 0, TRANSPORT_WSS, 1, false, false},
        {LOCATION_KEEP_AUTO, true, 0, TRANSPORT_SCTP, 1, false, false},
        {LOCATION_KEEP_AUTO, true, 1, TRANSPORT_UDP, 0, false, false},
        {LOCATION_KEEP_AUTO, false, 0, TRANSPORT_UDP, 0, false, false},
        {LOCATION_KEEP_AUTO, true, 0, TRANSPORT_UDP, 0, true, false},
        {LOCATION_KEEP_ALL, false, 0, TRANSPORT_UDP, 0, false, true},
        {LOCATION_KEEP_ALL, true, 1, TRANSPORT_UDP, 0, false, true},
        {LOCATION_KEEP_ALL, false, 0, TRANSPORT_TCP, 1, false, true},
        {LOCATION_KEEP_OFF, true, 0, TRANSPORT_UDP, 0, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct location_pace p = pace;
        struct binding b = {.behind_nat = rows[i].nat, .reg_id = rows[i].reg_id};
        p.mode = rows[i].mode;
        b.flow.transport = rows[i].transport;
        b.flow.connection = rows[i].connection;
        b.path = rows[i].path ? SLICE("<sip:edge>") : SLICE_NULL;
        assert_int_equal(pace_wants(&p, &b), rows[i].wanted);
        pace_on_register(&p, NULL, &b, NOW, 0);
        assert_int_equal(b.keep.due_s != 0, rows[i].wanted);
    }
}

static void the_interval_grows_while_the_mapping_lives_up_to_its_bound(void **state)
{
    (void)state;
    struct binding b = phone(TRANSPORT_UDP, "192.0.2.1:4000");
    int64_t now = NOW;
    unsigned before = b.keep.interval_s;
    assert_int_equal(before, 25);
    assert_int_equal(b.keep.due_s, NOW + 25);
    for (unsigned i = 0; i < 60; i++) {
        ping(&b, true, &now);
        assert_true(b.keep.interval_s >= before && b.keep.interval_s <= before + before / 4);
        assert_int_equal(b.keep.due_s, now + b.keep.interval_s);
        before = b.keep.interval_s;
    }
    assert_int_equal(b.keep.interval_s, 110);
    assert_int_equal(b.keep.lived_s, 110);
    assert_int_equal(b.keep.died_s, 0);
}

static void what_is_lost_shortens_it_and_is_not_tried_again(void **state)
{
    (void)state;
    struct binding b = phone(TRANSPORT_UDP, "192.0.2.1:4000");
    int64_t now = NOW;
    while (b.keep.interval_s < 48)
        ping(&b, true, &now);
    unsigned lived = b.keep.lived_s, died = b.keep.interval_s;
    assert_true(lived < died);
    assert_int_equal(ping(&b, false, &now), PACE_LOST);
    assert_int_equal(b.keep.died_s, died);
    assert_int_equal(b.keep.interval_s, lived);
    /* It comes back with another mapping and the same Call-ID. */
    struct binding again = b;
    assert_int_equal(address_parse(SLICE("192.0.2.1:4001"), &again.flow.remote), 0);
    pace_on_register(&pace, &b, &again, now, 0);
    assert_int_equal(again.keep.changes, 1);
    assert_int_equal(again.keep.missed, 0);
    for (unsigned i = 0; i < 30; i++)
        ping(&again, true, &now);
    assert_int_equal(again.keep.interval_s, lived);
    assert_int_equal(again.keep.died_s, died);
}

static void a_lost_ping_is_sent_again_before_it_counts(void **state)
{
    (void)state;
    struct binding b = phone(TRANSPORT_UDP, "192.0.2.1:4000");
    int64_t now = b.keep.due_s;
    assert_int_equal(pace_on_due(&pace, &b, now, 0), PACE_SEND);
    assert_int_equal(b.keep.sent_s, now);
    for (unsigned i = 1; i < PACE_TRIES; i++) {
        assert_int_equal(b.keep.due_s, now + PACE_RETRY_S);
        now = b.keep.due_s;
        assert_int_equal(pace_on_due(&pace, &b, now, 0), PACE_AGAIN);
    }
    pace_on_answer(&pace, &b, now, 0);
    assert_int_equal(b.keep.missed, 0);
    /* It was asked more than once: how long the silence was is not sure. */
    assert_int_equal(b.keep.lived_s, 0);
}

static void who_has_answered_and_is_silent_counts_as_unreachable(void **state)
{
    (void)state;
    struct binding b = phone(TRANSPORT_UDP, "192.0.2.1:4000");
    int64_t now = NOW;
    ping(&b, true, &now);
    assert_int_equal(ping(&b, false, &now), PACE_LOST);
    assert_int_equal(ping(&b, false, &now), PACE_LOST);
    assert_false(binding_unreachable(&b));
    assert_int_equal(ping(&b, false, &now), PACE_GRAVE);
    assert_true(binding_unreachable(&b));
    assert_int_equal(b.keep.due_s, now + 110);
    assert_int_equal(ping(&b, false, &now), PACE_LOST);
    now = b.keep.due_s;
    assert_int_equal(pace_on_due(&pace, &b, now, 0), PACE_SEND);
    assert_true(pace_on_answer(&pace, &b, now, 0));
    assert_false(binding_unreachable(&b));
}

static void who_never_answers_is_not_judged_and_asked_once(void **state)
{
    (void)state;
    struct binding b = phone(TRANSPORT_UDP, "192.0.2.1:4000");
    int64_t now = NOW;
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(ping(&b, false, &now), PACE_LOST);
    assert_false(binding_unreachable(&b));
    assert_int_equal(b.keep.interval_s, 25);
    assert_int_equal(b.keep.died_s, 0);
    now = b.keep.due_s;
    assert_int_equal(pace_on_due(&pace, &b, now, 0), PACE_SEND);
    assert_int_equal(pace_on_due(&pace, &b, now + PACE_RETRY_S, 0), PACE_LOST);
}

static void a_phone_that_was_restarted_begins_anew(void **state)
{
    (void)state;
    struct binding b = phone(TRANSPORT_UDP, "192.0.2.1:4000");
    int64_t now = NOW;
    for (unsigned i = 0; i < 9; i++)
        ping(&b, true, &now);
    struct binding again = b;
    again.call_id = SLICE("another");
    pace_on_register(&pace, &b, &again, now, 0);
    assert_int_equal(again.keep.interval_s, 25);
    assert_int_equal(again.keep.lived_s, 0);
    again.call_id = SLICE("call");
    pace_on_register(&pace, &b, &again, now, 0);
    assert_int_equal(again.keep.interval_s, b.keep.interval_s);
    assert_int_equal(again.keep.changes, 0);
}

/* RFC 5626 section 4.4.1: only who is silent needs it, and no answer is waited for. */
static void on_connections_only_the_silent_are_pinged(void **state)
{
    (void)state;
    struct binding b = phone(TRANSPORT_TCP, "192.0.2.1:4000");
    int64_t now = b.keep.due_s;
    b.seen_ms = (now - 5) * 1000;
    assert_int_equal(pace_on_due(&pace, &b, now, 0), PACE_WAIT);
    assert_int_equal(b.keep.due_s, now + 20);
    now = b.keep.due_s;
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(pace_on_due(&pace, &b, now, 0), PACE_SEND);
        now = b.keep.due_s;
    }
    assert_int_equal(b.keep.interval_s, 110);
    b.flow.connection = 0;
    assert_int_equal(pace_on_due(&pace, &b, now, 0), PACE_WAIT);
    assert_int_equal(b.keep.due_s, UINT32_MAX);
}

static void a_connection_that_ended_with_a_ping_on_its_way_was_silent_for_too_long(void **state)
{
    (void)state;
    struct binding b = phone(TRANSPORT_TCP, "192.0.2.1:4000");
    int64_t now = b.keep.due_s;
    assert_int_equal(pace_on_due(&pace, &b, now, 0), PACE_SEND);
    b.flow.connection = 0;
    struct binding again = phone(TRANSPORT_TCP, "192.0.2.1:4001");
    pace_on_register(&pace, &b, &again, now, 0);
    assert_int_equal(again.keep.died_s, 25);
    assert_int_equal(again.keep.interval_s, 16);
    assert_int_equal(again.keep.changes, 1);
}

static void what_comes_together_drifts_apart(void **state)
{
    (void)state;
    unsigned early = 0, late = 0;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct binding b = {.behind_nat = true};
        pace_on_register(&pace, NULL, &b, NOW, seed * 7919);
        assert_true(b.keep.due_s > NOW + 25 - 4 && b.keep.due_s <= NOW + 25);
        pace_on_load(&pace, &b, NOW, seed * 7919);
        assert_true(b.keep.due_s > NOW && b.keep.due_s <= NOW + 25);
        early += b.keep.due_s <= NOW + 8;
        late += b.keep.due_s > NOW + 17;
    }
    assert_true(early > 200 && late > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whose_mapping_is_kept_alive),
        cmocka_unit_test(the_interval_grows_while_the_mapping_lives_up_to_its_bound),
        cmocka_unit_test(what_is_lost_shortens_it_and_is_not_tried_again),
        cmocka_unit_test(a_lost_ping_is_sent_again_before_it_counts),
        cmocka_unit_test(who_has_answered_and_is_silent_counts_as_unreachable),
        cmocka_unit_test(who_never_answers_is_not_judged_and_asked_once),
        cmocka_unit_test(a_phone_that_was_restarted_begins_anew),
        cmocka_unit_test(on_connections_only_the_silent_are_pinged),
        cmocka_unit_test(a_connection_that_ended_with_a_ping_on_its_way_was_silent_for_too_long),
        cmocka_unit_test(what_comes_together_drifts_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
