/* Server transactions in time: RFC 3261 section 17.2 with RFC 6026 and RFC 4320. */
#include "unit/sip/transaction/tx_fixture.h"

static struct tx_fixture f;
static struct tx_text text;

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

static const struct sip_message *request_of(const char *method)
{
    return tx_request_of(&text, &(struct tx_request){.method = method});
}

static struct sip_server_tx *server(const char *method, struct flow flow)
{
    return tx_server(&f, request_of(method), flow);
}

/* The same request once more, or the ACK to it. */
static enum sip_request_match again(const char *method)
{
    struct sip_server_tx *tx;
    struct tx_text copy;
    const struct sip_message *request =
        tx_request_of(&copy, &(struct tx_request){.method = method});
    return sip_transactions_on_request(&f.layer, request, &tx);
}

/* ---- INVITE ---- */

/* RFC 3261 section 17.2.1: a retransmission brings the most recent provisional response again */
static void a_retransmitted_invite_brings_the_last_1xx(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("INVITE", tx_flow_udp());
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_PROCEEDING);
    assert_int_equal(again("INVITE"), SIP_REQUEST_ABSORBED);
    assert_int_equal(f.sent_count, 0); /* nothing was sent yet */
    assert_int_equal(tx_respond(tx, 100, NULL), 0);
    tx_run(&f, 500);
    assert_int_equal(again("INVITE"), SIP_REQUEST_ABSORBED);
    assert_int_equal(tx_respond(tx, 180, "a"), 0);
    tx_run(&f, 1000);
    assert_int_equal(again("INVITE"), SIP_REQUEST_ABSORBED);
    tx_assert_sent(&f, 0, 0, "SIP/2.0 100");
    tx_assert_sent(&f, 1, 500, "SIP/2.0 100");
    tx_assert_sent(&f, 2, 500, "SIP/2.0 180");
    tx_assert_sent(&f, 3, 1500, "SIP/2.0 180");
    assert_int_equal(f.sent_count, 4);
    assert_int_equal(f.layer.counts[SIP_TX_COUNT_RETRANSMIT_IN], 3);
    sip_server_tx_abandon(tx);
}

/* RFC 3261 section 17.2.1: provisional responses are not retransmitted, Proceeding has no timer */
static void proceeding_lasts_until_the_user_answers(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("INVITE", tx_flow_udp());
    tx_respond(tx, 180, "a");
    tx_run(&f, 500000);
    assert_int_equal(f.sent_count, 1);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_PROCEEDING);
    sip_server_tx_abandon(tx);
    assert_int_equal(sip_transactions_count(&f.layer), 0);
    assert_string_equal(f.events, "");
}

/* RFC 3261 section 17.2.1: timer G doubles up to T2, timer H ends it at 64*T1 */
static void a_final_is_sent_again_until_timer_h(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("INVITE", tx_flow_udp());
    assert_int_equal(tx_respond(tx, 486, "a"), 0);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_COMPLETED);
    tx_run(&f, 31999);
    assert_string_equal(f.events, "");
    tx_run(&f, 1);
    TX_ASSERT_TIMES(&f, 0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500);
    assert_string_equal(f.events, "timeout;end;");
    for (unsigned i = 1; i < f.sent_count; i++)
        assert_string_equal(f.sent[i].bytes, f.sent[0].bytes);
}

/* RFC 3261 section 17.2.1: no timer G on reliable transports, timer H all the same */
static void a_final_on_tcp_is_sent_once_and_waits_for_the_ack(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("INVITE", tx_flow_tcp(1));
    tx_respond(tx, 486, "a");
    tx_run(&f, 31999);
    TX_ASSERT_TIMES(&f, 0);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_COMPLETED);
    tx_run(&f, 1);
    assert_string_equal(f.events, "timeout;end;");
}

