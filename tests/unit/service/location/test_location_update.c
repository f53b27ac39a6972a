#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"
#include "unit/service/location/fixture.h"

#include <cmocka.h>

#define ALICE "sip:alice@example.com"
#define PHONE "sip:alice@192.0.2.1"
#define DESK  "sip:alice@192.0.2.2;transport=tcp"

/* RFC 3261 section 10.3 step 7 */
static void a_new_binding_is_added_and_found(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    struct location_update update;
    update_init(&update, ALICE, "call-1", 17);
    update.path = SLICE("<sip:edge.example.com;lr>");
    update.user_agent = SLICE("phone/1.0");
    update.behind_nat = true;
    struct location_change *change = update_add(&update, PHONE, 60);
    change->binding.params = SLICE(";methods=\"INVITE\"");
    change->binding.q = 700;
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    assert_int_equal(f.ticket, 1);
    assert_int_equal(f.bindings.count, 1);
    assert_int_equal(fixture_find(&f, ALICE, T0 + 59999), 1);
    const struct binding *b = &f.bindings.items[0];
    assert_true(slice_equal(b->contact, SLICE(PHONE)));
    assert_true(slice_equal(b->params, SLICE(";methods=\"INVITE\"")));
    assert_true(slice_equal(b->call_id, SLICE("call-1")));
    assert_true(slice_equal(b->path, SLICE("<sip:edge.example.com;lr>")));
    assert_true(slice_equal(b->user_agent, SLICE("phone/1.0")));
    assert_int_equal(b->cseq, 17);
    assert_int_equal(b->q, 700);
    assert_true(b->expires_ms == T0 + 60000 && b->since_ms == T0 && b->updated_ms == T0);
    assert_true(b->behind_nat);
    assert_true(address_equal(&b->flow.remote, &update.flow.remote));
    assert_true(address_equal(&b->flow.local, &update.flow.local));
    assert_string_equal(f.journal, "+" ALICE " " PHONE " 17\n.");
    fixture_done(&f);
}

/* RFC 3261 section 10.3: an expired binding is none */
static void a_binding_ends_when_its_time_is_over(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    assert_int_equal(fixture_register(&f, ALICE, PHONE, "c", 1), 0);
    assert_int_equal(fixture_find(&f, ALICE, T0 + 3599999), 1);
    assert_int_equal(fixture_find(&f, ALICE, T0 + 3600000), 0);
    assert_int_equal(fixture_find(&f, "sip:bob@example.com", T0), 0);
    fixture_done(&f);
}

/* RFC 3261 section 10.3 step 7: the same Call-ID and a higher CSeq updates */
static void a_higher_cseq_refreshes_and_keeps_the_first_time(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    assert_int_equal(fixture_register(&f, ALICE, PHONE, "c", 1), 0);
    struct location_update update;
    update_init(&update, ALICE, "c", 2);
    update_add(&update, PHONE, 100);
    assert_int_equal(fixture_apply(&f, &update, T0 + 5000), 0);
    assert_int_equal(f.bindings.count, 1);
    const struct binding *b = &f.bindings.items[0];
    assert_true(b->since_ms == T0 && b->updated_ms == T0 + 5000 && b->expires_ms == T0 + 105000);
    struct location_stats stats = fixture_stats(&f);
    assert_true(stats.added == 1 && stats.refreshed == 1 && stats.bindings == 1 && stats.aors == 1);
    fixture_done(&f);
}

/* RFC 3261 section 10.3 step 7: "If not, the update MUST be aborted and the request fails" */
static void a_cseq_that_is_not_higher_fails_the_whole_update(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    assert_int_equal(fixture_register(&f, ALICE, PHONE, "c", 5), 0);
    for (uint32_t cseq = 4; cseq <= 5; cseq++) {
        struct location_update update;
        update_init(&update, ALICE, "c", cseq);
        update_add(&update, DESK, 100);
        update_add(&update, PHONE, cseq == 4 ? 0 : 100);
        assert_int_equal(fixture_apply(&f, &update, T0), ERR_CONFLICT);
        assert_int_equal(fixture_find(&f, ALICE, T0), 1);
        assert_null(fixture_binding(&f, DESK));
    }
    assert_string_equal(f.journal, "+" ALICE " " PHONE " 5\n.");
    fixture_done(&f);
}

