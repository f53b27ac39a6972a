/* The simulated loop as its own files know it, and how tests make one. A loop belongs to a host
 * through its mesh. */
#ifndef SIM_WORLD_SIM_LOOP_H
#define SIM_WORLD_SIM_LOOP_H

#include "loop/dns.h"
#include "loop/loop.h"
#include "loop/mesh.h"
#include "loop/stream.h"
#include "loop/udp.h"
#include "sim/world/tcp_net.h"
#include "sim/world/udp_net.h"

struct mail_handler {
    mail_fn *fn;
    void *user;
};

struct stream_slot {
    struct stream *stream;
    uint32_t generation;
};

struct loop {
    struct loop_config config;
    struct sim_world *world; /* borrowed, as host */
    struct sim_host *host;
    struct sim_event turn;
    uint64_t now_us;
    uint64_t now_ms;
    int64_t wall_ms;
    int64_t steady_offset_ms;
    struct wheel wheel;
    struct random random;
    void (*turn_end)(void *user);
    void *turn_end_user;
    struct mail_handler mail[MAIL_KINDS];
    bool stop;

    struct list udps;
    struct list udps_closed; /* freed at the end of the turn */

    struct list ports; /* relayed addresses */
    struct list ports_closed;

    struct list stream_listeners;
    struct list streams;       /* newest first */
    struct stream_slot *slots; /* owned; [0] is unused */
    uint32_t slot_count;
    uint64_t stream_counts[STREAM_COUNTS];
    void (*on_late)(void *user, unsigned from, const struct flow *flow);
    void *late_user;
    bool draining;

    struct dns *dns; /* owned */
};

/* The real mesh_new and a loop without a mesh have no place in a simulated world: this is how a
 * host's mesh is made; loop_new takes the host from it. boot: what the loops' monotonic clocks
 * count from. Errors: none; it aborts without memory. */
struct mesh *sim_mesh_new(struct sim_host *host, unsigned workers, unsigned senders);
struct sim_host *sim_mesh_host(const struct mesh *mesh);
void sim_mesh_attach(struct mesh *mesh, struct loop *loop);
void sim_mesh_detach(struct mesh *mesh, struct loop *loop);
/* Hands out what has been shown to the loop. */
void sim_mesh_receive(struct mesh *mesh, struct loop *loop);

/* Something has come for the loop: it takes a turn soon. */
void sim_loop_wake(struct loop *loop);

void sim_udps_receive(struct loop *loop);
void sim_udps_free_closed(struct loop *loop);
void sim_udps_close(struct loop *loop);

void sim_ports_receive(struct loop *loop);
void sim_ports_close(struct loop *loop);

void sim_streams_init(struct loop *loop);
void sim_streams_receive(struct loop *loop);
void sim_streams_flush(struct loop *loop);
/* Without callbacks. */
void sim_streams_close(struct loop *loop);

int sim_dns_open(struct loop *loop);

#endif
