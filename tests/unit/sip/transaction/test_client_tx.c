/* Client transactions in time: RFC 3261 section 17.1 with RFC 6026. */
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

/* ---- INVITE ---- */

/* RFC 3261 section 17.1.1.2: seven requests at doubling intervals, then timer B at 64*T1 */
static void invite_is_sent_seven_times_and_times_out_at_64_t1(void **state)
{
    (void)state;
    struct sip_client_tx *tx = tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    assert_int_equal(sip_client_tx_state(tx), SIP_TX_CALLING);
    tx_run(&f, 31999);
    assert_string_equal(f.events, "");
    tx_run(&f, 1);
    TX_ASSERT_TIMES(&f, 0, 500, 1500, 3500, 7500, 15500, 31500);
    for (unsigned i = 1; i < f.sent_count; i++)
        assert_string_equal(f.sent[i].bytes, f.sent[0].bytes);
    assert_string_equal(f.events, "timeout;end;");
    assert_int_equal(f.end_ms, 32000);
    assert_int_equal(f.layer.counts[SIP_TX_COUNT_TIMEOUT], 1);
    assert_int_equal(f.layer.counts[SIP_TX_COUNT_RETRANSMIT_OUT], 6);
}

/* RFC 3261 section 17.1.1.2: timer A is not started on reliable transports, timer B is */
static void invite_on_tcp_is_sent_once_and_times_out_at_64_t1(void **state)
{
    (void)state;
    tx_client(&f, "INVITE", tx_flow_tcp(1), &branch);
    tx_run(&f, 40000);
    TX_ASSERT_TIMES(&f, 0);
    assert_string_equal(f.events, "timeout;end;");
    assert_int_equal(f.end_ms, 32000);
}

/* RFC 3261 section 17.1.1.2: Proceeding has no retransmissions and no timer B */
static void a_1xx_stops_retransmissions_and_waits_without_end(void **state)
{
    (void)state;
    struct sip_client_tx *tx = tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    tx_run(&f, 700);
    assert_true(tx_answer(&f, &branch, "INVITE", 100, NULL));
    assert_int_equal(sip_client_tx_state(tx), SIP_TX_PROCEEDING);
    tx_run(&f, 100000);
    assert_true(tx_answer(&f, &branch, "INVITE", 180, "a"));
    assert_true(tx_answer(&f, &branch, "INVITE", 183, "b"));
    TX_ASSERT_TIMES(&f, 0, 500);
    assert_true(tx_answer(&f, &branch, "INVITE", 200, "a"));
    assert_string_equal(f.events, "100;180;183;200;");
    tx_run(&f, 32000);
}

/* RFC 6026 section 8.4: Accepted passes every 2xx up for 64*T1, sends no ACK; others are dropped */
static void accepted_passes_2xx_for_64_t1(void **state)
{
    (void)state;
    struct sip_client_tx *tx = tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    assert_true(tx_answer(&f, &branch, "INVITE", 200, "a"));
    assert_int_equal(sip_client_tx_state(tx), SIP_TX_ACCEPTED);
    assert_int_equal(f.layer.blocks.bytes, 0);
    assert_int_equal(sip_client_tx_request(tx).len, 0);
    tx_run(&f, 20000);
    assert_true(tx_answer(&f, &branch, "INVITE", 200, "a"));
    assert_true(tx_answer(&f, &branch, "INVITE", 200, "b"));
    assert_true(tx_answer(&f, &branch, "INVITE", 486, "c"));
    assert_true(tx_answer(&f, &branch, "INVITE", 180, "a"));
    tx_run(&f, 11999);
    assert_string_equal(f.events, "200;200;200;");
    tx_run(&f, 1);
    assert_string_equal(f.events, "200;200;200;end;");
    TX_ASSERT_TIMES(&f, 0);
    assert_false(tx_answer(&f, &branch, "INVITE", 200, "a"));
}