/* RFC 3261 section 17.2.1: what a retransmission brings does not depend on the transport */
static void a_retransmitted_invite_on_tcp_brings_the_last_response_too(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("INVITE", tx_flow_tcp(1));
    tx_respond(tx, 180, "a");
    assert_int_equal(again("INVITE"), SIP_REQUEST_ABSORBED);
    tx_assert_sent(&f, 1, 0, "SIP/2.0 180");
    tx_respond(tx, 486, "a");
    assert_int_equal(again("INVITE"), SIP_REQUEST_ABSORBED);
    tx_assert_sent(&f, 3, 0, "SIP/2.0 486");
    assert_int_equal(again("ACK"), SIP_REQUEST_ABSORBED);
    tx_run(&f, 0);
}

/* RFC 3261 section 17.2.1: a request retransmission in Completed brings the response again */
static void a_retransmitted_invite_in_completed_brings_the_final(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("INVITE", tx_flow_udp());
    tx_respond(tx, 180, "a");
    tx_respond(tx, 486, "a");
    tx_run(&f, 100);
    assert_int_equal(again("INVITE"), SIP_REQUEST_ABSORBED);
    tx_assert_sent(&f, 2, 100, "SIP/2.0 486");
    assert_int_equal(again("ACK"), SIP_REQUEST_ABSORBED);
    tx_run(&f, 5000);
}

/* RFC 3261 section 17.2.1: the ACK stops G and H; Confirmed absorbs further ACKs for T4 */
static void the_ack_of_a_non_2xx_confirms(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("INVITE", tx_flow_udp());
    tx_respond(tx, 486, "a");
    tx_run(&f, 600);
    assert_int_equal(again("ACK"), SIP_REQUEST_ABSORBED);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_CONFIRMED);
    assert_int_equal(f.layer.blocks.bytes, 0);
    tx_run(&f, 4000);
    assert_int_equal(again("ACK"), SIP_REQUEST_ABSORBED);
    assert_int_equal(again("INVITE"), SIP_REQUEST_ABSORBED);
    tx_run(&f, 999);
    assert_string_equal(f.events, "");
    tx_run(&f, 1);
    assert_string_equal(f.events, "end;");
    TX_ASSERT_TIMES(&f, 0, 500);
    assert_int_equal(again("ACK"), SIP_REQUEST_ACK); /* past its transaction */
}

/* RFC 3261 section 17.2.1: timer I is zero on reliable transports */
static void confirmed_ends_at_once_on_tcp(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("INVITE", tx_flow_tcp(1));
    tx_respond(tx, 486, "a");
    assert_int_equal(again("ACK"), SIP_REQUEST_ABSORBED);
    tx_run(&f, 0);
    assert_string_equal(f.events, "end;");
}

/* RFC 6026 section 8.7: Accepted absorbs INVITEs, passes ACKs and further 2xx, for 64*T1 */
static void accepted_lasts_64_t1(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("INVITE", tx_flow_udp());
    tx_respond(tx, 180, "a");
    assert_int_equal(tx_respond(tx, 200, "a"), 0);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_ACCEPTED);
    assert_int_equal(f.layer.blocks.bytes, 0); /* no 2xx is sent again by the machine */
    tx_run(&f, 500);
    assert_int_equal(again("INVITE"), SIP_REQUEST_ABSORBED);
    assert_int_equal(f.sent_count, 2);
    assert_int_equal(tx_respond(tx, 200, "b"), 0);
    tx_assert_sent(&f, 2, 500, "SIP/2.0 200");
    assert_int_equal(tx_respond(tx, 486, "a"), ERR_INVALID);
    assert_int_equal(tx_respond(tx, 180, "a"), ERR_INVALID);
    assert_int_equal(f.sent_count, 3);
    struct sip_server_tx *matched = NULL;
    struct tx_text ack;
    assert_int_equal(sip_transactions_on_request(
                         &f.layer,
                         tx_request_of(&ack, &(struct tx_request){.method = "ACK", .to_tag = "a"}),
                         &matched),
                     SIP_REQUEST_ACK);
    assert_ptr_equal(matched, tx);
    tx_run(&f, 31499);
    assert_string_equal(f.events, "");
    tx_run(&f, 1);
    assert_string_equal(f.events, "end;");
}

