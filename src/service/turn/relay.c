/* Data both ways (RFC 8656 sections 11 and 12): one look into a table per datagram, no memory, no
 * copy but into the queue of what is sent. */
#include "base/error.h"
#include "service/turn/indication.h"
#include "service/turn/mobility.h"
#include "service/turn/turn_private.h"
#include "stun/channel.h"
#include "stun/write.h"

static void drop(struct turn_allocation *allocation, enum turn_metric why)
{
    allocation->dropped++;
    turn_count(allocation->turn, why, 1);
}

static void count(struct turn_allocation *allocation, enum turn_way way, size_t length)
{
    struct turn *turn = allocation->turn;
    bool out = way == TURN_TO_PEER;
    allocation->counts[way]++;
    allocation->bytes[way] += length;
    turn_count(turn, out ? TURN_TO_PEERS : TURN_FROM_PEERS, 1);
    turn_count(turn, out ? TURN_TO_PEERS_BYTES : TURN_FROM_PEERS_BYTES, (int64_t)length);
}

/* ---- To peers ---- */

struct target {
    struct turn_host host;
    uint16_t port;
    enum turn_reach reach;
};

static bool may_reach(const struct turn *turn, const struct target *target)
{
    return target->reach == TURN_REACH_YES ||
           (target->reach == TURN_REACH_RELAYS &&
            turn_ports_is_relay(turn->parts.ports, target->host, target->port));
}

static void send_to_peer(struct turn_allocation *allocation, const struct target *target,
                         struct slice payload, unsigned flags)
{
    struct turn *turn = allocation->turn;
    unsigned family = turn_host_is_v4(target->host) ? TURN_V4 : TURN_V6;
    struct port *port = allocation->relays[family].port;
    struct address remote;
    if (port == NULL || allocation->tcp != NULL || !may_reach(turn, target)) {
        drop(allocation, TURN_UNPERMITTED);
        return;
    }
    if (!turn_quota_take(allocation->quota, TURN_TO_PEER, payload.len, loop_now_ms(turn->loop))) {
        drop(allocation, TURN_OVER_QUOTA);
        return;
    }
    turn_host_address(target->host, target->port, &remote);
    if (port_send(port, &remote, payload, flags) < 0)
        drop(allocation, TURN_SEND_FAILED);
    else
        count(allocation, TURN_TO_PEER, payload.len);
}

/* That of a client whose address has changed, or NULL. */
static struct turn_allocation *find_moved(struct turn *turn, const struct flow *flow,
                                          struct slice data)
{
    bool handed;
    struct turn_allocation *allocation = turn_mobility_arrive(turn, flow, data, &handed);
    if (allocation == NULL && !handed)
        turn_count(turn, TURN_IGNORED, 1);
    return allocation;
}

/* Section 12.6. */
void turn_on_channel_data(struct turn *turn, const struct flow *flow, struct slice data)
{
    uint16_t number;
    struct slice payload;
    struct turn_allocation *allocation;
    if (channel_parse(data, &number, &payload) < 0) {
        turn_count(turn, TURN_IGNORED, 1);
        return;
    }
    allocation = turn_find(turn, flow);
    if (allocation == NULL)
        allocation = find_moved(turn, flow, data);
    if (allocation == NULL)
        return;
    const struct turn_channel *channel =
        turn_peers_channel(&allocation->peers, number, loop_now_ms(turn->loop));
    if (channel == NULL) {
        drop(allocation, TURN_UNPERMITTED);
        return;
    }
    struct target target = {channel->host, channel->port, channel->reach};
    send_to_peer(allocation, &target, payload, 0);
}

/* Sections 13, 14 and 15: DONT-FRAGMENT means nothing where IPv6 is on either side, but for a
 * stream's client, who has no other way to say it. */
static unsigned flags_of(const struct turn_allocation *allocation, const struct turn_send *send)
{
    bool v4 = !send->v6 && !address_is_v6(&allocation->flow.remote);
    bool stream = flow_reliable(&allocation->flow);
    return send->whole && (v4 || stream) ? PORT_DONT_FRAGMENT : 0;
}

/* Section 11.2. */
void turn_on_send(struct turn *turn, const struct flow *flow, struct slice data)
{
    struct turn_send send;
    struct turn_allocation *allocation;
    if (turn_send_parse(data, &send) < 0) {
        turn_count(turn, TURN_IGNORED, 1);
        return;
    }
    allocation = turn_find(turn, flow);
    if (allocation == NULL)
        allocation = find_moved(turn, flow, data);
    if (allocation == NULL)
        return;
    const struct turn_permission *permission = NULL;
    bool mapped = send.v6 && turn_host_is_v4(send.host);
    if (turn->mirror_count > 0 && !mapped)
        send.host = turn_inside(turn, send.host, send.port);
    if (!mapped)
        permission = turn_peers_permission(&allocation->peers, send.host, loop_now_ms(turn->loop));
    if (permission == NULL) {
        drop(allocation, TURN_UNPERMITTED);
        return;
    }
    struct target target = {send.host, send.port, permission->reach};
    send_to_peer(allocation, &target, send.data, flags_of(allocation, &send));
}

