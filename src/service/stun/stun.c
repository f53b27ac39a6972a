
#include "base/error.h"
#include "base/memory.h"
#include "loop/mesh.h"
#include "service/stun/stun_private.h"
#include "stun/bytes.h"
#include "stun/channel.h"

const struct metric_info stun_server_metric_infos[STUN_SERVER_METRICS] = {
    STUN_SERVER_METRIC_LIST(METRIC_ROW)
#define STUN_SERVER_DTLS_ROW(id, name, kind, help)                                                 \
    [STUN_SERVER_DTLS + (id)] = {"stun_dtls_" name, NULL, kind, help},
        DTLS_COUNT_LIST(STUN_SERVER_DTLS_ROW)
#undef STUN_SERVER_DTLS_ROW
};

bool stun_may_answer(struct stun_server *server, const struct address *source)
{
    uint32_t rate = server->config->rate;
    if (rate == 0 || stun_limit_take(&server->limit, source, rate, loop_now_ms(server->loop)))
        return true;
    stun_count(server, STUN_SERVER_LIMITED);
    return false;
}

/* Is it the TURN server's? Then it has got it, if it was due. */
static bool hand_to_turn(struct stun_server *server, const struct flow *flow, struct slice data)
{
    if (server->turn == NULL)
        return false;
    if (!channel_looks_like(data)) {
        uint16_t type = data.len >= STUN_HEADER_SIZE ? bytes_get16(data.ptr) : UINT16_MAX;
        uint16_t method = type & (uint16_t)~stun_type(STUN_ERROR, 0);
        if (type >= 0x4000 || method == STUN_BINDING)
            return false;
        /* Indications are not answered, so they cost no more than they carry. */
        bool request = method == type;
        if (request && !stun_may_answer(server, &flow->remote))
            return true;
    }
    server->turn->on_message(server->turn->user, flow, data);
    return true;
}

/* False: no answer is due. */
static bool answer_to(struct stun_server *server, const struct stun_place *place,
                      const struct flow *flow, struct slice data, struct stun_answer *ret_answer)
{
    if (!stun_may_answer(server, &flow->remote))
        return false;
    stun_binding_answer(place, data, &flow->remote, ret_answer, server->out, sizeof server->out);
    if (ret_answer->bytes.len == 0) {
        stun_count(server, STUN_SERVER_IGNORED);
        return false;
    }
    stun_count(server, ret_answer->status == 0 ? STUN_SERVER_ANSWERED : STUN_SERVER_REFUSED);
    return true;
}

static struct stun_place place_of(const struct stun_socket *socket, const struct flow *flow)
{
    struct stun_place place = socket->place;
    const char *software = socket->server->config->software;
    place.software = slice_from_string(software);
    place.origin = flow->local;
    place.behaviour = place.behaviour && stun_corners_whole(socket->server);
    return place;
}

static void on_ahead(void *user, const struct address *remote, unsigned ahead)
{
    const struct stun_server *server = user;
    if (server->turn != NULL)
        server->turn->on_ahead(server->turn->user, remote, ahead);
}

static void on_datagram(void *user, const struct flow *flow, struct slice data)
{
    struct stun_server *server = user;
    if (hand_to_turn(server, flow, data))
        return;
    struct stun_socket *socket = &server->sockets[flow->listener];
    struct stun_place place = place_of(socket, flow);
    struct stun_answer answer;
    if (!answer_to(server, &place, flow, data, &answer))
        return;
    stun_corners_answer(socket, flow, data, &answer);
}

/* RFC 8489 section 6.2.2. What a connection cannot do is not understood: no answer leaves from
 * elsewhere. Mapping can be found out along connections all the same (RFC 5780 section 4.3). */
