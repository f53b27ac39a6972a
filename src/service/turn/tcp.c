/* Relayed addresses that listen, and connections with peers until they are bound (RFC 6062 sections
 * 5.1 to 5.3). */
#include "service/turn/tcp.h"

#include "base/error.h"
#include "base/memory.h"
#include "service/turn/tcp_private.h"
#include "stun/write.h"

/* ---- Ends ---- */

static uint64_t hash_of(uint64_t seed, uint64_t value)
{
    return hash_mix(seed, value);
}

static uint64_t hash_of_flow(const struct turn_tcp_worker *worker, const struct flow *flow)
{
    return hash_of(worker->turn->seed, (uint64_t)flow->generation << 32 | flow->connection);
}

static bool is_end(const struct table_node *node, const void *key)
{
    const struct flow *flow = key;
    const struct turn_end *end = container_of_const(node, struct turn_end, node);
    return end->flow.connection == flow->connection && end->flow.generation == flow->generation;
}

struct turn_end *turn_end_find(struct turn_tcp_worker *worker, const struct flow *flow)
{
    struct table_node *node = table_find(&worker->ends, hash_of_flow(worker, flow), is_end, flow);
    return node == NULL ? NULL : container_of(node, struct turn_end, node);
}

void turn_end_add(struct turn_tcp_worker *worker, struct turn_end *end, const struct flow *flow,
                  enum turn_end_role role)
{
    end->flow = *flow;
    end->role = (uint8_t)role;
    table_add(&worker->ends, &end->node, hash_of_flow(worker, flow));
}

void turn_end_remove(struct turn_tcp_worker *worker, struct turn_end *end)
{
    table_remove(&worker->ends, &end->node);
}

/* ---- Workers ---- */

int turn_tcp_worker_new(struct turn *turn, struct turn_tcp_worker **ret_worker)
{
    struct turn_tcp_worker *worker = memory_zalloc(1, sizeof *worker);
    if (worker == NULL)
        return ERR_NO_MEMORY;
    worker->turn = turn;
    worker->sequence = (uint32_t)random_u64(loop_random(turn->loop));
    int status = table_init(&worker->ends, 0);
    if (status == 0)
        status = table_init(&worker->connections, 0);
    if (status == 0)
        status = table_init(&worker->pairs, 0);
    if (status < 0) {
        turn_tcp_worker_free(worker);
        return status;
    }
    turn_tcp_listen_to_mail(worker);
    *ret_worker = worker;
    return 0;
}

/* Connections with workers that were never told. */
static void forget_connection(struct table_node *node, void *user)
{
    struct turn_tcp_worker *worker = user;
    struct turn_tcp_connection *connection = container_of(node, struct turn_tcp_connection, node);
    wheel_stop(loop_wheel(worker->turn->loop), &connection->timer);
    table_remove(&worker->connections, node);
    memory_free(connection);
}

static void forget_pair(struct table_node *node, void *user)
{
    struct turn_tcp_worker *worker = user;
    struct turn_tcp_pair *pair = container_of(node, struct turn_tcp_pair, node);
    wheel_stop(loop_wheel(worker->turn->loop), &pair->timer);
    table_remove(&worker->pairs, node);
    turn_quota_drop(worker->turn->parts.quota, pair->quota);
    memory_free(pair);
}

void turn_tcp_worker_free(struct turn_tcp_worker *worker)
{
    if (worker == NULL)
        return;
    if (worker->connections.buckets != NULL) {
        table_each(&worker->connections, forget_connection, worker);
        table_done(&worker->connections);
    }
    if (worker->pairs.buckets != NULL) {
        table_each(&worker->pairs, forget_pair, worker);
        table_done(&worker->pairs);
    }
    if (worker->ends.buckets != NULL)
        table_done(&worker->ends);
    memory_free(worker);
}

/* ---- Connections ---- */

static bool is_connection(const struct table_node *node, const void *key)
{
    const uint32_t *id = key;
    return container_of_const(node, struct turn_tcp_connection, node)->id == *id;
}

