/* Matching requests to server transactions (RFC 3261 section 17.2.3) and responses to client
 * transactions (section 17.1.3), and what collides. */
#include "unit/sip/transaction/tx_fixture.h"

static struct tx_fixture f;

static int start(void **state)
{
    (void)state;
    tx_start(&f);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    sip_transactions_done(&f.layer);
    assert_int_equal(f.wheel.count, 0);
    return 0;
}

static struct sip_server_tx *matched;

static enum sip_request_match match(struct tx_request request)
{
    struct tx_text text;
    matched = (struct sip_server_tx *)&f; /* must be set */
    return sip_transactions_on_request(&f.layer, tx_request_of(&text, &request), &matched);
}

static struct sip_server_tx *begin(struct tx_request request)
{
    struct tx_text text;
    struct sip_server_tx *tx = tx_server(&f, tx_request_of(&text, &request), tx_flow_udp());
    assert_non_null(tx);
    return tx;
}

#define MATCH(...) match((struct tx_request){__VA_ARGS__})
#define BEGIN(...) begin((struct tx_request){__VA_ARGS__})

/* ---- requests with the magic ---- */

/* RFC 3261 section 17.2.3: branch, sent-by and method; section 7.3.1: case does not count */
static void a_request_matches_by_branch_sent_by_and_method(void **state)
{
    (void)state;
    BEGIN(.method = "OPTIONS", .branch = "z9hG4bKabc");
    assert_int_equal(MATCH(.method = "OPTIONS", .branch = "z9hG4bKabc"), SIP_REQUEST_ABSORBED);
    assert_null(matched);
    assert_int_equal(MATCH(.method = "OPTIONS", .branch = "Z9HG4BKABC"), SIP_REQUEST_ABSORBED);
    assert_int_equal(
        MATCH(.method = "OPTIONS", .branch = "z9hG4bKabc", .sent_by = "PC33.Atlanta.Example:5060"),
        SIP_REQUEST_ABSORBED);
    assert_int_equal(MATCH(.method = "OPTIONS", .branch = "z9hG4bKabd"), SIP_REQUEST_NEW);
    assert_int_equal(MATCH(.method = "OPTIONS", .branch = "z9hG4bKab"), SIP_REQUEST_NEW);
    assert_int_equal(
        MATCH(.method = "OPTIONS", .branch = "z9hG4bKabc", .sent_by = "pc34.atlanta.example:5060"),
        SIP_REQUEST_NEW);
    assert_int_equal(
        MATCH(.method = "OPTIONS", .branch = "z9hG4bKabc", .sent_by = "pc33.atlanta.example:5061"),
        SIP_REQUEST_NEW);
    assert_int_equal(MATCH(.method = "REGISTER", .branch = "z9hG4bKabc"), SIP_REQUEST_NEW);
    assert_null(matched);
}

/* RFC 3261 section 20.42: without a port, 5060 is meant (5061 for TLS) */
static void an_absent_port_of_sent_by_is_the_default_one(void **state)
{
    (void)state;
    BEGIN(.method = "OPTIONS", .sent_by = "host.example");
    assert_int_equal(MATCH(.method = "OPTIONS", .sent_by = "host.example:5060"),
                     SIP_REQUEST_ABSORBED);
    BEGIN(.method = "INFO", .via = "SIP/2.0/TLS host.example;branch=z9hG4bKx");
    assert_int_equal(
        MATCH(.method = "INFO", .via = "SIP/2.0/TLS host.example:5061;branch=z9hG4bKx"),
        SIP_REQUEST_ABSORBED);
    assert_int_equal(
        MATCH(.method = "INFO", .via = "SIP/2.0/TLS host.example:5060;branch=z9hG4bKx"),
        SIP_REQUEST_NEW);
}

/* RFC 3261 section 17.2.3: other Via parameters, the Request-URI and To do not count */
static void what_is_not_in_the_rule_does_not_count(void **state)
{
    (void)state;
    BEGIN(.method = "OPTIONS");
    assert_int_equal(MATCH(.method = "OPTIONS", .uri = "sip:carol@biloxi.example", .to_tag = "x",
                           .via = "SIP/2.0/UDP pc33.atlanta.example;rport;branch=z9hG4bK-a;ttl=3"),
                     SIP_REQUEST_ABSORBED);
}

