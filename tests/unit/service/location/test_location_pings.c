/* Pings over the table: who is due, what answers do, and what forged ones do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"
#include "unit/service/location/fixture.h"

#include <cmocka.h>

#define ALICE "sip:alice@example.com"
#define PHONE "sip:alice@10.0.0.1:5060"

static const struct location_pace pace = {LOCATION_KEEP_AUTO, 25, 10, 110};

static struct flow from(const char *source)
{
    struct flow flow = {.transport = TRANSPORT_UDP};
    assert_int_equal(address_parse(SLICE("192.0.2.250:5060"), &flow.local), 0);
    assert_int_equal(address_parse(slice_from_string(source), &flow.remote), 0);
    return flow;
}

static void register_phone(struct fixture *f, const char *aor, const char *contact, uint32_t cseq)
{
    struct location_update update;
    update_init(&update, aor, "call", cseq);
    update.behind_nat = true;
    update.flow = from("192.0.2.1:4000");
    update_add(&update, contact, 3600);
    assert_int_equal(fixture_apply(f, &update, T0), 0);
}

/* All pings that are due within one round of one worker of one. */
static unsigned round_of(struct fixture *f, int64_t now_ms, struct location_ping *pings,
                         unsigned limit, struct location_walk *walk)
{
    unsigned count = 0;
    *walk = (struct location_walk){.workers = 1};
    do {
        count +=
            location_pings_due(f->location, walk, now_ms, &f->arena, pings + count, limit - count);
    } while (!walk->round && count < limit);
    return count;
}

static struct location_ping ping_of(struct fixture *f, int64_t now_ms)
{
    struct location_ping ping;
    struct location_walk walk;
    assert_int_equal(round_of(f, now_ms, &ping, 1, &walk), 1);
    return ping;
}

static enum location_ping_answer answer(struct fixture *f, uint64_t key, uint64_t token,
                                        const struct flow *flow, int64_t now_ms,
                                        struct location_ping *ret_there)
{
    const struct location_ping answered = {.flow = *flow, .key = key, .token = token};
    return location_ping_answered(f->location, &answered, now_ms, &f->arena, ret_there);
}

static void start(struct fixture *f)
{
    fixture_init(f, 0);
    location_set_pace(f->location, &pace);
}

static void a_ping_is_due_once_an_interval_and_its_answer_is_a_sign_of_life(void **state)
{
    (void)state;
    struct fixture f;
    struct location_ping ping, other;
    struct location_walk walk;
    start(&f);
    register_phone(&f, ALICE, PHONE, 1);
    assert_int_equal(round_of(&f, T0 + 20000, &ping, 1, &walk), 0);
    ping = ping_of(&f, T0 + 25000);
    assert_false(ping.again);
    assert_true(slice_equal(ping.contact, SLICE(PHONE)));
    struct flow flow = from("192.0.2.1:4000");
    assert_true(address_equal(&ping.flow.remote, &flow.remote));
    assert_int_equal(round_of(&f, T0 + 25500, &other, 1, &walk), 0);
    other = ping_of(&f, T0 + 27000); /* the same, once more */
    assert_true(other.again && other.key == ping.key && other.token == ping.token);
    assert_int_equal(answer(&f, ping.key, ping.token, &flow, T0 + 27100, &other),
                     LOCATION_PING_ALIVE);
    assert_int_equal(answer(&f, ping.key, ping.token, &flow, T0 + 27200, &other),
                     LOCATION_PING_STRANGE);
    fixture_find(&f, ALICE, T0 + 28000);
    assert_true(f.bindings.items[0].seen_ms == T0 + 27100);
    assert_true(f.bindings.items[0].keep.answers);
    ping = ping_of(&f, T0 + 27100 + 25000);
    assert_true(other.token != ping.token);
    fixture_done(&f);
}

static void workers_share_the_table_and_a_limit_only_delays(void **state)
{
    (void)state;
    enum { PHONES = 300 };
    static struct location_ping pings[PHONES];
    struct fixture f;
    struct location_walk walk;
    char aor[64], contact[64];
    unsigned count = 0;
    start(&f);
    for (unsigned i = 0; i < PHONES; i++) {
        (void)snprintf(aor, sizeof aor, "sip:user%u@example.com", i);
        (void)snprintf(contact, sizeof contact, "sip:user%u@10.0.0.1:5060", i);
        register_phone(&f, aor, contact, 1);
    }
    for (unsigned worker = 0; worker < 3; worker++) {
        walk = (struct location_walk){.worker = worker, .workers = 3, .shard = worker};
        do {
            count += location_pings_due(f.location, &walk, T0 + 25000, &f.arena, pings + count,
                                        count + 7 < PHONES ? 7 : PHONES - count);
        } while (!walk.round);
    }
    assert_int_equal(count, PHONES);
    for (unsigned i = 0; i < count; i++) {
        for (unsigned k = 0; k < i; k++)
            assert_false(slice_equal(pings[i].contact, pings[k].contact));
    }
    fixture_done(&f);
}

