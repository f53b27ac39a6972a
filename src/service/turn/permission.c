/* CreatePermission and ChannelBind (RFC 8656 sections 10.2 and 12.2). */
#include "base/error.h"
#include "service/turn/turn_private.h"
#include "stun/bytes.h"
#include "stun/channel.h"

static void answer(const struct turn_request *request)
{
    struct stun_writer w;
    turn_answer_begin(request, &w);
    turn_answer_end(request, &w, true);
}

/* ICE asks for every address that the other side has, private ones too, and some clients end
 * everything when one of them is refused. */
static bool is_never_refused(const struct turn_request *request)
{
    const struct turn_config *config = request->turn->config;
    struct slice software = stun_value(request->message, STUN_SOFTWARE);
    bool found = false;
    for (unsigned i = 0; i < config->unrefused_count && !found; i++)
        found = slice_starts_with(software, config->unrefused[i]);
    return found;
}

/* One XOR-PEER-ADDRESS: 0 and whom it means, or the code of the error response. The port of a
 * permission means nothing but where other relays of ours are let through: there it says that it is
 * one. */
static unsigned read_peer(const struct turn_request *request, struct slice value,
                          struct turn_permission *ret_permission, uint16_t *ret_port)
{
    struct turn *turn = request->turn;
    struct address peer;
    int status = stun_address_parse(request->message, value, true, &peer);
    if (status < 0)
        return status == ERR_UNSUPPORTED ? 443 : 400;
    unsigned family = turn_family_of(&peer);
    if (request->allocation->relays[family].port == NULL)
        return 443;
    uint16_t port = address_port(&peer);
    struct turn_host host = turn_host_of(&peer);
    if (family == TURN_V4 || !turn_host_is_v4(host)) {
        host = turn_inside(turn, host, port);
        turn_host_address(host, port, &peer);
    }
    struct turn_permission permission = {
        .host = host,
        .until_ms = request->now_ms + TURN_PERMISSION_S * UINT64_C(1000),
    };
    enum turn_reach reach = turn_policy_judge(&turn->config->policy, &turn->own, &peer);
    permission.reach = (uint8_t)reach;
    bool good = reach == TURN_REACH_YES ||
                (reach == TURN_REACH_RELAYS && turn_ports_is_relay(turn->parts.ports, host, port));
    if (!good && !is_never_refused(request))
        return 403;
    if (!good)
        turn_count(turn, TURN_FORBIDDEN, 1);
    *ret_permission = permission;
    *ret_port = port;
    return 0;
}

/* ---- CreatePermission ---- */

/* All of them or none: the first pass only looks. */
static unsigned examine(const struct turn_request *request)
{
    struct turn_allocation *allocation = request->allocation;
    struct slice value = stun_value(request->message, STUN_XOR_PEER_ADDRESS);
    unsigned room =
        turn_peers_room(&allocation->peers, request->turn->config->permissions, request->now_ms);
    unsigned fresh = 0;
    unsigned code = value.ptr == NULL ? 400 : 0;
    for (bool more = true; code == 0 && more;
         more = stun_next(request->message, STUN_XOR_PEER_ADDRESS, &value)) {
        struct turn_permission permission;
        uint16_t port;
        code = read_peer(request, value, &permission, &port);
        if (code == 0 &&
            turn_peers_permission(&allocation->peers, permission.host, request->now_ms) == NULL)
            fresh++;
    }
    return code == 0 && fresh > room ? 508 : code;
}

static unsigned install(const struct turn_request *request)
{
    struct slice value = stun_value(request->message, STUN_XOR_PEER_ADDRESS);
    unsigned code = 0;
    for (bool more = true; code == 0 && more;
         more = stun_next(request->message, STUN_XOR_PEER_ADDRESS, &value)) {
        struct turn_permission permission;
        uint16_t port;
        code = read_peer(request, value, &permission, &port);
        if (code == 0 && turn_peers_permit(&request->allocation->peers, &permission,
                                           request->turn->config->permissions, request->now_ms) < 0)
            code = 508;
    }
    return code;
}

void turn_on_create_permission(struct turn_request *request)
{
    unsigned code = examine(request);
    if (code == 0)
        code = install(request);
    if (code == 0)
        answer(request);
    else
        turn_refuse(request, code);
}

/* ---- ChannelBind ---- */

static unsigned bind_channel(const struct turn_request *request)
{
    const struct turn_config *config = request->turn->config;
    struct turn_peers *peers = &request->allocation->peers;
    struct slice number = stun_value(request->message, STUN_CHANNEL_NUMBER);
    struct slice value = stun_value(request->message, STUN_XOR_PEER_ADDRESS);
    struct turn_permission permission;
    struct turn_channel channel = {.until_ms = request->now_ms + TURN_CHANNEL_S * UINT64_C(1000)};
    if (number.ptr == NULL || value.ptr == NULL)
        return 400;
    channel.number = bytes_get16(number.ptr);
    if (!channel_valid(channel.number))
        return 400;
    unsigned code = read_peer(request, value, &permission, &channel.port);
    if (code != 0)
        return code;
    if (channel.port == 0) /* no transport address */
        return 400;
    channel.host = permission.host;
    channel.reach = permission.reach;
    if (turn_peers_permission(peers, permission.host, request->now_ms) == NULL &&
        turn_peers_room(peers, config->permissions, request->now_ms) == 0)
        return 508;
    int status = turn_peers_bind(peers, &channel, config->channels, request->now_ms);
    if (status < 0)
        return status == ERR_CONFLICT ? 400 : 508;
    status = turn_peers_permit(peers, &permission, config->permissions, request->now_ms);
    return status < 0 ? 508 : 0;
}

void turn_on_channel_bind(struct turn_request *request)
{
    unsigned code = bind_channel(request);
    if (code == 0)
        answer(request);
    else
        turn_refuse(request, code);
}
