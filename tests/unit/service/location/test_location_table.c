/* The table as a whole: growth, walks, sweeps, connections, running out of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "unit/service/location/fixture.h"

#include <cmocka.h>

#define USERS 20000

static const char *name_of(unsigned user, char *buf)
{
    snprintf(buf, 64, "sip:u%u@example.com", user);
    return buf;
}

static void register_many(struct fixture *f, unsigned first, unsigned last, uint32_t expires_s)
{
    char aor[64], contact[64];
    struct location_update update;
    for (unsigned i = first; i < last; i++) {
        update_init(&update, name_of(i, aor), "c", 1);
        snprintf(contact, sizeof contact, "sip:u%u@192.0.2.1", i);
        update_add(&update, contact, expires_s);
        assert_int_equal(fixture_apply(f, &update, T0), 0);
        f->journal[0] = '\0';
        arena_reset(&f->arena);
    }
}

static void many_users_are_found_as_the_table_grows_and_shrinks(void **state)
{
    (void)state;
    struct fixture f;
    char aor[64];
    fixture_init(&f, 0);
    register_many(&f, 0, USERS, 60);
    assert_true(fixture_stats(&f).aors == USERS);
    size_t full = fixture_stats(&f).bytes;
    for (unsigned i = 0; i < USERS; i++) {
        if (i % 10 != 0)
            assert_int_equal(location_kick(f.location, slice_from_string(name_of(i, aor))), 1);
        f.journal[0] = '\0';
    }
    for (unsigned i = 0; i < USERS; i++) {
        assert_int_equal(fixture_find(&f, name_of(i, aor), T0), i % 10 == 0);
        arena_reset(&f.arena);
    }
    assert_true(fixture_stats(&f).aors == USERS / 10);
    assert_true(fixture_stats(&f).bytes < full / 2);
    fixture_done(&f);
}

static void the_bound_of_all_bindings_refuses_with_busy(void **state)
{
    (void)state;
    struct fixture f;
    memset(&f, 0, sizeof f);
    struct location_config config = {.bindings_limit = 3, .key = {1, 2}};
    assert_int_equal(location_new(&config, &f.location), 0);
    arena_init(&f.arena, 4096, 1 << 20);
    register_many(&f, 0, 3, 60);
    assert_int_equal(fixture_register(&f, "sip:u4@a", "sip:4@a", "c", 1), ERR_BUSY);
    assert_int_equal(fixture_register(&f, "sip:u1@example.com", "sip:u1@192.0.2.1", "c", 2), 0);
    assert_int_equal(location_kick(f.location, SLICE("sip:u1@example.com")), 1);
    assert_int_equal(fixture_register(&f, "sip:u4@a", "sip:4@a", "c", 1), 0);
    fixture_done(&f);
}

/* RFC 3261 section 10.3: bindings whose time is over go */
static void a_sweep_removes_what_has_expired_in_steps(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    register_many(&f, 0, 500, 60);
    register_many(&f, 500, 1000, 3600);
    assert_int_equal(location_sweep(f.location, T0 + 59000, 100000), 0);
    unsigned gone = 0, rounds = 0;
    for (; rounds < 100 && gone < 500; rounds++) {
        unsigned now = location_sweep(f.location, T0 + 60000, 50);
        assert_true(now <= 50);
        gone += now;
        f.journal[0] = '\0';
    }
    assert_int_equal(gone, 500);
    assert_true(rounds >= 10);
    struct location_stats stats = fixture_stats(&f);
    assert_true(stats.bindings == 500 && stats.expired == 500);
    fixture_done(&f);
}

static void a_sweep_drops_one_binding_of_several(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    struct location_update update;
    update_init(&update, "sip:alice@a", "c", 1);
    update_add(&update, "sip:1@a", 10);
    update_add(&update, "sip:2@a", 20);
    update_add(&update, "sip:3@a", 30);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    f.journal[0] = '\0';
    assert_int_equal(location_sweep(f.location, T0 + 20000, 1000), 2);
    assert_string_equal(f.journal, "-sip:alice@a sip:2@a\n-sip:alice@a sip:1@a\n.");
    assert_int_equal(fixture_find(&f, "sip:alice@a", T0), 1);
    assert_int_equal(location_sweep(f.location, T0 + 29000, 1000), 0);
    assert_int_equal(location_sweep(f.location, T0 + 30000, 1000), 1);
    assert_true(fixture_stats(&f).aors == 0);
    fixture_done(&f);
}

static void visit_user(void *user, struct slice aor, const struct binding *binding)
{
    unsigned char *seen = user;
    unsigned number = (unsigned)strtoul(aor.ptr + 5, NULL, 10);
    assert_true(number < USERS);
    assert_true(binding->expires_ms > T0);
    seen[number]++;
}

