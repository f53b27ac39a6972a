/* A phone's sockets: UDP, and TCP connections that it makes or that come to it. Whole messages come
 * out. */
#ifndef SIM_PHONE_WIRE_H
#define SIM_PHONE_WIRE_H

#include "sim/world/tcp_net.h"
#include "sim/world/udp_net.h"

struct wire;

/* A message has come. It may be answered with wire_send. bytes are borrowed. */
typedef void wire_fn(void *user, bool tcp, const struct address *from, struct slice bytes);

struct wire_connection {
    struct list node;
    struct wire *wire;
    struct sim_tcp_side *side; /* NULL once it has ended */
    struct address remote;
    char *in; /* owned */
    size_t in_len;
    char *out; /* owned: waits for the window, or for the connection to open */
    size_t out_len;
};

struct wire {
    struct sim_host *host;
    struct address local; /* UDP socket and listener */
    struct sim_udp udp;
    struct sim_listener listener;
    struct list connections;
    wire_fn *on_message;
    void *user;
    unsigned ended; /* connections that the other side has ended or reset */
};

/* Opens both sockets at the host's first address. */
void wire_open(struct wire *wire, struct sim_host *host, uint16_t port, wire_fn *on_message,
               void *user);
/* Connections end properly (FIN). */
void wire_close(struct wire *wire);
/* Without a word: memory is freed, nothing is sent. */
void wire_forget(struct wire *wire);

void wire_send_udp(struct wire *wire, const struct address *to, struct slice bytes);
/* Over a connection to that address, which is made if there is none. */
void wire_send_tcp(struct wire *wire, const struct address *to, struct slice bytes);
/* The connection to remote, NULL when there is none. */
struct wire_connection *wire_connection(struct wire *wire, const struct address *remote);
void wire_connection_close(struct wire_connection *connection, bool abort);

#endif
