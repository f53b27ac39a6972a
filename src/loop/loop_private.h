/* The loop as its own files know it. Nothing outside src/loop includes this. */
#ifndef LOOP_LOOP_PRIVATE_H
#define LOOP_LOOP_PRIVATE_H

#include <stdatomic.h>
#include <uv.h>

#include "loop/loop.h"
#include "loop/mesh.h"

struct assocs;
struct dns;
struct ports;
struct sources;
struct streams;
struct udp_input;

struct mail_handler {
    mail_fn *fn;
    void *user;
};

struct loop {
    uv_loop_t uv;
    uv_timer_t timer; /* wakes for the wheel */
    uv_poll_t wake;   /* on wake_fd: mail came, or loop_stop */
    int wake_fd;      /* borrowed from the mesh, or owned by a loop alone */
    struct loop_config config;
    uint64_t armed_ms; /* what timer is set to, or WHEEL_NEVER */
    uint64_t now_us;
    uint64_t now_ms;
    int64_t wall_offset_ms;   /* Unix time less monotonic time */
    int64_t steady_offset_ms; /* the first of them */
    uint64_t wall_read_ms;    /* when wall_offset_ms was taken */
    struct wheel wheel;
    struct random random;
    void (*turn_end)(void *user);
    void *turn_end_user;
    struct mail_handler mail[MAIL_KINDS];
    bool mail_left; /* more mail than one turn takes */

    struct list udp_sockets; /* all; struct udp.node */
    struct list udp_ready;   /* have something to receive, or may send again */
    struct list udp_dirty;   /* have datagrams to send */
    uint64_t udp_order;      /* loop_order */
    uint64_t udp_look_ms;    /* when to look for captures again */
    bool udp_captured;       /* datagrams leave one by one: udp_output.h */
    struct udp_input
        *udp_input;          /* owned; where datagrams are received, made with the first socket */
    struct ports *ports;     /* owned; made with the first port */
    struct streams *streams; /* owned */
    struct assocs *assocs;   /* owned; made when first asked */
    struct dns *dns;         /* owned */
    struct sources *sources; /* owned; made when first asked */

    _Atomic bool stop;
    /* How busy the loop is; read by any thread. */
    _Atomic uint64_t waiting_since_us; /* 0: not waiting */
    _Atomic uint64_t turn_began_us;
    _Atomic unsigned busy_permille;
    uint64_t window_began_us;
    uint64_t window_busy_us;
    uint64_t turn_us; /* loop_turn_us */
};

/* udp */
void udp_receive_ready(struct loop *loop);
void udp_flush_all(struct loop *loop);
void udp_close_all(struct loop *loop);
void udp_input_free(struct udp_input *input);
void sources_free(struct sources *sources);

/* streams */
int streams_new(struct loop *loop, struct streams **ret_streams);
/* Closes everything without callbacks; the memory stays until streams_free. */
void streams_close(struct streams *streams);
void streams_free(struct streams *streams);
void streams_receive(struct streams *streams);
void streams_flush(struct streams *streams);
bool streams_pending(const struct streams *streams);

/* ports; NULL is accepted */
/* Closes all without callbacks; the memory stays until ports_free. */
void ports_close(struct ports *ports);
void ports_free(struct ports *ports);
void ports_receive(struct ports *ports);
void ports_flush(struct ports *ports);

/* associations; NULL is accepted */
/* Aborts and closes everything without callbacks. */
void assocs_free(struct assocs *assocs);
/* Raw sockets, and what is to be told. */
void assocs_receive(struct assocs *assocs);
bool assocs_pending(const struct assocs *assocs);

#endif
