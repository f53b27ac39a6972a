/* The transaction layer driven by bytes: events, time, failing sends, failing memory, users that
 * call back. Each client transaction has one outcome, and nothing is left behind. RFC 3261
 * chapter 17. */
#include "base/error.h"
#include "base/memory.h"
#include "fuzz/check.h"
#include "sip/transaction/transaction.h"

#include <stdio.h>

#define SLOTS 16

struct client_slot {
    struct world *world;
    struct sip_client_tx *tx; /* NULL: free */
    struct sip_branch branch;
    uint8_t method; /* index into methods */
    uint8_t outcomes;
    bool accepted;
};

struct server_slot {
    struct world *world;
    struct sip_server_tx *tx; /* NULL: free */
    unsigned failures;
};

struct world {
    struct wheel wheel;
    struct random random;
    struct sip_transactions layer;
    const uint8_t *at;
    const uint8_t *end;
    bool send_fails;
    unsigned depth; /* of callbacks */
    struct client_slot clients[SLOTS];
    struct server_slot servers[SLOTS];
};

static const char *const methods[] = {"INVITE", "OPTIONS", "CANCEL", "ACK",
                                      "BYE",    "FOO",     "BAR",    "REGISTER"};

static uint8_t take(struct world *w)
{
    return w->at < w->end ? *w->at++ : 0;
}

static void step(struct world *w);

/* A user that does something in its callback, sometimes. */
static void stir(struct world *w)
{
    if (w->depth < 3 && w->at < w->end && take(w) % 4 == 0) {
        w->depth++;
        step(w);
        w->depth--;
    }
}

static int fuzz_send(void *user, const struct flow *flow, struct slice data)
{
    struct world *w = user;
    FUZZ_CHECK(flow->transport < TRANSPORT_COUNT);
    FUZZ_CHECK(data.len > 0 && data.ptr[0] != '\0');
    return w->send_fails ? ERR_IO : 0;
}

/* ---- client ---- */

static void on_response(struct sip_client_tx *tx, void *user, const struct sip_message *response)
{
    struct client_slot *slot = user;
    FUZZ_CHECK(slot->tx == tx);
    if (response->status >= 200 && !slot->accepted) {
        slot->accepted = response->status < 300 && slot->method == 0;
        slot->outcomes++;
    }
    FUZZ_CHECK(slot->outcomes == (response->status >= 200));
    stir(slot->world);
}

static void on_failure(struct sip_client_tx *tx, void *user, enum sip_tx_failure failure)
{
    struct client_slot *slot = user;
    FUZZ_CHECK(slot->tx == tx && failure <= SIP_TX_FAILED_TRANSPORT);
    FUZZ_CHECK(slot->outcomes++ == 0);
    stir(slot->world);
}

static void on_client_end(struct sip_client_tx *tx, void *user)
{
    struct client_slot *slot = user;
    FUZZ_CHECK(slot->tx == tx && sip_client_tx_state(tx) == SIP_TX_TERMINATED);
    FUZZ_CHECK(slot->outcomes == 1 || slot->world->layer.closing);
    slot->tx = NULL;
    stir(slot->world);
}

static const struct sip_client_tx_user client_user = {
    .on_response = on_response, .on_failure = on_failure, .on_end = on_client_end};

static struct flow flow_of(uint8_t choice)
{
    struct flow flow = {.transport = choice & 1 ? TRANSPORT_TCP : TRANSPORT_UDP};
    flow.connection = choice >> 1 & 3;
    flow.generation = 1;
    return flow;
}

static void write_branch(const struct sip_branch *branch, char *text)
{
    struct writer w;
    writer_init(&w, text, SIP_BRANCH_LENGTH);
    sip_branch_write(&w, branch);
    text[SIP_BRANCH_LENGTH] = '\0';
}

static void begin_client(struct world *w, struct client_slot *slot)
{
    uint8_t method = take(w) % 8;
    if (slot->tx != NULL || method == 3)
        return;
    char branch[SIP_BRANCH_LENGTH + 1];
    char text[512];
    struct sip_client_tx *tx = NULL;
    *slot = (struct client_slot){
        .world = w, .branch = sip_branch_new(&w->layer, take(w)), .method = method};
    write_branch(&slot->branch, branch);
    int length =
        snprintf(text, sizeof text,
                 "%s sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=%s\r\nFrom: <sip:a>;tag=f\r\n"
                 "To: <sip:b>\r\nCall-ID: c\r\nRoute: <sip:r;lr>\r\nCSeq: 7 %s\r\n\r\n",
                 methods[method], branch, methods[method]);
    struct sip_client_tx_start start = {.flow = flow_of(take(w)),
                                        .request = slice_of(text, (size_t)length),
                                        .method =
                                            sip_method_lookup(slice_from_string(methods[method])),
                                        .branch = slot->branch,
                                        .handler = &client_user,
                                        .user = slot};
    if (sip_client_tx_new(&w->layer, &start, &tx) == 0)
        slot->tx = tx;
}

