/* A client layer and a server layer over a network that loses, doubles, delays and reorders, in
 * virtual time: whatever happens, each client transaction has one outcome, and nothing is left. */
#include "unit/sip/transaction/tx_fixture.h"

/* timeout: 300 */

#define CALLS     400 /* client transactions of a run */
#define BYTES_MAX 1024

struct world;

struct packet {
    struct timer timer;
    struct world *world;
    bool to_server;
    size_t len;
    char bytes[BYTES_MAX];
};

/* What the client's user knows of one transaction. */
struct call {
    struct world *world;
    struct timer timer; /* begins it, later cancels it */
    struct sip_client_tx *tx;
    struct flow flow;
    struct sip_branch branch;
    bool invite;
    bool begun;
    bool cancels;
    unsigned number;
    unsigned finals;   /* first final responses and failures */
    unsigned accepted; /* all 2xx */
    bool ended;
};

/* What the server's user knows of one. */
struct answer {
    struct world *world;
    struct timer timer; /* the next response, later the 2xx again */
    struct sip_server_tx *tx;
    unsigned status; /* final one */
    unsigned next;   /* the next response to send */
    uint32_t interval_ms;
    uint64_t until_ms;
    bool acked;
    unsigned call;
    bool invite;
    char headers[512];
};

struct world {
    struct wheel wheel;
    struct random random;
    struct sip_transactions client;
    struct sip_transactions server;
    unsigned loss_percent;
    unsigned in_flight;
    unsigned answers; /* server transactions with a user */
    unsigned lost;
    struct call calls[CALLS];
    struct answer *invites[CALLS]; /* by call: the INVITE that the server works on */
};

static bool chance(struct world *w, unsigned percent)
{
    return random_below(&w->random, 100) < percent;
}

/* ---- the network ---- */

static void deliver(struct timer *timer);

static void put_on_the_wire(struct world *w, bool to_server, struct slice data, uint64_t delay_ms)
{
    struct packet *p = malloc(sizeof *p);
    assert_non_null(p);
    assert_true(data.len <= sizeof p->bytes);
    p->world = w;
    p->to_server = to_server;
    p->len = data.len;
    memcpy(p->bytes, data.ptr, data.len);
    timer_init(&p->timer, deliver);
    wheel_start(&w->wheel, &p->timer, delay_ms);
    w->in_flight++;
}

static int transmit(struct world *w, bool to_server, const struct flow *flow, struct slice data)
{
    if (flow_reliable(flow)) {
        put_on_the_wire(w, to_server, data, 20); /* in order */
        return 0;
    }
    if (chance(w, 1))
        return ERR_IO;
    for (unsigned copies = chance(w, 10) ? 2 : 1; copies > 0; copies--) {
        if (chance(w, w->loss_percent))
            w->lost++;
        else
            put_on_the_wire(w, to_server, data, random_below(&w->random, chance(w, 5) ? 3000 : 80));
    }
    return 0;
}

static int send_from_client(void *user, const struct flow *flow, struct slice data)
{
    return transmit(user, true, flow, data);
}

static int send_from_server(void *user, const struct flow *flow, struct slice data)
{
    return transmit(user, false, flow, data);
}

/* ---- the client's user ---- */

static void send_ack_of_2xx(struct call *call)
{
    char text[BYTES_MAX];
    int length = snprintf(text, sizeof text,
                          "ACK sip:b@b.example SIP/2.0\r\n"
                          "Via: SIP/2.0/UDP c.example;branch=z9hG4bKack%u\r\n"
                          "From: <sip:a@a.example>;tag=f\r\nTo: <sip:b@b.example>;tag=t\r\n"
                          "Call-ID: %u\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\n"
                          "Content-Length: 0\r\n\r\n",
                          call->number, call->number);
    (void)transmit(call->world, true, &call->flow, slice_of(text, (size_t)length));
}

static void on_response(struct sip_client_tx *tx, void *user, const struct sip_message *response)
{
    struct call *call = user;
    assert_ptr_equal(tx, call->tx);
    assert_false(call->ended);
    if (response->status < 200) {
        assert_int_equal(call->finals, 0);
        return;
    }
    if (call->invite && response->status < 300) {
        call->finals += call->accepted++ == 0; /* the same 2xx again is no second outcome */
        send_ack_of_2xx(call);
    } else {
        call->finals++;
    }
    assert_int_equal(call->finals, 1);
}