/* RFC 3261 section 17.2.3: methods that we do not know are told apart by their names */
static void unknown_methods_are_different_methods(void **state)
{
    (void)state;
    BEGIN(.method = "FROBNICATE");
    assert_int_equal(MATCH(.method = "FROBNICATE"), SIP_REQUEST_ABSORBED);
    assert_int_equal(MATCH(.method = "frobnicate"), SIP_REQUEST_NEW);
    assert_int_equal(MATCH(.method = "TWIDDLE"), SIP_REQUEST_NEW);
}

/* RFC 3261 section 17.2.3: the ACK matches the INVITE */
static void an_ack_matches_the_invite_with_its_branch(void **state)
{
    (void)state;
    struct sip_server_tx *tx = BEGIN(.method = "INVITE");
    tx_respond(tx, 404, "tt");
    assert_int_equal(MATCH(.method = "ACK", .to_tag = "tt", .branch = "z9hG4bKother"),
                     SIP_REQUEST_ACK);
    assert_null(matched);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_COMPLETED);
    assert_int_equal(MATCH(.method = "ACK", .to_tag = "tt"), SIP_REQUEST_ABSORBED);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_CONFIRMED);
}

/* RFC 6026 section 7.1: the ACK of a 2xx has its own branch; one that repeats the INVITE's is
 * passed up all the same */
static void the_ack_of_a_2xx_is_never_absorbed(void **state)
{
    (void)state;
    struct sip_server_tx *tx = BEGIN(.method = "INVITE");
    tx_respond(tx, 200, "tt");
    assert_int_equal(MATCH(.method = "ACK", .to_tag = "tt", .branch = "z9hG4bKown"),
                     SIP_REQUEST_ACK);
    assert_null(matched);
    assert_int_equal(MATCH(.method = "ACK", .to_tag = "tt"), SIP_REQUEST_ACK);
    assert_ptr_equal(matched, tx);
}

/* An ACK before any final response can only be wrong: it is swallowed and changes nothing. */
static void an_ack_in_proceeding_is_swallowed(void **state)
{
    (void)state;
    struct sip_server_tx *tx = BEGIN(.method = "INVITE");
    tx_respond(tx, 180, "tt");
    assert_int_equal(MATCH(.method = "ACK", .to_tag = "tt"), SIP_REQUEST_ABSORBED);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_PROCEEDING);
}

/* ---- collisions ---- */

/* RFC 3261 section 17.2.3, third rule: another method with the same branch is another transaction
 */
static void other_methods_with_the_same_branch_are_other_transactions(void **state)
{
    (void)state;
    struct sip_server_tx *invite = BEGIN(.method = "INVITE");
    assert_int_equal(MATCH(.method = "OPTIONS"), SIP_REQUEST_NEW);
    struct sip_server_tx *options = BEGIN(.method = "OPTIONS");
    assert_int_equal(MATCH(.method = "INFO"), SIP_REQUEST_NEW);
    tx_respond(invite, 486, "tt");
    assert_int_equal(MATCH(.method = "ACK"), SIP_REQUEST_ABSORBED);
    assert_int_equal(sip_server_tx_state(invite), SIP_TX_CONFIRMED);
    assert_int_equal(sip_server_tx_state(options), SIP_TX_TRYING);
    assert_int_equal(MATCH(.method = "OPTIONS"), SIP_REQUEST_ABSORBED);
}

/* RFC 3261 section 8.1.1.7: a branch names one request; another one with it is a request of its own
 */
static void another_request_with_the_branch_of_a_transaction_is_new(void **state)
{
    (void)state;
    struct sip_server_tx *tx = BEGIN(.method = "INVITE");
    tx_respond(tx, 486, "tt");
    assert_int_equal(MATCH(.method = "INVITE", .call_id = "call-2"), SIP_REQUEST_NEW);
    assert_int_equal(MATCH(.method = "INVITE", .call_id = "CALL-1"), SIP_REQUEST_NEW);
    assert_int_equal(MATCH(.method = "INVITE", .cseq = 2), SIP_REQUEST_NEW);
    assert_int_equal(MATCH(.method = "INVITE", .from_tag = "other"), SIP_REQUEST_NEW);
    assert_null(matched);
    assert_int_equal(MATCH(.method = "ACK", .cseq = 2), SIP_REQUEST_ACK);
    assert_int_equal(MATCH(.method = "ACK", .call_id = "call-2"), SIP_REQUEST_ACK);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_COMPLETED);
    assert_int_equal(f.sent_count, 1); /* no response went to the wrong request */
    /* RFC 3261 section 19.3: tags compare without case */
    assert_int_equal(MATCH(.method = "INVITE", .from_tag = "FT"), SIP_REQUEST_ABSORBED);
}