/* RFC 3261 section 10.3 step 7: the CSeq counts per binding, with its Call-ID */
static void a_lower_cseq_may_add_another_contact(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    assert_int_equal(fixture_register(&f, ALICE, PHONE, "c", 5), 0);
    assert_int_equal(fixture_register(&f, ALICE, DESK, "c", 4), 0);
    assert_int_equal(f.bindings.count, 2);
    fixture_done(&f);
}

/* RFC 3261 section 10.3 step 7: a differing Call-ID updates whatever the CSeq */
static void another_call_id_replaces_freely(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    assert_int_equal(fixture_register(&f, ALICE, PHONE, "before-the-reboot", 500), 0);
    assert_int_equal(fixture_register(&f, ALICE, PHONE, "after", 1), 0);
    assert_int_equal(f.bindings.count, 1);
    assert_int_equal(f.bindings.items[0].cseq, 1);
    struct location_update update;
    update_init(&update, ALICE, "third", 1);
    update_add(&update, PHONE, 0);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    assert_int_equal(f.bindings.count, 0);
    fixture_done(&f);
}

/* RFC 3261 section 10.3 step 7: expiration zero removes; what is not there stays so */
static void expires_zero_removes(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    assert_int_equal(fixture_register(&f, ALICE, PHONE, "c", 1), 0);
    assert_int_equal(fixture_register(&f, ALICE, DESK, "d", 1), 0);
    struct location_update update;
    update_init(&update, ALICE, "c", 2);
    update_add(&update, PHONE, 0);
    update_add(&update, "sip:nobody@192.0.2.9", 0);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    assert_int_equal(f.bindings.count, 1);
    assert_true(slice_equal(f.bindings.items[0].contact, SLICE(DESK)));
    struct location_stats stats = fixture_stats(&f);
    assert_true(stats.removed == 1 && stats.bindings == 1);
    fixture_done(&f);
}

static void removing_what_is_not_there_needs_no_wait(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    struct location_update update;
    update_init(&update, ALICE, "c", 2);
    update_add(&update, PHONE, 0);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    assert_int_equal(f.bindings.count, 0);
    assert_int_equal(f.ticket, 0);
    assert_string_equal(f.journal, "");
    assert_true(fixture_stats(&f).aors == 0);
    fixture_done(&f);
}

/* RFC 3261 section 10.3 step 6: Contact: * */
static void remove_all_checks_every_binding_before_it_removes_one(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    assert_int_equal(fixture_register(&f, ALICE, PHONE, "c", 1), 0);
    assert_int_equal(fixture_register(&f, ALICE, DESK, "d", 9), 0);
    struct location_update update;
    update_init(&update, ALICE, "d", 9);
    update.remove_all = true;
    assert_int_equal(fixture_apply(&f, &update, T0), ERR_CONFLICT);
    assert_int_equal(fixture_find(&f, ALICE, T0), 2);
    update.cseq = 10;
    f.journal[0] = '\0';
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    assert_int_equal(f.bindings.count, 0);
    assert_string_equal(f.journal, "-" ALICE " " PHONE "\n-" ALICE " " DESK "\n.");
    assert_true(fixture_stats(&f).aors == 0);
    fixture_done(&f);
}

/* RFC 3261 section 10.3 step 6: no Contact asks only */
static void an_update_without_contacts_is_a_question(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    assert_int_equal(fixture_register(&f, ALICE, PHONE, "c", 5), 0);
    struct location_update update;
    update_init(&update, ALICE, "c", 5);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    assert_int_equal(f.bindings.count, 1);
    assert_int_equal(f.ticket, 0);
    fixture_done(&f);
}

