#include "unit/sip/transaction/tx_fixture.h"

#include "base/memory.h"
#include "sip/message/param.h"

/* ---- network and users ---- */

static int record_send(void *user, const struct flow *flow, struct slice data)
{
    struct tx_fixture *f = user;
    if (f->send_result < 0)
        return f->send_result;
    assert_true(f->sent_count < TX_SENT_MAX);
    struct tx_sent *sent = &f->sent[f->sent_count++];
    sent->at_ms = f->wheel.now_ms;
    sent->flow = *flow;
    assert_true(data.len < sizeof sent->bytes);
    sent->len = data.len;
    memcpy(sent->bytes, data.ptr, data.len);
    sent->bytes[data.len] = '\0';
    return 0;
}

static void note(struct tx_fixture *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void note(struct tx_fixture *f, const char *format, ...)
{
    size_t length = strlen(f->events);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(f->events + length, sizeof f->events - length, format, args);
    va_end(args);
}

static void on_response(struct sip_client_tx *tx, void *user, const struct sip_message *response)
{
    struct tx_fixture *f = user;
    (void)tx;
    f->responses++;
    f->last_status = response->status;
    f->finals += response->status >= 200;
    note(f, "%u;", (unsigned)response->status);
}

static void on_failure(struct tx_fixture *f, enum sip_tx_failure failure)
{
    f->failures++;
    f->last_failure = failure;
    note(f, failure == SIP_TX_FAILED_TIMEOUT ? "timeout;" : "transport;");
}

static void on_end(struct tx_fixture *f)
{
    f->ends++;
    f->end_ms = f->wheel.now_ms - f->start_ms;
    note(f, "end;");
}

static void on_client_failure(struct sip_client_tx *tx, void *user, enum sip_tx_failure failure)
{
    (void)tx;
    on_failure(user, failure);
}

static void on_client_connection_closed(struct sip_client_tx *tx, void *user)
{
    assert_int_equal(sip_client_tx_state(tx), SIP_TX_PROCEEDING);
    note(user, "closed;");
}

static void on_client_end(struct sip_client_tx *tx, void *user)
{
    assert_int_equal(sip_client_tx_state(tx), SIP_TX_TERMINATED);
    on_end(user);
}

static void on_server_failure(struct sip_server_tx *tx, void *user, enum sip_tx_failure failure)
{
    (void)tx;
    on_failure(user, failure);
}

static void on_server_end(struct sip_server_tx *tx, void *user)
{
    assert_int_equal(sip_server_tx_state(tx), SIP_TX_TERMINATED);
    on_end(user);
}

const struct sip_client_tx_user tx_client_user = {.on_response = on_response,
                                                  .on_failure = on_client_failure,
                                                  .on_connection_closed =
                                                      on_client_connection_closed,
                                                  .on_end = on_client_end};
const struct sip_server_tx_user tx_server_user = {on_server_failure, on_server_end};

/* ---- the layer ---- */

struct sip_transactions_config tx_config(struct tx_fixture *f)
{
    return (struct sip_transactions_config){
        .times = {500, 4000, 5000}, .worker = 7, .send = record_send, .user = f};
}

void tx_start_with(struct tx_fixture *f, const struct sip_transactions_config *config)
{
    memset(f, 0, sizeof *f);
    f->start_ms = 1000000123;
    wheel_init(&f->wheel, f->start_ms);
    random_seed(&f->random, 1);
    assert_int_equal(sip_transactions_init(&f->layer, config, &f->wheel, &f->random), 0);
}

void tx_start(struct tx_fixture *f)
{
    struct sip_transactions_config config = tx_config(f);
    tx_start_with(f, &config);
}

void tx_stop(struct tx_fixture *f)
{
    assert_int_equal(sip_transactions_count(&f->layer), 0);
    assert_int_equal(f->wheel.count, 0);
    assert_int_equal(f->layer.blocks.bytes, 0);
    assert_int_equal(f->layer.by_connection.count, 0);
    assert_int_equal(f->layer.client_pool.in_use, 0);
    assert_int_equal(f->layer.server_pool.in_use, 0);
    assert_int_equal(f->layer.connection_pool.in_use, 0);
    sip_transactions_done(&f->layer);
}

void tx_run(struct tx_fixture *f, uint64_t ms)
{
    uint64_t until = f->wheel.now_ms + ms;
    while (wheel_next(&f->wheel) <= until)
        wheel_advance(&f->wheel, wheel_next(&f->wheel));
    wheel_advance(&f->wheel, until);
}

static struct flow flow_of(enum transport transport)
{
    struct flow flow = {.transport = (uint8_t)transport, .worker = 7, .listener = 1};
    assert_int_equal(address_parse(SLICE("192.0.2.1:5060"), &flow.local), 0);
    assert_int_equal(address_parse(SLICE("192.0.2.2:5062"), &flow.remote), 0);
    return flow;
}

struct flow tx_flow_udp(void)
{
    return flow_of(TRANSPORT_UDP);
}

struct flow tx_flow_tcp(uint32_t connection)
{
    struct flow flow = flow_of(TRANSPORT_TCP);
    flow.connection = connection;
    flow.generation = connection * 10;
    return flow;
}

/* ---- messages ---- */

static void parse(struct tx_text *text)
{
    struct sip_fault fault = {0, NULL};
    struct slice data = slice_from_string(text->bytes);
    int rc = sip_message_parse(data, &(struct sip_limits){0}, &text->message, &fault);
    if (rc == 0)
        rc = sip_message_check(&text->message, &fault);
    if (rc != 0)
        fail_msg("%s: %s\n%s", error_text(rc), fault.reason, text->bytes);
}

const struct sip_message *tx_parse(struct tx_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text->bytes, sizeof text->bytes, format, args);
    va_end(args);
    assert_in_range(length, 1, sizeof text->bytes - 1);
    parse(text);
    return &text->message;
}

