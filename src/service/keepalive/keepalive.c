#include "service/keepalive/keepalive.h"

#include "base/error.h"
#include "base/memory.h"

#define TICK_MS     50
#define ROUND_MS    1000 /* each binding is looked at once in such a time */
#define ROUND_TICKS (ROUND_MS / TICK_MS)
#define SHARDS      256 /* of the location; more or fewer only change the pace of a round */
#define BATCH       64
/* In the place of a worker in branches: whoever gets the answer can deal with it. */
#define ANY_WORKER 0xff
#define PING_MAX   1500 /* bytes; phones with longer contacts are not pinged */

struct keepalive {
    struct keepalive_config config;
    struct keepalive_parts parts;
    struct arena arena;
    struct timer tick;
    struct location_walk walk;
    uint64_t round_ms;  /* when the present round began */
    uint64_t allowance; /* thousandths of a ping */
    metric metrics[KEEPALIVE_METRICS];
    char text[PING_MAX];
};

const struct metric_info keepalive_metric_infos[KEEPALIVE_METRICS] = {
    KEEPALIVE_METRIC_LIST(METRIC_ROW)};

static void count(struct keepalive *keepalive, enum keepalive_metric which, int64_t more)
{
    metric_add(&keepalive->metrics[which], more);
}

/* ---- Sending ---- */

/* OPTIONS (RFC 3261 section 11): what comes back does not matter. Max-Forwards 0: it is for whoever
 * is at the far end of the mapping, not for others. */
