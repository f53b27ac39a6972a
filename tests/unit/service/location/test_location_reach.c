/* What leads to a binding, and since when an instance is registered: RFC 5626 sections 5.4 and 7,
 * RFC 5627 section 5.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "unit/service/location/fixture.h"

#define ALICE    "sip:alice@example.com"
#define INSTANCE "<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"
#define REMOTE   "192.0.2.20:40001"

struct row {
    const char *name;
    const char *contact;
    const char *path;
    enum transport transport;
    uint32_t connection;
    uint32_t reg_id;
    bool behind_nat;
    enum binding_reach reach;
};

static const struct row rows[] = {
    {"a phone on UDP", "sip:a@192.0.2.20:5060", "", TRANSPORT_UDP, 0, 0, false, BINDING_BY_CONTACT},
    {"behind a NAT", "sip:a@10.0.0.1", "", TRANSPORT_UDP, 0, 0, true, BINDING_BY_FLOW_ONLY},
    {"outbound on UDP", "sip:a@10.0.0.1", "", TRANSPORT_UDP, 0, 1, false, BINDING_BY_FLOW_ONLY},
    {"a Path", "sip:a@10.0.0.1", "<sip:p;lr>", TRANSPORT_TCP, 3, 1, true, BINDING_BY_CONTACT},
    {"a connection", "sip:a@192.0.2.20:5060", "", TRANSPORT_TCP, 3, 0, false, BINDING_BY_FLOW},
    {"by name", "sip:a@phone.example.net", "", TRANSPORT_TCP, 3, 0, false, BINDING_BY_FLOW},
    {"it is gone", "sip:a@192.0.2.20:5060", "", TRANSPORT_TCP, 0, 0, false, BINDING_BY_CONTACT},
    {"elsewhere", "sip:a@192.0.2.99:40001", "", TRANSPORT_TCP, 0, 0, false, BINDING_BY_CONTACT},
    {"its own port", "sip:a@" REMOTE, "", TRANSPORT_TCP, 3, 0, false, BINDING_BY_FLOW_ONLY},
    {"that is gone", "sip:a@" REMOTE, "", TRANSPORT_TCP, 0, 0, false, BINDING_GONE},
    {"outbound", "sip:a@192.0.2.99:5060", "", TRANSPORT_TLS, 3, 1, false, BINDING_BY_FLOW_ONLY},
    {"that is gone", "sip:a@192.0.2.99:5060", "", TRANSPORT_TLS, 0, 1, false, BINDING_GONE},
    {"NAT on TCP", "sip:a@10.0.0.1:5060", "", TRANSPORT_TCP, 3, 0, true, BINDING_BY_FLOW_ONLY},
    {"that is gone", "sip:a@10.0.0.1:5060", "", TRANSPORT_TCP, 0, 0, true, BINDING_GONE},
    {"a browser", "sip:a@x.INVALID", "", TRANSPORT_WSS, 3, 0, false, BINDING_BY_FLOW_ONLY},
    {"that is gone", "sip:a@x.invalid", "", TRANSPORT_WSS, 0, 0, false, BINDING_GONE},
    {"WebSocket", "sip:a@192.0.2.20:5060", "", TRANSPORT_WS, 0, 0, false, BINDING_GONE},
    {".invalid on TCP", "sip:a@x.invalid", "", TRANSPORT_TCP, 0, 0, false, BINDING_GONE},
    {"TLS", "sip:a@192.0.2.20:5061", "", TRANSPORT_TLS, 3, 0, false, BINDING_BY_FLOW_ONLY},
    {"that is gone", "sip:a@192.0.2.20:5061", "", TRANSPORT_TLS, 0, 0, false, BINDING_GONE},
    {"TLS by name", "sip:a@gw.example.net", "", TRANSPORT_TLS, 0, 0, false, BINDING_BY_CONTACT},
};

static struct binding binding_of(const struct row *row)
{
    struct binding b = {.contact = slice_from_string(row->contact),
                        .path = slice_from_string(row->path),
                        .reg_id = row->reg_id,
                        .behind_nat = row->behind_nat,
                        .seen_ms = T0};
    b.flow.transport = (uint8_t)row->transport;
    b.flow.connection = row->connection;
    assert_int_equal(address_parse(SLICE(REMOTE), &b.flow.remote), 0);
    return b;
}

/* RFC 5626 section 7, RFC 7118 section 5 */
static void what_leads_to_a_binding(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct binding b = binding_of(&rows[i]);
        enum binding_reach reach = location_reach(f.location, &b, T0 + 1000000);
        if (reach != rows[i].reach)
            fail_msg("%s (%zu): %d", rows[i].name, i, (int)reach);
    }
    fixture_done(&f);
}

