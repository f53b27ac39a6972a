#include "stack/endpoint.h"

#include "base/error.h"
#include "base/memory.h"
#include "stack/endpoint_private.h"
#include "stack/resolver.h"

#define DROPS_LOOK_MS 200 /* between two looks at what the system counts */

const struct metric_info endpoint_metric_infos[ENDPOINT_METRICS] = {
    ENDPOINT_METRIC_LIST(METRIC_ROW)};

static uint64_t udp_total(const struct endpoint *endpoint, unsigned which)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < endpoint->socket_count; i++) {
        if (endpoint->sockets[i].udp != NULL)
            total += udp_count(endpoint->sockets[i].udp, which);
    }
    return total;
}

static void count_associations(struct endpoint *endpoint)
{
    struct loop *loop = endpoint->loop;
    metric *m = endpoint->metrics;
    metric_set(&m[ENDPOINT_ASSOCIATIONS], (int64_t)assoc_count(loop, ASSOC_OPEN));
    metric_set(&m[ENDPOINT_ASSOC_REFUSED], (int64_t)(assoc_count(loop, ASSOC_REFUSED_LIMIT) +
                                                     assoc_count(loop, ASSOC_REFUSED_SOURCE)));
    metric_set(&m[ENDPOINT_ASSOC_STRANGERS], (int64_t)assoc_count(loop, ASSOC_REFUSED_RATE));
    metric_set(&m[ENDPOINT_ASSOC_BAD], (int64_t)(assoc_count(loop, ASSOC_BAD_PACKETS) +
                                                 assoc_count(loop, ASSOC_NO_LISTENER)));
    metric_set(&m[ENDPOINT_ASSOC_IN], (int64_t)assoc_count(loop, ASSOC_PACKETS_IN));
    metric_set(&m[ENDPOINT_ASSOC_OUT], (int64_t)assoc_count(loop, ASSOC_PACKETS_OUT));
}

static void count_streams(struct endpoint *endpoint)
{
    static const struct {
        enum endpoint_metric metric;
        unsigned count;
    } counts[] = {
        {ENDPOINT_CONNECTIONS, STREAM_OPEN},
        {ENDPOINT_OPENING, STREAM_OPENING_NOW},
        {ENDPOINT_HANDSHAKES_FAILED, STREAM_HANDSHAKES_FAILED},
        {ENDPOINT_HANDSHAKES_LATE, STREAM_HANDSHAKES_LATE},
        {ENDPOINT_VERIFY_REFUSED, STREAM_VERIFY_REFUSED},
        {ENDPOINT_LAYERS_BROKEN, STREAM_LAYERS_BROKEN},
        {ENDPOINT_REFUSED_LIMIT, STREAM_REFUSED_LIMIT},
        {ENDPOINT_REFUSED_SOURCE, STREAM_REFUSED_SOURCE},
        {ENDPOINT_CONNECTS_FAILED, STREAM_CONNECTS_FAILED},
        {ENDPOINT_HALVES_LATE, STREAM_HALVES_LATE},
        {ENDPOINT_STALLED, STREAM_STALLED},
        {ENDPOINT_SEND_FULL, STREAM_SEND_FULL},
        {ENDPOINT_IDLE_CLOSED, STREAM_IDLE_CLOSED},
        {ENDPOINT_BAD_STREAMS, STREAM_BAD},
    };
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++)
        metric_set(&endpoint->metrics[counts[i].metric],
                   (int64_t)stream_count(endpoint->loop, counts[i].count));
}

static void count_websockets(struct endpoint *endpoint)
{
    static const enum endpoint_metric metrics[WS_COUNTS] = {
        [WS_HANDSHAKES] = ENDPOINT_WS_HANDSHAKES,
        [WS_REFUSED] = ENDPOINT_WS_REFUSED,
        [WS_REFUSED_THERE] = ENDPOINT_WS_REFUSED_THERE,
        [WS_VIOLATED] = ENDPOINT_WS_VIOLATIONS,
        [WS_PINGS] = ENDPOINT_WS_PINGS,
        [WS_MESSAGES_IN] = ENDPOINT_WS_IN,
        [WS_MESSAGES_OUT] = ENDPOINT_WS_OUT,
    };
    for (unsigned i = 0; endpoint->ws != NULL && i < WS_COUNTS; i++)
        metric_set(&endpoint->metrics[metrics[i]], (int64_t)ws_shared_count(endpoint->ws, i));
}

