/* Flows and bytes on their way out (RFC 3261 sections 18.1.1, 18.2.2). */
#include "base/error.h"
#include "stack/endpoint_private.h"

struct stream_options endpoint_stream_options(struct endpoint *endpoint,
                                              const struct endpoint_socket *socket)
{
    bool secure = transport_secure((enum transport)socket->transport);
    bool framed = transport_websocket(socket->transport);
    return (struct stream_options){
        .transport = socket->transport,
        .listener = socket->index,
        .v6_only = true, /* IPv4 has a listener of its own */
        .limits = endpoint->config->stream,
        .cipher = {.type = secure ? &tls_layer : NULL, .config = endpoint->config->tls},
        .framing = {.type = framed ? &ws_layer_type : NULL, .config = framed ? endpoint->ws : NULL},
        .handler =
            {
                .on_bytes = endpoint_on_bytes,
                .on_message = endpoint_on_message,
                .on_close = endpoint_on_close,
                .user = &endpoint->sockets[socket->index],
            },
    };
}

struct assoc_options endpoint_assoc_options(struct endpoint *endpoint,
                                            const struct endpoint_socket *socket)
{
    const struct endpoint_config *config = endpoint->config;
    return (struct assoc_options){
        .udp = config->sctp_encapsulation == ENDPOINT_SCTP_UDP,
        .v6_only = true,
        .listener = socket->index,
        .udp_port = (uint16_t)config->sctp_udp_port,
        .remote_port = (uint16_t)config->sctp_remote_udp_port,
        .limits = config->sctp,
        .handler =
            {
                .on_message = endpoint_on_message,
                .on_close = endpoint_on_close,
                .user = &endpoint->sockets[socket->index],
            },
    };
}

/* The listener whose port and address stand for us towards remote: the one bound to the address
 * that we would send from, else the first of the transport and family. NULL when there is none. */
static const struct endpoint_socket *socket_towards(const struct endpoint *endpoint,
                                                    uint8_t transport, const struct address *remote)
{
    const struct endpoint_socket *first = NULL;
    unsigned fitting = 0;
    for (unsigned i = 0; i < endpoint->socket_count; i++) {
        const struct endpoint_socket *s = &endpoint->sockets[i];
        if (s->transport != transport || address_is_v6(&s->local) != address_is_v6(remote))
            continue;
        fitting++;
        if (first == NULL)
            first = s;
    }
    struct address source;
    if (fitting < 2 || loop_source_address(endpoint->loop, remote, &source) < 0)
        return first;
    for (unsigned i = 0; i < endpoint->socket_count; i++) {
        const struct endpoint_socket *s = &endpoint->sockets[i];
        if (s->transport == transport && address_equal_host(&s->local, &source))
            return s;
    }
    return first;
}

/* A flow of a registration may be older than our listeners: it outlives a restart. */
static bool is_ours(const struct endpoint *endpoint, const struct flow *flow)
{
    if (flow->transport != TRANSPORT_UDP || flow->listener >= endpoint->socket_count)
        return false;
    const struct endpoint_socket *s = &endpoint->sockets[flow->listener];
    return (s->udp != NULL || endpoint->config->dry != NULL) &&
           address_is_v6(&s->local) == address_is_v6(&flow->remote) &&
           address_port(&s->local) == address_port(&flow->local) &&
           (address_is_wildcard(&s->local) || address_equal_host(&s->local, &flow->local));
}