/* RFC 5626 section 5.4: a grace period after Flow-Timer */
static void a_flow_without_keep_alives_is_gone_after_the_grace(void **state)
{
    (void)state;
    static const struct {
        uint32_t timer_s;
        int64_t alive_ms, gone_ms;
    } cases[] = {{20, 30000, 30001}, {120, 150000, 150001}};
    for (size_t i = 0; i < 2; i++) {
        struct location_config config = {.flow_timer_s = cases[i].timer_s};
        struct location *location;
        assert_int_equal(location_new(&config, &location), 0);
        struct binding b = binding_of(&rows[10]);
        assert_int_equal(location_reach(location, &b, T0 + cases[i].alive_ms),
                         BINDING_BY_FLOW_ONLY);
        assert_int_equal(location_reach(location, &b, T0 + cases[i].gone_ms), BINDING_GONE);
        b.reg_id = 0; /* was told no Flow-Timer */
        b.contact = SLICE("sip:a@192.0.2.20:5060");
        b.flow.transport = TRANSPORT_TCP;
        assert_int_equal(location_reach(location, &b, T0 + cases[i].gone_ms), BINDING_BY_FLOW);
        location_free(location);
    }
}

static void register_flow(struct fixture *f, uint32_t reg_id, const char *call_id, uint32_t cseq,
                          int64_t now_ms, uint32_t expires_s)
{
    struct location_update update;
    char key[80];
    (void)snprintf(key, sizeof(key), INSTANCE ";%u", reg_id);
    update_init(&update, ALICE, call_id, cseq);
    struct location_change *change = update_add(&update, "sip:a@192.0.2.20", expires_s);
    change->binding.instance = SLICE(INSTANCE);
    change->binding.reg_id = reg_id;
    change->key = slice_from_string(key);
    assert_int_equal(fixture_apply(f, &update, now_ms), 0);
}

/* The one binding there is, along a flow of datagrams from REMOTE. */
static enum binding_reach reach_at(struct location *location, int64_t now_ms)
{
    struct location_bindings bindings;
    struct arena arena;
    arena_init(&arena, 4096, 1 << 16);
    assert_int_equal(location_find(location, SLICE(ALICE), now_ms, &arena, &bindings), 0);
    assert_int_equal(bindings.count, 1);
    assert_int_equal(bindings.items[0].flow.connection, 0);
    enum binding_reach reach = location_reach(location, &bindings.items[0], now_ms);
    arena_done(&arena);
    return reach;
}

static void register_datagrams(struct location *location, uint32_t cseq, const char *remote)
{
    struct location_update update;
    struct location_bindings bindings;
    struct arena arena;
    int64_t ticket;
    update_init(&update, ALICE, "one", cseq);
    assert_int_equal(address_parse(slice_from_string(remote), &update.flow.remote), 0);
    update.flow.transport = TRANSPORT_UDP;
    struct location_change *change = update_add(&update, "sip:a@192.0.2.20", 3600);
    change->binding.instance = SLICE(INSTANCE);
    change->binding.reg_id = 1;
    change->key = SLICE(INSTANCE ";1");
    arena_init(&arena, 4096, 1 << 16);
    assert_int_equal(location_update(location, &update, T0, &arena, &bindings, &ticket), 0);
    arena_done(&arena);
}

