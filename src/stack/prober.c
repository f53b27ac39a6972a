#include "stack/prober.h"

#include "base/error.h"
#include "base/memory.h"
#include "sip/message/number.h"
#include "stack/endpoint_private.h"

#define TEXT_MAX 2048

struct probe {
    struct prober *prober;
    struct sip_client_tx *tx; /* NULL: free */
    struct timer limit;
    struct health_probe target;
};

struct prober {
    struct endpoint *endpoint;
    struct health *health;
    struct timer tick;
    unsigned cursor;
    struct probe probes[PROBER_AT_ONCE];
    char text[TEXT_MAX];
};

static struct wheel *wheel_of(const struct prober *prober)
{
    return loop_wheel(prober->endpoint->loop);
}

static void report(const struct prober *prober, const struct health_probe *target,
                   enum health_outcome outcome, uint64_t retry_ms)
{
    health_report(prober->health, target->transport, &target->address, outcome, retry_ms,
                  loop_now_ms(prober->endpoint->loop));
}

/* ---- one probe ---- */

static void conclude(struct probe *probe, enum health_outcome outcome, uint64_t retry_ms)
{
    report(probe->prober, &probe->target, outcome, retry_ms);
    wheel_stop(wheel_of(probe->prober), &probe->limit);
    probe->tx = NULL;
}

/* Whatever it says, it is there; but for 503 (RFC 3261 section 21.5.4). */
static void on_response(struct sip_client_tx *tx, void *user, const struct sip_message *response)
{
    struct probe *probe = user;
    struct sip_retry_after retry;
    struct slice text = sip_message_value(response, SIP_HEADER_RETRY_AFTER);
    sip_client_tx_abandon(tx);
    if (response->status != 503)
        conclude(probe, HEALTH_OK, 0);
    else if (text.len > 0 && sip_retry_after_parse(text, &retry) == 0 && retry.seconds > 0)
        conclude(probe, HEALTH_BUSY, (uint64_t)retry.seconds * 1000);
    else
        conclude(probe, HEALTH_FAILED, 0);
}

static void on_failure(struct sip_client_tx *tx, void *user, enum sip_tx_failure failure)
{
    (void)failure;
    sip_client_tx_abandon(tx);
    conclude(user, HEALTH_FAILED, 0);
}

/* At the server's end, without an answer. */
static void on_end(struct sip_client_tx *tx, void *user)
{
    struct probe *probe = user;
    (void)tx;
    wheel_stop(wheel_of(probe->prober), &probe->limit);
    probe->tx = NULL;
}

static const struct sip_client_tx_user handler = {
    .on_response = on_response, .on_failure = on_failure, .on_end = on_end};

static void on_limit(struct timer *timer)
{
    struct probe *probe = container_of(timer, struct probe, limit);
    sip_client_tx_hush(probe->tx);
    sip_client_tx_abandon(probe->tx);
    conclude(probe, HEALTH_FAILED, 0);
}

/* ---- the request ---- */

static void write_uri(struct writer *w, const struct health_probe *target)
{
    struct slice name = transport_uri_name((enum transport)target->transport);
    writer_literal(w, "sip:");
    address_write(w, &target->address);
    writer_literal(w, ";transport=");
    writer_put(w, name);
}