/* RFC 6026 section 8.4: timer M runs on reliable transports too */
static void accepted_lasts_64_t1_on_tcp_too(void **state)
{
    (void)state;
    tx_client(&f, "INVITE", tx_flow_tcp(1), &branch);
    assert_true(tx_answer(&f, &branch, "INVITE", 200, "a"));
    tx_run(&f, 31999);
    assert_int_equal(f.ends, 0);
    tx_run(&f, 1);
    assert_int_equal(f.ends, 1);
}

/* RFC 3261 section 17.1.1.3: what the ACK of a non-2xx holds */
static void the_ack_of_a_non_2xx_is_built_from_request_and_response(void **state)
{
    (void)state;
    struct flow flow = tx_flow_udp();
    tx_client(&f, "INVITE", flow, &branch);
    assert_true(tx_answer(&f, &branch, "INVITE", 486, "99sa0xk"));
    char wanted[1024];
    char name[SIP_BRANCH_LENGTH + 1] = "";
    struct writer w;
    writer_init(&w, name, SIP_BRANCH_LENGTH);
    sip_branch_write(&w, &branch);
    (void)snprintf(wanted, sizeof wanted,
                   "ACK sip:bob@biloxi.example SIP/2.0\r\n"
                   "Via: SIP/2.0/UDP proxy.example:5060;branch=%s;rport\r\n"
                   "Route: <sip:one.example;lr>, <sip:two.example;lr>\r\n"
                   "Route: <sip:three.example;lr>\r\n"
                   "Max-Forwards: 70\r\n"
                   "From: Alice <sip:alice@atlanta.example>;tag=1928301774\r\n"
                   "To: Bob <sip:bob@biloxi.example>;tag=99sa0xk\r\n"
                   "Call-ID: a84b4c76e66710@pc33.atlanta.example\r\n"
                   "CSeq: 314159 ACK\r\n"
                   "Content-Length: 0\r\n\r\n",
                   name);
    assert_int_equal(f.sent_count, 2);
    assert_string_equal(f.sent[1].bytes, wanted);
    assert_memory_equal(&f.sent[1].flow, &flow, sizeof flow);
    tx_run(&f, 32000);
}

/* RFC 6026 section 8.4: each retransmitted 300-699 brings the ACK again and is not passed up */
static void a_retransmitted_final_is_acked_again_and_not_passed_up(void **state)
{
    (void)state;
    struct sip_client_tx *tx = tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    assert_true(tx_answer(&f, &branch, "INVITE", 180, "a"));
    assert_true(tx_answer(&f, &branch, "INVITE", 486, "a"));
    assert_int_equal(sip_client_tx_state(tx), SIP_TX_COMPLETED);
    tx_run(&f, 500);
    assert_true(tx_answer(&f, &branch, "INVITE", 486, "a"));
    tx_run(&f, 1000);
    assert_true(tx_answer(&f, &branch, "INVITE", 486, "a"));
    TX_ASSERT_TIMES(&f, 0, 0, 500, 1500);
    assert_string_equal(f.sent[2].bytes, f.sent[1].bytes);
    assert_string_equal(f.events, "180;486;");
    assert_int_equal(f.layer.counts[SIP_TX_COUNT_RETRANSMIT_IN], 2);
    tx_run(&f, 30499);
    assert_int_equal(f.ends, 0);
    tx_run(&f, 1);
    assert_string_equal(f.events, "180;486;end;");
}

/* RFC 3261 section 17.1.1.2: while Completed only the ACK is needed any more */
static void completed_keeps_the_ack_and_not_the_request(void **state)
{
    (void)state;
    struct sip_client_tx *tx = tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    assert_true(f.layer.blocks.bytes >= 700);
    assert_true(tx_answer(&f, &branch, "INVITE", 486, "a"));
    assert_int_equal(sip_client_tx_request(tx).len, 0);
    assert_true(f.layer.blocks.bytes <= 1024);
    assert_true(f.layer.blocks.bytes > 0);
    tx_run(&f, 32000);
}

