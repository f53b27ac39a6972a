/* Servers and clients that do not behave: answers in every order, twice, to the wrong method; what
 * the user hears of them and what is sent. */
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

struct scenario {
    unsigned statuses[6];
    const char *heard; /* by the user, before the transaction ends */
    unsigned acks;
};

static void play(const char *method, const struct scenario *s)
{
    tx_stop(&f);
    tx_start(&f);
    assert_non_null(tx_client(&f, method, tx_flow_udp(), &branch));
    for (unsigned i = 0; i < 6 && s->statuses[i] != 0; i++) {
        char tag[8];
        (void)snprintf(tag, sizeof tag, "t%u", i);
        assert_true(tx_answer(&f, &branch, method, s->statuses[i], tag));
        tx_run(&f, 100);
    }
    if (strcmp(f.events, s->heard) != 0)
        fail_msg("%s %u %u: heard %s, not %s", method, s->statuses[0], s->statuses[1], f.events,
                 s->heard);
    assert_int_equal(f.sent_count, 1 + s->acks);
    for (unsigned i = 1; i < f.sent_count; i++)
        assert_memory_equal(f.sent[i].bytes, "ACK ", 4);
    tx_run(&f, 64000);
    assert_int_equal(f.ends, 1);
    assert_int_equal(f.failures, 0);
}

/* RFC 3261 section 17.1.1.2, RFC 6026 section 8.4: the first final response counts; of those after
 * it only 2xx after a 2xx are heard, and each 300-699 after a 300-699 is acknowledged */
static void the_first_final_response_to_an_invite_counts(void **state)
{
    (void)state;
    static const struct scenario scenarios[] = {
        {{600, 200}, "600;", 1},
        {{200, 600}, "200;", 0},
        {{200, 180}, "200;", 0},
        {{486, 180}, "486;", 1},
        {{200, 486}, "200;", 0},
        {{486, 200}, "486;", 1},
        {{486, 404, 503}, "486;", 3},
        {{200, 200, 200}, "200;200;200;", 0},
        {{180, 180, 180, 180, 200}, "180;180;180;180;200;", 0},
        {{180, 486, 486, 486}, "180;486;", 3},
        {{100, 199, 301, 100, 301}, "100;199;301;", 2},
        {{100, 408, 200, 408}, "100;408;", 2},
    };
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
        play("INVITE", &scenarios[i]);
}

/* RFC 3261 section 17.1.2.2: only one final response is heard, nothing is acknowledged */
static void the_first_final_response_to_a_non_invite_counts(void **state)
{
    (void)state;
    static const struct scenario scenarios[] = {
        {{200, 180}, "200;", 0},
        {{486, 180}, "486;", 0},
        {{200, 486}, "200;", 0},
        {{486, 200}, "486;", 0},
        {{486, 404, 503}, "486;", 0},
        {{200, 200, 200}, "200;", 0},
        {{180, 180, 180, 200}, "180;180;180;200;", 0},
        {{100, 407, 407}, "100;407;", 0},
    };
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
        play("OPTIONS", &scenarios[i]);
}

/* RFC 3261 section 17.1.3, second rule: an answer to another method is a stray */
static void answers_to_another_method_are_strays(void **state)
{
    (void)state;
    static const char *const others[] = {"ACK", "CANCEL", "OPTIONS", "BYE", "SOMETHING"};
    tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(tx_answer(&f, &branch, others[i], 180, "a"));
        assert_false(tx_answer(&f, &branch, others[i], 200, "a"));
        assert_false(tx_answer(&f, &branch, others[i], 486, "a"));
    }
    assert_string_equal(f.events, "");
    assert_int_equal(f.sent_count, 1);
    tx_run(&f, 64000);
}

/* RFC 3261 section 21: sip_message_check lets none through; the layer does not depend on it */
static void a_status_beyond_699_is_a_stray(void **state)
{
    (void)state;
    struct sip_client_tx *tx = tx_client(&f, "INVITE", tx_flow_udp(), &branch);
    char name[SIP_BRANCH_LENGTH + 1] = "";
    struct writer w;
    writer_init(&w, name, SIP_BRANCH_LENGTH);
    sip_branch_write(&w, &branch);
    struct tx_text text;
    (void)tx_parse(&text,
                   "SIP/2.0 699 X\r\nVia: SIP/2.0/UDP h;branch=%s\r\nFrom: <sip:a>;tag=1\r\n"
                   "To: <sip:b>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n",
                   name);
    text.message.status = 700;
    assert_false(sip_transactions_on_response(&f.layer, &text.message));
    text.message.status = 99;
    assert_false(sip_transactions_on_response(&f.layer, &text.message));
    assert_int_equal(sip_client_tx_state(tx), SIP_TX_CALLING);
    text.message.status = 699;
    assert_true(sip_transactions_on_response(&f.layer, &text.message));
    assert_string_equal(f.events, "699;");
    tx_run(&f, 64000);
}

