/* The simulated world: hosts with addresses, a network between them that loses, doubles, reorders
 * and delays, names, and one virtual clock that moves from event to event. Everything random comes
 * from one seed. What the server links to in the place of src/loop lies beside this (loop.c, udp.c,
 * stream.c, mesh.c, dns.c); phones use the hosts' sockets directly. One thread. */
#ifndef SIM_WORLD_WORLD_H
#define SIM_WORLD_WORLD_H

#include "base/address.h"
#include "base/list.h"
#include "base/random.h"
#include "sim/world/event.h"

#define SIM_SECOND UINT64_C(1000000) /* microseconds */

/* How packets fare on their way from one host to another. Shares are thousandths. TCP loses
 * nothing, but what would be lost comes later. */
struct sim_link {
    uint32_t delay_us;  /* the least */
    uint32_t jitter_us; /* up to so much more: packets overtake each other */
    uint16_t loss;
    uint16_t duplicate;
    uint16_t late; /* so many of a thousand are held back by up to late_us */
    uint32_t late_us;
};

struct sim_world;
struct sim_host;

struct sim_packet {
    struct sim_event event; /* its arrival */
    struct list node;
    struct sim_world *world;
    struct sim_host *sender;
    struct address from;
    struct address to;
    bool turned; /* a box has sent it back to where it came from */
    size_t len;
    char bytes[];
};

/* Stands between a host and the rest of the world, as a NAT does. May change the addresses; false
 * drops the packet. The world brings packets for the outermost box's address to the host behind it
 * after the inbound of each box on the way has looked at them. */
struct sim_middlebox {
    bool (*outbound)(void *user, struct sim_packet *packet);
    bool (*inbound)(void *user, struct sim_packet *packet);
    void *user;
    struct address outside;            /* its address towards the world */
    const struct sim_middlebox *inner; /* borrowed; NULL: the host is right behind it */
    const struct sim_middlebox *outer; /* borrowed; NULL: the world is before it */
};

static inline const struct sim_middlebox *sim_box_outermost(const struct sim_middlebox *box)
{
    while (box->outer != NULL)
        box = box->outer;
    return box;
}
/* Through this box and those within, to the host. */
bool sim_boxes_inbound(const struct sim_middlebox *box, struct sim_packet *packet);
/* From the host through this box and those around it, or back to it. */
bool sim_boxes_outbound(const struct sim_middlebox *box, struct sim_packet *packet);

struct sim_udp;
struct sim_listener;

#define SIM_HOST_ADDRESSES 4

struct sim_host {
    struct sim_world *world;
    struct list node;
    char name[32];
    struct address addresses[SIM_HOST_ADDRESSES]; /* port 0 */
    unsigned address_count;
    bool up;
    unsigned island;                    /* hosts of different islands do not reach each other */
    const struct sim_link *link;        /* borrowed; NULL: the world's */
    const struct sim_middlebox *behind; /* the innermost; borrowed; NULL: none */
    uint16_t next_port;                 /* ephemeral */
    struct list udps;                   /* struct sim_udp */
    struct list listeners;              /* struct sim_listener */
    struct list sides;                  /* struct sim_tcp_side */
};

struct sim_record {
    struct list node; /* in sim_name.records */
    unsigned type;    /* enum dns_type */
    size_t len;
    char data[512]; /* in wire format */
};

struct sim_name {
    struct list node;
    char name[64];
    struct list records; /* struct sim_record */
    int status;          /* 0, or what a look-up ends with; ERR_TIMEOUT: never answered */
    uint32_t delay_us;
};

enum sim_count {
    SIM_DATAGRAMS,
    SIM_LOST,
    SIM_DUPLICATED,
    SIM_LATE,
    SIM_UNREACHABLE, /* nobody there, host down, or cut off */
    SIM_TCP_BYTES,
    SIM_COUNTS
};

struct sim_world {
    struct sim_events events;
    uint64_t seed;
    struct random random; /* of the network */
    struct sim_link link;
    int64_t wall_start_ms; /* Unix time of the world's beginning; may be stepped */
    struct list hosts;
    struct list names;
    uint32_t dns_ttl_s; /* of all answers */
    struct list tcps;   /* every connection, for the end of the world */
    struct list flying; /* datagrams under way */
    bool spray;         /* each datagram goes to any of the sockets that share an address */
    bool trace;         /* tells on stderr what happens */
    uint64_t counts[SIM_COUNTS];
};

void sim_world_init(struct sim_world *world, uint64_t seed);
/* Frees hosts, names, connections and what is under way. Loops and meshes must be gone. */
void sim_world_done(struct sim_world *world);

static inline uint64_t sim_now_us(const struct sim_world *world)
{
    return world->events.now_us;
}
int64_t sim_wall_ms(const struct sim_world *world);
/* Lets the world run for so long. */
void sim_run(struct sim_world *world, uint64_t us);
/* Runs until the condition holds; false when it does not within that time. */
bool sim_run_until(struct sim_world *world, uint64_t us, bool (*condition)(void *user), void *user);
/* True for so many of a thousand. */
bool sim_chance(struct sim_world *world, unsigned permille);
/* Uniform, both ends included. */
uint64_t sim_between(struct sim_world *world, uint64_t low, uint64_t high);
/* A line on stderr, with the time, when the world is traced. */
void sim_trace(const struct sim_world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* address: text, without port. The world owns it. */
struct sim_host *sim_host_add(struct sim_world *world, const char *name, const char *address);
void sim_host_add_address(struct sim_host *host, const char *address);
/* NULL when nobody has it. */
struct sim_host *sim_host_find(struct sim_world *world, const struct address *address);
/* Without a word: what was open is gone, nothing is sent. power_cut: peers are not told (they learn
 * it when the host is up again); else the system resets the connections. The sockets' owners must
 * close them; nothing of theirs is called any more. */
void sim_host_down(struct sim_host *host, bool power_cut);
void sim_host_up(struct sim_host *host);
bool sim_reachable(const struct sim_host *from, const struct sim_host *to);
/* In the test network 203.0.113.0/24 or 2001:db8:dead::/48: the system knows no way there. */
bool sim_no_route(const struct address *address);

/* address: text without port. */
void sim_name_add(struct sim_world *world, const char *name, const char *address);
/* A record as zone files write it: "A 192.0.2.1", "AAAA 2001:db8::1", "SRV 10 20 5060
 * host.example", "NAPTR 10 20 \"s\" \"SIP+D2U\" \"\" _sip._udp.example". */
void sim_dns_add(struct sim_world *world, const char *name, const char *record);
/* A name whose look-up fails so; ERR_TIMEOUT: nobody answers. */
void sim_name_fails(struct sim_world *world, const char *name, int status);
/* The entry of a name, made when missing. */
struct sim_name *sim_name_of(struct sim_world *world, const char *name);
struct sim_name *sim_name_find(struct sim_world *world, const char *name, size_t len);

/* "192.0.2.1:5060"; asserts that it is one. */
struct address sim_address(const char *text);

#endif
