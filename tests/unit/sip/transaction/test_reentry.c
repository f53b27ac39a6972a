/* Users that call the layer from within its callbacks. */
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

static struct sip_client_tx *begin_with(const struct sip_client_tx_user *user, const char *method,
                                        struct flow flow)
{
    struct sip_client_tx *tx = tx_client(&f, method, flow, &branch);
    struct slice request = sip_client_tx_request(tx);
    struct sip_client_tx *other = NULL;
    struct sip_client_tx_start begin = {.flow = flow,
                                        .request = request,
                                        .method = sip_method_lookup(slice_from_string(method)),
                                        .branch = sip_branch_new(&f.layer, 0),
                                        .handler = user,
                                        .user = &f};
    assert_int_equal(sip_client_tx_new(&f.layer, &begin, &other), 0);
    sip_client_tx_abandon(tx);
    branch = begin.branch;
    return other;
}

/* ---- the client's callbacks ---- */

static void cancel_at_once(struct sip_client_tx *tx, void *user, const struct sip_message *response)
{
    (void)user;
    (void)response;
    assert_int_equal(sip_client_tx_cancel(tx, SLICE_NULL), 0);
}

static void a_response_may_be_answered_with_a_cancel(void **state)
{
    (void)state;
    static const struct sip_client_tx_user user = {.on_response = cancel_at_once};
    begin_with(&user, "INVITE", tx_flow_udp());
    tx_answer(&f, &branch, "INVITE", 180, "a");
    tx_assert_sent(&f, 2, 0, "CANCEL ");
    tx_answer(&f, &branch, "INVITE", 486, "a"); /* a final one too: nothing to cancel */
    tx_assert_sent(&f, 3, 0, "ACK ");
    tx_run(&f, 64000);
}

static void abandon(struct sip_client_tx *tx, void *user, const struct sip_message *response)
{
    (void)user;
    (void)response;
    sip_client_tx_abandon(tx);
}

static void count_end(struct sip_client_tx *tx, void *user)
{
    struct tx_fixture *fixture = user;
    assert_int_equal(sip_client_tx_state(tx), SIP_TX_TERMINATED);
    assert_int_equal(sip_client_tx_cancel(tx, SLICE_NULL),
                     sip_client_tx_flow(tx)->transport == TRANSPORT_UDP ? 0 : ERR_UNSUPPORTED);
    sip_client_tx_abandon(tx);
    fixture->ends++;
}

static void a_response_may_be_answered_by_abandoning(void **state)
{
    (void)state;
    static const struct sip_client_tx_user user = {.on_response = abandon, .on_end = count_end};
    begin_with(&user, "INVITE", tx_flow_udp());
    tx_answer(&f, &branch, "INVITE", 180, "a");
    tx_run(&f, 64000);
    assert_int_equal(f.ends, 0);
    begin_with(&user, "INVITE", tx_flow_udp());
    tx_answer(&f, &branch, "INVITE", 486, "a");
    tx_run(&f, 64000);
    assert_int_equal(f.ends, 0);
}

static void the_last_call_may_use_the_transaction(void **state)
{
    (void)state;
    static const struct sip_client_tx_user user = {.on_end = count_end};
    begin_with(&user, "INVITE", tx_flow_udp());
    tx_run(&f, 64000);
    assert_int_equal(f.ends, 1);
}

static unsigned chain;

static void begin_next(struct sip_client_tx *tx, void *user, enum sip_tx_failure failure);
static const struct sip_client_tx_user chained = {.on_failure = begin_next};

static void begin_next(struct sip_client_tx *tx, void *user, enum sip_tx_failure failure)
{
    struct tx_fixture *fixture = user;
    (void)failure;
    if (++chain == 5)
        return;
    struct sip_client_tx *next;
    struct sip_client_tx_start begin = {.flow = *sip_client_tx_flow(tx),
                                        .request = sip_client_tx_request(tx),
                                        .method = SIP_OPTIONS,
                                        .branch = sip_branch_new(&fixture->layer, 0),
                                        .handler = &chained,
                                        .user = user};
    assert_int_equal(sip_client_tx_new(&fixture->layer, &begin, &next), 0);
}