/* RFC 6026 section 8.7: timer L runs for all transports */
static void accepted_lasts_64_t1_on_tcp_too(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("INVITE", tx_flow_tcp(1));
    tx_respond(tx, 200, "a");
    tx_run(&f, 31999);
    assert_int_equal(f.ends, 0);
    tx_run(&f, 1);
    assert_int_equal(f.ends, 1);
}

/* RFC 3261 section 17.2.1: Completed takes no response of the user any more */
static void a_second_final_is_refused(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("INVITE", tx_flow_udp());
    tx_respond(tx, 486, "a");
    assert_int_equal(tx_respond(tx, 200, "a"), ERR_INVALID);
    assert_int_equal(tx_respond(tx, 500, "a"), ERR_INVALID);
    assert_int_equal(f.sent_count, 1);
    assert_int_equal(f.layer.counts[SIP_TX_COUNT_REFUSED], 2);
    assert_int_equal(again("ACK"), SIP_REQUEST_ABSORBED);
    tx_run(&f, 5000);
}

/* RFC 6026 section 8.8: a transport error is told and changes no state; timers end it */
static void a_failed_response_is_told_and_tried_again(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("INVITE", tx_flow_udp());
    f.send_result = ERR_UNREACHABLE;
    assert_int_equal(tx_respond(tx, 180, "a"), ERR_UNREACHABLE);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_PROCEEDING);
    assert_int_equal(tx_respond(tx, 486, "a"), ERR_UNREACHABLE);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_COMPLETED);
    assert_string_equal(f.events, "");
    tx_run(&f, 500);
    assert_string_equal(f.events, "transport;");
    tx_run(&f, 1000);
    f.send_result = 0;
    tx_run(&f, 2000);
    tx_assert_sent(&f, 0, 3500, "SIP/2.0 486");
    assert_int_equal(again("ACK"), SIP_REQUEST_ABSORBED);
    tx_run(&f, 5000);
    assert_string_equal(f.events, "transport;end;"); /* told once */
}

static void one_failed_2xx_leaves_it_accepted(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("INVITE", tx_flow_udp());
    f.send_result = ERR_UNREACHABLE;
    assert_int_equal(tx_respond(tx, 200, "a"), ERR_UNREACHABLE);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_ACCEPTED);
    f.send_result = 0;
    assert_int_equal(tx_respond(tx, 200, "a"), 0);
    tx_run(&f, 32000);
    assert_string_equal(f.events, "end;");
}

/* ---- non-INVITE ---- */

/* RFC 3261 section 17.2.2: retransmissions are discarded in Trying */
static void a_retransmission_in_trying_is_discarded(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("OPTIONS", tx_flow_udp());
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_TRYING);
    assert_int_equal(again("OPTIONS"), SIP_REQUEST_ABSORBED);
    assert_int_equal(f.sent_count, 0);
    sip_server_tx_abandon(tx);
}

/* RFC 3261 section 17.2.2: in Proceeding the last provisional, in Completed the final, for 64*T1 */
static void retransmissions_bring_the_last_response_until_timer_j(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("OPTIONS", tx_flow_udp());
    tx_run(&f, 3500);
    assert_int_equal(tx_respond(tx, 100, NULL), 0);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_PROCEEDING);
    assert_int_equal(again("OPTIONS"), SIP_REQUEST_ABSORBED);
    assert_int_equal(tx_respond(tx, 200, "a"), 0);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_COMPLETED);
    tx_run(&f, 4000);
    assert_int_equal(again("OPTIONS"), SIP_REQUEST_ABSORBED);
    tx_assert_sent(&f, 0, 3500, "SIP/2.0 100");
    tx_assert_sent(&f, 1, 3500, "SIP/2.0 100");
    tx_assert_sent(&f, 2, 3500, "SIP/2.0 200");
    tx_assert_sent(&f, 3, 7500, "SIP/2.0 200");
    tx_run(&f, 27999);
    assert_string_equal(f.events, "");
    tx_run(&f, 1);
    assert_string_equal(f.events, "end;");
    assert_int_equal(f.sent_count, 4);
    assert_int_equal(again("OPTIONS"), SIP_REQUEST_NEW);
}

