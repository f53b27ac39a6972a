/* The TURN server of a worker as its own files know it. */
#ifndef SERVICE_TURN_PRIVATE_H
#define SERVICE_TURN_PRIVATE_H

#include "base/table.h"
#include "loop/port.h"
#include "service/turn/peers.h"
#include "service/turn/ports.h"
#include "service/turn/turn.h"
#include "stun/integrity.h"

struct turn_allocation;
struct turn_tcp;
struct turn_tcp_worker;
struct turn_mobility;
struct turn_mobility_worker;

/* One relayed address of an allocation; port is NULL when it has none of the family. */
struct turn_relay {
    struct port *port; /* owned */
    struct address address;
    uint64_t until_ms;
};

enum { TURN_V4, TURN_V6, TURN_FAMILIES };

/* RFC 8656 section 6. What each datagram needs comes first: TURN_HOT_BYTES. */
struct turn_allocation {
    struct table_node node;        /* by 5-tuple */
    struct flow flow;              /* the 5-tuple */
    struct turn *turn;             /* borrowed */
    struct turn_quota_user *quota; /* closed with it */
    struct turn_tcp *tcp;          /* owned; NULL: it relays datagrams */
    uint64_t counts[TURN_WAYS];
    uint64_t bytes[TURN_WAYS];
    struct turn_peers peers;
    struct turn_relay relays[TURN_FAMILIES];
    struct turn_mobility *mobility; /* owned; NULL: it has no ticket */
    uint64_t dropped;
    struct timer timer; /* when the first relay ends */
    struct list link;   /* of turn->allocations */
    uint64_t number;
    uint64_t since_ms;
    uint64_t token;                /* of the reservation that came with it, or 0 */
    uint16_t partial;              /* error code of ADDRESS-ERROR-CODE, or 0 */
    uint8_t transaction[12];       /* of the Allocate that made it */
    struct turn_identity identity; /* of who made it */
};

#define TURN_HOT_BYTES (offsetof(struct turn_allocation, relays) + sizeof(struct port *))

/* A host to relay from behind a NAT, and what it is to others. */
struct turn_mirror {
    struct turn_host inside, outside;
};

struct turn {
    const struct turn_config *config; /* borrowed */
    struct turn_parts parts;
    struct loop *loop; /* borrowed, as all of parts */
    uint64_t seed;     /* of the table's hash */
    struct table table;
    struct list allocations; /* by number */
    uint64_t next_number;
    struct timer sweep;
    struct turn_own own;
    struct turn_mirror mirrors[TURN_RELAYS_MAX];
    unsigned mirror_count;
    struct turn_tcp_worker *tcp;           /* owned */
    struct turn_mobility_worker *mobility; /* owned */
    struct stun_integrity integrity;
    metric metrics[TURN_METRICS];
    uint8_t out[2048]; /* answers */
};

/* A request under way: it has been read, its sender is known. */
struct turn_request {
    struct turn *turn;
    const struct flow *flow;
    const struct stun_message *message;
    struct turn_allocation *allocation; /* of the 5-tuple, or NULL */
    struct turn_identity identity;
    uint64_t now_ms; /* monotonic */
    bool moved;      /* a Refresh by ticket: the answer brings the next one */
};

static inline unsigned turn_family_of(const struct address *address)
{
    return address_is_v6(address) ? TURN_V6 : TURN_V4;
}

static inline void turn_count(struct turn *turn, enum turn_metric which, int64_t n)
{
    metric_add(&turn->metrics[which], n);
}

/* ---- allocation.c ---- */

struct turn_allocation *turn_find(struct turn *turn, const struct flow *flow);
bool turn_same_tuple(const struct flow *a, const struct flow *b);
/* Its 5-tuple is another from now on. */
void turn_allocation_move(struct turn_allocation *allocation, const struct flow *flow);
/* Without relays; NULL: no memory. */
struct turn_allocation *turn_allocation_new(struct turn *turn, const struct flow *flow);
/* Serves the place from now on, for so many seconds; takes it over, on errors too. ERR_NO_MEMORY,
 * ERR_IO. */
int turn_allocation_open(struct turn_allocation *allocation, struct turn_place *place,
                         uint32_t lifetime_s);
/* One family's relay ends, with its permissions and channels (section 8.1). */
void turn_allocation_close(struct turn_allocation *allocation, unsigned family);
/* The relay of a family lasts so long from now on. */
void turn_allocation_extend(struct turn_allocation *allocation, unsigned family,
                            uint32_t lifetime_s);
/* why: for the log; NULL: it has never been seen. */
void turn_allocation_end(struct turn_allocation *allocation, const char *why);
/* How many relayed addresses it has. */
unsigned turn_allocation_relays(const struct turn_allocation *allocation);
/* Seconds that are left, rounded up; 0: there is no relay of that family. */
uint32_t turn_allocation_left(const struct turn_allocation *allocation, unsigned family);

/* ---- mirror.c ---- */

/* From the configuration in force. */
void turn_mirrors_set(struct turn *turn);
/* Where what is addressed to host, a name of ours or not, really goes. */
struct turn_host turn_inside(const struct turn *turn, struct turn_host host, uint16_t port);
/* What others call the address, one of ours or not. */
struct address turn_outside(const struct turn *turn, const struct address *address);

/* ---- request.c ---- */

void turn_on_request(struct turn *turn, const struct flow *flow, struct slice data);

/* ---- answer.c ---- */

void turn_answer_begin(const struct turn_request *request, struct stun_writer *w);
/* SOFTWARE, message integrity where sign is set, FINGERPRINT; sends it. */
void turn_answer_end(const struct turn_request *request, struct stun_writer *w, bool sign);
/* An error response of that code, signed. */
void turn_refuse(const struct turn_request *request, unsigned code);
/* To somebody who has not proven himself. */
void turn_refuse_stranger(const struct turn_request *request, unsigned code);
void turn_refuse_credentials(const struct turn_request *request, enum turn_verdict verdict);
struct slice turn_reason(unsigned code);

/* ---- allocate.c, refresh.c, permission.c: the methods ---- */

void turn_on_allocate(struct turn_request *request);
void turn_on_refresh(struct turn_request *request);
void turn_on_create_permission(struct turn_request *request);
void turn_on_channel_bind(struct turn_request *request);

/* ---- relay.c: the data path ---- */

void turn_on_send(struct turn *turn, const struct flow *flow, struct slice data);
void turn_on_channel_data(struct turn *turn, const struct flow *flow, struct slice data);
extern const struct port_handler turn_port_handler;

#endif