static void on_failure(struct sip_client_tx *tx, void *user, enum sip_tx_failure failure)
{
    struct call *call = user;
    (void)failure;
    assert_ptr_equal(tx, call->tx);
    assert_false(call->ended);
    call->finals++;
    assert_int_equal(call->finals, 1);
}

static void on_end(struct sip_client_tx *tx, void *user)
{
    struct call *call = user;
    assert_ptr_equal(tx, call->tx);
    assert_false(call->ended);
    call->ended = true;
    call->tx = NULL;
    wheel_stop(&call->world->wheel, &call->timer);
}

static const struct sip_client_tx_user client_user = {
    .on_response = on_response, .on_failure = on_failure, .on_end = on_end};

static void begin_or_cancel(struct timer *timer)
{
    struct call *call = container_of(timer, struct call, timer);
    struct world *w = call->world;
    if (call->begun) {
        (void)sip_client_tx_cancel(call->tx, SLICE_NULL);
        return;
    }
    call->begun = true;
    call->branch = sip_branch_new(&w->client, 0);
    char name[SIP_BRANCH_LENGTH + 1] = "";
    struct writer writer;
    writer_init(&writer, name, SIP_BRANCH_LENGTH);
    sip_branch_write(&writer, &call->branch);
    const char *method = call->invite ? "INVITE" : "OPTIONS";
    char text[BYTES_MAX];
    int length =
        snprintf(text, sizeof text,
                 "%s sip:b@b.example SIP/2.0\r\n"
                 "Via: SIP/2.0/%s c.example;branch=%s;rport\r\n"
                 "From: <sip:a@a.example>;tag=f\r\nTo: <sip:b@b.example>\r\n"
                 "Call-ID: %u\r\nCSeq: 1 %s\r\nMax-Forwards: 70\r\n"
                 "Content-Length: 0\r\n\r\n",
                 method, flow_reliable(&call->flow) ? "TCP" : "UDP", name, call->number, method);
    struct sip_client_tx_start start = {.flow = call->flow,
                                        .request = slice_of(text, (size_t)length),
                                        .method = call->invite ? SIP_INVITE : SIP_OPTIONS,
                                        .branch = call->branch,
                                        .handler = &client_user,
                                        .user = call};
    assert_int_equal(sip_client_tx_new(&w->client, &start, &call->tx), 0);
    /* Timer C in short: every INVITE is cancelled in the end, some soon. */
    if (call->invite)
        wheel_start(&w->wheel, &call->timer,
                    call->cancels ? random_below(&w->random, 5000) : 60000);
}

/* ---- the server's user ---- */

static int respond(struct answer *a, unsigned status)
{
    char text[BYTES_MAX];
    int length = snprintf(text, sizeof text, "SIP/2.0 %u Words\r\n%sContent-Length: 0\r\n\r\n",
                          status, a->headers);
    return sip_server_tx_respond(a->tx, status, slice_of(text, (size_t)length));
}

static void server_ended(struct sip_server_tx *tx, void *user)
{
    struct answer *a = user;
    assert_ptr_equal(a->tx, tx);
    wheel_stop(&a->world->wheel, &a->timer);
    if (a->invite)
        a->world->invites[a->call] = NULL;
    a->world->answers--;
    free(a);
}

static const struct sip_server_tx_user server_user = {NULL, server_ended};

/* 2xx are the user's to repeat until the ACK comes (13.3.1.4 as RFC 6026 section 8.1 has it). */
static void repeat_2xx(struct answer *a)
{
    struct wheel *wheel = &a->world->wheel;
    if (a->acked || wheel->now_ms >= a->until_ms)
        return;
    (void)respond(a, 200);
    a->interval_ms = a->interval_ms * 2 < 4000 ? a->interval_ms * 2 : 4000;
    wheel_start(wheel, &a->timer, a->interval_ms);
}