/* Max-Forwards 0: the server itself is asked, nobody behind it (sections 11, 16.3 step 3). */
static int write_options(struct prober *prober, const struct health_probe *target,
                         const struct flow *flow, const struct sip_branch *branch,
                         struct slice *ret_text)
{
    struct random *random = loop_random(prober->endpoint->loop);
    struct address self = endpoint_sent_by(prober->endpoint, flow);
    struct writer w;
    writer_init(&w, prober->text, sizeof prober->text);
    writer_literal(&w, "OPTIONS ");
    write_uri(&w, target);
    writer_literal(&w, " SIP/2.0\r\n");
    endpoint_write_via(prober->endpoint, &w, flow, branch);
    writer_literal(&w, "Max-Forwards: 0\r\nFrom: <sip:");
    address_write(&w, &self);
    writer_literal(&w, ">;tag=");
    writer_hex(&w, random_u64(random), 16);
    writer_literal(&w, "\r\nTo: <");
    write_uri(&w, target);
    writer_literal(&w, ">\r\nCall-ID: ");
    writer_hex(&w, random_u64(random), 16);
    writer_hex(&w, random_u64(random), 16);
    writer_literal(&w, "\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
    *ret_text = writer_slice(&w);
    return writer_status(&w);
}

static int send_options(struct probe *probe)
{
    struct prober *prober = probe->prober;
    const struct health_probe *target = &probe->target;
    struct endpoint_target there = {.transport = target->transport,
                                    .address = target->address,
                                    .server = slice_from_string(target->server)};
    struct sip_client_tx_start start = {.method = SIP_OPTIONS, .handler = &handler, .user = probe};
    int status = endpoint_flow(prober->endpoint, &there, &start.flow);
    if (status < 0)
        return status;
    start.branch = sip_branch_new(&prober->endpoint->transactions, 0);
    status = write_options(prober, target, &start.flow, &start.branch, &start.request);
    if (status < 0)
        return status;
    return sip_client_tx_new(&prober->endpoint->transactions, &start, &probe->tx);
}

static void begin(struct probe *probe)
{
    struct prober *prober = probe->prober;
    int status = send_options(probe);
    if (status == 0) {
        endpoint_count(prober->endpoint, ENDPOINT_PROBES);
        wheel_start(wheel_of(prober), &probe->limit, PROBER_TIME_MS);
    } else if (status == ERR_UNREACHABLE) {
        report(prober, &probe->target, HEALTH_FAILED, 0);
    }
}

/* ---- all of them ---- */

static void on_tick(struct timer *timer)
{
    struct prober *prober = container_of(timer, struct prober, tick);
    struct health_probe due;
    unsigned begun = 0;
    uint64_t now = loop_now_ms(prober->endpoint->loop);
    for (unsigned i = 0; i < PROBER_AT_ONCE && begun < PROBER_PER_TURN; i++) {
        struct probe *probe = &prober->probes[i];
        if (probe->tx != NULL)
            continue;
        if (health_due(prober->health, &prober->cursor, now, 1, &due) == 0)
            break;
        probe->target = due;
        begin(probe);
        begun++;
    }
    wheel_start(wheel_of(prober), timer, PROBER_EVERY_MS);
}

int prober_new(struct endpoint *endpoint, struct health *health, struct prober **ret_prober)
{
    struct prober *prober = memory_zalloc(1, sizeof *prober);
    if (prober == NULL)
        return ERR_NO_MEMORY;
    prober->endpoint = endpoint;
    prober->health = health;
    timer_init(&prober->tick, on_tick);
    for (unsigned i = 0; i < PROBER_AT_ONCE; i++) {
        prober->probes[i].prober = prober;
        timer_init(&prober->probes[i].limit, on_limit);
    }
    *ret_prober = prober;
    return 0;
}

void prober_start(struct prober *prober)
{
    health_set_prober(prober->health);
    wheel_start(wheel_of(prober), &prober->tick, PROBER_EVERY_MS);
}

void prober_stop(struct prober *prober)
{
    wheel_stop(wheel_of(prober), &prober->tick);
    for (unsigned i = 0; i < PROBER_AT_ONCE; i++) {
        struct probe *probe = &prober->probes[i];
        if (probe->tx == NULL)
            continue;
        wheel_stop(wheel_of(prober), &probe->limit);
        sip_client_tx_abandon(probe->tx);
        probe->tx = NULL;
    }
}

void prober_free(struct prober *prober)
{
    if (prober == NULL)
        return;
    prober_stop(prober);
    memory_free(prober);
}