/* RFC 3261 section 17.2.2: timer J is zero on reliable transports; nothing is kept */
static void a_final_on_tcp_ends_it_at_once(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("OPTIONS", tx_flow_tcp(1));
    assert_int_equal(tx_respond(tx, 200, "a"), 0);
    assert_int_equal(f.layer.blocks.bytes, 0);
    assert_string_equal(f.events, ""); /* not from within the call */
    tx_run(&f, 0);
    assert_string_equal(f.events, "end;");
}

/* RFC 3261 section 17.2.2: other final responses are discarded in Completed */
static void a_second_final_to_a_non_invite_is_refused(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("OPTIONS", tx_flow_udp());
    tx_respond(tx, 200, "a");
    assert_int_equal(tx_respond(tx, 486, "a"), ERR_INVALID);
    assert_int_equal(tx_respond(tx, 200, "a"), ERR_INVALID);
    assert_int_equal(tx_respond(tx, 100, "a"), ERR_INVALID);
    assert_int_equal(f.sent_count, 1);
    tx_run(&f, 32000);
}

/* RFC 4320 section 4.1: no provisional response but 100 to a non-INVITE */
/* RFC 4320 section 4.2: no 408 to a non-INVITE */
static void a_non_invite_takes_no_101_to_199_and_no_408(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("OPTIONS", tx_flow_udp());
    assert_int_equal(tx_respond(tx, 180, "a"), ERR_INVALID);
    assert_int_equal(tx_respond(tx, 199, "a"), ERR_INVALID);
    assert_int_equal(tx_respond(tx, 408, "a"), ERR_INVALID);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_TRYING);
    assert_int_equal(f.sent_count, 0);
    sip_server_tx_abandon(tx);
    tx = server("INVITE", tx_flow_udp());
    assert_int_equal(tx_respond(tx, 408, "a"), 0);
    assert_int_equal(again("ACK"), SIP_REQUEST_ABSORBED);
    tx_run(&f, 5000);
}

static void a_status_that_is_none_is_refused(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("OPTIONS", tx_flow_udp());
    assert_int_equal(tx_respond(tx, 99, "a"), ERR_INVALID);
    assert_int_equal(tx_respond(tx, 700, "a"), ERR_INVALID);
    sip_server_tx_abandon(tx);
}

/* RFC 6026 section 8.8 replaces section 17.2.4: the state remains */
static void a_failed_final_to_a_non_invite_remains_completed(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("OPTIONS", tx_flow_udp());
    f.send_result = ERR_UNREACHABLE;
    assert_int_equal(tx_respond(tx, 200, "a"), ERR_UNREACHABLE);
    assert_int_equal(again("OPTIONS"), SIP_REQUEST_ABSORBED);
    assert_string_equal(f.events, "transport;");
    f.send_result = 0;
    assert_int_equal(again("OPTIONS"), SIP_REQUEST_ABSORBED);
    tx_assert_sent(&f, 0, 0, "SIP/2.0 200");
    tx_run(&f, 32000);
    assert_string_equal(f.events, "transport;end;");
}

/* ---- users ---- */