/* ---- CANCEL ---- */

/* RFC 3261 section 9.2 */
static void a_cancel_finds_the_invite_it_cancels(void **state)
{
    (void)state;
    struct sip_server_tx *invite = BEGIN(.method = "INVITE");
    assert_int_equal(MATCH(.method = "CANCEL"), SIP_REQUEST_CANCEL);
    assert_ptr_equal(matched, invite);
    struct sip_server_tx *cancel = BEGIN(.method = "CANCEL");
    tx_respond(cancel, 200, "tt");
    assert_int_equal(MATCH(.method = "CANCEL"), SIP_REQUEST_ABSORBED);
    assert_int_equal(f.sent_count, 2);
    assert_int_equal(MATCH(.method = "CANCEL", .branch = "z9hG4bKstray"), SIP_REQUEST_CANCEL);
    assert_null(matched);
}

/* RFC 3261 section 9.2: any method but CANCEL and ACK; an INVITE before others */
static void a_cancel_finds_other_methods_too(void **state)
{
    (void)state;
    struct sip_server_tx *options = BEGIN(.method = "OPTIONS");
    assert_int_equal(MATCH(.method = "CANCEL"), SIP_REQUEST_CANCEL);
    assert_ptr_equal(matched, options);
    struct sip_server_tx *invite = BEGIN(.method = "INVITE");
    BEGIN(.method = "INFO");
    assert_int_equal(MATCH(.method = "CANCEL"), SIP_REQUEST_CANCEL);
    assert_ptr_equal(matched, invite);
}

/* RFC 3261 section 9.1: Call-ID, the CSeq number and From are those of the request it cancels */
static void a_cancel_of_another_request_cancels_nothing(void **state)
{
    (void)state;
    BEGIN(.method = "INVITE");
    assert_int_equal(MATCH(.method = "CANCEL", .cseq = 2), SIP_REQUEST_CANCEL);
    assert_null(matched);
    assert_int_equal(MATCH(.method = "CANCEL", .call_id = "forged"), SIP_REQUEST_CANCEL);
    assert_null(matched);
    assert_int_equal(MATCH(.method = "CANCEL", .from_tag = "forged"), SIP_REQUEST_CANCEL);
    assert_null(matched);
}

/* RFC 3261 section 9.2: a final response does not hide the INVITE from the CANCEL (it has no effect
 * then, and is answered 200) */
static void a_cancel_finds_an_answered_invite(void **state)
{
    (void)state;
    struct sip_server_tx *invite = BEGIN(.method = "INVITE");
    tx_respond(invite, 200, "tt");
    assert_int_equal(MATCH(.method = "CANCEL"), SIP_REQUEST_CANCEL);
    assert_ptr_equal(matched, invite);
}

/* ---- RFC 2543 ---- */

#define OLD_VIA "SIP/2.0/UDP old.example:5062;branch=1;hidden"

/* RFC 3261 section 17.2.3: Request-URI, To tag, From tag, Call-ID, CSeq and top Via */
static void an_old_request_matches_by_all_its_fields(void **state)
{
    (void)state;
    BEGIN(.method = "INVITE", .via = OLD_VIA);
    assert_int_equal(MATCH(.method = "INVITE", .via = OLD_VIA), SIP_REQUEST_ABSORBED);
    assert_int_equal(MATCH(.method = "INVITE", .via = OLD_VIA, .uri = "sip:carol@biloxi.example"),
                     SIP_REQUEST_NEW);
    assert_int_equal(MATCH(.method = "INVITE", .via = OLD_VIA, .to_tag = "t"), SIP_REQUEST_NEW);
    assert_int_equal(MATCH(.method = "INVITE", .via = OLD_VIA, .from_tag = "g"), SIP_REQUEST_NEW);
    assert_int_equal(MATCH(.method = "INVITE", .via = OLD_VIA, .call_id = "c"), SIP_REQUEST_NEW);
    assert_int_equal(MATCH(.method = "INVITE", .via = OLD_VIA, .cseq = 9), SIP_REQUEST_NEW);
    assert_int_equal(
        MATCH(.method = "INVITE", .via = "SIP/2.0/UDP old.example:5062;branch=2;hidden"),
        SIP_REQUEST_NEW);
    assert_int_equal(MATCH(.method = "OPTIONS", .via = OLD_VIA), SIP_REQUEST_NEW);
}