static const char *or_default(const char *given, const char *otherwise)
{
    return given != NULL ? given : otherwise;
}

const struct sip_message *tx_request_of(struct tx_text *text, const struct tx_request *r)
{
    char via[512];
    (void)snprintf(via, sizeof via, "SIP/2.0/UDP %s;branch=%s",
                   or_default(r->sent_by, "pc33.atlanta.example:5060"),
                   or_default(r->branch, "z9hG4bK-a"));
    unsigned cseq = r->cseq != 0 ? r->cseq : 1;
    return tx_parse(text,
                    "%s %s SIP/2.0\r\n"
                    "Via: %s\r\n"
                    "Max-Forwards: 70\r\n"
                    "From: Alice <sip:alice@atlanta.example>;tag=%s\r\n"
                    "To: Bob <sip:bob@biloxi.example>%s%s\r\n"
                    "Call-ID: %s\r\n"
                    "CSeq: %u %s\r\n"
                    "Content-Length: 0\r\n\r\n",
                    r->method, or_default(r->uri, "sip:bob@biloxi.example"),
                    or_default(r->via, via), or_default(r->from_tag, "ft"),
                    r->to_tag != NULL ? ";tag=" : "", or_default(r->to_tag, ""),
                    or_default(r->call_id, "call-1"), cseq, r->method);
}

static const char *branch_text(const struct sip_branch *branch, char *buf)
{
    struct writer w;
    writer_init(&w, buf, SIP_BRANCH_LENGTH);
    sip_branch_write(&w, branch);
    assert_int_equal(writer_status(&w), 0);
    buf[SIP_BRANCH_LENGTH] = '\0';
    return buf;
}

struct sip_client_tx *tx_client(struct tx_fixture *f, const char *method, struct flow flow,
                                struct sip_branch *ret_branch)
{
    struct sip_branch branch = sip_branch_new(&f->layer, 0x1122334455667788);
    char name[SIP_BRANCH_LENGTH + 1];
    struct tx_text text;
    (void)tx_parse(&text,
                   "%s sip:bob@biloxi.example SIP/2.0\r\n"
                   "Via: SIP/2.0/UDP proxy.example:5060;branch=%s;rport\r\n"
                   "Via: SIP/2.0/UDP pc33.atlanta.example;branch=z9hG4bK776asdhds\r\n"
                   "Route: <sip:one.example;lr>, <sip:two.example;lr>\r\n"
                   "Route: <sip:three.example;lr>\r\n"
                   "Max-Forwards: 69\r\n"
                   "From: Alice <sip:alice@atlanta.example>;tag=1928301774\r\n"
                   "To: Bob <sip:bob@biloxi.example>\r\n"
                   "Call-ID: a84b4c76e66710@pc33.atlanta.example\r\n"
                   "CSeq: 314159 %s\r\n"
                   "Contact: <sip:alice@pc33.atlanta.example>\r\n"
                   "Require: 100rel\r\n"
                   "Content-Type: text/plain\r\n"
                   "Content-Length: 4\r\n\r\nbody",
                   method, branch_text(&branch, name), method);
    struct sip_client_tx_start start = {
        .flow = flow,
        .request = slice_from_string(text.bytes),
        .method = sip_method_lookup(slice_from_string(method)),
        .branch = branch,
        .handler = &tx_client_user,
        .user = f,
    };
    struct sip_client_tx *tx = NULL;
    int rc = sip_client_tx_new(&f->layer, &start, &tx);
    if (rc != 0)
        return NULL;
    *ret_branch = branch;
    return tx;
}

