/* What happens at the bounds: number of transactions, kept bytes, memory. */
#include "unit/sip/transaction/tx_fixture.h"

#include "base/memory.h"

static struct tx_fixture f;
static struct sip_branch branch;

static void start_with(uint32_t limit, size_t memory_limit)
{
    struct sip_transactions_config config = tx_config(&f);
    config.limit = limit;
    config.memory_limit = memory_limit;
    tx_start_with(&f, &config);
}

static int new_server(const char *branch_text, struct sip_server_tx **ret)
{
    struct tx_text text;
    struct flow flow = tx_flow_udp();
    const struct sip_message *request =
        tx_request_of(&text, &(struct tx_request){.method = "INVITE", .branch = branch_text});
    return sip_server_tx_new(&f.layer, request, &flow, &tx_server_user, &f, ret);
}

static void both_sides_share_the_limit(void **state)
{
    (void)state;
    struct sip_server_tx *server;
    struct sip_server_tx *refused = NULL;
    start_with(2, 0);
    assert_non_null(tx_client(&f, "OPTIONS", tx_flow_udp(), &branch));
    assert_int_equal(new_server("z9hG4bK-1", &server), 0);
    assert_null(tx_client(&f, "OPTIONS", tx_flow_udp(), &branch));
    assert_int_equal(new_server("z9hG4bK-2", &refused), ERR_LIMIT);
    assert_null(refused);
    assert_int_equal(f.layer.counts[SIP_TX_COUNT_REFUSED], 2);
    assert_int_equal(f.sent_count, 1); /* nothing of what was refused */
    sip_server_tx_abandon(server);
    assert_int_equal(new_server("z9hG4bK-2", &server), 0);
    sip_server_tx_abandon(server);
    tx_run(&f, 32000);
    tx_stop(&f);
}

static void limits_change_while_it_runs(void **state)
{
    (void)state;
    struct sip_transactions_config config = tx_config(&f);
    start_with(1, 256);
    config.limit = 2;
    sip_transactions_reload(&f.layer, &config); /* memory_limit 0: none */
    assert_non_null(tx_client(&f, "OPTIONS", tx_flow_udp(), &branch));
    assert_non_null(tx_client(&f, "OPTIONS", tx_flow_udp(), &branch));
    config.limit = 1;
    sip_transactions_reload(&f.layer, &config);
    assert_null(tx_client(&f, "OPTIONS", tx_flow_udp(), &branch));
    assert_int_equal(sip_transactions_count(&f.layer), 2);
    tx_run(&f, 32000);
    tx_stop(&f);
}

static void a_request_that_cannot_be_kept_is_not_sent(void **state)
{
    (void)state;
    start_with(0, 256);
    assert_null(tx_client(&f, "OPTIONS", tx_flow_udp(), &branch));
    assert_int_equal(f.sent_count, 0);
    assert_int_equal(f.layer.counts[SIP_TX_COUNT_REFUSED], 1);
    /* On TCP nothing of it needs to be kept. */
    assert_non_null(tx_client(&f, "OPTIONS", tx_flow_tcp(1), &branch));
    tx_run(&f, 32000);
    tx_stop(&f);
}

static void a_response_that_cannot_be_kept_is_sent_all_the_same(void **state)
{
    (void)state;
    struct sip_server_tx *server;
    start_with(0, 256);
    assert_int_equal(new_server("z9hG4bK-1", &server), 0);
    char big[300];
    memset(big, 'x', sizeof big);
    assert_int_equal(sip_server_tx_respond(server, 180, slice_of(big, sizeof big)), ERR_NO_MEMORY);
    assert_int_equal(f.sent_count, 1);
    assert_int_equal(sip_server_tx_respond(server, 180, slice_of(big, 200)), 0);
    assert_int_equal(sip_server_tx_respond(server, 486, slice_of(big, sizeof big)), ERR_NO_MEMORY);
    assert_int_equal(f.sent_count, 3);
    tx_run(&f, 32000);
    assert_int_equal(f.sent_count, 3); /* an older response is never sent in its place */
    assert_string_equal(f.events, "timeout;end;");
    tx_stop(&f);
}