/* RFC 3261 section 17.1.1.2: timer D is zero on reliable transports; the ACK is sent all the same
 */
static void completed_ends_at_once_on_tcp_after_the_ack(void **state)
{
    (void)state;
    tx_client(&f, "INVITE", tx_flow_tcp(1), &branch);
    assert_true(tx_answer(&f, &branch, "INVITE", 486, "a"));
    assert_string_equal(f.events, "486;");
    tx_run(&f, 0);
    assert_string_equal(f.events, "486;end;");
    TX_ASSERT_TIMES(&f, 0, 0);
    tx_assert_sent(&f, 1, 0, "ACK ");
}

/* RFC 6026 section 8.4: a 2xx or 1xx after a 300-699 has no transition */
static void completed_ignores_1xx_and_2xx(void **state)
{
    (void)state;
    tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    assert_true(tx_answer(&f, &branch, "INVITE", 486, "a"));
    assert_true(tx_answer(&f, &branch, "INVITE", 200, "b"));
    assert_true(tx_answer(&f, &branch, "INVITE", 180, "b"));
    assert_string_equal(f.events, "486;");
    assert_int_equal(f.sent_count, 2);
    tx_run(&f, 32000);
}

/* RFC 3261 section 17.1.4: a failed send ends it; told by the wheel, not from within the call */
static void a_failed_first_send_is_told_by_the_wheel(void **state)
{
    (void)state;
    f.send_result = ERR_UNREACHABLE;
    struct sip_client_tx *tx = tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    assert_non_null(tx);
    assert_string_equal(f.events, "");
    tx_run(&f, 0);
    assert_string_equal(f.events, "transport;end;");
    assert_int_equal(f.layer.counts[SIP_TX_COUNT_TRANSPORT_ERROR], 1);
}

/* RFC 3261 section 17.1.4 */
static void a_failed_retransmission_ends_it(void **state)
{
    (void)state;
    tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    f.send_result = ERR_UNREACHABLE;
    tx_run(&f, 499);
    assert_string_equal(f.events, "");
    tx_run(&f, 1);
    assert_string_equal(f.events, "transport;end;");
}

/* RFC 6026 section 8.4, figure 5: an ACK that cannot be sent ends Completed; the user has its
 * answer already and is not told a second outcome */
static void a_failed_ack_ends_completed_in_silence(void **state)
{
    (void)state;
    tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    f.send_result = ERR_UNREACHABLE;
    assert_true(tx_answer(&f, &branch, "INVITE", 486, "a"));
    tx_run(&f, 0);
    assert_string_equal(f.events, "486;end;");
}

/* ---- non-INVITE ---- */

/* RFC 3261 section 17.1.2.2: 500 ms, 1 s, 2 s, 4 s, 4 s ... until timer F at 64*T1 */
static void a_request_is_sent_again_up_to_every_t2_and_times_out_at_64_t1(void **state)
{
    (void)state;
    struct sip_client_tx *tx = tx_client(&f, "OPTIONS", tx_flow_udp(), &branch);
    assert_int_equal(sip_client_tx_state(tx), SIP_TX_TRYING);
    tx_run(&f, 40000);
    TX_ASSERT_TIMES(&f, 0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500);
    assert_string_equal(f.events, "timeout;end;");
    assert_int_equal(f.end_ms, 32000);
}

/* RFC 3261 section 17.1.2.2: no timer E on reliable transports, timer F all the same */
static void a_request_on_tcp_is_sent_once_and_times_out_at_64_t1(void **state)
{
    (void)state;
    struct sip_client_tx *tx = tx_client(&f, "OPTIONS", tx_flow_tcp(1), &branch);
    assert_int_equal(f.layer.blocks.bytes, 0); /* nothing to send again: nothing is kept */
    assert_int_equal(sip_client_tx_request(tx).len, 0);
    tx_run(&f, 40000);
    TX_ASSERT_TIMES(&f, 0);
    assert_string_equal(f.events, "timeout;end;");
    assert_int_equal(f.end_ms, 32000);
}