/* ---- the server's side ---- */

static enum sip_request_match receive(const char *method)
{
    struct tx_text text;
    struct sip_server_tx *found;
    return sip_transactions_on_request(
        &f.layer, tx_request_of(&text, &(struct tx_request){.method = method}), &found);
}

static struct sip_server_tx *serve(const char *method)
{
    struct tx_text text;
    return tx_server(&f, tx_request_of(&text, &(struct tx_request){.method = method}),
                     tx_flow_udp());
}

/* A client that repeats its INVITE and its ACK without end gets one answer for each INVITE. */
static void a_client_that_spams_its_invite_and_its_ack(void **state)
{
    (void)state;
    struct sip_server_tx *tx = serve("INVITE");
    tx_respond(tx, 100, NULL);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(receive("INVITE"), SIP_REQUEST_ABSORBED);
    assert_int_equal(f.sent_count, 11);
    tx_respond(tx, 407, "tt");
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(receive("INVITE"), SIP_REQUEST_ABSORBED);
    assert_int_equal(f.sent_count, 22);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(receive("ACK"), SIP_REQUEST_ABSORBED);
    tx_run(&f, 4000);
    assert_int_equal(f.sent_count, 22);
    tx_run(&f, 1000);
}

/* RFC 3261 section 17.2.1: the ACK may come as late as timer H; after it, it is nobody's */
static void a_late_ack(void **state)
{
    (void)state;
    struct sip_server_tx *tx = serve("INVITE");
    tx_respond(tx, 486, "tt");
    tx_run(&f, 31999);
    assert_int_equal(receive("ACK"), SIP_REQUEST_ABSORBED);
    tx_run(&f, 5000);
    assert_string_equal(f.events, "end;");
    tx = serve("INVITE");
    tx_respond(tx, 486, "tt");
    tx_run(&f, 32000);
    assert_string_equal(f.events, "end;timeout;end;");
    assert_int_equal(receive("ACK"), SIP_REQUEST_ACK);
}

/* RFC 3261 section 9.2: a CANCEL that crosses the final response finds a transaction to which it
 * means nothing any more */
static void a_cancel_that_crosses_the_final_response(void **state)
{
    (void)state;
    static const unsigned finals[] = {200, 486, 503};
    for (size_t i = 0; i < sizeof finals / sizeof *finals; i++) {
        tx_stop(&f);
        tx_start(&f);
        struct sip_server_tx *invite = serve("INVITE");
        tx_respond(invite, finals[i], "tt");
        struct sip_server_tx *cancel = serve("CANCEL");
        assert_int_equal(tx_respond(cancel, 200, "tt"), 0);
        assert_int_equal(tx_respond(invite, 487, "tt"), ERR_INVALID);
        assert_int_equal(receive("CANCEL"), SIP_REQUEST_ABSORBED);
        assert_int_equal(f.sent_count, 3);
        tx_run(&f, 64000);
    }
}

/* A method that the server does not know is served like any non-INVITE. */
static void an_unknown_method_is_a_non_invite(void **state)
{
    (void)state;
    struct sip_server_tx *tx = serve("SOMETHING");
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_TRYING);
    assert_int_equal(tx_respond(tx, 501, "tt"), 0);
    assert_int_equal(receive("SOMETHING"), SIP_REQUEST_ABSORBED);
    assert_int_equal(receive("CANCEL"), SIP_REQUEST_CANCEL);
    assert_int_equal(f.sent_count, 2);
    tx_run(&f, 64000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_final_response_to_an_invite_counts),
        TEST(the_first_final_response_to_a_non_invite_counts),
        TEST(answers_to_another_method_are_strays),
        TEST(a_status_beyond_699_is_a_stray),
        TEST(a_client_that_spams_its_invite_and_its_ack),
        TEST(a_late_ack),
        TEST(a_cancel_that_crosses_the_final_response),
        TEST(an_unknown_method_is_a_non_invite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