struct turn_tcp_connection *turn_tcp_find(struct turn_tcp_worker *worker, uint32_t id)
{
    struct table_node *node =
        table_find(&worker->connections, hash_of(worker->turn->seed, id), is_connection, &id);
    return node == NULL ? NULL : container_of(node, struct turn_tcp_connection, node);
}

/* Section 5.2: unique; the worker's number comes first, so that any worker knows whom to ask. */
static uint32_t next_id(struct turn_tcp_worker *worker)
{
    uint32_t mask = (UINT32_C(1) << TURN_TCP_SEQUENCE_BITS) - 1;
    uint32_t above = (uint32_t)loop_worker(worker->turn->loop) << TURN_TCP_SEQUENCE_BITS;
    uint32_t id;
    do {
        id = above | (++worker->sequence & mask);
    } while (turn_tcp_find(worker, id) != NULL);
    return id;
}

static void close_stream(struct turn_tcp_worker *worker, const struct flow *flow)
{
    stream_close(worker->turn->loop, flow, STREAM_CLOSED_BY_US);
}

/* Sections 5.2, 5.3: nobody wants it. An ending one tells its holder again. */
static void on_timer(struct timer *timer)
{
    struct turn_tcp_connection *connection = container_of(timer, struct turn_tcp_connection, timer);
    struct turn_tcp_worker *worker = connection->worker;
    if (connection->state == TURN_TCP_ENDING) {
        if (turn_tcp_tell_end(worker, connection->holder, connection->id) == 0)
            turn_tcp_connection_free(connection);
        else
            wheel_start(loop_wheel(worker->turn->loop), timer, TURN_TCP_RETRY_MS);
        return;
    }
    close_stream(worker, &connection->end.flow);
    turn_tcp_connection_free(connection);
}

/* NULL: no memory, or the allocation has as many as it may. */
static struct turn_tcp_connection *connection_new(struct turn_tcp *tcp, const struct address *peer)
{
    struct turn *turn = tcp->allocation->turn;
    struct turn_tcp_worker *worker = turn->tcp;
    struct turn_tcp_connection *connection = NULL;
    if (tcp->count == TURN_TCP_CONNECTIONS_MAX || !turn_ports_file_take(turn->parts.ports))
        return NULL;
    connection = memory_zalloc(1, sizeof *connection);
    if (connection == NULL) {
        turn_ports_file_give(turn->parts.ports);
        return NULL;
    }
    connection->worker = worker;
    connection->tcp = tcp;
    connection->peer = *peer;
    connection->id = next_id(worker);
    timer_init(&connection->timer, on_timer);
    table_add(&worker->connections, &connection->node, hash_of(turn->seed, connection->id));
    list_append(&tcp->connections, &connection->link);
    tcp->count++;
    turn_count(turn, TURN_CONNECTIONS, 1);
    return connection;
}

void turn_tcp_connection_free(struct turn_tcp_connection *connection)
{
    struct turn_tcp_worker *worker = connection->worker;
    if (connection->state <= TURN_TCP_PENDING && connection->end.flow.connection != 0)
        turn_end_remove(worker, &connection->end);
    wheel_stop(loop_wheel(worker->turn->loop), &connection->timer);
    table_remove(&worker->connections, &connection->node);
    list_remove(&connection->link);
    if (connection->tcp != NULL) {
        connection->tcp->count--;
        turn_count(worker->turn, TURN_CONNECTIONS, -1);
    }
    turn_ports_file_give(worker->turn->parts.ports);
    memory_free(connection);
}