/* RFC 3261 section 17.1.2.2: in Proceeding timer E is reset to T2 each time, timer F goes on */
static void a_1xx_slows_retransmissions_to_t2(void **state)
{
    (void)state;
    struct sip_client_tx *tx = tx_client(&f, "OPTIONS", tx_flow_udp(), &branch);
    tx_run(&f, 600);
    assert_true(tx_answer(&f, &branch, "OPTIONS", 100, NULL));
    assert_int_equal(sip_client_tx_state(tx), SIP_TX_PROCEEDING);
    tx_run(&f, 40000);
    TX_ASSERT_TIMES(&f, 0, 500, 1500, 5500, 9500, 13500, 17500, 21500, 25500, 29500);
    assert_string_equal(f.events, "100;timeout;end;");
    assert_int_equal(f.end_ms, 32000);
}

/* RFC 3261 section 17.1.2.2: only one final is passed up; timer K buffers retransmissions for T4 */
static void a_final_response_ends_it_after_t4(void **state)
{
    (void)state;
    struct sip_client_tx *tx = tx_client(&f, "OPTIONS", tx_flow_udp(), &branch);
    tx_run(&f, 100);
    assert_true(tx_answer(&f, &branch, "OPTIONS", 200, "a"));
    assert_int_equal(sip_client_tx_state(tx), SIP_TX_COMPLETED);
    assert_int_equal(f.layer.blocks.bytes, 0);
    tx_run(&f, 4000);
    assert_true(tx_answer(&f, &branch, "OPTIONS", 200, "a"));
    assert_true(tx_answer(&f, &branch, "OPTIONS", 486, "a"));
    assert_true(tx_answer(&f, &branch, "OPTIONS", 100, NULL));
    tx_run(&f, 999);
    assert_string_equal(f.events, "200;");
    tx_run(&f, 1);
    assert_string_equal(f.events, "200;end;");
    TX_ASSERT_TIMES(&f, 0);
    assert_false(tx_answer(&f, &branch, "OPTIONS", 200, "a"));
}

/* RFC 3261 section 17.1.2.2: timer K is zero on reliable transports */
static void a_final_response_on_tcp_ends_it_at_once(void **state)
{
    (void)state;
    tx_client(&f, "OPTIONS", tx_flow_tcp(1), &branch);
    assert_true(tx_answer(&f, &branch, "OPTIONS", 404, "a"));
    tx_run(&f, 0);
    assert_string_equal(f.events, "404;end;");
}

/* RFC 3261 figure 6: a transport error in Proceeding */
static void a_failed_retransmission_in_proceeding_ends_it(void **state)
{
    (void)state;
    tx_client(&f, "OPTIONS", tx_flow_udp(), &branch);
    assert_true(tx_answer(&f, &branch, "OPTIONS", 100, NULL));
    f.send_result = ERR_UNREACHABLE;
    tx_run(&f, 500);
    assert_string_equal(f.events, "100;transport;end;");
}

/* ---- both ---- */

/* RFC 3261 section 17.1.1.1: T1 is configured, everything follows it */
static void other_timer_values_are_followed(void **state)
{
    (void)state;
    tx_stop(&f);
    struct sip_transactions_config config = tx_config(&f);
    config.times = (struct sip_tx_times){100, 400, 700};
    tx_start_with(&f, &config);
    tx_client(&f, "OPTIONS", tx_flow_udp(), &branch);
    tx_run(&f, 1600);
    TX_ASSERT_TIMES(&f, 0, 100, 300, 700, 1100, 1500);
    assert_true(tx_answer(&f, &branch, "OPTIONS", 200, "a"));
    tx_run(&f, 10000);
    assert_int_equal(f.end_ms, 2300);
}

static void times_of_zero_are_refused(void **state)
{
    (void)state;
    static struct sip_transactions layer;
    struct sip_transactions_config config = tx_config(&f);
    config.times.t2_ms = 0;
    assert_int_equal(sip_transactions_init(&layer, &config, &f.wheel, &f.random), ERR_RANGE);
}

