/* Connect (RFC 6062 section 5.2): the client names a peer, which we connect to. */
#include "base/error.h"
#include "service/turn/tcp_private.h"
#include "stun/write.h"

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
    if (allocation->relays[turn_family_of(ret_peer)].port == NULL)
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
    unsigned family = turn_family_of(&connection->peer);
    struct stream_options options = turn_tcp_peer_options(turn);
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
        connection = turn_tcp_connection_new(request->allocation->tcp, &peer);
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

void turn_tcp_answer_connect(const struct turn_tcp_connection *connection, unsigned code)
{
    struct turn_allocation *allocation = connection->tcp->allocation;
    struct turn *turn = allocation->turn;
    struct stun_writer w;
    if (code != 0)
        turn_count(turn, TURN_REFUSED, 1);
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