static void next_response(struct timer *timer)
{
    struct answer *a = container_of(timer, struct answer, timer);
    struct world *w = a->world;
    if (sip_server_tx_state(a->tx) == SIP_TX_ACCEPTED) {
        repeat_2xx(a);
        return;
    }
    if (a->next == 180) {
        (void)respond(a, 180);
        a->next = a->status;
        wheel_start(&w->wheel, &a->timer, random_below(&w->random, 20000));
    } else if (a->status == 0) {
        sip_server_tx_abandon(a->tx); /* RFC 4320: no answer in time is no answer */
        w->answers--;
        free(a);
    } else {
        assert_int_not_equal(respond(a, a->next), ERR_INVALID);
        if (sip_server_tx_state(a->tx) == SIP_TX_ACCEPTED) {
            a->until_ms = w->wheel.now_ms + 32000;
            a->interval_ms = 500;
            wheel_start(&w->wheel, &a->timer, a->interval_ms);
        }
    }
}

static void copy_line(struct answer *a, const struct sip_message *request, enum sip_header_id id,
                      const char *tail)
{
    struct slice value = sip_message_value(request, id);
    size_t length = strlen(a->headers);
    (void)snprintf(a->headers + length, sizeof a->headers - length, "%.*s: %.*s%s\r\n",
                   SLICE_ARG(sip_header_name(id)), SLICE_ARG(value), tail);
}

static struct answer *begin_answer(struct world *w, const struct sip_message *request)
{
    struct answer *a = calloc(1, sizeof *a);
    assert_non_null(a);
    a->world = w;
    a->invite = request->method == SIP_INVITE;
    timer_init(&a->timer, next_response);
    assert_int_equal(slice_to_u32(sip_message_value(request, SIP_HEADER_CALL_ID), CALLS, &a->call),
                     0);
    copy_line(a, request, SIP_HEADER_VIA, "");
    copy_line(a, request, SIP_HEADER_FROM, "");
    copy_line(a, request, SIP_HEADER_TO, ";tag=t");
    copy_line(a, request, SIP_HEADER_CALL_ID, "");
    copy_line(a, request, SIP_HEADER_CSEQ, "");
    struct flow flow = w->calls[a->call].flow;
    assert_int_equal(sip_server_tx_new(&w->server, request, &flow, &server_user, a, &a->tx), 0);
    w->answers++;
    if (a->invite) {
        assert_null(w->invites[a->call]); /* a retransmission would have been absorbed */
        w->invites[a->call] = a;
    }
    return a;
}

static void acknowledge(struct world *w, const struct sip_message *ack)
{
    uint32_t call;
    assert_int_equal(slice_to_u32(sip_message_value(ack, SIP_HEADER_CALL_ID), CALLS, &call), 0);
    struct answer *a = w->invites[call];
    if (a == NULL || sip_server_tx_state(a->tx) != SIP_TX_ACCEPTED)
        return;
    a->acked = true;
    wheel_stop(&w->wheel, &a->timer);
}

static void serve(struct world *w, const struct sip_message *request)
{
    struct sip_server_tx *found;
    switch (sip_transactions_on_request(&w->server, request, &found)) {
    case SIP_REQUEST_NEW: {
        struct answer *a = begin_answer(w, request);
        unsigned kind = (unsigned)random_below(&w->random, 10);
        a->status = kind < 6 ? 200 : 486;
        if (a->invite) {
            if (chance(w, 80))
                (void)respond(a, 100);
            a->next = chance(w, 70) ? 180 : a->status;
        } else {
            a->status = kind == 9 ? 0 : a->status;
            a->next = a->status;
        }
        wheel_start(&w->wheel, &a->timer, random_below(&w->random, 3000));
        break;
    }
    case SIP_REQUEST_CANCEL: {
        struct answer *cancel = begin_answer(w, request);
        (void)respond(cancel, found != NULL ? 200 : 481);
        struct answer *a = found != NULL ? sip_server_tx_user_of(found, &server_user) : NULL;
        if (a != NULL && sip_server_tx_state(found) == SIP_TX_PROCEEDING) {
            assert_true(a->invite);
            wheel_stop(&w->wheel, &a->timer);
            assert_int_not_equal(respond(a, 487), ERR_INVALID);
        }
        break;
    }
    case SIP_REQUEST_ACK: acknowledge(w, request); break;
    case SIP_REQUEST_ABSORBED: break;
    default: fail_msg("an honest client sent something invalid");
    }
}