/* RFC 3261 section 20.42: Via is equal when protocol, sent-by and the set of parameters are */
static void an_old_via_matches_by_its_own_rules(void **state)
{
    (void)state;
    BEGIN(.method = "OPTIONS", .via = OLD_VIA);
    assert_int_equal(
        MATCH(.method = "OPTIONS", .via = "SIP/2.0/udp OLD.example:5062 ;Hidden; branch=1"),
        SIP_REQUEST_ABSORBED);
    assert_int_equal(
        MATCH(.method = "OPTIONS", .via = "SIP/2.0/TCP old.example:5062;branch=1;hidden"),
        SIP_REQUEST_NEW);
    assert_int_equal(MATCH(.method = "OPTIONS", .via = "SIP/2.0/UDP old.example:5062;branch=1"),
                     SIP_REQUEST_NEW);
    assert_int_equal(
        MATCH(.method = "OPTIONS", .via = "SIP/2.0/UDP old.example:5062;branch=hidden;1=1"),
        SIP_REQUEST_NEW);
}

/* RFC 3261 section 17.2.3: the branch may be missing, or be the magic cookie alone */
static void no_branch_and_a_bare_cookie_are_old(void **state)
{
    (void)state;
    BEGIN(.method = "OPTIONS", .via = "SIP/2.0/UDP old.example");
    assert_int_equal(MATCH(.method = "OPTIONS", .via = "SIP/2.0/UDP old.example"),
                     SIP_REQUEST_ABSORBED);
    assert_int_equal(MATCH(.method = "OPTIONS", .via = "SIP/2.0/UDP old.example", .cseq = 2),
                     SIP_REQUEST_NEW);
    BEGIN(.method = "INFO", .via = "SIP/2.0/UDP old.example;branch=z9hG4bK");
    assert_int_equal(
        MATCH(.method = "INFO", .via = "SIP/2.0/UDP old.example;branch=z9hG4bK", .cseq = 5),
        SIP_REQUEST_NEW);
}

/* RFC 3261 section 17.2.3: the To tag of the ACK is that of the response which we sent */
static void an_old_ack_matches_by_the_to_tag_of_our_response(void **state)
{
    (void)state;
    struct sip_server_tx *tx = BEGIN(.method = "INVITE", .via = OLD_VIA);
    assert_int_equal(MATCH(.method = "ACK", .via = OLD_VIA, .to_tag = "tt"), SIP_REQUEST_ACK);
    tx_respond(tx, 180, "early");
    tx_respond(tx, 486, "tt");
    assert_int_equal(MATCH(.method = "ACK", .via = OLD_VIA, .to_tag = "other"), SIP_REQUEST_ACK);
    assert_int_equal(MATCH(.method = "ACK", .via = OLD_VIA), SIP_REQUEST_ACK);
    assert_int_equal(MATCH(.method = "ACK", .via = OLD_VIA, .to_tag = "tt", .cseq = 2),
                     SIP_REQUEST_ACK);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_COMPLETED);
    assert_int_equal(MATCH(.method = "ACK", .via = OLD_VIA, .to_tag = "tt"), SIP_REQUEST_ABSORBED);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_CONFIRMED);
    assert_int_equal(MATCH(.method = "ACK", .via = OLD_VIA, .to_tag = "tt"), SIP_REQUEST_ABSORBED);
    assert_int_equal(MATCH(.method = "INVITE", .via = OLD_VIA), SIP_REQUEST_ABSORBED);
}