static int write_options(struct keepalive *keepalive, struct writer *w, const struct flow *flow,
                         const struct location_ping *ping)
{
    const struct endpoint *endpoint = keepalive->parts.endpoint;
    struct sip_branch branch = {.worker = ANY_WORKER, .key = ping->key, .loop = ping->token};
    struct address self = endpoint_sent_by(endpoint, flow);
    writer_literal(w, "OPTIONS ");
    writer_put(w, ping->contact);
    writer_literal(w, " SIP/2.0\r\n");
    endpoint_write_via(endpoint, w, flow, &branch);
    writer_literal(w, "Max-Forwards: 0\r\nFrom: <sip:");
    address_write(w, &self);
    writer_literal(w, ">;tag=");
    writer_hex(w, ping->token, 16);
    writer_literal(w, "\r\nTo: <");
    writer_put(w, ping->contact);
    writer_literal(w, ">\r\nCall-ID: ");
    writer_hex(w, ping->key, 16);
    writer_hex(w, ping->token, 16);
    writer_literal(w, "\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
    return writer_status(w);
}

static int send_options(struct keepalive *keepalive, const struct location_ping *ping,
                        size_t *ret_bytes)
{
    struct endpoint *endpoint = keepalive->parts.endpoint;
    struct endpoint_target target = {.transport = ping->flow.transport,
                                     .address = ping->flow.remote,
                                     .has_flow = true,
                                     .flow_only = true,
                                     .flow = ping->flow};
    struct flow flow;
    struct writer w;
    writer_init(&w, keepalive->text, sizeof keepalive->text);
    int status = endpoint_flow(endpoint, &target, &flow);
    if (status == 0)
        status = write_options(keepalive, &w, &flow, ping);
    if (status < 0)
        return status;
    *ret_bytes = writer_length(&w);
    return endpoint_send(endpoint, &flow, writer_slice(&w));
}

/* Between messages a CRLF means nothing (RFC 3261 section 7.5); two may be answered with one. */
static int send_ping(struct keepalive *keepalive, const struct location_ping *ping)
{
    static const struct slice crlf = SLICE_LITERAL("\r\n\r\n");
    size_t bytes = crlf.len;
    int status = ping->flow.transport == TRANSPORT_UDP
                     ? send_options(keepalive, ping, &bytes)
                     : endpoint_send(keepalive->parts.endpoint, &ping->flow, crlf);
    if (status < 0)
        return status;
    count(keepalive, KEEPALIVE_PINGS, 1);
    count(keepalive, KEEPALIVE_BYTES, (int64_t)bytes);
    count(keepalive, KEEPALIVE_AGAIN, ping->again);
    return 0;
}

/* ---- Rounds ---- */

static int64_t wall_ms(const struct keepalive *keepalive)
{
    return loop_wall_ms(endpoint_loop(keepalive->parts.endpoint));
}

/* One piece of the table. */
static void look(struct keepalive *keepalive)
{
    struct location_ping pings[BATCH];
    struct location_walk *walk = &keepalive->walk;
    uint64_t limit = keepalive->allowance / 1000;
    arena_reset(&keepalive->arena);
    unsigned due =
        location_pings_due(keepalive->parts.location, walk, wall_ms(keepalive), &keepalive->arena,
                           pings, limit < BATCH ? (unsigned)limit : BATCH);
    for (unsigned i = 0; i < due; i++)
        (void)send_ping(keepalive, &pings[i]);
    keepalive->allowance -= due * UINT64_C(1000);
    count(keepalive, KEEPALIVE_LOST, walk->lost);
    count(keepalive, KEEPALIVE_UNREACHABLE, walk->grave);
    walk->lost = walk->grave = 0;
}

/* As many pieces as make a round in its time. */
static void go_round(struct keepalive *keepalive, uint64_t now_ms)
{
    unsigned pieces = SHARDS / keepalive->parts.workers / ROUND_TICKS + 2;
    if (keepalive->walk.round && now_ms - keepalive->round_ms < ROUND_MS)
        return;
    if (keepalive->walk.round) {
        keepalive->round_ms = now_ms;
        keepalive->walk.round = false;
    }
    while (pieces-- > 0 && !keepalive->walk.round) {
        if (keepalive->allowance < 1000) {
            count(keepalive, KEEPALIVE_DEFERRED, 1);
            return;
        }
        look(keepalive);
    }
}

static void on_tick(struct timer *timer)
{
    struct keepalive *keepalive = container_of(timer, struct keepalive, tick);
    struct loop *loop = endpoint_loop(keepalive->parts.endpoint);
    uint64_t share = (uint64_t)keepalive->config.rate * 1000 / keepalive->parts.workers;
    uint64_t most = share / 10 > 1000 ? share / 10 : 1000;
    keepalive->allowance += share * TICK_MS / 1000;
    if (keepalive->allowance > most)
        keepalive->allowance = most;
    go_round(keepalive, loop_now_ms(loop));
    wheel_start(loop_wheel(loop), timer, TICK_MS);
}

/* ---- Answers ---- */

/* A ping's branch in the top Via. */
static bool answers_ping(const struct sip_message *response, struct sip_branch *ret_branch)
{
    struct slice vias = sip_message_value(response, SIP_HEADER_VIA), top;
    struct sip_via via;
    return sip_list_next(&vias, &top) && sip_via_parse(top, &via) == 0 &&
           sip_branch_parse(via.branch, ret_branch) == 0 && ret_branch->worker == ANY_WORKER;
}

bool keepalive_on_response(struct keepalive *keepalive, const struct sip_message *response,
                           const struct flow *flow)
{
    struct sip_branch branch;
    struct location_ping ping;
    if (flow_reliable(flow) || !answers_ping(response, &branch))
        return false;
    arena_reset(&keepalive->arena);
    const struct location_ping answered = {.flow = *flow, .key = branch.key, .token = branch.loop};
    switch (location_ping_answered(keepalive->parts.location, &answered, wall_ms(keepalive),
                                   &keepalive->arena, &ping)) {
    case LOCATION_PING_STRANGE: return false;
    case LOCATION_PING_ALIVE: break;
    case LOCATION_PING_RETURNED: count(keepalive, KEEPALIVE_RETURNED, 1); break;
    case LOCATION_PING_ELSEWHERE: (void)send_ping(keepalive, &ping); break;
    case LOCATION_PING_MOVED: count(keepalive, KEEPALIVE_MOVED, 1); break;
    }
    count(keepalive, KEEPALIVE_ANSWERED, 1);
    return true;
}

/* ---- Making and freeing ---- */

int keepalive_new(const struct keepalive_config *config, const struct keepalive_parts *parts,
                  struct keepalive **ret_keepalive)
{
    struct keepalive *keepalive = memory_zalloc(1, sizeof *keepalive);
    if (keepalive == NULL)
        return ERR_NO_MEMORY;
    unsigned worker = loop_worker(endpoint_loop(parts->endpoint));
    keepalive->parts = *parts;
    keepalive->walk =
        (struct location_walk){.worker = worker, .workers = parts->workers, .shard = worker};
    arena_init(&keepalive->arena, 16 << 10, 4 << 20);
    timer_init(&keepalive->tick, on_tick);
    keepalive_reload(keepalive, config);
    *ret_keepalive = keepalive;
    return 0;
}

void keepalive_free(struct keepalive *keepalive)
{
    if (keepalive == NULL)
        return;
    wheel_stop(loop_wheel(endpoint_loop(keepalive->parts.endpoint)), &keepalive->tick);
    arena_done(&keepalive->arena);
    memory_free(keepalive);
}

void keepalive_reload(struct keepalive *keepalive, const struct keepalive_config *config)
{
    struct wheel *wheel = loop_wheel(endpoint_loop(keepalive->parts.endpoint));
    keepalive->config = *config;
    location_set_pace(keepalive->parts.location, &config->pace);
    if (config->pace.mode == LOCATION_KEEP_OFF)
        wheel_stop(wheel, &keepalive->tick);
    else if (!timer_running(&keepalive->tick))
        wheel_start(wheel, &keepalive->tick, TICK_MS);
}

const metric *keepalive_metrics(const struct keepalive *keepalive)
{
    return keepalive->metrics;
}