static void paging_visits_everything_once(void **state)
{
    (void)state;
    struct fixture f;
    static unsigned char seen[USERS];
    fixture_init(&f, 0);
    assert_int_equal(location_each(f.location, UINT64_MAX, visit_user, seen), 0);
    register_many(&f, 0, USERS / 2, 60);
    unsigned pages = 0;
    uint64_t cursor = 0;
    do {
        cursor = location_each(f.location, cursor, visit_user, seen);
        /* The table grows meanwhile. */
        if (pages == 50)
            register_many(&f, USERS / 2, USERS, 60);
        pages++;
    } while (cursor != 0);
    for (unsigned i = 0; i < USERS; i++)
        assert_true(i < USERS / 2 ? seen[i] == 1 : seen[i] <= 1);
    assert_true(pages >= 256);
    fixture_done(&f);
}

/* RFC 5626 section 4.2: what came along a flow cannot be reached by it once it is gone */
static void a_closed_connection_leaves_bindings_without_connection(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    char aor[64];
    struct location_update update;
    for (unsigned i = 0; i < 1000; i++) {
        update_init(&update, name_of(i, aor), "c", 1);
        update_add(&update, "sip:a@192.0.2.1", 60);
        update_add(&update, "sip:b@192.0.2.1", 60);
        update_over_tcp(&update, i % 2, 1 + i % 4);
        assert_int_equal(fixture_apply(&f, &update, T0), 0);
        f.journal[0] = '\0';
        arena_reset(&f.arena);
    }
    struct flow flow = update.flow;
    flow.worker = 0;
    flow.connection = 3;
    location_connection_closed(f.location, &flow);
    location_connection_closed(f.location, &flow);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(fixture_find(&f, name_of(i, aor), T0), 2);
        for (unsigned b = 0; b < 2; b++) {
            assert_int_equal(f.bindings.items[b].flow.connection, i % 4 == 2 ? 0 : 1 + i % 4);
            assert_int_equal(f.bindings.items[b].flow.transport, TRANSPORT_TCP);
        }
        arena_reset(&f.arena);
    }
    fixture_done(&f);
}

static void a_binding_that_moved_to_another_connection_keeps_it(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    struct location_update update;
    struct flow flows[3];
    size_t bytes = 0;
    for (uint32_t i = 0; i < 3000; i++) {
        update_init(&update, "sip:alice@a", "c", i + 1);
        update_add(&update, "sip:1@a", 60);
        update_over_tcp(&update, 1, 1 + i % 3);
        if (i % 7 == 0)
            update.flow.generation++;
        flows[i % 3] = update.flow;
        assert_int_equal(fixture_apply(&f, &update, T0), 0);
        f.journal[0] = '\0';
        arena_reset(&f.arena);
        if (i == 100)
            bytes = fixture_stats(&f).bytes;
    }
    /* Moving to and fro leaves nothing behind. */
    assert_true(fixture_stats(&f).bytes == bytes);
    location_connection_closed(f.location, &flows[0]);
    location_connection_closed(f.location, &flows[1]);
    assert_int_equal(fixture_find(&f, "sip:alice@a", T0), 1);
    assert_int_equal(f.bindings.items[0].flow.connection, 3);
    location_connection_closed(f.location, &flows[2]);
    assert_int_equal(fixture_find(&f, "sip:alice@a", T0), 1);
    assert_int_equal(f.bindings.items[0].flow.connection, 0);
    fixture_done(&f);
}

static void seen_moves_the_time_of_one_connection_only(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    struct location_update update;
    update_init(&update, "sip:alice@a", "c", 1);
    update_add(&update, "sip:1@a", 60);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    update_init(&update, "sip:alice@a", "d", 1);
    update_add(&update, "sip:2@a", 60);
    update_add(&update, "sip:3@a", 60);
    update_over_tcp(&update, 1, 9);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    struct flow other = update.flow;
    other.generation++;
    location_seen(f.location, &update.flow, T0 + 2777);
    location_seen(f.location, &update.flow, T0 + 3);    /* the clock was set back */
    location_seen(f.location, &update.flow, T0 + 3777); /* a second later is soon enough */
    location_seen(f.location, &other, T0 + 8888);
    assert_int_equal(fixture_find(&f, "sip:alice@a", T0), 3);
    assert_true(fixture_binding(&f, "sip:1@a")->seen_ms == T0);
    assert_true(fixture_binding(&f, "sip:2@a")->seen_ms == T0 + 2777);
    assert_true(fixture_binding(&f, "sip:3@a")->seen_ms == T0 + 2777);
    assert_true(fixture_binding(&f, "sip:2@a")->updated_ms == T0);
    fixture_done(&f);
}

