/* Connections that close under client transactions: RFC 3261 section 17.1.4. */
#include "unit/sip/transaction/tx_fixture.h"

static struct tx_fixture f;
static struct sip_branch branch;

static int start(void **state)
{
    (void)state;
    tx_start(&f);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    tx_stop(&f);
    return 0;
}

static void close_connection(uint32_t connection)
{
    struct flow flow = tx_flow_tcp(connection);
    sip_transactions_on_connection_closed(&f.layer, &flow);
}

/* RFC 3261 section 17.1.4: those that wait fail, on this connection and no other */
static void only_transactions_of_the_closed_connection_fail(void **state)
{
    (void)state;
    struct sip_branch others[2];
    tx_client(&f, "OPTIONS", tx_flow_tcp(1), &branch);
    tx_client(&f, "INVITE", tx_flow_tcp(1), &branch);
    tx_client(&f, "OPTIONS", tx_flow_tcp(2), &others[0]);
    tx_client(&f, "OPTIONS", tx_flow_udp(), &others[1]);
    assert_int_equal(f.layer.by_connection.count, 2);
    close_connection(1);
    assert_string_equal(f.events, "transport;end;transport;end;");
    assert_int_equal(f.layer.by_connection.count, 1);
    close_connection(1);
    close_connection(3);
    assert_int_equal(f.ends, 2);
    assert_true(tx_answer(&f, &others[0], "OPTIONS", 200, "a"));
    assert_true(tx_answer(&f, &others[1], "OPTIONS", 200, "a"));
    tx_run(&f, 5000);
    assert_string_equal(f.events, "transport;end;transport;end;200;200;end;end;");
}

/* A reused index is another connection. */
static void another_generation_is_another_connection(void **state)
{
    (void)state;
    tx_client(&f, "OPTIONS", tx_flow_tcp(1), &branch);
    struct flow flow = tx_flow_tcp(1);
    flow.generation++;
    sip_transactions_on_connection_closed(&f.layer, &flow);
    flow = tx_flow_tcp(1);
    flow.worker++;
    sip_transactions_on_connection_closed(&f.layer, &flow);
    assert_string_equal(f.events, "");
    close_connection(1);
    assert_string_equal(f.events, "transport;end;");
}

/* RFC 3261 section 18.2.2: the server may open another connection for the final response; figure 5
 * has no transport error in Proceeding */
static void an_invite_in_proceeding_survives_and_is_told(void **state)
{
    (void)state;
    struct sip_client_tx *tx = tx_client(&f, "INVITE", tx_flow_tcp(1), &branch);
    assert_true(tx_answer(&f, &branch, "INVITE", 180, "a"));
    close_connection(1);
    assert_string_equal(f.events, "180;closed;");
    assert_int_equal(sip_client_tx_state(tx), SIP_TX_PROCEEDING);
    assert_int_equal(f.layer.by_connection.count, 0);
    assert_true(tx_answer(&f, &branch, "INVITE", 200, "a"));
    tx_run(&f, 32000);
    assert_string_equal(f.events, "180;closed;200;end;");
}

/* RFC 3261 figure 6: a non-INVITE in Proceeding does not */
static void a_non_invite_in_proceeding_fails(void **state)
{
    (void)state;
    tx_client(&f, "OPTIONS", tx_flow_tcp(1), &branch);
    assert_true(tx_answer(&f, &branch, "OPTIONS", 100, NULL));
    close_connection(1);
    assert_string_equal(f.events, "100;transport;end;");
}

static void one_with_its_final_response_is_not_told(void **state)
{
    (void)state;
    struct sip_branch other;
    tx_client(&f, "INVITE", tx_flow_tcp(1), &branch);
    tx_client(&f, "OPTIONS", tx_flow_tcp(1), &other);
    assert_true(tx_answer(&f, &branch, "INVITE", 200, "a"));
    assert_true(tx_answer(&f, &other, "OPTIONS", 200, "a"));
    close_connection(1);
    assert_int_equal(f.failures, 0);
    tx_run(&f, 32000);
    assert_int_equal(f.ends, 2);
}