/* Brings the figures that others count into our metrics, once per turn. */
static void on_turn_end(void *user)
{
    struct endpoint *endpoint = user;
    const struct sip_transactions *t = &endpoint->transactions;
    metric *m = endpoint->metrics;
    metric_set(&m[ENDPOINT_TRANSACTIONS], (int64_t)sip_transactions_count(t));
    metric_set(&m[ENDPOINT_RETRANSMITS_IN], (int64_t)t->counts[SIP_TX_COUNT_RETRANSMIT_IN]);
    metric_set(&m[ENDPOINT_RETRANSMITS_OUT], (int64_t)t->counts[SIP_TX_COUNT_RETRANSMIT_OUT]);
    metric_set(&m[ENDPOINT_TIMEOUTS], (int64_t)t->counts[SIP_TX_COUNT_TIMEOUT]);
    metric_set(&m[ENDPOINT_TRANSPORT_ERRORS], (int64_t)t->counts[SIP_TX_COUNT_TRANSPORT_ERROR]);
    count_associations(endpoint);
    count_streams(endpoint);
    count_websockets(endpoint);
    metric_set(&m[ENDPOINT_UDP_IN], (int64_t)udp_total(endpoint, UDP_RECEIVED));
    metric_set(&m[ENDPOINT_UDP_OUT], (int64_t)udp_total(endpoint, UDP_SENT));
    metric_set(&m[ENDPOINT_UDP_DROPPED], (int64_t)udp_total(endpoint, UDP_SEND_DROPPED));
    if (loop_now_ms(endpoint->loop) >= endpoint->drops_look_ms) {
        endpoint->drops_look_ms = loop_now_ms(endpoint->loop) + DROPS_LOOK_MS;
        metric_set(&m[ENDPOINT_UDP_RECEIVE_DROPPED],
                   (int64_t)udp_total(endpoint, UDP_RECEIVE_DROPPED));
    }
    endpoint_shed_update(endpoint);
}

static int open_udp(struct endpoint *endpoint, struct endpoint_socket *s)
{
    struct udp_options options = {
        .local = s->local,
        .listener = s->index,
        .receive_buffer = endpoint->config->udp_receive_buffer,
        .v6_only = true,
        .steer = "Call-ID:",
        .on_datagram = endpoint_on_datagram,
        .user = endpoint,
    };
    int status = udp_open(endpoint->loop, &options, &s->udp);
    if (status == 0)
        s->local = udp_local(s->udp);
    return status;
}

static int open_stream(struct endpoint *endpoint, struct endpoint_socket *s)
{
    int status = 0;
    if (transport_websocket(s->transport) && endpoint->ws == NULL)
        status =
            ws_shared_new(&endpoint->config->ws, endpoint->config->limits.message, &endpoint->ws);
    if (status < 0)
        return status;
    struct stream_options options = endpoint_stream_options(endpoint, s);
    status = stream_listen(endpoint->loop, &s->local, &options, &s->stream);
    if (status == 0)
        s->local = stream_listener_local(s->stream);
    return status;
}

static int open_assoc(struct endpoint *endpoint, struct endpoint_socket *s)
{
    struct assoc_options options = endpoint_assoc_options(endpoint, s);
    int status = assoc_listen(endpoint->loop, &s->local, &options, &s->assoc);
    if (status == 0)
        s->local = assoc_listener_local(s->assoc);
    return status;
}

static int open_socket(struct endpoint *endpoint, struct endpoint_socket *s)
{
    switch (s->transport) {
    case TRANSPORT_UDP: return open_udp(endpoint, s);
    case TRANSPORT_SCTP: return open_assoc(endpoint, s);
    default: return open_stream(endpoint, s);
    }
}

static int open_sockets(struct endpoint *endpoint, unsigned *ret_failed)
{
    for (unsigned i = 0; i < endpoint->config->listener_count; i++) {
        struct endpoint_socket *s = &endpoint->sockets[i];
        s->endpoint = endpoint;
        s->index = (uint16_t)i;
        s->transport = endpoint->config->listeners[i].transport;
        s->local = endpoint->config->listeners[i].local;
        int status = endpoint->config->dry != NULL ? 0 : open_socket(endpoint, s);
        if (status < 0) {
            *ret_failed = i;
            return status;
        }
        endpoint->socket_count = i + 1;
    }
    return 0;
}

static struct sip_transactions_config transactions_config(struct endpoint *endpoint,
                                                          const struct endpoint_config *config)
{
    return (struct sip_transactions_config){
        .times = config->times,
        .limit = config->transactions ? config->transactions : 2000000,
        .memory_limit = config->memory ? config->memory : (size_t)4 << 30,
        .worker = (uint8_t)loop_worker(endpoint->loop),
        .send = endpoint_tx_send,
        .user = endpoint,
    };
}

static int open_transactions(struct endpoint *endpoint)
{
    struct sip_transactions_config transactions = transactions_config(endpoint, endpoint->config);
    return sip_transactions_init(&endpoint->transactions, &transactions, loop_wheel(endpoint->loop),
                                 loop_random(endpoint->loop));
}