static int udp_flow(struct endpoint *endpoint, const struct endpoint_target *target,
                    struct flow *ret_flow)
{
    bool ours = is_ours(endpoint, &target->flow);
    if (target->has_flow && ours) {
        *ret_flow = target->flow;
        ret_flow->remote = target->address;
        return 0;
    }
    /* Its address may have been ours only then: the socket is taken, the address chosen anew. */
    bool known = ours && address_equal_host(&target->flow.remote, &target->address);
    const struct endpoint_socket *s =
        known ? &endpoint->sockets[target->flow.listener]
              : socket_towards(endpoint, TRANSPORT_UDP, &target->address);
    if (s == NULL)
        return ERR_UNSUPPORTED;
    struct flow flow = {.transport = TRANSPORT_UDP,
                        .listener = s->index,
                        .local = s->local,
                        .remote = target->address};
    if (address_is_wildcard(&s->local)) {
        if (loop_source_address(endpoint->loop, &target->address, &flow.local) < 0)
            return ERR_UNREACHABLE;
        address_set_port(&flow.local, address_port(&s->local));
    }
    *ret_flow = flow;
    return 0;
}

/* What the far end must prove (RFC 5922 section 7.3): the host that was asked for, else the address
 * that is connected to. */
static struct slice server_of(const struct endpoint_target *target, char text[ADDRESS_TEXT_MAX])
{
    struct writer w;
    if (target->server.len > 0)
        return target->server;
    writer_init(&w, text, ADDRESS_TEXT_MAX);
    address_write_host(&w, &target->address, true);
    return writer_slice(&w);
}

static int stream_flow(struct endpoint *endpoint, const struct endpoint_target *target,
                       struct flow *ret_flow)
{
    if (target->has_flow && target->flow.connection != 0 &&
        stream_alive(endpoint->loop, &target->flow)) {
        *ret_flow = target->flow;
        return 0;
    }
    if (target->flow_only)
        return ERR_CLOSED;
    char numeric[ADDRESS_TEXT_MAX];
    struct slice server = SLICE_NULL;
    if (transport_secure((enum transport)target->transport))
        server = server_of(target, numeric);
    else if (transport_websocket(target->transport))
        server = target->server; /* what the handshake asks for (RFC 6455 section 4.1) */
    if (stream_find_server(endpoint->loop, target->transport, &target->address, server, ret_flow) ==
        0)
        return 0;
    const struct endpoint_socket *s = socket_towards(endpoint, target->transport, &target->address);
    if (s == NULL)
        return ERR_UNSUPPORTED;
    struct stream_options options = endpoint_stream_options(endpoint, s);
    options.server = server;
    return stream_connect(endpoint->loop, &target->address, &options, ret_flow);
}

/* RFC 4168 section 5: the same as TCP. */
static int assoc_flow(struct endpoint *endpoint, const struct endpoint_target *target,
                      struct flow *ret_flow)
{
    if (target->has_flow && target->flow.connection != 0 &&
        assoc_alive(endpoint->loop, &target->flow)) {
        *ret_flow = target->flow;
        return 0;
    }
    if (target->flow_only)
        return ERR_CLOSED;
    if (assoc_find(endpoint->loop, &target->address, ret_flow) == 0)
        return 0;
    const struct endpoint_socket *s = socket_towards(endpoint, TRANSPORT_SCTP, &target->address);
    return s == NULL ? ERR_UNSUPPORTED : assoc_connect(s->assoc, &target->address, ret_flow);
}

/* A dry run connects to nobody. */
static int dry_flow(const struct endpoint *endpoint, const struct endpoint_target *target,
                    struct flow *ret_flow)
{
    if (target->has_flow && target->flow.connection != 0) {
        *ret_flow = target->flow;
        return 0;
    }
    const struct endpoint_socket *s = socket_towards(endpoint, target->transport, &target->address);
    if (target->flow_only || s == NULL)
        return target->flow_only ? ERR_CLOSED : ERR_UNSUPPORTED;
    *ret_flow = (struct flow){.transport = target->transport,
                              .listener = s->index,
                              .connection = 1,
                              .local = s->local,
                              .remote = target->address};
    return 0;
}

int endpoint_flow(struct endpoint *endpoint, const struct endpoint_target *target,
                  struct flow *ret_flow)
{
    if (address_is_multicast_or_broadcast(&target->address) || address_port(&target->address) == 0)
        return ERR_UNREACHABLE;
    if (target->transport == TRANSPORT_UDP)
        return udp_flow(endpoint, target, ret_flow);
    if (endpoint->config->dry != NULL)
        return dry_flow(endpoint, target, ret_flow);
    if (target->transport == TRANSPORT_SCTP)
        return assoc_flow(endpoint, target, ret_flow);
    return stream_flow(endpoint, target, ret_flow);
}