/* RFC 3261 section 26: nobody takes a binding by a packet that he makes up. */
static void an_answer_from_elsewhere_moves_it_only_after_an_answer_from_there(void **state)
{
    (void)state;
    struct fixture f;
    struct location_ping there, unused;
    start(&f);
    register_phone(&f, ALICE, PHONE, 1);
    struct location_ping ping = ping_of(&f, T0 + 25000);
    struct flow old = from("192.0.2.1:4000"), new = from("192.0.2.1:4001"),
                other = from("198.51.100.9:4001");
    int64_t now = T0 + 25100;
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t flip = UINT64_C(1) << bit;
        assert_int_equal(answer(&f, ping.key ^ flip, ping.token, &old, now, &unused),
                         LOCATION_PING_STRANGE);
        assert_int_equal(answer(&f, ping.key, ping.token ^ flip, &old, now, &unused),
                         LOCATION_PING_STRANGE);
    }
    assert_int_equal(answer(&f, ping.key, ping.token, &new, now, &there), LOCATION_PING_ELSEWHERE);
    fixture_find(&f, ALICE, now);
    assert_true(address_equal(&f.bindings.items[0].flow.remote, &old.remote));
    assert_true(address_equal(&there.flow.remote, &new.remote));
    assert_true(there.token != ping.token);
    /* Its proof is good from that address only. */
    assert_int_equal(answer(&f, there.key, there.token, &other, now, &unused),
                     LOCATION_PING_STRANGE);
    assert_int_equal(answer(&f, there.key, there.token, &old, now, &unused), LOCATION_PING_STRANGE);
    f.journal[0] = '\0';
    assert_int_equal(answer(&f, there.key, there.token, &new, now, &unused), LOCATION_PING_MOVED);
    assert_string_equal(f.journal, "+" ALICE " " PHONE " 1\n.");
    fixture_find(&f, ALICE, now);
    assert_true(address_equal(&f.bindings.items[0].flow.remote, &new.remote));
    assert_int_equal(f.bindings.items[0].keep.changes, 1);
    /* And once. */
    assert_int_equal(answer(&f, there.key, there.token, &new, now, &unused), LOCATION_PING_STRANGE);
    assert_int_equal(answer(&f, ping.key, ping.token, &old, now, &unused), LOCATION_PING_STRANGE);
    fixture_done(&f);
}

static bool move(struct fixture *f, const char *contact, const struct flow *flow)
{
    struct sip_uri uri;
    assert_int_equal(sip_uri_parse(slice_from_string(contact), &uri), 0);
    return location_move(f->location, SLICE(ALICE), &uri, flow, T0 + 1000, &f->arena);
}

static void who_has_proved_himself_is_where_he_sends_from(void **state)
{
    (void)state;
    struct fixture f;
    struct location_update update;
    start(&f);
    struct flow new = from("192.0.2.1:4001");
    assert_false(move(&f, PHONE, &new));
    update_init(&update, ALICE, "direct", 1);
    update_add(&update, "sip:alice@192.0.2.1", 3600);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    register_phone(&f, ALICE, PHONE, 1);
    assert_false(move(&f, "sip:alice@10.0.0.2:5060", &new));
    assert_false(move(&f, "sip:alice@192.0.2.1", &new)); /* behind no NAT */
    f.journal[0] = '\0';
    assert_true(move(&f, PHONE, &new));
    assert_string_equal(f.journal, "+" ALICE " " PHONE " 1\n.");
    assert_false(move(&f, PHONE, &new)); /* it is there */
    assert_int_equal(fixture_find(&f, ALICE, T0 + 2000), 2);
    const struct binding *b = fixture_binding(&f, PHONE);
    assert_true(address_equal(&b->flow.remote, &new.remote));
    assert_true(b->updated_ms == T0 && b->expires_ms == T0 + 3600000);
    assert_int_equal(b->keep.changes, 1);
    new.transport = TRANSPORT_TCP;
    assert_false(move(&f, PHONE, &new));
    f.journal_status = ERR_BUSY;
    new = from("192.0.2.1:4002");
    assert_false(move(&f, PHONE, &new));
    fixture_done(&f);
}

static void along_another_connection_too(void **state)
{
    (void)state;
    struct fixture f;
    struct location_update update;
    start(&f);
    update_init(&update, ALICE, "call", 1);
    update.behind_nat = true;
    update.user_agent = SLICE("phone/1.0");
    update_add(&update, PHONE, 3600);
    update_over_tcp(&update, 0, 7);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    location_connection_closed(f.location, &update.flow);
    struct flow new = update.flow;
    new.connection = 8;
    assert_true(move(&f, PHONE, &new));
    fixture_find(&f, ALICE, T0 + 2000);
    assert_int_equal(f.bindings.items[0].flow.connection, 8);
    assert_true(slice_equal(f.bindings.items[0].user_agent, SLICE("phone/1.0")));
    location_connection_closed(f.location, &new);
    fixture_find(&f, ALICE, T0 + 2000);
    assert_int_equal(f.bindings.items[0].flow.connection, 0);
    fixture_done(&f);
}

static void what_expires_is_removed_though_pings_were_due_before(void **state)
{
    (void)state;
    struct fixture f;
    struct location_walk walk;
    struct location_ping ping;
    start(&f);
    register_phone(&f, ALICE, PHONE, 1);
    assert_int_equal(location_sweep(f.location, T0 + 30000, 1000), 0);
    assert_int_equal(round_of(&f, T0 + 3600000, &ping, 1, &walk), 0);
    assert_int_equal(location_sweep(f.location, T0 + 3600000, 1000), 1);
    fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ping_is_due_once_an_interval_and_its_answer_is_a_sign_of_life),
        cmocka_unit_test(workers_share_the_table_and_a_limit_only_delays),
        cmocka_unit_test(an_answer_from_elsewhere_moves_it_only_after_an_answer_from_there),
        cmocka_unit_test(who_has_proved_himself_is_where_he_sends_from),
        cmocka_unit_test(along_another_connection_too),
        cmocka_unit_test(what_expires_is_removed_though_pings_were_due_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
