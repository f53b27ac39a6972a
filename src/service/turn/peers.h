/* The permissions and channels of one allocation (RFC 8656 sections 9 and 12). Pure. What has
 * expired is not found any more; its place is taken by the next. */
#ifndef SERVICE_TURN_PEERS_H
#define SERVICE_TURN_PEERS_H

#include "service/turn/policy.h"

#define TURN_PEERS_INLINE 2 /* of each need no memory of their own */

struct turn_permission {
    struct turn_host host;
    uint64_t until_ms;
    uint8_t
        reach; /* enum turn_reach; NO: the client believes that it may, and nothing is relayed */
};

struct turn_channel {
    struct turn_host host;
    uint64_t until_ms;
    uint16_t port;
    uint16_t number;
    uint8_t reach;
};

struct turn_peers {
    struct turn_permission *permissions;                         /* owned when more than inline */
    struct turn_channel *channels;                               /* owned when more than inline */
    uint16_t permission_count, permission_size, permission_last; /* last: found most lately */
    uint16_t channel_count, channel_size, channel_last;
    struct turn_permission first_permissions[TURN_PEERS_INLINE];
    struct turn_channel first_channels[TURN_PEERS_INLINE];
};

/* The object must not move from here on. */
void turn_peers_init(struct turn_peers *peers);
void turn_peers_done(struct turn_peers *peers);

/* Installs or refreshes a permission (section 9). max: at once. ERR_LIMIT, ERR_NO_MEMORY. */
int turn_peers_permit(struct turn_peers *peers, const struct turn_permission *permission,
                      unsigned max, uint64_t now_ms);
/* Binds or refreshes a channel (section 12.2). ERR_CONFLICT: the number or the peer is bound
 * otherwise; ERR_LIMIT, ERR_NO_MEMORY. */
int turn_peers_bind(struct turn_peers *peers, const struct turn_channel *channel, unsigned max,
                    uint64_t now_ms);
/* NULL: there is none, or it has expired. Good until the next change. */
const struct turn_permission *turn_peers_permission(struct turn_peers *peers, struct turn_host host,
                                                    uint64_t now_ms);
const struct turn_channel *turn_peers_channel(struct turn_peers *peers, uint16_t number,
                                              uint64_t now_ms);
const struct turn_channel *turn_peers_channel_to(struct turn_peers *peers, struct turn_host host,
                                                 uint16_t port, uint64_t now_ms);
/* Room for so many more permissions of hosts that have none? */
unsigned turn_peers_room(const struct turn_peers *peers, unsigned max, uint64_t now_ms);
/* Ends those for which drop says so. */
void turn_peers_drop(struct turn_peers *peers, bool (*drop)(void *user, struct turn_host host),
                     void *user);
/* Those that have not expired. */
unsigned turn_peers_permissions(const struct turn_peers *peers, uint64_t now_ms);
unsigned turn_peers_channels(const struct turn_peers *peers, uint64_t now_ms);

#endif