/* RFC 3261 section 10.3: "processed atomically"; one journal write for the whole request */
static void several_contacts_are_one_change(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    assert_int_equal(fixture_register(&f, ALICE, PHONE, "c", 1), 0);
    f.journal[0] = '\0';
    struct location_update update;
    update_init(&update, ALICE, "c", 2);
    update_add(&update, PHONE, 0);
    update_add(&update, DESK, 60)->binding.q = 300;
    update_add(&update, "sip:alice@[2001:db8::1]", 60)->binding.q = 900;
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    assert_int_equal(f.bindings.count, 2);
    assert_int_equal(f.bindings.items[0].q, 900);
    assert_int_equal(f.bindings.items[1].q, 300);
    assert_string_equal(f.journal, "+" ALICE " " DESK " 2\n+" ALICE
                                   " sip:alice@[2001:db8::1] 2\n-" ALICE " " PHONE "\n.");
    fixture_done(&f);
}

static void a_contact_named_twice_counts_as_last_named(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    struct location_update update;
    update_init(&update, ALICE, "c", 2);
    update_add(&update, PHONE, 100)->binding.q = 100;
    update_add(&update, PHONE, 200)->binding.q = 200;
    update_add(&update, DESK, 100);
    update_add(&update, DESK, 0);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    assert_int_equal(f.bindings.count, 1);
    assert_int_equal(f.bindings.items[0].q, 200);
    assert_string_equal(f.journal, "+" ALICE " " PHONE " 2\n.");
    fixture_done(&f);
}

/* RFC 5626 section 6: the binding is between the AOR and instance and reg-id */
static void an_instance_and_reg_id_replace_their_older_contact(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    const char *instance = "<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>";
    const char *key = "<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>;1";
    for (uint32_t i = 0; i < 2; i++) {
        struct location_update update;
        update_init(&update, ALICE, i == 0 ? "one" : "two", 1);
        struct location_change *change = update_add(&update, i == 0 ? PHONE : DESK, 60);
        change->binding.instance = slice_from_string(instance);
        change->binding.reg_id = 1;
        change->key = slice_from_string(key);
        assert_int_equal(fixture_apply(&f, &update, T0), 0);
    }
    assert_int_equal(fixture_find(&f, ALICE, T0), 1);
    const struct binding *b = &f.bindings.items[0];
    assert_true(slice_equal(b->contact, SLICE(DESK)));
    assert_true(slice_equal(b->instance, slice_from_string(instance)));
    assert_int_equal(b->reg_id, 1);
    f.journal[0] = '\0';
    assert_int_equal(location_kick(f.location, SLICE(ALICE)), 1);
    assert_string_equal(f.journal,
                        "-" ALICE " <urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>;1\n.");
    fixture_done(&f);
}

/* RFC 3261 section 16.6: targets in order of q */
static void bindings_come_by_q_then_newest_first(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    static const struct {
        const char *contact;
        uint16_t q;
    } phones[] = {{"sip:1@a", 500}, {"sip:2@a", 1000}, {"sip:3@a", 500}, {"sip:4@a", 0}};
    for (unsigned i = 0; i < 4; i++) {
        struct location_update update;
        update_init(&update, ALICE, "c", i);
        update_add(&update, phones[i].contact, 60)->binding.q = phones[i].q;
        assert_int_equal(fixture_apply(&f, &update, T0 + i), 0);
    }
    char order[64] = "";
    for (unsigned i = 0; i < f.bindings.count; i++)
        snprintf(order + i, 2, "%c", f.bindings.items[i].contact.ptr[4]);
    assert_string_equal(order, "2314");
    fixture_done(&f);
}

