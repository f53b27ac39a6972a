/* An update that the journal could not make durable is taken back: RFC 3261 section 10.3 step 7. */
#include "base/error.h"
#include "unit/service/location/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ALICE "sip:alice@example.com"
#define DESK  "sip:alice@192.0.2.1"
#define CELL  "sip:alice@192.0.2.2"

static struct location_update update;

static void begin(const char *call_id, uint32_t cseq)
{
    update_init(&update, ALICE, call_id, cseq);
    update.undoable = true;
}

static void take_back(struct fixture *f)
{
    struct location_undo undo = f->bindings.undo;
    assert_int_equal(location_take_back(f->location, &undo, T0, &f->arena), 0);
}

static const struct binding *only(struct fixture *f)
{
    assert_int_equal(fixture_find(f, ALICE, T0), 1);
    return &f->bindings.items[0];
}

static void what_was_added_goes(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    begin("c", 1);
    update_add(&update, DESK, 60);
    update_add(&update, CELL, 60);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    assert_int_equal(f.bindings.undo.before.len, 0);
    take_back(&f);
    assert_int_equal(fixture_find(&f, ALICE, T0), 0);
    fixture_done(&f);
}

static void what_was_refreshed_is_as_before(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    assert_int_equal(fixture_register(&f, ALICE, DESK, "c", 1), 0);
    begin("c", 2);
    update_add(&update, DESK, 60)->binding.q = 500;
    update_add(&update, CELL, 60);
    assert_int_equal(fixture_apply(&f, &update, T0 + 1000), 0);
    assert_int_equal(f.bindings.count, 2);
    take_back(&f);
    const struct binding *b = only(&f);
    assert_true(slice_equal(b->contact, SLICE(DESK)));
    assert_int_equal(b->cseq, 1);
    assert_int_equal(b->q, 1000);
    assert_true(b->expires_ms == T0 + 3600000);
    fixture_done(&f);
}

static void what_was_removed_comes_back(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    assert_int_equal(fixture_register(&f, ALICE, DESK, "c", 1), 0);
    assert_int_equal(fixture_register(&f, ALICE, CELL, "d", 1), 0);
    begin("c", 2);
    update.remove_all = true;
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    struct location_undo undo = f.bindings.undo;
    assert_int_equal(fixture_find(&f, ALICE, T0), 0);
    assert_int_equal(location_take_back(f.location, &undo, T0, &f.arena), 0);
    assert_int_equal(fixture_find(&f, ALICE, T0), 2);
    fixture_done(&f);
}

static void what_has_expired_meanwhile_does_not_come_back(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    begin("c", 1);
    update_add(&update, DESK, 60);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    begin("c", 2);
    update_add(&update, DESK, 0);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    struct location_undo undo = f.bindings.undo;
    assert_int_equal(location_take_back(f.location, &undo, T0 + 60000, &f.arena), 0);
    assert_int_equal(fixture_find(&f, ALICE, T0), 0);
    fixture_done(&f);
}

static void what_another_update_has_changed_since_stays(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    begin("c", 1);
    update_add(&update, DESK, 60);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    struct location_undo undo = f.bindings.undo;
    assert_int_equal(fixture_register(&f, ALICE, DESK, "c", 2), 0);
    assert_int_equal(fixture_register(&f, ALICE, CELL, "d", 1), 0);
    assert_int_equal(location_take_back(f.location, &undo, T0, &f.arena), 0);
    assert_int_equal(fixture_find(&f, ALICE, T0), 2);
    fixture_done(&f);
}

/* The journal hears of it as of any change: what is in the file in the end is what is in memory. */
static void the_journal_learns_of_it(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    assert_int_equal(fixture_register(&f, ALICE, DESK, "c", 1), 0);
    begin("c", 2);
    update_add(&update, DESK, 60);
    update_add(&update, CELL, 60);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    f.journal[0] = '\0';
    take_back(&f);
    assert_string_equal(f.journal, "+" ALICE " " DESK " 1\n-" ALICE " " CELL "\n.");
    fixture_done(&f);
}

static void a_journal_that_refuses_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    begin("c", 1);
    update_add(&update, DESK, 60);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    struct location_undo undo = f.bindings.undo;
    f.journal_status = ERR_LIMIT;
    assert_int_equal(location_take_back(f.location, &undo, T0, &f.arena), ERR_BUSY);
    assert_int_equal(fixture_find(&f, ALICE, T0), 1);
    fixture_done(&f);
}

/* The connection that a binding had before is only told apart from the one it has now. */
static void a_restored_binding_keeps_only_the_connection_that_it_still_has(void **state)
{
    (void)state;
    for (uint32_t second = 1; second <= 2; second++) {
        struct fixture f;
        fixture_init(&f, 0);
        begin("c", 1);
        update_over_tcp(&update, 0, 1);
        update_add(&update, DESK, 60);
        assert_int_equal(fixture_apply(&f, &update, T0), 0);
        begin("c", 2);
        update_over_tcp(&update, 0, second);
        update_add(&update, DESK, 60);
        assert_int_equal(fixture_apply(&f, &update, T0), 0);
        take_back(&f);
        assert_int_equal(only(&f)->flow.connection, second == 1 ? 1 : 0);
        assert_int_equal(only(&f)->cseq, 1);
        /* The table of connections knows no more than the binding does. */
        location_connection_closed(f.location, &update.flow);
        assert_int_equal(only(&f)->flow.connection, 0);
        fixture_done(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_goes),
        cmocka_unit_test(what_was_refreshed_is_as_before),
        cmocka_unit_test(what_was_removed_comes_back),
        cmocka_unit_test(what_has_expired_meanwhile_does_not_come_back),
        cmocka_unit_test(what_another_update_has_changed_since_stays),
        cmocka_unit_test(the_journal_learns_of_it),
        cmocka_unit_test(a_journal_that_refuses_changes_nothing),
        cmocka_unit_test(a_restored_binding_keeps_only_the_connection_that_it_still_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