static void an_abandoned_one_runs_to_its_end_in_silence(void **state)
{
    (void)state;
    struct sip_client_tx *tx = tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    sip_client_tx_abandon(tx);
    tx_run(&f, 600);
    assert_int_equal(f.sent_count, 2);
    assert_true(tx_answer(&f, &branch, "INVITE", 486, "a"));
    tx_assert_sent(&f, 2, 600, "ACK ");
    tx_run(&f, 32000);
    assert_string_equal(f.events, "");
    assert_int_equal(sip_transactions_count(&f.layer), 0);
}

/* RFC 3261 section 9.1 bounds it: without a user nobody runs timer C */
static void an_abandoned_invite_ends_64_t1_after_its_1xx(void **state)
{
    (void)state;
    struct sip_client_tx *tx = tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    sip_client_tx_abandon(tx);
    assert_true(tx_answer(&f, &branch, "INVITE", 180, "a"));
    tx_run(&f, 31999);
    assert_int_equal(sip_transactions_count(&f.layer), 1);
    tx_run(&f, 1);
    assert_int_equal(sip_transactions_count(&f.layer), 0);

    tx = tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    assert_true(tx_answer(&f, &branch, "INVITE", 180, "a"));
    sip_client_tx_abandon(tx);
    tx_run(&f, 32000);
    assert_int_equal(sip_transactions_count(&f.layer), 0);
    assert_string_equal(f.events, "180;");
}

static void done_frees_what_is_left_and_tells_its_users(void **state)
{
    (void)state;
    tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    tx_client(&f, "OPTIONS", tx_flow_tcp(3), &branch);
    struct sip_client_tx *waits = tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    assert_int_equal(sip_client_tx_cancel(waits, SLICE_NULL), 0);
    tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    assert_true(tx_answer(&f, &branch, "INVITE", 486, "a"));
    unsigned sent = f.sent_count;
    sip_transactions_done(&f.layer);
    assert_string_equal(f.events, "486;end;end;end;end;");
    assert_int_equal(f.layer.blocks.bytes, 0);
    assert_int_equal(f.sent_count, sent);
    assert_int_equal(f.wheel.count, 0);
    tx_start(&f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(invite_is_sent_seven_times_and_times_out_at_64_t1),
        TEST(invite_on_tcp_is_sent_once_and_times_out_at_64_t1),
        TEST(a_1xx_stops_retransmissions_and_waits_without_end),
        TEST(accepted_passes_2xx_for_64_t1),
        TEST(accepted_lasts_64_t1_on_tcp_too),
        TEST(the_ack_of_a_non_2xx_is_built_from_request_and_response),
        TEST(a_retransmitted_final_is_acked_again_and_not_passed_up),
        TEST(completed_keeps_the_ack_and_not_the_request),
        TEST(completed_ends_at_once_on_tcp_after_the_ack),
        TEST(completed_ignores_1xx_and_2xx),
        TEST(a_failed_first_send_is_told_by_the_wheel),
        TEST(a_failed_retransmission_ends_it),
        TEST(a_failed_ack_ends_completed_in_silence),
        TEST(a_request_is_sent_again_up_to_every_t2_and_times_out_at_64_t1),
        TEST(a_request_on_tcp_is_sent_once_and_times_out_at_64_t1),
        TEST(a_1xx_slows_retransmissions_to_t2),
        TEST(a_final_response_ends_it_after_t4),
        TEST(a_final_response_on_tcp_ends_it_at_once),
        TEST(a_failed_retransmission_in_proceeding_ends_it),
        TEST(other_timer_values_are_followed),
        TEST(times_of_zero_are_refused),
        TEST(an_abandoned_one_runs_to_its_end_in_silence),
        TEST(an_abandoned_invite_ends_64_t1_after_its_1xx),
        TEST(done_frees_what_is_left_and_tells_its_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
