#include "loop/dtls/dtls.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/network.h"
#include "loop/dtls/dtls_private.h"

/* ---- Tables ---- */

static uint64_t hash_of(const struct dtls *dtls, const struct flow *flow)
{
    return hash_mix(address_hash(dtls->seed, &flow->remote),
                    address_hash(dtls->seed, &flow->local));
}

static bool is_session(const struct table_node *node, const void *key)
{
    const struct dtls_session *session = container_of_const(node, struct dtls_session, node);
    const struct flow *flow = key;
    return address_equal(&session->flow.remote, &flow->remote) &&
           address_equal(&session->flow.local, &flow->local);
}

struct dtls_session *dtls_find(struct dtls *dtls, const struct flow *flow)
{
    struct table_node *node = table_find(&dtls->sessions, hash_of(dtls, flow), is_session, flow);
    return node == NULL ? NULL : container_of(node, struct dtls_session, node);
}

static bool is_source(const struct table_node *node, const void *key)
{
    return address_equal_host(&container_of_const(node, struct dtls_source, node)->host, key);
}

static struct dtls_source *find_source(struct dtls *dtls, const struct address *host)
{
    struct table_node *node =
        table_find(&dtls->sources, address_hash_host(dtls->seed, host), is_source, host);
    return node == NULL ? NULL : container_of(node, struct dtls_source, node);
}

bool dtls_has_room(struct dtls *dtls, const struct flow *flow)
{
    struct address host = network_source(&flow->remote);
    const struct dtls_source *source = find_source(dtls, &host);
    return dtls->count < dtls->options.limits.sessions &&
           (source == NULL || source->count < dtls->options.limits.per_source);
}

static int enter_source(struct dtls *dtls, struct dtls_session *session)
{
    struct address host = network_source(&session->flow.remote);
    struct dtls_source *source = find_source(dtls, &host);
    if (source == NULL) {
        source = memory_zalloc(1, sizeof *source);
        if (source == NULL)
            return ERR_NO_MEMORY;
        source->host = host;
        table_add(&dtls->sources, &source->node, address_hash_host(dtls->seed, &host));
    }
    source->count++;
    session->source = source;
    return 0;
}

static void leave_source(struct dtls *dtls, struct dtls_session *session)
{
    struct dtls_source *source = session->source;
    session->source = NULL;
    if (--source->count > 0)
        return;
    table_remove(&dtls->sources, &source->node);
    memory_free(source);
}

int dtls_enter(struct dtls *dtls, struct dtls_session *session)
{
    if (!dtls_has_room(dtls, &session->flow))
        return ERR_LIMIT;
    int status = enter_source(dtls, session);
    if (status < 0)
        return status;
    uint32_t index =
        dtls->free_count > 0 ? dtls->free_slots[--dtls->free_count] : ++dtls->slot_count;
    dtls->slots[index].session = session;
    session->flow.connection = index;
    session->flow.generation = ++dtls->slots[index].generation;
    table_add(&dtls->sessions, &session->node, hash_of(dtls, &session->flow));
    dtls->count++;
    metric_add(&dtls->options.counts[DTLS_SESSIONS], 1);
    return 0;
}

void dtls_leave(struct dtls *dtls, struct dtls_session *session)
{
    leave_source(dtls, session);
    dtls->slots[session->flow.connection].session = NULL;
    dtls->free_slots[dtls->free_count++] = session->flow.connection;
    table_remove(&dtls->sessions, &session->node);
    dtls->count--;
    metric_add(&dtls->options.counts[DTLS_SESSIONS], -1);
}

/* ---- The socket ---- */

void dtls_on_datagram(void *user, const struct flow *flow, struct slice data)
{
    struct dtls *dtls = user;
    const char *random;
    struct dtls_session *session = dtls_find(dtls, flow);
    bool hello = dtls_is_hello(data, &random);
    /* What repeats its ClientHello is still the same client. */
    if (hello && (session == NULL || memcmp(session->random, random, DTLS_RANDOM_SIZE) != 0))
        dtls_welcome(dtls, flow, data, session);
    else if (session != NULL)
        dtls_session_receive(session, data);
    else
        dtls_count(dtls, DTLS_STRAY);
}

static void set_default(uint32_t *limit, uint32_t value)
{
    if (*limit == 0)
        *limit = value;
}