/* RFC 3261 section 17.2.3: a re-INVITE has its To tag from the start */
static void an_old_reinvite_and_its_ack_have_one_to_tag(void **state)
{
    (void)state;
    struct sip_server_tx *tx = BEGIN(.method = "INVITE", .via = OLD_VIA, .to_tag = "tt");
    tx_respond(tx, 488, "tt");
    assert_int_equal(MATCH(.method = "INVITE", .via = OLD_VIA, .to_tag = "tt"),
                     SIP_REQUEST_ABSORBED);
    assert_int_equal(MATCH(.method = "ACK", .via = OLD_VIA, .to_tag = "tt"), SIP_REQUEST_ABSORBED);
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_CONFIRMED);
}

/* RFC 3261 section 9.2 with 17.2.3: all fields but the method */
static void an_old_cancel_finds_its_invite(void **state)
{
    (void)state;
    struct sip_server_tx *invite = BEGIN(.method = "INVITE", .via = OLD_VIA);
    assert_int_equal(MATCH(.method = "CANCEL", .via = OLD_VIA), SIP_REQUEST_CANCEL);
    assert_ptr_equal(matched, invite);
    assert_int_equal(MATCH(.method = "CANCEL", .via = OLD_VIA, .cseq = 2), SIP_REQUEST_CANCEL);
    assert_null(matched);
}

/* ---- responses ---- */

static struct sip_branch branch;

/* RFC 3261 section 17.1.3: the branch and the method of CSeq */
static void a_response_matches_by_branch_and_method(void **state)
{
    (void)state;
    tx_client(&f, "OPTIONS", tx_flow_udp(), &branch);
    assert_false(tx_answer(&f, &branch, "INVITE", 200, "a"));
    assert_false(tx_answer(&f, &branch, "ACK", 200, "a"));
    assert_false(tx_answer(&f, &branch, "CANCEL", 200, "a"));
    assert_false(tx_answer(&f, &branch, "FOO", 200, "a"));
    struct sip_branch other = branch;
    other.key ^= 1;
    assert_false(tx_answer(&f, &other, "OPTIONS", 200, "a"));
    other = branch;
    other.loop ^= 1;
    assert_false(tx_answer(&f, &other, "OPTIONS", 200, "a"));
    assert_string_equal(f.events, "");
    assert_true(tx_answer(&f, &branch, "OPTIONS", 200, "a"));
}

static void a_response_to_an_unknown_method_matches_by_its_name(void **state)
{
    (void)state;
    tx_client(&f, "FROBNICATE", tx_flow_udp(), &branch);
    assert_false(tx_answer(&f, &branch, "TWIDDLE", 200, "a"));
    assert_true(tx_answer(&f, &branch, "FROBNICATE", 200, "a"));
    assert_string_equal(f.events, "200;");
}

static bool answer_with_via(const char *via)
{
    struct tx_text text;
    const struct sip_message *response = tx_parse(&text,
                                                  "SIP/2.0 200 OK\r\n"
                                                  "Via: %s\r\n"
                                                  "From: <sip:a@example>;tag=1\r\n"
                                                  "To: <sip:b@example>;tag=2\r\n"
                                                  "Call-ID: c\r\n"
                                                  "CSeq: 1 OPTIONS\r\n"
                                                  "Content-Length: 0\r\n\r\n",
                                                  via);
    return sip_transactions_on_response(&f.layer, response);
}