/* Failover: a failure begins the next attempt, with the bytes of the first. */
static void a_failure_may_begin_another_transaction(void **state)
{
    (void)state;
    chain = 0;
    begin_with(&chained, "OPTIONS", tx_flow_udp());
    f.send_result = ERR_UNREACHABLE;
    tx_run(&f, 64000);
    assert_int_equal(chain, 5);
    assert_int_equal(sip_transactions_count(&f.layer), 0);
}

static void answer_again(struct sip_client_tx *tx, void *user, const struct sip_message *response)
{
    struct tx_fixture *fixture = user;
    (void)tx;
    fixture->responses++;
    if (fixture->responses < 3)
        assert_true(sip_transactions_on_response(&fixture->layer, response));
}

/* A message that leads to the next within the callback. */
static void a_callback_may_bring_the_next_response(void **state)
{
    (void)state;
    static const struct sip_client_tx_user user = {.on_response = answer_again};
    begin_with(&user, "INVITE", tx_flow_tcp(1));
    tx_answer(&f, &branch, "INVITE", 200, "a");
    assert_int_equal(f.responses, 3);
    tx_run(&f, 32000);
}

static void close_under_foot(struct sip_client_tx *tx, void *user,
                             const struct sip_message *response)
{
    struct tx_fixture *fixture = user;
    struct flow flow = *sip_client_tx_flow(tx);
    (void)response;
    sip_transactions_on_connection_closed(&fixture->layer, &flow);
    assert_int_equal(sip_client_tx_state(tx), SIP_TX_TERMINATED); /* and still there */
}

static void a_callback_may_lose_the_connection(void **state)
{
    (void)state;
    static const struct sip_client_tx_user user = {.on_response = close_under_foot,
                                                   .on_end = count_end};
    struct sip_client_tx *tx;
    branch = sip_branch_new(&f.layer, 0);
    struct sip_client_tx_start begin = {.flow = tx_flow_tcp(1),
                                        .request = SLICE("OPTIONS sip:a SIP/2.0\r\n\r\n"),
                                        .method = SIP_OPTIONS,
                                        .branch = branch,
                                        .handler = &user,
                                        .user = &f};
    assert_int_equal(sip_client_tx_new(&f.layer, &begin, &tx), 0);
    tx_answer(&f, &branch, "OPTIONS", 100, NULL);
    assert_int_equal(f.ends, 1);
    assert_int_equal(sip_transactions_count(&f.layer), 0);
}

/* ---- the server's ---- */

static void abandon_server(struct sip_server_tx *tx, void *user, enum sip_tx_failure failure)
{
    struct tx_fixture *fixture = user;
    (void)failure;
    fixture->failures++;
    sip_server_tx_abandon(tx);
}

static void respond_486(struct sip_server_tx *tx, void *user, enum sip_tx_failure failure)
{
    struct tx_fixture *fixture = user;
    fixture->failures++;
    if (failure == SIP_TX_FAILED_TRANSPORT)
        assert_int_equal(tx_respond(tx, 486, "tt"), ERR_UNREACHABLE);
    else
        assert_int_equal(tx_respond(tx, 486, "tt"), ERR_INVALID);
}

static void count_server_end(struct sip_server_tx *tx, void *user)
{
    struct tx_fixture *fixture = user;
    fixture->ends++;
    sip_server_tx_abandon(tx);
}