static long on_bytes(void *user, const struct flow *flow, struct slice buffered)
{
    struct stun_socket *socket = user;
    struct stun_server *server = socket->server;
    struct stun_place place = place_of(socket, flow);
    struct stun_answer answer;
    size_t length = 0;
    bool channel = server->turn != NULL && channel_looks_like(buffered);
    if ((channel ? channel_frame(buffered, &length) : stun_frame(buffered, &length)) < 0) {
        stun_count(server, STUN_SERVER_IGNORED);
        return -1;
    }
    struct slice frame = slice_of(buffered.ptr, length);
    if (length > 0 && !hand_to_turn(server, flow, frame) &&
        answer_to(server, &place, flow, frame, &answer))
        (void)stream_send(server->loop, flow, answer.bytes);
    return (long)length;
}

static void on_close(void *user, const struct flow *flow, enum stream_reason reason)
{
    const struct stun_socket *socket = user;
    const struct stun_server_turn *turn = socket->server->turn;
    (void)reason;
    if (turn != NULL)
        turn->on_close(turn->user, flow);
}

static void on_deciphered(void *user, const struct flow *flow, struct slice data)
{
    struct stun_socket *socket = user;
    if (hand_to_turn(socket->server, flow, data))
        return;
    struct stun_place place = place_of(socket, flow);
    struct stun_answer answer;
    place.modern = true; /* RFC 7350 section 3 */
    if (answer_to(socket->server, &place, flow, data, &answer))
        (void)dtls_send(socket->dtls, flow, answer.bytes);
}

int stun_open_udp(struct stun_server *server, const struct address *local)
{
    struct stun_socket *socket = &server->sockets[server->count];
    struct udp_options options = {
        .local = *local,
        .listener = (uint16_t)server->count,
        .v6_only = true, /* IPv4 has a listener of its own */
        .on_datagram = on_datagram,
        .on_ahead = on_ahead,
        .user = server,
    };
    int status = udp_open(server->loop, &options, &socket->udp);
    if (status < 0)
        return status;
    socket->place.told = true;
    socket->place.origin = udp_local(socket->udp);
    server->count++;
    return 0;
}

int stun_open_stream(struct stun_server *server, const struct stun_server_listener *listener)
{
    struct stun_socket *socket = &server->sockets[server->count];
    struct stream_options options = {
        .transport = listener->transport,
        .listener = (uint16_t)server->count,
        .v6_only = true,
        .limits = server->config->stream,
        .handler = {.on_bytes = on_bytes, .on_close = on_close, .user = socket},
    };
    if (listener->transport == TRANSPORT_TLS)
        options.cipher = (struct stream_layer){&tls_layer, server->config->tls};
    int status = stream_listen(server->loop, &listener->local, &options, &socket->stream);
    if (status < 0)
        return status;
    socket->place.told = true;
    socket->place.origin = stream_listener_local(socket->stream);
    server->count++;
    return 0;
}

static int open_dtls(struct stun_server *server, const struct address *local)
{
    struct stun_socket *socket = &server->sockets[server->count];
    struct dtls_options options = {
        .local = *local,
        .listener = (uint16_t)server->count,
        .v6_only = true,
        .tls = server->config->tls,
        .limits = server->config->dtls,
        .handler = {.on_datagram = on_deciphered, .on_close = on_close, .user = socket},
        .counts = server->metrics + STUN_SERVER_DTLS,
    };
    int status = dtls_open(server->loop, &options, &socket->dtls);
    if (status < 0)
        return status;
    socket->place.told = true;
    socket->place.origin = dtls_local(socket->dtls);
    server->count++;
    return 0;
}

static int open_listener(struct stun_server *server, const struct stun_server_listener *listener)
{
    switch (listener->transport) {
    case TRANSPORT_UDP: return stun_open_udp(server, &listener->local);
    case TRANSPORT_DTLS: return open_dtls(server, &listener->local);
    default: return stun_open_stream(server, listener);
    }
}

static bool is_primary(const struct stun_server_config *config,
                       const struct stun_server_listener *listener)
{
    return config->has_alternate && listener->transport == TRANSPORT_UDP &&
           address_is_v6(&listener->local) == address_is_v6(&config->alternate) &&
           !address_is_wildcard(&listener->local);
}