int endpoint_new(struct loop *loop, const struct endpoint_config *config, unsigned workers,
                 struct mesh *mesh, unsigned *ret_failed, struct endpoint **ret_endpoint)
{
    struct endpoint *endpoint = memory_zalloc(1, sizeof(*endpoint));
    if (endpoint == NULL)
        return ERR_NO_MEMORY;
    endpoint->loop = loop;
    endpoint->mesh = mesh;
    endpoint->workers = workers;
    endpoint->config = config;
    list_init(&endpoint->late);
    endpoint_shed_init(endpoint);
    endpoint->tag_key = random_hash_key(loop_random(loop));
    *ret_failed = 0;
    int status = open_transactions(endpoint);
    if (status < 0) {
        memory_free(endpoint);
        return status;
    }
    status = open_sockets(endpoint, ret_failed);
    if (status < 0) {
        endpoint_free(endpoint);
        return status;
    }
    stream_on_late(loop, endpoint_on_late, endpoint);
    struct resolver_config resolver = {.loop = loop, .speaks = resolver_speaks_of(endpoint)};
    status = resolver_new(&resolver, &endpoint->resolver);
    if (status < 0) {
        endpoint_free(endpoint);
        return status;
    }
    if (mesh != NULL)
        mesh_on_mail(loop, MAIL_DATAGRAM, endpoint_on_mail, endpoint);
    loop_on_turn_end(loop, on_turn_end, endpoint);
    *ret_endpoint = endpoint;
    return 0;
}

void endpoint_free(struct endpoint *endpoint)
{
    if (endpoint == NULL)
        return;
    endpoint->user = (struct endpoint_user){0};
    loop_on_turn_end(endpoint->loop, NULL, NULL);
    stream_on_late(endpoint->loop, NULL, NULL);
    wheel_stop(loop_wheel(endpoint->loop), &endpoint->overload_timer);
    sip_transactions_done(&endpoint->transactions);
    endpoint_late_done(endpoint);
    resolver_free(endpoint->resolver);
    for (unsigned i = 0; i < endpoint->socket_count; i++) {
        udp_close(endpoint->sockets[i].udp);
        if (endpoint->sockets[i].stream != NULL)
            stream_listener_close(endpoint->sockets[i].stream);
        assoc_listener_close(endpoint->sockets[i].assoc);
    }
    ws_shared_release(endpoint->ws);
    memory_free(endpoint);
}

void endpoint_set_user(struct endpoint *endpoint, const struct endpoint_user *user)
{
    endpoint->user = *user;
}

void endpoint_reload(struct endpoint *endpoint, const struct endpoint_config *config)
{
    struct sip_transactions_config limits = transactions_config(endpoint, config);
    endpoint->config = config;
    resolver_reset(endpoint->resolver);
    sip_transactions_reload(&endpoint->transactions, &limits);
    for (unsigned i = 0; i < endpoint->socket_count; i++) {
        struct endpoint_socket *s = &endpoint->sockets[i];
        if (s->assoc != NULL)
            assoc_listener_set_limits(s->assoc, &config->sctp);
        if (s->stream == NULL)
            continue;
        struct stream_options options = endpoint_stream_options(endpoint, s);
        if (stream_listener_reload(s->stream, &options) < 0)
            log_error(loop_log(endpoint->loop), LOG_TRANSPORT,
                      "out of memory: a listener keeps its old limits");
    }
    if (endpoint->ws != NULL)
        ws_shared_set(endpoint->ws, &config->ws, config->limits.message);
}

void endpoint_set_outside(struct endpoint *endpoint, const struct outside *outside)
{
    endpoint->outside = outside;
}

/* Connections stay: answers that are still to come go along them. */
bool endpoint_drain(struct endpoint *endpoint)
{
    endpoint->draining = true;
    return sip_transactions_unfinished(&endpoint->transactions) == 0;
}

struct loop *endpoint_loop(struct endpoint *endpoint)
{
    return endpoint->loop;
}

struct sip_transactions *endpoint_transactions(struct endpoint *endpoint)
{
    return &endpoint->transactions;
}

const metric *endpoint_metrics(const struct endpoint *endpoint)
{
    return endpoint->metrics;
}

struct address endpoint_listener_address(const struct endpoint *endpoint, unsigned listener)
{
    return endpoint->sockets[listener].local;
}

uint32_t endpoint_udp_request_max(const struct endpoint *endpoint)
{
    return endpoint->config->udp_request_max ? endpoint->config->udp_request_max : 1300;
}

uint32_t endpoint_message_max(const struct endpoint *endpoint)
{
    return endpoint->config->limits.message ? endpoint->config->limits.message : 65535;
}
