/* CANCEL by the client: RFC 3261 section 9.1. */
#include "unit/sip/transaction/tx_fixture.h"

static struct tx_fixture f;
static struct sip_branch branch;
static struct sip_client_tx *invite;

static int start(void **state)
{
    (void)state;
    tx_start(&f);
    invite = tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    assert_non_null(invite);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    tx_stop(&f);
    return 0;
}

static int cancel(void)
{
    return sip_client_tx_cancel(invite, SLICE_NULL);
}

/* RFC 3261 section 9.1: same Request-URI, top Via, Route, From, To, Call-ID and CSeq number; no
 * Require, no body; section 18.1.1: the same flow */
static void a_cancel_repeats_what_names_the_invite(void **state)
{
    (void)state;
    assert_true(tx_answer(&f, &branch, "INVITE", 180, "a"));
    assert_int_equal(sip_client_tx_cancel(invite, SLICE("Reason: SIP;cause=200\r\n")), 0);
    char name[SIP_BRANCH_LENGTH + 1] = "";
    struct writer w;
    writer_init(&w, name, SIP_BRANCH_LENGTH);
    sip_branch_write(&w, &branch);
    char wanted[1024];
    (void)snprintf(wanted, sizeof wanted,
                   "CANCEL sip:bob@biloxi.example SIP/2.0\r\n"
                   "Via: SIP/2.0/UDP proxy.example:5060;branch=%s;rport\r\n"
                   "Route: <sip:one.example;lr>, <sip:two.example;lr>\r\n"
                   "Route: <sip:three.example;lr>\r\n"
                   "Max-Forwards: 70\r\n"
                   "From: Alice <sip:alice@atlanta.example>;tag=1928301774\r\n"
                   "To: Bob <sip:bob@biloxi.example>\r\n"
                   "Call-ID: a84b4c76e66710@pc33.atlanta.example\r\n"
                   "CSeq: 314159 CANCEL\r\n"
                   "Reason: SIP;cause=200\r\n"
                   "Content-Length: 0\r\n\r\n",
                   name);
    assert_int_equal(f.sent_count, 2);
    assert_string_equal(f.sent[1].bytes, wanted);
    assert_memory_equal(&f.sent[1].flow, &f.sent[0].flow, sizeof(struct flow));
    tx_run(&f, 64000);
}

static struct sip_client_tx *begin_raw(struct slice request)
{
    struct sip_client_tx *tx = NULL;
    struct sip_client_tx_start begin = {.flow = tx_flow_udp(),
                                        .request = request,
                                        .method = SIP_INVITE,
                                        .branch = sip_branch_new(&f.layer, 0),
                                        .handler = &tx_client_user,
                                        .user = &f};
    assert_int_equal(sip_client_tx_new(&f.layer, &begin, &tx), 0);
    return tx;
}

/* Every value goes over whole, however long. */
static void long_values_are_repeated_whole(void **state)
{
    (void)state;
    static const char *const format =
        "INVITE sip:%0200d@b.example SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK%0200d\r\n"
        "Route: <sip:%0200d;lr>\r\nRoute: <sip:%0200d;lr>\r\nFrom: <sip:%0200d@a>;tag=1\r\n"
        "To: <sip:%0200d@b>\r\nCall-ID: %0200d\r\nCSeq: 4294967295 INVITE\r\n\r\n";
    char request[TX_TEXT_MAX];
    int length = snprintf(request, sizeof request, format, 1, 2, 3, 4, 5, 6, 7);
    struct sip_client_tx *tx = begin_raw(slice_of(request, (size_t)length));
    f.layer.blocks.limit = 1 << 20;
    assert_int_equal(sip_client_tx_cancel(tx, SLICE("Reason: SIP;cause=487\r\n")), 0);
    assert_true(f.layer.blocks.bytes >= 2 * 1400);
    tx_run(&f, 64000);
}

/* What we could not read ourselves cannot be cancelled; the transaction goes on. */
static void an_invite_without_its_headers_is_not_cancelled(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "INVITE sip:b SIP/2.0\r\nFrom: <sip:a>\r\nTo: <sip:b>\r\nCall-ID: c\r\nCSeq: 1 "
        "INVITE\r\n\r\n",
        "INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nTo: <sip:b>\r\nCall-ID: c\r\nCSeq: 1 "
        "INVITE\r\n\r\n",
        "INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a>\r\nCall-ID: c\r\nCSeq: 1 "
        "INVITE\r\n\r\n",
        "INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a>\r\nTo: <sip:b>\r\nCSeq: 1 "
        "INVITE\r\n\r\n",
        "INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a>\r\nTo: <sip:b>\r\nCall-ID: "
        "c\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        assert_int_equal(
            sip_client_tx_cancel(begin_raw(slice_from_string(requests[i])), SLICE_NULL),
            ERR_SYNTAX);
    tx_run(&f, 64000);
    assert_int_equal(f.ends, 6);
}