static void abandon_client(struct client_slot *slot)
{
    if (slot->tx != NULL)
        sip_client_tx_abandon(slot->tx);
    slot->tx = NULL;
}

/* ---- messages ---- */

static struct server_slot *free_server(struct world *w);
static const struct sip_server_tx_user server_user;

static void on_request(struct world *w, const struct sip_message *request)
{
    struct sip_server_tx *tx;
    enum sip_request_match match = sip_transactions_on_request(&w->layer, request, &tx);
    FUZZ_CHECK(tx == NULL || match == SIP_REQUEST_ACK || match == SIP_REQUEST_CANCEL);
    struct server_slot *slot = free_server(w);
    if ((match != SIP_REQUEST_NEW && match != SIP_REQUEST_CANCEL) || slot == NULL)
        return;
    struct flow flow = flow_of(take(w));
    *slot = (struct server_slot){.world = w};
    if (sip_server_tx_new(&w->layer, request, &flow, &server_user, slot, &tx) == 0)
        slot->tx = tx;
}

static void on_bytes(struct world *w, struct slice bytes)
{
    struct sip_message message;
    struct sip_fault fault;
    if (sip_message_parse(bytes, &(struct sip_limits){0}, &message, &fault) != 0 ||
        sip_message_check(&message, &fault) != 0)
        return;
    if (message.is_request)
        on_request(w, &message);
    else
        (void)sip_transactions_on_response(&w->layer, &message);
}

static void answer(struct world *w, const struct client_slot *slot)
{
    char branch[SIP_BRANCH_LENGTH + 1];
    char text[512];
    unsigned status = 100 + take(w) * 600u / 256;
    uint8_t method = take(w);
    write_branch(&slot->branch, branch);
    int length =
        snprintf(text, sizeof text,
                 "SIP/2.0 %u X\r\nVia: SIP/2.0/UDP h;branch=%s\r\nFrom: <sip:a>;tag=f\r\n"
                 "To: <sip:b>;tag=%u\r\nCall-ID: c\r\nCSeq: 7 %s\r\n\r\n",
                 status, branch, method >> 6u, methods[method & 8 ? method & 7 : slot->method]);
    on_bytes(w, slice_of(text, (size_t)length));
}

static void request(struct world *w)
{
    char text[512];
    uint8_t a = take(w);
    uint8_t b = take(w);
    int length = snprintf(text, sizeof text,
                          "%s sip:%u SIP/2.0\r\nVia: SIP/2.0/UDP h%u;branch=%s%u\r\n"
                          "From: <sip:a>;tag=%u\r\nTo: <sip:b>;tag=%u\r\nCall-ID: %u\r\n"
                          "CSeq: %u %s\r\nMax-Forwards: 9\r\n\r\n",
                          methods[a & 7], b & 1u, b >> 1 & 1u, a & 8 ? "" : "z9hG4bK", a >> 4 & 3u,
                          b >> 2 & 1u, b >> 3 & 1u, b >> 4 & 1u, 1 + (b >> 5 & 1u), methods[a & 7]);
    on_bytes(w, slice_of(text, (size_t)length));
}

static void raw(struct world *w)
{
    size_t left = (size_t)(w->end - w->at);
    size_t length = take(w) | (size_t)take(w) << 8;
    left = (size_t)(w->end - w->at);
    length = length < left ? length : left;
    struct slice bytes = slice_of((const char *)w->at, length);
    w->at += length;
    on_bytes(w, bytes);
}

/* ---- server ---- */

static void on_server_failure(struct sip_server_tx *tx, void *user, enum sip_tx_failure failure)
{
    struct server_slot *slot = user;
    FUZZ_CHECK(slot->tx == tx && failure <= SIP_TX_FAILED_TRANSPORT);
    FUZZ_CHECK(slot->failures++ == 0);
    stir(slot->world);
}

static void on_server_end(struct sip_server_tx *tx, void *user)
{
    struct server_slot *slot = user;
    FUZZ_CHECK(slot->tx == tx && sip_server_tx_state(tx) == SIP_TX_TERMINATED);
    slot->tx = NULL;
    stir(slot->world);
}