bool tx_answer(struct tx_fixture *f, const struct sip_branch *branch, const char *method,
               unsigned status, const char *to_tag)
{
    char name[SIP_BRANCH_LENGTH + 1];
    struct tx_text text;
    const struct sip_message *response =
        tx_parse(&text,
                 "SIP/2.0 %u Reason\r\n"
                 "Via: SIP/2.0/UDP proxy.example:5060;branch=%s;rport=5060;received=192.0.2.1\r\n"
                 "Via: SIP/2.0/UDP pc33.atlanta.example;branch=z9hG4bK776asdhds\r\n"
                 "From: Alice <sip:alice@atlanta.example>;tag=1928301774\r\n"
                 "To: Bob <sip:bob@biloxi.example>%s%s\r\n"
                 "Call-ID: a84b4c76e66710@pc33.atlanta.example\r\n"
                 "CSeq: 314159 %s\r\n"
                 "Content-Length: 0\r\n\r\n",
                 status, branch_text(branch, name), to_tag != NULL ? ";tag=" : "",
                 or_default(to_tag, ""), method);
    return sip_transactions_on_response(&f->layer, response);
}

struct sip_server_tx *tx_server(struct tx_fixture *f, const struct sip_message *request,
                                struct flow flow)
{
    struct sip_server_tx *tx = NULL;
    enum sip_request_match match = sip_transactions_on_request(&f->layer, request, &tx);
    assert_int_equal(match, request->method == SIP_CANCEL ? SIP_REQUEST_CANCEL : SIP_REQUEST_NEW);
    tx = NULL;
    int rc = sip_server_tx_new(&f->layer, request, &flow, &tx_server_user, f, &tx);
    return rc == 0 ? tx : NULL;
}

int tx_respond(struct sip_server_tx *tx, unsigned status, const char *to_tag)
{
    char bytes[512];
    int length = snprintf(bytes, sizeof bytes,
                          "SIP/2.0 %u Reason\r\n"
                          "Via: SIP/2.0/UDP pc33.atlanta.example:5060;branch=z9hG4bK-a\r\n"
                          "From: Alice <sip:alice@atlanta.example>;tag=ft\r\n"
                          "To: Bob <sip:bob@biloxi.example>;tag=%s\r\n"
                          "Call-ID: call-1\r\n"
                          "CSeq: 1 INVITE\r\n"
                          "Content-Length: 0\r\n\r\n",
                          status, or_default(to_tag, "tt"));
    assert_in_range(length, 1, sizeof bytes - 1);
    return sip_server_tx_respond(tx, status, slice_of(bytes, (size_t)length));
}

/* ---- assertions ---- */

void tx_assert_sent(const struct tx_fixture *f, unsigned n, uint64_t after_ms, const char *words)
{
    assert_true(n < f->sent_count);
    assert_int_equal(f->sent[n].at_ms - f->start_ms, after_ms);
    if (strncmp(f->sent[n].bytes, words, strlen(words)) != 0)
        fail_msg("sent %u is not %s but %.40s", n, words, f->sent[n].bytes);
}

void tx_assert_times(const struct tx_fixture *f, const uint64_t *times, unsigned count)
{
    for (unsigned i = 0; i < count && i < f->sent_count; i++)
        if (f->sent[i].at_ms - f->start_ms != times[i])
            fail_msg("sent %u after %d ms, not %d", i, (int)(f->sent[i].at_ms - f->start_ms),
                     (int)times[i]);
    assert_int_equal(f->sent_count, count);
}