bool endpoint_speaks(const struct endpoint *endpoint, uint8_t transport, bool v6)
{
    for (unsigned i = 0; i < endpoint->socket_count; i++) {
        const struct endpoint_socket *s = &endpoint->sockets[i];
        if (s->transport == transport && address_is_v6(&s->local) == v6)
            return true;
    }
    return false;
}

bool endpoint_secure(const struct endpoint *endpoint)
{
    for (unsigned i = 0; i < endpoint->socket_count; i++) {
        if (transport_secure((enum transport)endpoint->sockets[i].transport))
            return true;
    }
    return false;
}

/* As the interfaces have it. */
static struct address inside_address(const struct endpoint *endpoint, const struct flow *flow)
{
    struct address local = flow->local;
    const struct address *listener = &endpoint->sockets[flow->listener].local;
    if (!address_is_wildcard(listener))
        local = *listener;
    else if (local.sa.sa_family != listener->sa.sa_family || address_is_wildcard(&local))
        loop_source_address(endpoint->loop, &flow->remote, &local);
    address_set_port(&local, address_port(listener));
    return local;
}

struct address endpoint_sent_by(const struct endpoint *endpoint, const struct flow *flow)
{
    struct address local = inside_address(endpoint, flow);
    if (endpoint->outside == NULL)
        return local;
    return outside_towards(endpoint->outside, &local, &flow->remote);
}

bool endpoint_behind_nat(const struct endpoint *endpoint, const struct flow *flow)
{
    if (endpoint->outside == NULL || !outside_is_known(endpoint->outside))
        return false;
    struct address inside = inside_address(endpoint, flow);
    struct address outside = outside_towards(endpoint->outside, &inside, &flow->remote);
    return !address_equal_host(&inside, &outside);
}

struct slice endpoint_tls_domain(const struct endpoint *endpoint)
{
    return endpoint->config->tls_domain;
}

void endpoint_write_via(const struct endpoint *endpoint, struct writer *w, const struct flow *flow,
                        const struct sip_branch *branch)
{
    struct address sent_by = endpoint_sent_by(endpoint, flow);
    writer_literal(w, "Via: SIP/2.0/");
    writer_put(w, transport_via_name((enum transport)flow->transport));
    writer_char(w, ' ');
    address_write(w, &sent_by);
    writer_literal(w, ";rport;branch=");
    sip_branch_write(w, branch);
    writer_literal(w, "\r\n");
}

int endpoint_send(struct endpoint *endpoint, const struct flow *flow, struct slice data)
{
    const struct endpoint_dry *dry = endpoint->config->dry;
    if (dry != NULL) {
        dry->send(dry->user, flow, data);
        return 0;
    }
    if (flow->transport == TRANSPORT_SCTP)
        return assoc_send(endpoint->loop, flow, data);
    if (flow->transport != TRANSPORT_UDP)
        return stream_send(endpoint->loop, flow, data);
    if (flow->listener >= endpoint->socket_count || endpoint->sockets[flow->listener].udp == NULL)
        return ERR_UNSUPPORTED;
    return udp_send(endpoint->sockets[flow->listener].udp, &flow->local, &flow->remote, data);
}

int endpoint_tx_send(void *user, const struct flow *flow, struct slice data)
{
    struct endpoint *endpoint = user;
    int status = endpoint_send(endpoint, flow, data);
    /* RFC 7118 section 5.3: a WebSocket client has no address to connect to. */
    if (status == ERR_CLOSED && !transport_websocket(flow->transport) &&
        slice_starts_with(data, SLICE("SIP/2.0 ")))
        status = endpoint_late_send(endpoint, flow, data);
    return status;
}