/* RFC 3261 section 9.1: the CANCEL is a transaction of its own, with the branch of the INVITE */
static void the_cancel_is_its_own_transaction(void **state)
{
    (void)state;
    tx_answer(&f, &branch, "INVITE", 180, "a");
    cancel();
    assert_int_equal(sip_transactions_count(&f.layer), 2);
    tx_run(&f, 600);
    tx_assert_sent(&f, 2, 500, "CANCEL "); /* timer E of the CANCEL */
    assert_true(tx_answer(&f, &branch, "CANCEL", 200, "a"));
    assert_string_equal(f.events, "180;"); /* nobody listens to it */
    assert_true(tx_answer(&f, &branch, "INVITE", 487, "a"));
    assert_string_equal(f.events, "180;487;");
    tx_assert_sent(&f, 3, 600, "ACK ");
    tx_run(&f, 5000);
    assert_int_equal(sip_transactions_count(&f.layer), 1);
    tx_run(&f, 27000);
    assert_string_equal(f.events, "180;487;end;");
}

/* RFC 3261 section 9.1: no CANCEL before a provisional response */
static void before_a_1xx_the_cancel_waits(void **state)
{
    (void)state;
    assert_int_equal(cancel(), 0);
    assert_int_equal(f.sent_count, 1);
    tx_run(&f, 600);
    assert_int_equal(f.sent_count, 2); /* the INVITE again */
    assert_true(tx_answer(&f, &branch, "INVITE", 100, NULL));
    tx_assert_sent(&f, 2, 600, "CANCEL ");
    tx_run(&f, 100);
    assert_true(tx_answer(&f, &branch, "INVITE", 180, "a"));
    assert_int_equal(f.sent_count, 3); /* once */
    assert_string_equal(f.events, "100;180;");
    tx_run(&f, 64000);
}

/* RFC 3261 section 9.1: after a final response it is not sent */
static void a_final_response_drops_the_waiting_cancel(void **state)
{
    (void)state;
    cancel();
    tx_answer(&f, &branch, "INVITE", 200, "a");
    assert_int_equal(f.layer.blocks.bytes, 0);
    tx_run(&f, 64000);
    assert_int_equal(f.sent_count, 1);
    assert_string_equal(f.events, "200;end;");
}

static void a_non_2xx_drops_the_waiting_cancel_for_the_ack(void **state)
{
    (void)state;
    cancel();
    tx_answer(&f, &branch, "INVITE", 486, "a");
    tx_answer(&f, &branch, "INVITE", 486, "a");
    assert_int_equal(f.sent_count, 3);
    tx_assert_sent(&f, 1, 0, "ACK ");
    tx_assert_sent(&f, 2, 0, "ACK ");
    tx_run(&f, 64000);
}

/* RFC 3261 section 17.1.1.2: without any response timer B ends it */
static void a_waiting_cancel_ends_with_timer_b(void **state)
{
    (void)state;
    cancel();
    tx_run(&f, 32000);
    assert_string_equal(f.events, "timeout;end;");
    assert_int_equal(f.sent_count, 7);
}

/* RFC 3261 section 9.1: no final response within 64*T1: the transaction counts as cancelled */
static void without_a_final_response_it_ends_64_t1_after_the_cancel(void **state)
{
    (void)state;
    tx_run(&f, 300);
    tx_answer(&f, &branch, "INVITE", 180, "a");
    tx_run(&f, 10000);
    cancel();
    tx_answer(&f, &branch, "CANCEL", 200, "a");
    tx_run(&f, 20000);
    tx_answer(&f, &branch, "INVITE", 180, "a"); /* does not prolong it */
    tx_run(&f, 11999);
    assert_int_equal(f.failures, 0);
    tx_run(&f, 1);
    assert_string_equal(f.events, "180;180;timeout;end;");
    assert_int_equal(f.end_ms, 42300);
}

/* RFC 3261 section 9.1: the answer may be a 2xx all the same */
static void a_2xx_may_beat_the_cancel(void **state)
{
    (void)state;
    tx_answer(&f, &branch, "INVITE", 180, "a");
    cancel();
    tx_answer(&f, &branch, "INVITE", 200, "a");
    assert_int_equal(sip_client_tx_state(invite), SIP_TX_ACCEPTED);
    tx_answer(&f, &branch, "CANCEL", 481, "a");
    tx_run(&f, 64000);
    assert_string_equal(f.events, "180;200;end;");
}

static void a_second_cancel_does_nothing(void **state)
{
    (void)state;
    assert_int_equal(cancel(), 0);
    assert_int_equal(cancel(), 0);
    tx_answer(&f, &branch, "INVITE", 180, "a");
    assert_int_equal(cancel(), 0);
    assert_int_equal(f.sent_count, 2);
    assert_int_equal(sip_transactions_count(&f.layer), 2);
    tx_answer(&f, &branch, "INVITE", 487, "a");
    assert_int_equal(cancel(), 0);
    assert_int_equal(f.sent_count, 3);
    tx_run(&f, 64000);
}