/* RFC 5626 sections 4.4.2, 5.4: STUN from the address of the flow, whichever worker it came to. */
static void a_flow_of_datagrams_lives_by_its_keep_alives(void **state)
{
    (void)state;
    struct location_config config = {.flow_timer_s = 20};
    struct location *location;
    struct flow flow = {.transport = TRANSPORT_UDP, .worker = 3};
    assert_int_equal(location_new(&config, &location), 0);
    register_datagrams(location, 1, REMOTE);
    assert_int_equal(reach_at(location, T0 + 30000), BINDING_BY_FLOW_ONLY);
    assert_int_equal(reach_at(location, T0 + 30001), BINDING_GONE);
    assert_int_equal(address_parse(SLICE("192.0.2.20:40002"), &flow.remote), 0);
    location_seen(location, &flow, T0 + 20000); /* another port: another flow */
    assert_int_equal(reach_at(location, T0 + 30001), BINDING_GONE);
    assert_int_equal(address_parse(SLICE(REMOTE), &flow.remote), 0);
    location_seen(location, &flow, T0 + 20000);
    assert_int_equal(reach_at(location, T0 + 50000), BINDING_BY_FLOW_ONLY);
    assert_int_equal(reach_at(location, T0 + 50001), BINDING_GONE);
    /* It comes from another address: the old one tells nothing any more. */
    register_datagrams(location, 2, "192.0.2.21:40001");
    location_seen(location, &flow, T0 + 20000);
    assert_int_equal(reach_at(location, T0 + 30001), BINDING_GONE);
    assert_int_equal(location_kick(location, SLICE(ALICE)), 1);
    location_free(location);
}

static void assert_since(const struct fixture *f, unsigned count, int64_t since_ms)
{
    assert_int_equal(f->bindings.count, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(f->bindings.items[i].since_ms, since_ms);
}

/* RFC 5627 sections 3.2 and 5.1 */
static void an_instance_is_registered_as_long_as_any_of_its_flows(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    register_flow(&f, 1, "one", 1, T0, 600);
    register_flow(&f, 2, "two", 1, T0 + 1000, 600);
    assert_since(&f, 2, T0);
    register_flow(&f, 1, "one", 2, T0 + 2000, 0);
    assert_since(&f, 1, T0);
    register_flow(&f, 1, "three", 1, T0 + 3000, 600);
    assert_since(&f, 2, T0);
    register_flow(&f, 1, "three", 2, T0 + 4000, 0);
    register_flow(&f, 2, "two", 2, T0 + 4000, 0);
    register_flow(&f, 1, "three", 3, T0 + 5000, 600);
    assert_since(&f, 1, T0 + 5000);
    fixture_done(&f);
}

/* RFC 5627 section 5.1: for the instance as a whole, and kept over restarts */
static void another_call_id_for_a_flow_begins_the_instance_anew(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 0);
    register_flow(&f, 1, "one", 1, T0, 600);
    register_flow(&f, 2, "two", 1, T0 + 1000, 600);
    f.journal[0] = '\0';
    register_flow(&f, 1, "other", 1, T0 + 2000, 600);
    assert_since(&f, 2, T0 + 2000);
    assert_non_null(strstr(f.journal, INSTANCE ";1 1"));
    assert_non_null(strstr(f.journal, INSTANCE ";2 1"));
    assert_int_equal(fixture_find(&f, ALICE, T0 + 601500), 1); /* flow 2 expires as it would have */
    fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_leads_to_a_binding),
        cmocka_unit_test(a_flow_without_keep_alives_is_gone_after_the_grace),
        cmocka_unit_test(a_flow_of_datagrams_lives_by_its_keep_alives),
        cmocka_unit_test(an_instance_is_registered_as_long_as_any_of_its_flows),
        cmocka_unit_test(another_call_id_for_a_flow_begins_the_instance_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