static struct dtls_limits with_defaults(const struct dtls_limits *limits)
{
    struct dtls_limits l = *limits;
    set_default(&l.sessions, 10000);
    set_default(&l.per_source, 1000);
    set_default(&l.handshake_ms, 10000);
    set_default(&l.idle_ms, 900000);
    set_default(&l.retransmit_ms, 1000);
    return l;
}

static int equip(struct dtls *dtls)
{
    size_t slots = (size_t)dtls->options.limits.sessions + 1;
    int status = table_init(&dtls->sessions, 64);
    int also = table_init(&dtls->sources, 64);
    dtls->slots = memory_zalloc(slots, sizeof *dtls->slots);
    dtls->free_slots = memory_zalloc(slots, sizeof *dtls->free_slots);
    dtls->plain = memory_alloc(DTLS_PAYLOAD_MAX);
    dtls->method = dtls_bio_method();
    if (status < 0 || also < 0 || dtls->slots == NULL || dtls->free_slots == NULL ||
        dtls->plain == NULL || dtls->method == NULL)
        return ERR_NO_MEMORY;
    return dtls_hello_init(dtls);
}

static void dispose(struct dtls *dtls)
{
    dtls_bury(dtls);
    wheel_stop(loop_wheel(dtls->loop), &dtls->sweep);
    dtls_hello_done(dtls);
    udp_close(dtls->udp);
    table_done(&dtls->sessions);
    table_done(&dtls->sources);
    BIO_meth_free(dtls->method);
    memory_free(dtls->slots);
    memory_free(dtls->free_slots);
    memory_free(dtls->plain);
    memory_free(dtls);
}

int dtls_open(struct loop *loop, const struct dtls_options *options, struct dtls **ret_dtls)
{
    struct dtls *dtls = memory_zalloc(1, sizeof *dtls);
    if (dtls == NULL)
        return ERR_NO_MEMORY;
    dtls->loop = loop;
    dtls->options = *options;
    dtls->options.limits = with_defaults(&options->limits);
    list_init(&dtls->pending);
    list_init(&dtls->dead);
    timer_init(&dtls->sweep, dtls_on_sweep);
    dtls->seed = random_u64(loop_random(loop));
    struct udp_options udp = {.local = options->local,
                              .listener = options->listener,
                              .v6_only = options->v6_only,
                              .on_datagram = dtls_on_datagram,
                              .user = dtls};
    int status = equip(dtls);
    if (status == 0)
        status = udp_open(loop, &udp, &dtls->udp);
    if (status < 0)
        dispose(dtls);
    else
        *ret_dtls = dtls;
    return status;
}

void dtls_close(struct dtls *dtls)
{
    if (dtls == NULL)
        return;
    for (uint32_t i = 1; i <= dtls->slot_count; i++) {
        if (dtls->slots[i].session != NULL)
            dtls_session_close(dtls->slots[i].session);
    }
    dispose(dtls);
}

struct address dtls_local(const struct dtls *dtls)
{
    return udp_local(dtls->udp);
}

void dtls_reload(struct dtls *dtls, const struct dtls_limits *limits)
{
    uint32_t sessions = dtls->options.limits.sessions;
    dtls->options.limits = with_defaults(limits);
    dtls->options.limits.sessions = sessions;
}

/* ---- Sessions, by their flow ---- */

static struct dtls_session *session_of(const struct dtls *dtls, const struct flow *flow)
{
    if (flow->worker != loop_worker(dtls->loop) || flow->connection == 0 ||
        flow->connection > dtls->slot_count)
        return NULL;
    const struct dtls_slot *slot = &dtls->slots[flow->connection];
    return slot->generation == flow->generation ? slot->session : NULL;
}

int dtls_send(struct dtls *dtls, const struct flow *flow, struct slice data)
{
    struct dtls_session *session = session_of(dtls, flow);
    size_t written;
    if (session == NULL || !session->open)
        return ERR_CLOSED;
    if (data.len == 0 || data.len > DTLS_PAYLOAD_MAX)
        return data.len == 0 ? 0 : ERR_LIMIT;
    session->active_ms = loop_now_ms(dtls->loop);
    session->wire.status = 0;
    if (SSL_write_ex(session->ssl, data.ptr, data.len, &written) != 1)
        return ERR_CLOSED;
    return session->wire.status;
}

void dtls_end(struct dtls *dtls, const struct flow *flow)
{
    struct dtls_session *session = session_of(dtls, flow);
    if (session != NULL)
        dtls_session_close(session);
}