static void abandoning_an_answered_one_lets_it_run_to_its_end(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("INVITE", tx_flow_udp());
    tx_respond(tx, 486, "a");
    sip_server_tx_abandon(tx);
    tx_run(&f, 600);
    assert_int_equal(f.sent_count, 2);
    tx_run(&f, 31400);
    assert_int_equal(sip_transactions_count(&f.layer), 0);
    assert_string_equal(f.events, "");
}

static void its_user_and_flow_can_be_asked_for(void **state)
{
    (void)state;
    static const struct sip_server_tx_user other = {NULL, NULL};
    struct flow flow = tx_flow_tcp(4);
    struct sip_server_tx *tx = server("OPTIONS", flow);
    assert_ptr_equal(sip_server_tx_user_data(tx), &f);
    assert_ptr_equal(sip_server_tx_user_of(tx, &tx_server_user), &f);
    assert_null(sip_server_tx_user_of(tx, &other));
    assert_memory_equal(sip_server_tx_flow(tx), &flow, sizeof flow);
    sip_server_tx_abandon(tx);
}

static void done_frees_what_is_left(void **state)
{
    (void)state;
    struct sip_server_tx *tx = server("INVITE", tx_flow_udp());
    tx_respond(tx, 180, "a");
    sip_transactions_done(&f.layer);
    assert_string_equal(f.events, "end;");
    assert_int_equal(f.wheel.count, 0);
    tx_start(&f);
}

/* What a server that ends has to wait for: answers it owes, and the ACK of a refused INVITE */
static void finished_transactions_only_absorb_retransmissions(void **state)
{
    (void)state;
    struct sip_server_tx *other = server("OPTIONS", tx_flow_udp());
    assert_int_equal(sip_transactions_unfinished(&f.layer), 1);
    tx_respond(other, 200, "a");
    assert_int_equal(sip_transactions_unfinished(&f.layer), 0);
    assert_int_equal(sip_transactions_count(&f.layer), 1);
    struct sip_server_tx *invite = server("INVITE", tx_flow_udp());
    assert_int_equal(sip_transactions_unfinished(&f.layer), 1);
    tx_respond(invite, 486, "a");
    assert_int_equal(sip_transactions_unfinished(&f.layer), 1);
    assert_int_equal(again("ACK"), SIP_REQUEST_ABSORBED);
    assert_int_equal(sip_transactions_unfinished(&f.layer), 0);
    assert_int_equal(sip_transactions_count(&f.layer), 2);
    tx_run(&f, 64 * 500);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_retransmitted_invite_brings_the_last_1xx),
        TEST(proceeding_lasts_until_the_user_answers),
        TEST(a_final_is_sent_again_until_timer_h),
        TEST(a_final_on_tcp_is_sent_once_and_waits_for_the_ack),
        TEST(a_retransmitted_invite_on_tcp_brings_the_last_response_too),
        TEST(a_retransmitted_invite_in_completed_brings_the_final),
        TEST(the_ack_of_a_non_2xx_confirms),
        TEST(confirmed_ends_at_once_on_tcp),
        TEST(accepted_lasts_64_t1),
        TEST(accepted_lasts_64_t1_on_tcp_too),
        TEST(a_second_final_is_refused),
        TEST(a_failed_response_is_told_and_tried_again),
        TEST(one_failed_2xx_leaves_it_accepted),
        TEST(a_retransmission_in_trying_is_discarded),
        TEST(retransmissions_bring_the_last_response_until_timer_j),
        TEST(a_final_on_tcp_ends_it_at_once),
        TEST(a_second_final_to_a_non_invite_is_refused),
        TEST(a_non_invite_takes_no_101_to_199_and_no_408),
        TEST(a_status_that_is_none_is_refused),
        TEST(a_failed_final_to_a_non_invite_remains_completed),
        TEST(abandoning_an_answered_one_lets_it_run_to_its_end),
        TEST(its_user_and_flow_can_be_asked_for),
        TEST(done_frees_what_is_left),
        TEST(finished_transactions_only_absorb_retransmissions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