static struct sip_server_tx *begin_server(const struct sip_server_tx_user *user,
                                          struct tx_text *text)
{
    struct flow flow = tx_flow_udp();
    struct sip_server_tx *tx;
    const struct sip_message *request =
        tx_request_of(text, &(struct tx_request){.method = "INVITE"});
    assert_int_equal(sip_transactions_on_request(&f.layer, request, &tx), SIP_REQUEST_NEW);
    assert_int_equal(sip_server_tx_new(&f.layer, request, &flow, user, &f, &tx), 0);
    return tx;
}

static void an_unanswered_one_may_be_abandoned_when_told_of_an_error(void **state)
{
    (void)state;
    static const struct sip_server_tx_user user = {abandon_server, count_server_end};
    struct tx_text text;
    struct sip_server_tx *tx = begin_server(&user, &text);
    tx_respond(tx, 180, "tt");
    f.send_result = ERR_UNREACHABLE;
    assert_int_equal(sip_transactions_on_request(&f.layer, &text.message, &tx),
                     SIP_REQUEST_ABSORBED);
    assert_int_equal(f.failures, 1);
    assert_int_equal(f.ends, 0); /* abandoned: no more calls */
    assert_int_equal(sip_transactions_count(&f.layer), 0);
}

static void it_may_be_answered_when_told_of_an_error(void **state)
{
    (void)state;
    static const struct sip_server_tx_user user = {respond_486, count_server_end};
    struct tx_text text;
    struct sip_server_tx *tx = begin_server(&user, &text);
    tx_respond(tx, 180, "tt");
    f.send_result = ERR_UNREACHABLE;
    assert_int_equal(sip_transactions_on_request(&f.layer, &text.message, &tx),
                     SIP_REQUEST_ABSORBED);
    f.send_result = 0;
    tx_run(&f, 500);
    tx_assert_sent(&f, 1, 500, "SIP/2.0 486");
    tx_run(&f, 31500);
    assert_int_equal(f.failures, 1); /* the time-out is not told again */
    assert_int_equal(f.ends, 1);
}

static void the_timeout_may_be_answered_in_vain(void **state)
{
    (void)state;
    static const struct sip_server_tx_user user = {respond_486, count_server_end};
    struct tx_text text;
    struct sip_server_tx *tx = begin_server(&user, &text);
    tx_respond(tx, 500, "tt");
    tx_run(&f, 32000);
    assert_int_equal(f.failures, 1);
    assert_int_equal(f.ends, 1);
}

/* ---- the end of all ---- */

static struct sip_server_tx *left_server;

static void stir_on_end(struct sip_client_tx *tx, void *user)
{
    struct tx_fixture *fixture = user;
    struct sip_branch again;
    (void)tx;
    fixture->ends++;
    assert_null(tx_client(fixture, "OPTIONS", tx_flow_udp(), &again));
    assert_int_equal(tx_respond(left_server, 486, "tt"), ERR_CLOSED);
    sip_server_tx_abandon(left_server);
}

static void nothing_begins_or_is_sent_while_the_layer_ends(void **state)
{
    (void)state;
    static const struct sip_client_tx_user user = {.on_end = stir_on_end};
    struct tx_text text;
    left_server = begin_server(&tx_server_user, &text);
    begin_with(&user, "INVITE", tx_flow_udp());
    unsigned sent = f.sent_count;
    sip_transactions_done(&f.layer);
    assert_int_equal(f.sent_count, sent);
    assert_int_equal(f.ends, 1); /* the server's user abandoned it */
    tx_start(&f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_response_may_be_answered_with_a_cancel),
        TEST(a_response_may_be_answered_by_abandoning),
        TEST(the_last_call_may_use_the_transaction),
        TEST(a_failure_may_begin_another_transaction),
        TEST(a_callback_may_bring_the_next_response),
        TEST(a_callback_may_lose_the_connection),
        TEST(an_unanswered_one_may_be_abandoned_when_told_of_an_error),
        TEST(it_may_be_answered_when_told_of_an_error),
        TEST(the_timeout_may_be_answered_in_vain),
        TEST(nothing_begins_or_is_sent_while_the_layer_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
