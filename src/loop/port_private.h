/* Ports as their own files know them. */
#ifndef LOOP_PORT_PRIVATE_H
#define LOOP_PORT_PRIVATE_H

#include "loop/loop_private.h"
#include "loop/port.h"
#include "loop/uring.h"

struct port_input;
struct port_output;

struct port_hold {
    int fd; /* owned */
    bool v6;
};

struct port {
    struct ports *ports; /* borrowed */
    int fd;              /* owned; -1: closed */
    bool v6;
    bool whole;          /* the system is told not to fragment */
    uint16_t large_port; /* whom a datagram was too large for, in network order */
    struct in_addr large_host;
    const struct port_handler *handler;
    void *user;
    struct list node; /* of ports->all, or of ports->closed */
    uint32_t round;   /* of ports->round, when it was last read */
    uint32_t streak;  /* how many rounds in a row it was */
    unsigned queued;  /* datagrams in ports->output */
};

/* All ports of a loop. */
struct ports {
    struct loop *loop; /* borrowed */
    int epoll_fd;      /* owned */
    bool events;       /* the set has some */
    bool receiving;    /* closed ports stay until that is over */
    uint32_t round;
    uv_poll_t poll; /* on epoll_fd */
    struct list all;
    struct list closed;
    struct port_input *input;   /* owned */
    struct port_output *output; /* owned; NULL: each datagram goes by itself */
};

int port_input_new(struct port_input **ret_input);
void port_input_free(struct port_input *input);
/* One datagram, or a batch where each round had one. */
void port_receive(struct port *port);
/* ERR_UNSUPPORTED, ERR_NO_MEMORY. */
int port_output_new(struct port_output **ret_output);
void port_output_free(struct port_output *output);
/* Takes what the system says of datagrams that were sent (the error queue). */
void port_take_errors(struct port *port);

#endif
