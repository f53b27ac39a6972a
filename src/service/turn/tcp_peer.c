/* Streams of peers before they are bound, and relayed addresses that they connect to (RFC 6062
 * section 5.3). */
#include "base/error.h"
#include "base/memory.h"
#include "service/turn/tcp_private.h"
#include "stun/write.h"

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

/* Nothing is read until a ConnectionBind comes. */
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
        turn_tcp_close_stream(((struct turn *)user)->tcp, flow);
        return;
    }
    await_bind(connection);
    turn_tcp_answer_connect(connection, 0);
}

static void on_close(void *user, const struct flow *flow, enum stream_reason reason)
{
    struct turn_tcp_connection *connection = connection_of(user, flow);
    (void)reason;
    if (connection == NULL)
        return;
    if (connection->state == TURN_TCP_CONNECTING)
        turn_tcp_answer_connect(connection, 447);
    turn_tcp_connection_free(connection);
}

struct stream_options turn_tcp_peer_options(struct turn *turn)
{
    return (struct stream_options){
        .transport = TRANSPORT_TCP,
        .limits = {.connect_ms = TURN_TCP_CONNECT_MS,
                   .idle_ms = UINT32_MAX,
                   .send_stall_ms = TURN_TCP_STALL_MS},
        .handler = {.on_bytes = on_bytes, .on_open = on_open, .on_close = on_close, .user = turn},
    };
}

/* ---- Peers that connect ---- */

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
    struct stream_options options = turn_tcp_peer_options(turn);
    struct turn_tcp_connection *connection = NULL;
    (void)accepted;
    bool permitted = is_permitted(tcp->allocation, &flow->remote);
    if (!permitted)
        turn_count(turn, TURN_UNPERMITTED, 1);
    else if (stream_hand_over(turn->loop, flow, &options.handler, &options.limits) == 0)
        connection = turn_tcp_connection_new(tcp, &flow->remote);
    if (connection == NULL) {
        turn_tcp_close_stream(turn->tcp, flow);
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
    struct stream_options options = turn_tcp_peer_options(turn);
    options.v6_only = true;
    options.handler = (struct stream_handler){
        .on_bytes = on_bytes, .on_open = on_accept, .user = allocation->tcp};
    unsigned family = turn_family_of(place);
    if (!turn_ports_file_take(turn->parts.ports))
        return ERR_LIMIT;
    int status = stream_listen(turn->loop, place, &options, &allocation->tcp->listeners[family]);
    if (status < 0)
        turn_ports_file_give(turn->parts.ports);
    return status;
}