/* ---- From peers ---- */

/* Section 12.5: on a stream the next frame starts at a multiple of four. */
static struct slice make_channel_data(const struct turn_allocation *allocation, char *data,
                                      size_t length, uint16_t number)
{
    char *start = data - CHANNEL_HEADER_SIZE;
    size_t whole = CHANNEL_HEADER_SIZE + length;
    channel_write_header(start, number, length);
    if (flow_reliable(&allocation->flow)) {
        memset(data + length, 0, 3);
        whole = (whole + 3) & ~(size_t)3;
    }
    return slice_of(start, whole);
}

static struct slice make_data(struct turn *turn, const struct address *remote, char *data,
                              size_t length)
{
    struct random *random = loop_random(turn->loop);
    uint64_t id[2] = {random_u64(random), random_u64(random)};
    if (turn->mirror_count == 0)
        return turn_data_write(data, length, remote, id);
    struct address told = turn_outside(turn, remote);
    return turn_data_write(data, length, &told, id);
}

static bool is_permitted(struct turn_allocation *allocation, const struct address *peer)
{
    struct turn *turn = allocation->turn;
    struct turn_host host = turn_host_of(peer);
    const struct turn_permission *permission =
        turn_peers_permission(&allocation->peers, host, loop_now_ms(turn->loop));
    if (permission == NULL)
        return false;
    struct target target = {host, address_port(peer), permission->reach};
    return may_reach(turn, &target);
}

/* Sections 11.3 and 12.7. */
static void on_datagram(void *user, const struct address *remote, char *data, size_t length)
{
    struct turn_allocation *allocation = user;
    struct turn *turn = allocation->turn;
    uint64_t now_ms = loop_now_ms(turn->loop);
    struct turn_host host = turn_host_of(remote);
    if (allocation->tcp != NULL || !is_permitted(allocation, remote)) {
        drop(allocation, TURN_UNPERMITTED);
        return;
    }
    if (!turn_quota_take(allocation->quota, TURN_FROM_PEER, length, now_ms)) {
        drop(allocation, TURN_OVER_QUOTA);
        return;
    }
    const struct turn_channel *channel =
        turn_peers_channel_to(&allocation->peers, host, address_port(remote), now_ms);
    struct slice message = channel != NULL
                               ? make_channel_data(allocation, data, length, channel->number)
                               : make_data(turn, remote, data, length);
    if (message.len == 0 || turn->parts.send(turn->parts.send_user, &allocation->flow, message) < 0)
        drop(allocation, TURN_SEND_FAILED);
    else
        count(allocation, TURN_FROM_PEER, length);
}

/* Section 11.5: 3 and 11 of ICMP, 1 to 3 of ICMPv6. */
static bool is_told(const struct port_error *error)
{
    if (address_is_v6(&error->remote))
        return error->type >= 1 && error->type <= 3;
    return error->type == 3 || error->type == 11;
}

/* Section 18.13, with a byte for the type and one for the code, as ICMP has them. */
static void on_error(void *user, const struct port_error *error)
{
    struct turn_allocation *allocation = user;
    struct turn *turn = allocation->turn;
    if (!is_told(error) || !is_permitted(allocation, &error->remote))
        return;
    struct stun_writer w;
    struct random *random = loop_random(turn->loop);
    uint32_t mtu = htobe32(error->mtu);
    uint8_t value[8] = {0, 0, error->type, error->code};
    uint32_t id[4] = {htobe32(STUN_COOKIE), (uint32_t)random_u64(random),
                      (uint32_t)random_u64(random), (uint32_t)random_u64(random)};
    memcpy(value + 4, &mtu, sizeof mtu);
    stun_write_begin(&w, turn->out, sizeof turn->out,
                     stun_type(STUN_INDICATION, STUN_DATA_INDICATION), id);
    struct address told = turn_outside(turn, &error->remote);
    stun_write_address(&w, STUN_XOR_PEER_ADDRESS, &told);
    stun_write(&w, STUN_ICMP, slice_of((const char *)value, sizeof value));
    if (turn->parts.send(turn->parts.send_user, &allocation->flow, stun_write_end(&w)) == 0)
        turn_count(turn, TURN_ICMP, 1);
}

static void on_unsent(void *user, size_t length)
{
    struct turn_allocation *allocation = user;
    struct turn *turn = allocation->turn;
    allocation->counts[TURN_TO_PEER]--;
    allocation->bytes[TURN_TO_PEER] -= length;
    turn_count(turn, TURN_TO_PEERS, -1);
    turn_count(turn, TURN_TO_PEERS_BYTES, -(int64_t)length);
    drop(allocation, TURN_SEND_FAILED);
}

const struct port_handler turn_port_handler = {on_datagram, on_error, on_unsent};