static int open_sockets(struct stun_server *server, struct address *ret_failed)
{
    const struct stun_server_config *config = server->config;
    unsigned primary = STUN_SERVER_LISTENERS_MAX;
    for (unsigned i = 0; i < config->listener_count; i++) {
        const struct stun_server_listener *listener = &config->listeners[i];
        server->sockets[i].server = server;
        int status = open_listener(server, listener);
        if (status < 0) {
            *ret_failed = listener->local;
            return status;
        }
        if (primary == STUN_SERVER_LISTENERS_MAX && is_primary(config, listener))
            primary = i;
    }
    for (unsigned i = config->listener_count; i < STUN_SOCKETS_MAX; i++)
        server->sockets[i].server = server;
    return primary == STUN_SERVER_LISTENERS_MAX
               ? 0
               : stun_corners_open(server, &server->sockets[primary], ret_failed);
}

int stun_server_new(struct loop *loop, const struct stun_server_config *config,
                    struct address *ret_failed, struct stun_server **ret_server)
{
    struct stun_server *server = memory_zalloc(1, sizeof *server);
    if (server == NULL)
        return ERR_NO_MEMORY;
    server->loop = loop;
    server->config = config;
    server->limit.seed = random_u64(loop_random(loop));
    int status = open_sockets(server, ret_failed);
    if (status < 0) {
        stun_server_free(server);
        return status;
    }
    *ret_server = server;
    return 0;
}

void stun_server_free(struct stun_server *server)
{
    if (server == NULL)
        return;
    partner_free(server->partner);
    for (unsigned i = 0; i < server->count; i++) {
        udp_close(server->sockets[i].udp);
        stream_listener_close(server->sockets[i].stream);
        dtls_close(server->sockets[i].dtls);
    }
    memory_free(server);
}

/* Sessions of DTLS belong to one worker; their datagrams go there. */
static int send_elsewhere(struct stun_server *server, const struct flow *flow, struct slice data)
{
    const struct slice parts[] = {slice_of((const char *)flow, sizeof *flow), data};
    if (server->mesh == NULL)
        return ERR_CLOSED;
    return mesh_post(server->mesh, loop_worker(server->loop), flow->worker, MAIL_STUN_SEND, parts,
                     2);
}

static void on_send_mail(void *user, unsigned from, struct slice data)
{
    struct stun_server *server = user;
    struct flow flow;
    (void)from;
    memcpy(&flow, data.ptr, sizeof flow);
    (void)dtls_send(server->sockets[flow.listener].dtls, &flow, slice_from(data, sizeof flow));
}

int stun_server_send(struct stun_server *server, const struct flow *flow, struct slice data)
{
    if (flow->transport == TRANSPORT_UDP)
        return udp_send(server->sockets[flow->listener].udp, &flow->local, &flow->remote, data);
    if (flow->transport == TRANSPORT_DTLS && flow->worker != loop_worker(server->loop))
        return send_elsewhere(server, flow, data);
    if (flow->transport == TRANSPORT_DTLS)
        return dtls_send(server->sockets[flow->listener].dtls, flow, data);
    return stream_send(server->loop, flow, data);
}

void stun_server_set_mesh(struct stun_server *server, struct mesh *mesh)
{
    server->mesh = mesh;
    mesh_on_mail(server->loop, MAIL_STUN_SEND, on_send_mail, server);
}

void stun_server_set_turn(struct stun_server *server, const struct stun_server_turn *turn)
{
    server->turn = turn;
}

void stun_server_reload(struct stun_server *server, const struct stun_server_config *config)
{
    server->config = config;
    for (unsigned i = 0; i < server->count; i++) {
        if (server->sockets[i].dtls != NULL)
            dtls_reload(server->sockets[i].dtls, &config->dtls);
    }
}

const metric *stun_server_metrics(const struct stun_server *server)
{
    return server->metrics;
}

struct address stun_server_address(const struct stun_server *server, unsigned listener)
{
    return server->sockets[listener].place.origin;
}