static void loading_takes_what_the_store_had(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    struct binding binding = {.contact = SLICE("sip:1@[2001:db8::1]"),
                              .call_id = SLICE("c"),
                              .cseq = 9,
                              .expires_ms = T0 + 1000,
                              .since_ms = T0 - 1000,
                              .updated_ms = T0,
                              .user_agent = SLICE("phone/2"),
                              .flow = {.transport = TRANSPORT_TCP, .connection = 77}};
    assert_int_equal(address_parse(SLICE("[2001:db8::1]:5060"), &binding.flow.remote), 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(
            location_load(f.location, SLICE("sip:alice@a"), SLICE("key-1"), &binding, 4, T0), 0);
    assert_int_equal(
        location_load(f.location, SLICE("sip:alice@a"), SLICE("key-2"), &binding, 5, T0), 0);
    assert_int_equal(fixture_find(&f, "sip:alice@a", T0), 2);
    const struct binding *b = &f.bindings.items[0];
    assert_int_equal(b->flow.connection, 0);
    assert_true(address_equal(&b->flow.remote, &binding.flow.remote));
    assert_true(slice_equal(b->user_agent, SLICE("phone/2")));
    assert_string_equal(f.journal, "");
    assert_true(fixture_stats(&f).bindings == 2);
    /* The order rule holds over a restart. */
    struct location_update update;
    update_init(&update, "sip:alice@a", "c", 9);
    update_add(&update, "sip:1@a", 60)->key = SLICE("key-2");
    assert_int_equal(fixture_apply(&f, &update, T0), ERR_CONFLICT);
    fixture_done(&f);
}

/* Every allocation fails once: the answer is ERR_NO_MEMORY and nothing has changed. */
static void out_of_memory_changes_nothing(void **state)
{
    (void)state;
    for (unsigned old = 0; old < 2; old++) {
        size_t n = 0;
        bool hit;
        do {
            struct fixture f;
            fixture_init(&f, 0);
            struct location_update update;
            if (old == 1)
                assert_int_equal(fixture_register(&f, "sip:alice@a", "sip:1@a", "c", 1), 0);
            update_init(&update, "sip:alice@a", "c", 2);
            update_over_tcp(&update, 0, 5);
            update.user_agent = SLICE("phone/3");
            update_add(&update, "sip:1@a", 0);
            update_add(&update, "sip:2@a", 60);
            update_add(&update, "sip:3@a", 60);
            memory_fail_after(n++);
            int status = fixture_apply(&f, &update, T0);
            hit = memory_fail_hit();
            struct flow flow = update.flow;
            if (status != 0) {
                assert_int_equal(status, ERR_NO_MEMORY);
                assert_int_equal(fixture_find(&f, "sip:alice@a", T0), old);
                assert_true(fixture_stats(&f).bindings == old);
                assert_string_equal(f.journal, old == 1 ? "+sip:alice@a sip:1@a 1\n." : "");
                assert_int_equal(fixture_apply(&f, &update, T0), 0);
            }
            assert_int_equal(f.bindings.count, 2);
            assert_true(slice_equal(f.bindings.items[0].user_agent, SLICE("phone/3")));
            location_connection_closed(f.location, &flow);
            assert_int_equal(fixture_find(&f, "sip:alice@a", T0), 2);
            assert_int_equal(f.bindings.items[0].flow.connection, 0);
            fixture_done(&f);
        } while (hit);
        assert_true(!MEMORY_FAULTS || n > 4);
    }
}

static void out_of_memory_at_the_start_and_while_loading(void **state)
{
    (void)state;
    size_t n = 0;
    bool hit;
    struct location_config config = {.key = {1, 2}};
    struct binding binding = {.contact = SLICE("sip:1@a"), .expires_ms = T0};
    do {
        struct location *location = NULL;
        memory_fail_after(n++);
        int status = location_new(&config, &location);
        if (status == 0)
            status = location_load(location, SLICE("sip:a@a"), SLICE("sip:1@a"), &binding, 1, T0);
        hit = memory_fail_hit();
        assert_int_equal(status, hit ? ERR_NO_MEMORY : 0);
        location_free(location);
    } while (hit);
    location_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_users_are_found_as_the_table_grows_and_shrinks),
        cmocka_unit_test(the_bound_of_all_bindings_refuses_with_busy),
        cmocka_unit_test(a_sweep_removes_what_has_expired_in_steps),
        cmocka_unit_test(a_sweep_drops_one_binding_of_several),
        cmocka_unit_test(paging_visits_everything_once),
        cmocka_unit_test(a_closed_connection_leaves_bindings_without_connection),
        cmocka_unit_test(a_binding_that_moved_to_another_connection_keeps_it),
        cmocka_unit_test(seen_moves_the_time_of_one_connection_only),
        cmocka_unit_test(loading_takes_what_the_store_had),
        cmocka_unit_test(out_of_memory_changes_nothing),
        cmocka_unit_test(out_of_memory_at_the_start_and_while_loading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