static void deliver(struct timer *timer)
{
    struct packet *p = container_of(timer, struct packet, timer);
    struct world *w = p->world;
    struct sip_message message;
    struct sip_fault fault;
    w->in_flight--;
    assert_int_equal(
        sip_message_parse(slice_of(p->bytes, p->len), &(struct sip_limits){0}, &message, &fault),
        0);
    assert_int_equal(sip_message_check(&message, &fault), 0);
    if (p->to_server)
        serve(w, &message);
    else
        (void)sip_transactions_on_response(&w->client, &message);
    free(p);
}

/* ---- runs ---- */

static void begin_world(struct world *w, uint64_t seed, unsigned loss_percent)
{
    memset(w, 0, sizeof *w);
    wheel_init(&w->wheel, seed * 77777);
    random_seed(&w->random, seed);
    w->loss_percent = loss_percent;
    struct sip_transactions_config config = {
        .times = {500, 4000, 5000}, .worker = 1, .send = send_from_client, .user = w};
    assert_int_equal(sip_transactions_init(&w->client, &config, &w->wheel, &w->random), 0);
    config.send = send_from_server;
    assert_int_equal(sip_transactions_init(&w->server, &config, &w->wheel, &w->random), 0);
    for (unsigned i = 0; i < CALLS; i++) {
        struct call *call = &w->calls[i];
        call->world = w;
        call->number = i;
        call->invite = chance(w, 60);
        call->cancels = chance(w, 25);
        call->flow = chance(w, 80) ? tx_flow_udp() : tx_flow_tcp(1 + i % 5);
        timer_init(&call->timer, begin_or_cancel);
        wheel_start(&w->wheel, &call->timer, random_below(&w->random, 60000));
    }
}

static void nothing_is_left_in(const struct sip_transactions *t)
{
    assert_int_equal(sip_transactions_count(t), 0);
    assert_int_equal(t->blocks.bytes, 0);
    assert_int_equal(t->by_connection.count, 0);
    assert_int_equal(t->client_pool.in_use + t->server_pool.in_use + t->connection_pool.in_use, 0);
}

static void run(uint64_t seed, unsigned loss_percent)
{
    struct world *w = malloc(sizeof *w);
    assert_non_null(w);
    begin_world(w, seed, loss_percent);
    uint64_t end = w->wheel.now_ms + 600000;
    while (wheel_next(&w->wheel) <= end) {
        wheel_advance(&w->wheel, wheel_next(&w->wheel));
        if (chance(w, 1) && chance(w, 1)) {
            struct flow flow = tx_flow_tcp(1 + (uint32_t)random_below(&w->random, 5));
            sip_transactions_on_connection_closed(&w->client, &flow);
        }
    }
    for (unsigned i = 0; i < CALLS; i++) {
        struct call *call = &w->calls[i];
        if (call->finals != 1 || !call->ended)
            fail_msg("seed %u, call %u: %u outcomes", (unsigned)seed, i, call->finals);
    }
    assert_int_equal(w->wheel.count, 0);
    assert_int_equal(w->in_flight, 0);
    assert_int_equal(w->answers, 0);
    nothing_is_left_in(&w->client);
    nothing_is_left_in(&w->server);
    if (loss_percent > 0)
        assert_true(w->lost > 0);
    assert_true(w->client.counts[SIP_TX_COUNT_CLIENT] >= CALLS);
    assert_true(w->client.counts[SIP_TX_COUNT_RETRANSMIT_OUT] > 0);
    assert_int_equal(w->server.counts[SIP_TX_COUNT_REFUSED], 0);
    sip_transactions_done(&w->client);
    sip_transactions_done(&w->server);
    free(w);
}

/* RFC 3261 section 17: reliability over an unreliable network */
static void each_transaction_has_one_outcome_and_leaves_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        run(seed, (unsigned)(seed * 7 % 60));
}

static void nothing_is_left_when_nearly_all_is_lost(void **state)
{
    (void)state;
    run(100, 95);
    run(101, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_transaction_has_one_outcome_and_leaves_nothing),
        cmocka_unit_test(nothing_is_left_when_nearly_all_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