/* Section 5.5: the allocation has ended. */
static void end_connection(struct turn_tcp_connection *connection)
{
    struct turn_tcp_worker *worker = connection->worker;
    if (connection->state <= TURN_TCP_PENDING) {
        close_stream(worker, &connection->end.flow);
        turn_tcp_connection_free(connection);
        return;
    }
    uint32_t id = connection->id;
    if (connection->holder == loop_worker(worker->turn->loop)) {
        turn_tcp_connection_free(connection);
        turn_tcp_pair_end(worker, id);
    } else if (turn_tcp_tell_end(worker, connection->holder, id) == 0) {
        turn_tcp_connection_free(connection);
    } else {
        list_remove(&connection->link);
        connection->tcp->count--;
        turn_count(worker->turn, TURN_CONNECTIONS, -1);
        connection->tcp = NULL;
        connection->state = TURN_TCP_ENDING;
        wheel_start(loop_wheel(worker->turn->loop), &connection->timer, TURN_TCP_RETRY_MS);
    }
}

/* ---- Streams of peers, before they are bound ---- */

/* Unread, so there is nothing to take. */
static long on_bytes(void *user, const struct flow *flow, struct slice buffered)
{
    (void)user, (void)flow;
    return (long)buffered.len;
}

static struct turn_tcp_connection *connection_of(struct turn *turn, const struct flow *flow)
{
    struct turn_end *end = turn_end_find(turn->tcp, flow);
    return end == NULL || end->role != TURN_END_PENDING
               ? NULL
               : container_of(end, struct turn_tcp_connection, end);
}

static void refuse_connect(struct turn_tcp_connection *connection, unsigned code);
static void answer_connect(struct turn_tcp_connection *connection);

static void await_bind(struct turn_tcp_connection *connection)
{
    struct loop *loop = connection->worker->turn->loop;
    stream_pause(loop, &connection->end.flow, true);
    connection->state = TURN_TCP_PENDING;
    wheel_start(loop_wheel(loop), &connection->timer, TURN_TCP_BIND_MS);
}

static void on_open(void *user, const struct flow *flow, bool accepted)
{
    struct turn_tcp_connection *connection = connection_of(user, flow);
    (void)accepted;
    if (connection == NULL) {
        close_stream(((struct turn *)user)->tcp, flow);
        return;
    }
    await_bind(connection);
    answer_connect(connection);
}

static void on_close(void *user, const struct flow *flow, enum stream_reason reason)
{
    struct turn_tcp_connection *connection = connection_of(user, flow);
    (void)reason;
    if (connection == NULL)
        return;
    if (connection->state == TURN_TCP_CONNECTING)
        refuse_connect(connection, 447);
    turn_tcp_connection_free(connection);
}

static struct stream_options peer_options(struct turn *turn)
{
    return (struct stream_options){
        .transport = TRANSPORT_TCP,
        .limits = {.connect_ms = TURN_TCP_CONNECT_MS,
                   .idle_ms = UINT32_MAX,
                   .send_stall_ms = TURN_TCP_STALL_MS},
        .handler = {.on_bytes = on_bytes, .on_open = on_open, .on_close = on_close, .user = turn},
    };
}

/* ---- Peers that connect (section 5.3) ---- */

static void announce(const struct turn_tcp_connection *connection)
{
    struct turn_allocation *allocation = connection->tcp->allocation;
    struct turn *turn = allocation->turn;
    struct random *random = loop_random(turn->loop);
    struct stun_writer w;
    uint32_t id[4] = {htobe32(STUN_COOKIE), (uint32_t)random_u64(random),
                      (uint32_t)random_u64(random), (uint32_t)random_u64(random)};
    stun_write_begin(&w, turn->out, sizeof turn->out,
                     stun_type(STUN_INDICATION, STUN_CONNECTION_ATTEMPT), id);
    stun_write_u32(&w, STUN_CONNECTION_ID, connection->id);
    struct address peer = turn_outside(turn, &connection->peer);
    stun_write_address(&w, STUN_XOR_PEER_ADDRESS, &peer);
    (void)turn->parts.send(turn->parts.send_user, &allocation->flow, stun_write_end(&w));
}

/* May this peer connect? Its address alone counts, as with permissions. */
static bool is_permitted(struct turn_allocation *allocation, const struct address *peer)
{
    uint64_t now_ms = loop_now_ms(allocation->turn->loop);
    const struct turn_permission *permission =
        turn_peers_permission(&allocation->peers, turn_host_of(peer), now_ms);
    if (permission == NULL)
        return false;
    return permission->reach == TURN_REACH_YES ||
           (permission->reach == TURN_REACH_RELAYS &&
            turn_ports_is_relay(allocation->turn->parts.ports, permission->host,
                                address_port(peer)));
}