static void more_contacts_than_the_limit_are_refused_whole(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 2);
    assert_int_equal(fixture_register(&f, ALICE, "sip:1@a", "1", 1), 0);
    struct location_update update;
    update_init(&update, ALICE, "c", 1);
    update_add(&update, "sip:2@a", 60);
    update_add(&update, "sip:3@a", 60);
    assert_int_equal(fixture_apply(&f, &update, T0), ERR_LIMIT);
    assert_int_equal(fixture_find(&f, ALICE, T0), 1);
    /* One goes as another one comes. */
    update_add(&update, "sip:1@a", 0);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    assert_int_equal(f.bindings.count, 2);
    /* Expired ones count no longer. */
    assert_int_equal(fixture_register(&f, ALICE, "sip:4@a", "4", 1), ERR_LIMIT);
    update_init(&update, ALICE, "d", 1);
    update_add(&update, "sip:4@a", 60);
    f.journal[0] = '\0';
    assert_int_equal(fixture_apply(&f, &update, T0 + 60000), 0);
    assert_int_equal(f.bindings.count, 1);
    assert_string_equal(f.journal,
                        "+" ALICE " sip:4@a 1\n-" ALICE " sip:3@a\n-" ALICE " sip:2@a\n.");
    fixture_done(&f);
}

static void an_expired_binding_starts_anew(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    assert_int_equal(fixture_register(&f, ALICE, PHONE, "c", 9), 0);
    struct location_update update;
    update_init(&update, ALICE, "c", 3);
    update_add(&update, PHONE, 60);
    assert_int_equal(fixture_apply(&f, &update, T0 + 3600000), 0);
    assert_int_equal(f.bindings.count, 1);
    assert_true(f.bindings.items[0].since_ms == T0 + 3600000);
    fixture_done(&f);
}

static void a_refusing_journal_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    assert_int_equal(fixture_register(&f, ALICE, PHONE, "c", 1), 0);
    f.journal_status = ERR_LIMIT;
    assert_int_equal(fixture_register(&f, ALICE, DESK, "c", 2), ERR_BUSY);
    assert_int_equal(fixture_register(&f, "sip:bob@example.com", DESK, "c", 2), ERR_BUSY);
    assert_int_equal(location_kick(f.location, SLICE(ALICE)), ERR_BUSY);
    assert_int_equal(location_sweep(f.location, T0 + 3600000, 100), 0);
    assert_int_equal(fixture_find(&f, ALICE, T0), 1);
    assert_int_equal(fixture_find(&f, "sip:bob@example.com", T0), 0);
    assert_true(fixture_stats(&f).bindings == 1);
    fixture_done(&f);
}

static void too_long_strings_are_refused(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    static char big[20000];
    memset(big, 'a', sizeof big - 1);
    assert_int_equal(fixture_register(&f, ALICE, big, "c", 1), ERR_LIMIT);
    assert_int_equal(fixture_register(&f, big, PHONE, "c", 1), ERR_LIMIT);
    big[15000] = '\0';
    assert_int_equal(fixture_register(&f, ALICE, big, "c", 1), 0);
    assert_int_equal(f.bindings.items[0].contact.len, 15000);
    fixture_done(&f);
}

static void kick_removes_all_bindings_of_an_aor(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    assert_int_equal(fixture_register(&f, ALICE, PHONE, "c", UINT32_MAX), 0);
    assert_int_equal(fixture_register(&f, ALICE, DESK, "d", 1), 0);
    assert_int_equal(location_kick(f.location, SLICE("sip:bob@example.com")), 0);
    assert_int_equal(location_kick(f.location, SLICE(ALICE)), 2);
    assert_int_equal(fixture_find(&f, ALICE, T0), 0);
    assert_int_equal(location_kick(f.location, SLICE(ALICE)), 0);
    fixture_done(&f);
}

/* Registers first, then second, which are no spelling of the same key; how many bindings there are.
 */
