/* The TURN server of one worker (RFC 8656, RFC 5766): allocations, each with relayed addresses of
 * its own, through which a client reaches its peers. It shares the sockets of the STUN server: what
 * those get that is no Binding comes here. An allocation belongs to the worker at which its 5-tuple
 * arrives. */
#ifndef SERVICE_TURN_H
#define SERVICE_TURN_H

#include "base/metric.h"
#include "loop/loop.h"
#include "service/turn/credential.h"
#include "service/turn/policy.h"
#include "service/turn/quota.h"
#include "stack/outside.h"

#define TURN_RELAYS_MAX       8   /* addresses to relay from */
#define TURN_LIFETIME_S       600 /* RFC 8656 section 2 */
#define TURN_LIFETIME_MAX_S   3600
#define TURN_PERMISSION_S     300 /* section 9 */
#define TURN_CHANNEL_S        600 /* section 12 */
#define TURN_RESERVATION_S    30  /* section 7.2 */
#define TURN_PEERS_MAX_LIMIT  4096
#define TURN_ALLOCATION_LIMIT 1000000

struct turn;
struct turn_ports;

struct turn_config {
    bool enabled;
    struct address relays[TURN_RELAYS_MAX]; /* hosts to relay from */
    unsigned relay_count;
    uint16_t port_low, port_high; /* inclusive */
    struct turn_policy policy;
    uint32_t lifetime_s;     /* without LIFETIME, and the least that one gets */
    uint32_t lifetime_max_s; /* not less than lifetime_s */
    uint32_t allocations;    /* of all workers */
    uint32_t files;          /* that relays have open together, when the server starts; 0: any */
    bool tcp;                /* TCP relays (RFC 6062) */
    bool mobility;           /* tickets for clients whose address changes (RFC 8016) */
    uint32_t permissions;    /* of one allocation, as channels */
    uint32_t channels;
    bool has_alternate; /* where clients are sent while we drain (300) */
    struct address alternate;
    const char *software; /* NULL or empty: not told */
    /* Clients, by the beginning of their SOFTWARE, that give up their relay when one peer is
     * refused; borrowed. They are not told. */
    const struct slice *unrefused;
    unsigned unrefused_count;
};

/* All borrowed. */
struct turn_parts {
    const struct outside *outside; /* how others see the relays, until turn_reload */
    struct loop *loop;
    struct turn_ports *ports;
    struct turn_credentials *credentials;
    struct turn_quota *quota;
    struct mesh *mesh; /* NULL: there are no other workers */
    /* Sends along a flow that a message came along. */
    int (*send)(void *user, const struct flow *flow, struct slice data);
    void *send_user;
};

#define TURN_METRIC_LIST(X)                                                                        \
    X(TURN_ALLOCATIONS, "turn_allocations", METRIC_GAUGE, "Allocations now.")                      \
    X(TURN_ALLOCATED, "turn_allocated_total", METRIC_COUNTER, "Allocations made.")                 \
    X(TURN_EXPIRED, "turn_expired_total", METRIC_COUNTER,                                          \
      "Allocations that ended because they were not refreshed.")                                   \
    X(TURN_REQUESTS, "turn_requests_total", METRIC_COUNTER, "TURN requests.")                      \
    X(TURN_REFUSED, "turn_errors_total", METRIC_COUNTER,                                           \
      "TURN requests answered with an error, challenges (401, 438) aside.")                        \
    X(TURN_FORBIDDEN, "turn_forbidden_total", METRIC_COUNTER,                                      \
      "Of those: for a peer that no relay may reach (403).")                                       \
    X(TURN_TO_PEERS, "turn_to_peers_total", METRIC_COUNTER, "Datagrams relayed to peers.")         \
    X(TURN_TO_PEERS_BYTES, "turn_to_peers_bytes_total", METRIC_COUNTER, "Their payload.")          \
    X(TURN_FROM_PEERS, "turn_from_peers_total", METRIC_COUNTER, "Datagrams relayed from peers.")   \
    X(TURN_FROM_PEERS_BYTES, "turn_from_peers_bytes_total", METRIC_COUNTER, "Their payload.")      \
    X(TURN_UNPERMITTED, "turn_unpermitted_total", METRIC_COUNTER,                                  \
      "Datagrams not relayed for want of a permission or channel.")                                \
    X(TURN_OVER_QUOTA, "turn_over_quota_total", METRIC_COUNTER,                                    \
      "Datagrams not relayed because the user's bandwidth was used up.")                           \
    X(TURN_SEND_FAILED, "turn_send_failed_total", METRIC_COUNTER,                                  \
      "Datagrams that the system did not take, or whose client reads too slowly.")                 \
    X(TURN_IGNORED, "turn_ignored_total", METRIC_COUNTER,                                          \
      "Messages that are broken or of no allocation, and are answered by nothing.")                \
    X(TURN_CONNECTIONS, "turn_connections", METRIC_GAUGE,                                          \
      "Connections with peers now (RFC 6062).")                                                    \
    X(TURN_ICMP, "turn_icmp_total", METRIC_COUNTER, "ICMP errors of peers told to clients.")

enum turn_metric { TURN_METRIC_LIST(METRIC_ID) TURN_METRICS };
extern const struct metric_info turn_metric_infos[TURN_METRICS];

/* ---- What all workers share: the relayed addresses. Any thread. ---- */

/* ERR_NO_MEMORY, ERR_IO (no randomness). */
int turn_ports_new(const struct turn_config *config, struct turn_ports **ret_ports);
/* After every turn_free. NULL is accepted. */
void turn_ports_free(struct turn_ports *ports);
/* While on, new allocations are refused: with 300 and the alternate, or with 508. */
void turn_ports_drain(struct turn_ports *ports, bool on);
bool turn_ports_draining(const struct turn_ports *ports);

/* ---- One worker's ---- */

/* config is borrowed until turn_reload says another. ERR_NO_MEMORY, ERR_UNSUPPORTED. */
int turn_new(const struct turn_config *config, const struct turn_parts *parts,
             struct turn **ret_turn);
/* Ends all allocations. NULL is accepted. */
void turn_free(struct turn *turn);
/* Permissions and channels of peers that are denied now end; all else stays. Allocations keep
 * their addresses; what they are called outside may have changed. */
void turn_reload(struct turn *turn, const struct turn_config *config,
                 const struct outside *outside);
const metric *turn_metrics(const struct turn *turn);

/* A message that is no Binding: STUN or ChannelData, a datagram or one whole frame. data is
 * borrowed. */
void turn_on_message(struct turn *turn, const struct flow *flow, struct slice data);
/* A datagram from remote comes soon: as udp_options.on_ahead. */
void turn_on_ahead(const struct turn *turn, const struct address *remote, unsigned ahead);
/* A connection of a client is gone, and with it its allocation. */
void turn_on_close(struct turn *turn, const struct flow *flow);

/* ---- Lists ---- */

struct turn_relay_info {
    uint64_t number; /* of the allocation on its worker, rising */
    char owner[TURN_NAME_MAX + 1];
    struct flow client;
    unsigned relay_count;
    struct address relays[2];
    uint32_t lifetime_s[2]; /* left, of each */
    uint32_t age_s;
    uint32_t permissions;
    uint32_t channels;
    uint64_t packets[TURN_WAYS];
    uint64_t bytes[TURN_WAYS];
    uint64_t dropped;
};

/* Allocations with numbers above after, in order; at most max. Returns how many. */
unsigned turn_list(const struct turn *turn, uint64_t after, struct turn_relay_info *ret_infos,
                   unsigned max);

#endif