static void a_datagram_flow_has_no_connection(void **state)
{
    (void)state;
    struct flow flow = tx_flow_udp();
    tx_client(&f, "OPTIONS", flow, &branch);
    assert_int_equal(f.layer.by_connection.count, 0);
    sip_transactions_on_connection_closed(&f.layer, &flow);
    assert_string_equal(f.events, "");
    tx_run(&f, 32000);
}

/* Connection 0 is none: nothing closes it. */
static void a_stream_without_a_connection_is_not_listed(void **state)
{
    (void)state;
    tx_client(&f, "OPTIONS", tx_flow_tcp(0), &branch);
    assert_int_equal(f.layer.by_connection.count, 0);
    close_connection(0);
    assert_string_equal(f.events, "");
    tx_run(&f, 32000);
    assert_string_equal(f.events, "timeout;end;");
}

/* ---- callbacks that begin and abandon others meanwhile ---- */

static struct sip_client_tx *victims[4];
static unsigned begun;

static void retry_on_failure(struct sip_client_tx *tx, void *user, enum sip_tx_failure failure)
{
    struct sip_branch again;
    (void)tx;
    (void)user;
    assert_int_equal(failure, SIP_TX_FAILED_TRANSPORT);
    for (unsigned i = 0; i < 4; i++)
        if (victims[i] != NULL)
            sip_client_tx_abandon(victims[i]);
    begun += tx_client(&f, "OPTIONS", tx_flow_tcp(1), &again) != NULL;
}

static void forget_on_end(struct sip_client_tx *tx, void *user)
{
    (void)user;
    for (unsigned i = 0; i < 4; i++)
        if (victims[i] == tx)
            victims[i] = NULL;
}

static const struct sip_client_tx_user retrying = {.on_failure = retry_on_failure,
                                                   .on_end = forget_on_end};

static void callbacks_may_begin_on_the_dead_connection_and_abandon_its_others(void **state)
{
    (void)state;
    begun = 0;
    for (unsigned i = 0; i < 4; i++) {
        branch = sip_branch_new(&f.layer, i);
        struct sip_client_tx_start begin = {
            .flow = tx_flow_tcp(1),
            .request = SLICE("OPTIONS sip:a SIP/2.0\r\n\r\n"),
            .method = SIP_OPTIONS,
            .branch = branch,
            .handler = &retrying,
        };
        assert_int_equal(sip_client_tx_new(&f.layer, &begin, &victims[i]), 0);
    }
    close_connection(1);
    assert_int_equal(begun, 1); /* the first one abandoned all others */
    assert_int_equal(sip_transactions_count(&f.layer), 1);
    assert_int_equal(f.layer.by_connection.count, 1);
    close_connection(1);
    assert_string_equal(f.events, "transport;end;");
}

/* Closing touches its own transactions only, and leaving a long list is no search. */
static void many_transactions_on_one_connection(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        f.sent_count = 0;
        assert_non_null(tx_client(&f, "OPTIONS", tx_flow_tcp(1 + i % 2), &branch));
    }
    assert_int_equal(f.layer.by_connection.count, 2);
    f.events[0] = '\0';
    close_connection(1);
    assert_int_equal(f.failures, 1000);
    assert_int_equal(f.ends, 1000);
    assert_int_equal(sip_transactions_count(&f.layer), 1000);
    close_connection(2);
    assert_int_equal(f.ends, 2000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_transactions_of_the_closed_connection_fail),
        TEST(another_generation_is_another_connection),
        TEST(an_invite_in_proceeding_survives_and_is_told),
        TEST(a_non_invite_in_proceeding_fails),
        TEST(one_with_its_final_response_is_not_told),
        TEST(a_datagram_flow_has_no_connection),
        TEST(a_stream_without_a_connection_is_not_listed),
        TEST(callbacks_may_begin_on_the_dead_connection_and_abandon_its_others),
        TEST(many_transactions_on_one_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