static unsigned bindings_of(const char *first, const char *second)
{
    struct fixture f;
    fixture_init(&f, 0);
    assert_int_equal(fixture_register(&f, ALICE, first, "c", 1), 0);
    assert_int_equal(fixture_register(&f, ALICE, second, "c", 2), 0);
    unsigned count = fixture_find(&f, ALICE, T0);
    if (count == 1)
        assert_true(slice_equal(f.bindings.items[0].contact, slice_from_string(second)));
    fixture_done(&f);
    return count;
}

/* RFC 3261 section 19.1.4, its sets of equivalent URIs */
static void contacts_that_are_equal_are_one_binding(void **state)
{
    (void)state;
    static const char *const sets[][3] = {
        {"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp",
         "sip:%61lice@atlanta.com;transport=TCP"},
        {"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5",
         "sip:carol@chicago.com;security=on"},
        {"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
         "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
         "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com"},
        {"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
         "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
         "sip:alice@atlanta.com?subject=project%20x&priority=urgent"},
    };
    for (unsigned i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        for (unsigned k = 0; k < 9; k++)
            assert_int_equal(bindings_of(sets[i][k / 3], sets[i][k % 3]), 1);
    }
}

/* RFC 3261 section 19.1.4, its pairs that are not equivalent */
static void contacts_that_differ_are_two(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtlanTa.CoM;Transport=UDP"},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"},
        {"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"},
        {"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"},
        {"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"},
    };
    for (unsigned i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_int_equal(bindings_of(pairs[i][0], pairs[i][1]), 2);
        assert_int_equal(bindings_of(pairs[i][1], pairs[i][0]), 2);
    }
}

/* RFC 5626 section 6: bindings of an instance are told apart by reg-id, whatever their contacts */
static void flows_of_an_instance_stay_apart_though_their_contacts_are_equal(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    struct location_update update;
    update_init(&update, ALICE, "c", 1);
    static const char *const keys[] = {"<urn:uuid:1>;1", "<urn:uuid:1>;2"};
    for (unsigned i = 0; i < 2; i++) {
        struct location_change *change = update_add(&update, PHONE, 60);
        change->binding.instance = SLICE("<urn:uuid:1>");
        change->binding.reg_id = i + 1;
        change->key = slice_from_string(keys[i]);
    }
    update_add(&update, PHONE ";ob", 60);
    assert_int_equal(fixture_apply(&f, &update, T0), 0);
    assert_int_equal(f.bindings.count, 3);
    fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_binding_is_added_and_found),
        cmocka_unit_test(contacts_that_are_equal_are_one_binding),
        cmocka_unit_test(contacts_that_differ_are_two),
        cmocka_unit_test(flows_of_an_instance_stay_apart_though_their_contacts_are_equal),
        cmocka_unit_test(a_binding_ends_when_its_time_is_over),
        cmocka_unit_test(a_higher_cseq_refreshes_and_keeps_the_first_time),
        cmocka_unit_test(a_cseq_that_is_not_higher_fails_the_whole_update),
        cmocka_unit_test(a_lower_cseq_may_add_another_contact),
        cmocka_unit_test(another_call_id_replaces_freely),
        cmocka_unit_test(expires_zero_removes),
        cmocka_unit_test(removing_what_is_not_there_needs_no_wait),
        cmocka_unit_test(remove_all_checks_every_binding_before_it_removes_one),
        cmocka_unit_test(an_update_without_contacts_is_a_question),
        cmocka_unit_test(several_contacts_are_one_change),
        cmocka_unit_test(a_contact_named_twice_counts_as_last_named),
        cmocka_unit_test(an_instance_and_reg_id_replace_their_older_contact),
        cmocka_unit_test(bindings_come_by_q_then_newest_first),
        cmocka_unit_test(more_contacts_than_the_limit_are_refused_whole),
        cmocka_unit_test(an_expired_binding_starts_anew),
        cmocka_unit_test(a_refusing_journal_changes_nothing),
        cmocka_unit_test(too_long_strings_are_refused),
        cmocka_unit_test(kick_removes_all_bindings_of_an_aor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