static const char *branch_name(bool upper)
{
    static char name[SIP_BRANCH_LENGTH + 1];
    struct writer w;
    writer_init(&w, name, SIP_BRANCH_LENGTH);
    sip_branch_write(&w, &branch);
    for (char *c = name; *c != '\0' && upper; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    return name;
}

/* A server that changes, removes or covers our Via gets no further with its response. */
static void a_response_without_our_via_on_top_is_a_stray(void **state)
{
    (void)state;
    tx_client(&f, "OPTIONS", tx_flow_udp(), &branch);
    char via[512];
    (void)snprintf(via, sizeof via,
                   "SIP/2.0/UDP uas.example;branch=z9hG4bKx, SIP/2.0/UDP p;branch=%s",
                   branch_name(false));
    assert_false(answer_with_via(via));
    assert_false(answer_with_via("SIP/2.0/UDP p;branch=z9hG4bK776asdhds"));
    assert_false(answer_with_via("SIP/2.0/UDP p"));
    (void)snprintf(via, sizeof via, "SIP/2.0/UDP p;branch=%s1", branch_name(false));
    assert_false(answer_with_via(via));
    /* RFC 3261 section 7.3.1: tokens compare without case */
    (void)snprintf(via, sizeof via, "SIP/2.0/UDP p;branch=%s", branch_name(true));
    assert_true(answer_with_via(via));
}

/* ---- branches ---- */

static void a_branch_is_read_back_as_it_was_written(void **state)
{
    (void)state;
    struct sip_branch wanted = {.worker = 0xa7, .key = 0x0123456789abcdef, .loop = 0xfedcba98};
    char text[SIP_BRANCH_LENGTH];
    struct writer w;
    writer_init(&w, text, sizeof text);
    sip_branch_write(&w, &wanted);
    assert_int_equal(writer_status(&w), 0);
    assert_int_equal(writer_length(&w), SIP_BRANCH_LENGTH);
    assert_memory_equal(text, "z9hG4bKtza70123456789abcdef.00000000fedcba98", SIP_BRANCH_LENGTH);
    struct sip_branch read = {0};
    assert_int_equal(sip_branch_parse(slice_of(text, sizeof text), &read), 0);
    assert_int_equal(read.worker, wanted.worker);
    assert_true(read.key == wanted.key && read.loop == wanted.loop);
    read = (struct sip_branch){0};
    assert_int_equal(sip_branch_parse(SLICE("Z9HG4BKTZA70123456789ABCDEF.00000000FEDCBA98"), &read),
                     0);
    assert_true(read.key == wanted.key);
}

static void a_branch_that_is_not_ours_is_not_found(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",
        "z9hG4bK",
        "z9hG4bKtz",
        "z9hG4bKtza70123456789abcdef.00000000fedcba9",
        "z9hG4bKtza70123456789abcdef.00000000fedcba988",
        "z9hG4bKtxa70123456789abcdef.00000000fedcba98",
        "z9hG4bKtza70123456789abcdef-00000000fedcba98",
        "z9hG4bKtzg70123456789abcdef.00000000fedcba98",
        "z9hG4bKtza7012345678_abcdef.00000000fedcba98",
        "z9hG4bKtza70123456789abcdef.00000000fedcba9@",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct sip_branch read = {.worker = 1, .key = 2, .loop = 3};
        assert_int_equal(sip_branch_parse(slice_from_string(others[i]), &read), ERR_NOT_FOUND);
        assert_true(read.worker == 1 && read.key == 2 && read.loop == 3);
    }
}

static void new_branches_differ_and_name_the_worker(void **state)
{
    (void)state;
    struct sip_branch a = sip_branch_new(&f.layer, 5);
    struct sip_branch b = sip_branch_new(&f.layer, 5);
    assert_int_equal(a.worker, 7);
    assert_true(a.loop == 5 && b.loop == 5);
    assert_true(a.key != b.key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_matches_by_branch_sent_by_and_method),
        TEST(an_absent_port_of_sent_by_is_the_default_one),
        TEST(what_is_not_in_the_rule_does_not_count),
        TEST(unknown_methods_are_different_methods),
        TEST(an_ack_matches_the_invite_with_its_branch),
        TEST(the_ack_of_a_2xx_is_never_absorbed),
        TEST(an_ack_in_proceeding_is_swallowed),
        TEST(other_methods_with_the_same_branch_are_other_transactions),
        TEST(another_request_with_the_branch_of_a_transaction_is_new),
        TEST(a_cancel_finds_the_invite_it_cancels),
        TEST(a_cancel_finds_other_methods_too),
        TEST(a_cancel_of_another_request_cancels_nothing),
        TEST(a_cancel_finds_an_answered_invite),
        TEST(an_old_request_matches_by_all_its_fields),
        TEST(an_old_via_matches_by_its_own_rules),
        TEST(no_branch_and_a_bare_cookie_are_old),
        TEST(an_old_ack_matches_by_the_to_tag_of_our_response),
        TEST(an_old_reinvite_and_its_ack_have_one_to_tag),
        TEST(an_old_cancel_finds_its_invite),
        TEST(a_response_matches_by_branch_and_method),
        TEST(a_response_to_an_unknown_method_matches_by_its_name),
        TEST(a_response_without_our_via_on_top_is_a_stray),
        TEST(a_branch_is_read_back_as_it_was_written),
        TEST(a_branch_that_is_not_ours_is_not_found),
        TEST(new_branches_differ_and_name_the_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