static void an_ack_that_cannot_be_kept_waits_for_the_response_to_come_again(void **state)
{
    (void)state;
    start_with(0, 0);
    tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    f.layer.blocks.limit = f.layer.blocks.bytes;
    assert_true(tx_answer(&f, &branch, "INVITE", 486, "a"));
    assert_string_equal(f.events, "486;");
    assert_int_equal(f.sent_count, 1);
    f.layer.blocks.limit = 0;
    assert_true(tx_answer(&f, &branch, "INVITE", 486, "a"));
    tx_assert_sent(&f, 1, 0, "ACK ");
    tx_run(&f, 32000);
    tx_stop(&f);
}

/* ---- each allocation failing in turn ---- */

static void call_with_both_sides(void)
{
    struct sip_transactions_config config = tx_config(&f);
    memset(&f, 0, sizeof f);
    wheel_init(&f.wheel, 0);
    random_seed(&f.random, 3);
    int rc = sip_transactions_init(&f.layer, &config, &f.wheel, &f.random);
    if (rc != 0) {
        assert_int_equal(rc, ERR_NO_MEMORY);
        return;
    }
    struct sip_server_tx *server = NULL;
    struct sip_branch branches[3];
    struct sip_client_tx *invite = tx_client(&f, "INVITE", tx_flow_udp(), &branches[0]);
    struct sip_client_tx *cancelled = tx_client(&f, "INVITE", tx_flow_tcp(1), &branches[1]);
    struct sip_client_tx *options = tx_client(&f, "OPTIONS", tx_flow_tcp(1), &branches[2]);
    if (new_server("z9hG4bK-1", &server) == 0) {
        (void)tx_respond(server, 180, "tt");
        (void)tx_respond(server, 486, "tt");
    }
    if (invite != NULL)
        assert_true(tx_answer(&f, &branches[0], "INVITE", 486, "a"));
    if (cancelled != NULL) {
        assert_true(tx_answer(&f, &branches[1], "INVITE", 180, "a"));
        (void)sip_client_tx_cancel(cancelled, SLICE_NULL);
    }
    if (options != NULL)
        assert_true(tx_answer(&f, &branches[2], "OPTIONS", 200, "a"));
    tx_run(&f, 64000);
    tx_stop(&f);
}

static void every_failing_allocation_leaves_nothing_behind(void **state)
{
    (void)state;
    size_t n = 0;
    do {
        memory_fail_after(n++);
        call_with_both_sides();
    } while (memory_fail_hit());
    if (MEMORY_FAULTS)
        assert_true(n > 8);
}

/* Once the pools are filled, nothing is taken from the system any more. */
static void nothing_is_allocated_once_warm(void **state)
{
    (void)state;
    start_with(0, 0);
    for (unsigned i = 0; i < 10; i++) {
        f.sent_count = 0;
        f.events[0] = '\0';
        if (i == 1)
            memory_fail_after(0);
        struct sip_server_tx *server;
        assert_int_equal(new_server("z9hG4bK-1", &server), 0);
        assert_int_equal(tx_respond(server, 180, "tt"), 0);
        assert_int_equal(tx_respond(server, 486, "tt"), 0);
        assert_non_null(tx_client(&f, "INVITE", tx_flow_udp(), &branch));
        assert_true(tx_answer(&f, &branch, "INVITE", 486, "a"));
        assert_non_null(tx_client(&f, "INVITE", tx_flow_tcp(1), &branch));
        assert_true(tx_answer(&f, &branch, "INVITE", 200, "a"));
        tx_run(&f, 64000);
        assert_int_equal(f.ends, 3 * (i + 1));
    }
    assert_false(memory_fail_hit());
    tx_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_share_the_limit),
        cmocka_unit_test(limits_change_while_it_runs),
        cmocka_unit_test(a_request_that_cannot_be_kept_is_not_sent),
        cmocka_unit_test(a_response_that_cannot_be_kept_is_sent_all_the_same),
        cmocka_unit_test(an_ack_that_cannot_be_kept_waits_for_the_response_to_come_again),
        cmocka_unit_test(every_failing_allocation_leaves_nothing_behind),
        cmocka_unit_test(nothing_is_allocated_once_warm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