static const struct sip_server_tx_user server_user = {on_server_failure, on_server_end};

static struct server_slot *free_server(struct world *w)
{
    for (unsigned i = 0; i < SLOTS; i++)
        if (w->servers[i].tx == NULL)
            return &w->servers[i];
    return NULL;
}

static void respond(struct world *w, struct server_slot *slot)
{
    unsigned status = 90 + take(w) * 620u / 256;
    char text[64];
    int length = snprintf(text, sizeof text, "SIP/2.0 %u X\r\nTo: <sip:b>;tag=%u\r\n\r\n", status,
                          status & 1u);
    if (slot->tx == NULL)
        return;
    enum sip_tx_state before = sip_server_tx_state(slot->tx);
    int rc = sip_server_tx_respond(slot->tx, status, slice_of(text, (size_t)length));
    FUZZ_CHECK(rc <= 0);
    FUZZ_CHECK(rc != ERR_INVALID || sip_server_tx_state(slot->tx) == before);
}

static void abandon_server(struct server_slot *slot)
{
    if (slot->tx != NULL)
        sip_server_tx_abandon(slot->tx);
    slot->tx = NULL;
}

/* ---- steps ---- */

static void pass_time(struct world *w)
{
    uint8_t b = take(w);
    uint64_t until = w->wheel.now_ms + ((uint64_t)(b & 15) << (b >> 4));
    if (w->depth > 0)
        return; /* the wheel is running already */
    while (wheel_next(&w->wheel) <= until)
        wheel_advance(&w->wheel, wheel_next(&w->wheel));
    wheel_advance(&w->wheel, until);
}

static void close_connection(struct world *w)
{
    struct flow flow = flow_of(take(w) | 1);
    sip_transactions_on_connection_closed(&w->layer, &flow);
}

static void step(struct world *w)
{
    uint8_t op = take(w);
    struct client_slot *client = &w->clients[op >> 4];
    struct server_slot *server = &w->servers[op >> 4];
    switch (op & 15) {
    case 0:
    case 1: begin_client(w, client); break;
    case 2:
    case 3: answer(w, client); break;
    case 4:
        if (client->tx != NULL)
            (void)sip_client_tx_cancel(client->tx, SLICE("Reason: X\r\n"));
        break;
    case 5: abandon_client(client); break;
    case 6:
    case 7: request(w); break;
    case 8:
    case 9: respond(w, server); break;
    case 10: abandon_server(server); break;
    case 11:
    case 12: pass_time(w); break;
    case 13: close_connection(w); break;
    case 14: raw(w); break;
    default:
        w->send_fails = op & 16;
        w->layer.config.limit = op & 32 ? 4 : 0;
        w->layer.blocks.limit = op & 64 ? 2048 : 0;
        if (op & 128)
            memory_fail_after(take(w) % 8);
    }
}

/* With everything answered or abandoned, time alone must end all. */
static void finish(struct world *w)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        abandon_server(&w->servers[i]);
        if (i % 2 == 0)
            abandon_client(&w->clients[i]);
        else if (w->clients[i].tx != NULL)
            (void)sip_client_tx_cancel(w->clients[i].tx, SLICE_NULL);
    }
    w->at = w->end;
    w->depth = 3;
    uint64_t until = w->wheel.now_ms + 200000;
    while (wheel_next(&w->wheel) <= until)
        wheel_advance(&w->wheel, wheel_next(&w->wheel));
    FUZZ_CHECK(w->wheel.count == 0);
    FUZZ_CHECK(sip_transactions_count(&w->layer) == 0);
    FUZZ_CHECK(w->layer.blocks.bytes == 0);
    FUZZ_CHECK(w->layer.by_connection.count == 0);
    FUZZ_CHECK(w->layer.connection_pool.in_use == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w; /* large */
    w = (struct world){.at = data, .end = data + size};
    wheel_init(&w.wheel, 12345);
    random_seed(&w.random, 1);
    struct sip_transactions_config config = {
        .times = {500, 4000, 5000}, .worker = 1, .send = fuzz_send, .user = &w};
    FUZZ_CHECK(sip_transactions_init(&w.layer, &config, &w.wheel, &w.random) == 0);
    bool end_early = take(&w) & 1;
    while (w.at < w.end)
        step(&w);
    (void)memory_fail_hit();
    w.depth = 3;
    if (!end_early)
        finish(&w);
    sip_transactions_done(&w.layer);
    FUZZ_CHECK(w.wheel.count == 0);
    return 0;
}