static void on_accept(void *user, const struct flow *flow, bool accepted)
{
    struct turn_tcp *tcp = user;
    struct turn *turn = tcp->allocation->turn;
    struct stream_options options = peer_options(turn);
    struct turn_tcp_connection *connection = NULL;
    (void)accepted;
    bool permitted = is_permitted(tcp->allocation, &flow->remote);
    if (!permitted)
        turn_count(turn, TURN_UNPERMITTED, 1);
    else if (stream_hand_over(turn->loop, flow, &options.handler, &options.limits) == 0)
        connection = connection_new(tcp, &flow->remote);
    if (connection == NULL) {
        close_stream(turn->tcp, flow);
        return;
    }
    turn_end_add(turn->tcp, &connection->end, flow, TURN_END_PENDING);
    await_bind(connection);
    announce(connection);
}

int turn_tcp_listen(struct turn_allocation *allocation, const struct address *place)
{
    struct turn *turn = allocation->turn;
    if (allocation->tcp == NULL) {
        allocation->tcp = memory_zalloc(1, sizeof *allocation->tcp);
        if (allocation->tcp == NULL)
            return ERR_NO_MEMORY;
        allocation->tcp->allocation = allocation;
        list_init(&allocation->tcp->connections);
    }
    struct stream_options options = peer_options(turn);
    options.v6_only = true;
    options.handler = (struct stream_handler){
        .on_bytes = on_bytes, .on_open = on_accept, .user = allocation->tcp};
    unsigned family = address_is_v6(place) ? TURN_V6 : TURN_V4;
    if (!turn_ports_file_take(turn->parts.ports))
        return ERR_LIMIT;
    int status = stream_listen(turn->loop, place, &options, &allocation->tcp->listeners[family]);
    if (status < 0)
        turn_ports_file_give(turn->parts.ports);
    return status;
}

/* NULL: there is none of that family. */
static struct turn_tcp_connection *first_of(const struct turn_tcp *tcp, bool v6)
{
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): what was freed has left the list */
    list_for_each(link, &tcp->connections)
    {
        struct turn_tcp_connection *connection =
            container_of(link, struct turn_tcp_connection, link);
        if (address_is_v6(&connection->peer) == v6)
            return connection;
    }
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
    return NULL;
}

void turn_tcp_close(struct turn_tcp *tcp, unsigned family)
{
    struct turn_tcp_connection *connection;
    if (tcp->listeners[family] != NULL) {
        stream_listener_close(tcp->listeners[family]);
        turn_ports_file_give(tcp->allocation->turn->parts.ports);
    }
    tcp->listeners[family] = NULL;
    while ((connection = first_of(tcp, family == TURN_V6)) != NULL)
        end_connection(connection);
}

void turn_tcp_free(struct turn_tcp *tcp)
{
    for (unsigned i = 0; tcp != NULL && i < TURN_FAMILIES; i++)
        turn_tcp_close(tcp, i);
    memory_free(tcp);
}

unsigned turn_tcp_count(const struct turn_tcp *tcp)
{
    return tcp->count;
}

/* ---- Allocate (section 5.1) ---- */

unsigned turn_tcp_examine(const struct turn_request *request)
{
    const struct stun_message *message = request->message;
    if (!request->turn->config->tcp)
        return 442;
    if (!turn_tcp_is_stream(request->flow) || stun_has(message, STUN_DONT_FRAGMENT) ||
        stun_has(message, STUN_EVEN_PORT) || stun_has(message, STUN_RESERVATION_TOKEN))
        return 400;
    return 0;
}

/* ---- Connect (section 5.2) ---- */

static bool is_known(const struct turn_tcp *tcp, const struct address *peer)
{
    list_for_each(link, &tcp->connections)
    {
        if (address_equal(&container_of(link, struct turn_tcp_connection, link)->peer, peer))
            return true;
    }
    return false;
}

