#include "service/turn/peers.h"

#include <assert.h>

#include <assert.h>

#include "base/error.h"
#include "base/memory.h"

void turn_peers_init(struct turn_peers *peers)
{
    *peers = (struct turn_peers){.permission_size = TURN_PEERS_INLINE,
                                 .channel_size = TURN_PEERS_INLINE};
    peers->permissions = peers->first_permissions;
    peers->channels = peers->first_channels;
}

void turn_peers_done(struct turn_peers *peers)
{
    if (peers->permissions != peers->first_permissions)
        memory_free(peers->permissions);
    if (peers->channels != peers->first_channels)
        memory_free(peers->channels);
    turn_peers_init(peers);
}

/* Doubles an array that may lie in place. NULL without memory. */
static void *doubled(void *old, const void *in_place, size_t count, size_t size)
{
    assert(count > 0);
    assert(count > 0 && size > 0);
    void *grown = memory_alloc(2 * count * size);
    if (grown == NULL)
        return NULL;
    memcpy(grown, old, count * size);
    if (old != in_place)
        memory_free(old);
    return grown;
}

/* ---- Permissions ---- */

static bool permission_fits(const struct turn_permission *p, struct turn_host host, uint64_t now_ms)
{
    return turn_host_equal(p->host, host) && p->until_ms > now_ms;
}

const struct turn_permission *turn_peers_permission(struct turn_peers *peers, struct turn_host host,
                                                    uint64_t now_ms)
{
    if (peers->permission_last < peers->permission_count &&
        permission_fits(&peers->permissions[peers->permission_last], host, now_ms))
        return &peers->permissions[peers->permission_last];
    for (unsigned i = 0; i < peers->permission_count; i++) {
        if (permission_fits(&peers->permissions[i], host, now_ms)) {
            peers->permission_last = (uint16_t)i;
            return &peers->permissions[i];
        }
    }
    return NULL;
}

/* The place of host, or of one that has expired, or a new one. */
static int permission_place(struct turn_peers *peers, struct turn_host host, unsigned max,
                            uint64_t now_ms)
{
    int expired = -1;
    for (unsigned i = 0; i < peers->permission_count; i++) {
        if (turn_host_equal(peers->permissions[i].host, host))
            return (int)i;
        if (expired < 0 && peers->permissions[i].until_ms <= now_ms)
            expired = (int)i;
    }
    if (expired >= 0)
        return expired;
    if (peers->permission_count >= max)
        return ERR_LIMIT;
    if (peers->permission_count == peers->permission_size) {
        void *grown = doubled(peers->permissions, peers->first_permissions, peers->permission_size,
                              sizeof *peers->permissions);
        if (grown == NULL)
            return ERR_NO_MEMORY;
        peers->permissions = grown;
        peers->permission_size = (uint16_t)(2 * peers->permission_size);
    }
    return peers->permission_count++;
}

int turn_peers_permit(struct turn_peers *peers, const struct turn_permission *permission,
                      unsigned max, uint64_t now_ms)
{
    int at = permission_place(peers, permission->host, max, now_ms);
    if (at < 0)
        return at;
    peers->permissions[at] = *permission;
    return 0;
}

unsigned turn_peers_permissions(const struct turn_peers *peers, uint64_t now_ms)
{
    unsigned count = 0;
    for (unsigned i = 0; i < peers->permission_count; i++)
        count += peers->permissions[i].until_ms > now_ms;
    return count;
}

unsigned turn_peers_room(const struct turn_peers *peers, unsigned max, uint64_t now_ms)
{
    unsigned used = turn_peers_permissions(peers, now_ms);
    return used < max ? max - used : 0;
}

/* ---- Channels ---- */

static bool channel_fits(const struct turn_channel *c, struct turn_host host, uint16_t port,
                         uint64_t now_ms)
{
    return turn_host_equal(c->host, host) && c->port == port && c->until_ms > now_ms;
}

const struct turn_channel *turn_peers_channel(struct turn_peers *peers, uint16_t number,
                                              uint64_t now_ms)
{
    unsigned at = peers->channel_last;
    if (at < peers->channel_count && peers->channels[at].number == number)
        return peers->channels[at].until_ms > now_ms ? &peers->channels[at] : NULL;
    for (at = 0; at < peers->channel_count; at++) {
        if (peers->channels[at].number == number && peers->channels[at].until_ms > now_ms) {
            peers->channel_last = (uint16_t)at;
            return &peers->channels[at];
        }
    }
    return NULL;
}

const struct turn_channel *turn_peers_channel_to(struct turn_peers *peers, struct turn_host host,
                                                 uint16_t port, uint64_t now_ms)
{
    unsigned at = peers->channel_last;
    if (at < peers->channel_count && channel_fits(&peers->channels[at], host, port, now_ms))
        return &peers->channels[at];
    for (at = 0; at < peers->channel_count; at++) {
        if (channel_fits(&peers->channels[at], host, port, now_ms)) {
            peers->channel_last = (uint16_t)at;
            return &peers->channels[at];
        }
    }
    return NULL;
}

static bool same_peer(const struct turn_channel *a, const struct turn_channel *b)
{
    return turn_host_equal(a->host, b->host) && a->port == b->port;
}

/* As permission_place. ERR_CONFLICT (section 12.2: neither number nor peer twice). A number has no
 * two places, so that an expired one is never in the way of its next binding. */
static int channel_place(struct turn_peers *peers, const struct turn_channel *channel, unsigned max,
                         uint64_t now_ms)
{
    int expired = -1, same = -1;
    for (unsigned i = 0; i < peers->channel_count; i++) {
        const struct turn_channel *c = &peers->channels[i];
        bool live = c->until_ms > now_ms;
        bool number = c->number == channel->number;
        if (live && number != same_peer(c, channel))
            return ERR_CONFLICT;
        if (number)
            same = (int)i;
        else if (!live)
            expired = (int)i;
    }
    if (same >= 0 || expired >= 0)
        return same >= 0 ? same : expired;
    if (peers->channel_count >= max)
        return ERR_LIMIT;
    if (peers->channel_count == peers->channel_size) {
        void *grown = doubled(peers->channels, peers->first_channels, peers->channel_size,
                              sizeof *peers->channels);
        if (grown == NULL)
            return ERR_NO_MEMORY;
        peers->channels = grown;
        peers->channel_size = (uint16_t)(2 * peers->channel_size);
    }
    return peers->channel_count++;
}

int turn_peers_bind(struct turn_peers *peers, const struct turn_channel *channel, unsigned max,
                    uint64_t now_ms)
{
    int at = channel_place(peers, channel, max, now_ms);
    if (at < 0)
        return at;
    peers->channels[at] = *channel;
    return 0;
}

unsigned turn_peers_channels(const struct turn_peers *peers, uint64_t now_ms)
{
    unsigned count = 0;
    for (unsigned i = 0; i < peers->channel_count; i++)
        count += peers->channels[i].until_ms > now_ms;
    return count;
}

/* ---- Both ---- */

void turn_peers_drop(struct turn_peers *peers, bool (*drop)(void *user, struct turn_host host),
                     void *user)
{
    for (unsigned i = 0; i < peers->permission_count; i++) {
        if (drop(user, peers->permissions[i].host))
            peers->permissions[i].until_ms = 0;
    }
    for (unsigned i = 0; i < peers->channel_count; i++) {
        if (drop(user, peers->channels[i].host))
            peers->channels[i].until_ms = 0;
    }
}
