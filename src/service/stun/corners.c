#include "base/error.h"
#include "service/stun/stun_private.h"

static bool is_far(const struct stun_server *server, unsigned change)
{
    return server->config->partner.given && (change & STUN_CHANGE_IP) != 0;
}

/* Ours with that port, or NULL. */
static struct stun_socket *with_port(const struct stun_server *server, uint16_t port)
{
    for (unsigned i = 0; i < STUN_CORNERS; i++) {
        struct stun_socket *socket = server->primary->corners[i];
        if (socket != NULL && address_port(&socket->place.origin) == port)
            return socket;
    }
    return NULL;
}

/* ---- What the partner passes on ---- */

/* As its socket with that port sees the world. */
static struct stun_place far_place(const struct stun_server *server, uint16_t port)
{
    const struct stun_place *mine = &server->primary->place;
    uint16_t first = address_port(&mine->origin), second = address_port(&mine->other);
    struct stun_place place = {.behaviour = true,
                               .told = true,
                               .origin = mine->other,
                               .other = mine->origin,
                               .software = slice_from_string(server->config->software)};
    address_set_port(&place.origin, port);
    address_set_port(&place.other, port == first ? second : first);
    return place;
}

/* Only what is due from our address is answered, by an answer of our own making. */
static void on_request(void *user, uint16_t port, const struct address *client,
                       struct slice request)
{
    struct stun_server *server = user;
    struct stun_answer answer;
    bool v6 = address_is_v6(&server->primary->place.origin);
    if (with_port(server, port) == NULL || address_is_v6(client) != v6 ||
        address_port(client) == 0 || address_is_wildcard(client) ||
        address_is_multicast_or_broadcast(client)) {
        stun_count(server, STUN_SERVER_PARTNER_REFUSED);
        return;
    }
    if (!stun_may_answer(server, client))
        return;
    struct stun_place place = far_place(server, port);
    stun_binding_answer(&place, request, client, &answer, server->out, sizeof server->out);
    if (answer.bytes.len == 0 || answer.status != 0 || (answer.change & STUN_CHANGE_IP) == 0) {
        stun_count(server, STUN_SERVER_PARTNER_REFUSED);
        return;
    }
    struct address from = stun_place_origin(&place, answer.change), remote = *client;
    if (answer.port != 0)
        address_set_port(&remote, answer.port);
    stun_count(server, STUN_SERVER_PARTNER_ANSWERED);
    (void)udp_send(with_port(server, address_port(&from))->udp, NULL, &remote, answer.bytes);
}

static void on_refused(void *user)
{
    stun_count(user, STUN_SERVER_PARTNER_REFUSED);
}

/* ---- Making ---- */

static int open_partner(struct stun_server *server, struct address *ret_failed)
{
    const struct stun_place *place = &server->primary->place;
    struct link_corners corners = {.own = place->origin, .other = place->other};
    struct partner_handler handler = {
        .on_request = on_request, .on_refused = on_refused, .user = server};
    return partner_new(server->loop, &server->config->partner, &corners, &handler, ret_failed,
                       &server->partner);
}

static struct stun_socket *stream_at(struct stun_server *server, const struct address *at)
{
    for (unsigned i = 0; i < server->count; i++) {
        struct stun_socket *socket = &server->sockets[i];
        if (socket->stream != NULL && address_equal(&socket->place.origin, at))
            return socket;
    }
    return NULL;
}

/* RFC 5780 section 6: a pair of ports of TCP on both addresses. */
static int open_streams(struct stun_server *server, const struct stun_place *place,
                        struct address *ret_failed)
{
    struct stun_socket *sockets[STUN_CORNERS] = {stream_at(server, &place->origin)};
    if (!server->config->stream_corners || sockets[0] == NULL)
        return 0;
    for (unsigned i = 1; i < STUN_CORNERS; i++) {
        struct stun_server_listener listener = {TRANSPORT_TCP,
                                                stun_place_origin(place, i * STUN_CHANGE_PORT)};
        sockets[i] = &server->sockets[server->count];
        int status = stun_open_stream(server, &listener);
        if (status < 0) {
            *ret_failed = listener.local;
            return status;
        }
    }
    for (unsigned i = 0; i < STUN_CORNERS; i++) {
        sockets[i]->place.elsewhere = true;
        sockets[i]->place.other =
            stun_place_origin(place, (i ^ (STUN_CORNERS - 1)) * STUN_CHANGE_PORT);
    }
    return 0;
}

int stun_corners_open(struct stun_server *server, struct stun_socket *primary,
                      struct address *ret_failed)
{
    struct stun_place place = {.origin = primary->place.origin, .other = server->config->alternate};
    struct stun_socket *corners[STUN_CORNERS] = {primary};
    for (unsigned i = 1; i < STUN_CORNERS; i++) {
        struct address at = stun_place_origin(&place, i * STUN_CHANGE_PORT);
        if (is_far(server, i * STUN_CHANGE_PORT))
            continue;
        corners[i] = &server->sockets[server->count];
        int status = stun_open_udp(server, &at);
        if (status < 0) {
            *ret_failed = at;
            return status;
        }
    }
    for (unsigned i = 0; i < STUN_CORNERS; i++) {
        if (corners[i] == NULL)
            continue;
        corners[i]->place.behaviour = true;
        corners[i]->place.other =
            stun_place_origin(&place, (i ^ (STUN_CORNERS - 1)) * STUN_CHANGE_PORT);
        for (unsigned change = 0; change < STUN_CORNERS; change++)
            corners[i]->corners[change] = corners[i ^ change];
    }
    server->primary = primary;
    return server->config->partner.given ? open_partner(server, ret_failed)
                                         : open_streams(server, &place, ret_failed);
}

bool stun_corners_whole(const struct stun_server *server)
{
    return server->partner == NULL || partner_alive(server->partner);
}

/* ---- Answering ---- */

static void pass(struct stun_socket *socket, const struct flow *flow, struct slice request)
{
    struct stun_server *server = socket->server;
    int status = partner_pass(server->partner, address_port(&flow->local), &flow->remote, request);
    stun_count(server, status < 0 ? STUN_SERVER_PARTNER_LOST : STUN_SERVER_PARTNER_PASSED);
}

void stun_corners_answer(struct stun_socket *socket, const struct flow *flow, struct slice request,
                         const struct stun_answer *answer)
{
    struct address remote = flow->remote;
    if (answer->port != 0)
        address_set_port(&remote, answer->port);
    if (answer->change == 0)
        (void)udp_send(socket->udp, &flow->local, &remote, answer->bytes);
    else if (socket->corners[answer->change / STUN_CHANGE_PORT] != NULL)
        (void)udp_send(socket->corners[answer->change / STUN_CHANGE_PORT]->udp, NULL, &remote,
                       answer->bytes);
    else
        pass(socket, flow, request);
}