/* 0 and the peer, or the code of the error response. */
static unsigned read_connect(const struct turn_request *request, struct address *ret_peer)
{
    struct turn *turn = request->turn;
    struct turn_allocation *allocation = request->allocation;
    int status = stun_get_address(request->message, STUN_XOR_PEER_ADDRESS, ret_peer);
    if (allocation->tcp == NULL)
        return 437;
    if (status < 0)
        return status == ERR_UNSUPPORTED ? 443 : 400;
    if (address_port(ret_peer) == 0)
        return 400;
    if (allocation->relays[address_is_v6(ret_peer) ? TURN_V6 : TURN_V4].port == NULL)
        return 443;
    uint16_t port = address_port(ret_peer);
    struct turn_host host = turn_host_of(ret_peer);
    if (!address_is_v6(ret_peer) || !turn_host_is_v4(host)) {
        host = turn_inside(turn, host, port);
        turn_host_address(host, port, ret_peer);
    }
    enum turn_reach reach = turn_policy_judge(&turn->config->policy, &turn->own, ret_peer);
    if (reach == TURN_REACH_NO ||
        (reach == TURN_REACH_RELAYS && !turn_ports_is_relay(turn->parts.ports, host, port)))
        return 403;
    return is_known(allocation->tcp, ret_peer) ? 446 : 0;
}

static int start_connect(struct turn_tcp_connection *connection)
{
    struct turn_allocation *allocation = connection->tcp->allocation;
    struct turn *turn = allocation->turn;
    unsigned family = address_is_v6(&connection->peer) ? TURN_V6 : TURN_V4;
    struct stream_options options = peer_options(turn);
    struct flow flow;
    options.local = &allocation->relays[family].address;
    int status = stream_connect(turn->loop, &connection->peer, &options, &flow);
    if (status == 0)
        turn_end_add(turn->tcp, &connection->end, &flow, TURN_END_PENDING);
    return status;
}

void turn_on_connect(struct turn_request *request)
{
    struct address peer;
    struct turn_tcp_connection *connection = NULL;
    unsigned code = read_connect(request, &peer);
    if (code == 0) {
        connection = connection_new(request->allocation->tcp, &peer);
        code = connection == NULL ? 508 : 0;
    }
    if (code == 0) {
        connection->asker = request->identity;
        connection->fingerprint = stun_has(request->message, STUN_FINGERPRINT);
        memcpy(connection->transaction, stun_id(request->message), STUN_ID_SIZE);
        code = start_connect(connection) < 0 ? 447 : 0;
    }
    if (code == 0)
        return;
    if (connection != NULL)
        turn_tcp_connection_free(connection);
    turn_refuse(request, code);
}

/* The request is gone; what an answer needs of it was kept. */
static void answer_later(const struct turn_tcp_connection *connection, unsigned code)
{
    struct turn_allocation *allocation = connection->tcp->allocation;
    struct turn *turn = allocation->turn;
    struct stun_writer w;
    stun_write_begin(&w, turn->out, sizeof turn->out,
                     stun_type(code == 0 ? STUN_SUCCESS : STUN_ERROR, STUN_CONNECT),
                     connection->transaction);
    if (code == 0)
        stun_write_u32(&w, STUN_CONNECTION_ID, connection->id);
    else
        stun_write_error(&w, code, turn_reason(code));
    stun_write_integrity(&w, &turn->integrity, (enum stun_hmac)connection->asker.hmac,
                         turn_identity_key(&connection->asker));
    if (connection->fingerprint)
        stun_write_fingerprint(&w);
    (void)turn->parts.send(turn->parts.send_user, &allocation->flow, stun_write_end(&w));
}

static void answer_connect(struct turn_tcp_connection *connection)
{
    answer_later(connection, 0);
}

static void refuse_connect(struct turn_tcp_connection *connection, unsigned code)
{
    turn_count(connection->worker->turn, TURN_REFUSED, 1);
    answer_later(connection, code);
}