/* RFC 3261 section 9.1: other methods are not cancelled */
static void only_an_invite_can_be_cancelled(void **state)
{
    (void)state;
    struct sip_branch other;
    struct sip_client_tx *options = tx_client(&f, "OPTIONS", tx_flow_udp(), &other);
    assert_int_equal(sip_client_tx_cancel(options, SLICE_NULL), ERR_UNSUPPORTED);
    assert_int_equal(f.sent_count, 2);
    tx_run(&f, 64000);
}

/* What cannot be sent is counted; the INVITE ends all the same. */
static void a_cancel_that_cannot_be_sent_still_bounds_the_wait(void **state)
{
    (void)state;
    tx_answer(&f, &branch, "INVITE", 180, "a");
    f.send_result = ERR_UNREACHABLE;
    assert_int_equal(cancel(), 0); /* the CANCEL's own transaction fails, unheard */
    tx_run(&f, 31999);
    assert_string_equal(f.events, "180;");
    tx_run(&f, 1);
    assert_string_equal(f.events, "180;timeout;end;");
}

static void without_memory_for_it_the_wait_is_bounded_too(void **state)
{
    (void)state;
    tx_answer(&f, &branch, "INVITE", 180, "a");
    f.layer.blocks.limit = f.layer.blocks.bytes;
    assert_int_equal(cancel(), ERR_NO_MEMORY);
    assert_int_equal(f.sent_count, 1);
    tx_run(&f, 32000);
    assert_string_equal(f.events, "180;timeout;end;");
}

static void without_memory_before_a_1xx_it_may_be_tried_again(void **state)
{
    (void)state;
    f.layer.blocks.limit = f.layer.blocks.bytes;
    assert_int_equal(cancel(), ERR_NO_MEMORY);
    f.layer.blocks.limit = 0;
    assert_int_equal(cancel(), 0);
    tx_answer(&f, &branch, "INVITE", 180, "a");
    tx_assert_sent(&f, 1, 0, "CANCEL ");
    tx_run(&f, 64000);
}

/* A CANCEL ends work: it is let past the limit of transactions. */
static void the_limit_does_not_hold_back_a_cancel(void **state)
{
    (void)state;
    tx_answer(&f, &branch, "INVITE", 180, "a");
    f.layer.config.limit = 1;
    struct sip_branch other;
    assert_null(tx_client(&f, "OPTIONS", tx_flow_udp(), &other));
    assert_int_equal(cancel(), 0);
    tx_assert_sent(&f, 1, 0, "CANCEL ");
    tx_run(&f, 64000);
}

/* Once sent, the CANCEL lives in its own transaction only; on TCP not even there. */
static void a_sent_cancel_is_kept_by_the_invite_no_longer(void **state)
{
    (void)state;
    struct sip_branch other;
    sip_client_tx_abandon(invite);
    tx_run(&f, 32000);
    struct sip_client_tx *tx = tx_client(&f, "INVITE", tx_flow_tcp(1), &other);
    size_t bytes = f.layer.blocks.bytes;
    assert_int_equal(sip_client_tx_cancel(tx, SLICE_NULL), 0);
    assert_true(f.layer.blocks.bytes > bytes);
    assert_true(tx_answer(&f, &other, "INVITE", 180, "a"));
    assert_int_equal(f.layer.blocks.bytes, bytes);
    tx_run(&f, 64000);
}

/* Abandoned with a waiting CANCEL: it goes out with the 1xx. */
static void an_abandoned_invite_still_sends_its_cancel(void **state)
{
    (void)state;
    cancel();
    sip_client_tx_abandon(invite);
    tx_answer(&f, &branch, "INVITE", 180, "a");
    tx_assert_sent(&f, 1, 0, "CANCEL ");
    tx_answer(&f, &branch, "CANCEL", 200, "a");
    tx_answer(&f, &branch, "INVITE", 487, "a");
    tx_assert_sent(&f, 2, 0, "ACK ");
    tx_run(&f, 64000);
    assert_string_equal(f.events, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cancel_repeats_what_names_the_invite),
        TEST(long_values_are_repeated_whole),
        TEST(an_invite_without_its_headers_is_not_cancelled),
        TEST(the_cancel_is_its_own_transaction),
        TEST(before_a_1xx_the_cancel_waits),
        TEST(a_final_response_drops_the_waiting_cancel),
        TEST(a_non_2xx_drops_the_waiting_cancel_for_the_ack),
        TEST(a_waiting_cancel_ends_with_timer_b),
        TEST(without_a_final_response_it_ends_64_t1_after_the_cancel),
        TEST(a_2xx_may_beat_the_cancel),
        TEST(a_second_cancel_does_nothing),
        TEST(only_an_invite_can_be_cancelled),
        TEST(a_cancel_that_cannot_be_sent_still_bounds_the_wait),
        TEST(without_memory_for_it_the_wait_is_bounded_too),
        TEST(without_memory_before_a_1xx_it_may_be_tried_again),
        TEST(the_limit_does_not_hold_back_a_cancel),
        TEST(a_sent_cancel_is_kept_by_the_invite_no_longer),
        TEST(an_abandoned_invite_still_sends_its_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
