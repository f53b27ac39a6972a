/* Ports as their own files know them. */
#ifndef LOOP_PORT_PRIVATE_H
#define LOOP_PORT_PRIVATE_H

#include "loop/loop_private.h"
#include "loop/port.h"

struct port_input;

struct port_hold {
    int fd; /* owned */
    bool v6;
};

struct port {
    struct ports *ports; /* borrowed */
    int fd;              /* owned; -1: closed */
    bool v6;
    bool whole; /* the system is told not to fragment */
    const struct port_handler *handler;
    void *user;
    struct list node;  /* of ports->all, or of ports->closed */
    struct list ready; /* of ports->ready: there may be more to receive */
};

/* All ports of a loop. */
struct ports {
    struct loop *loop; /* borrowed */
    int epoll_fd;      /* owned */
    bool events;       /* the set has some */
    bool receiving;    /* closed ports stay until that is over */
    uv_poll_t poll;    /* on epoll_fd */
    struct list all;
    struct list ready;
    struct list closed;
    struct port_input *input; /* owned */
};

int port_input_new(struct port_input **ret_input);
void port_input_free(struct port_input *input);
/* One batch. */
void port_receive(struct port *port);
/* Takes what the system says of datagrams that were sent (the error queue). */
void port_take_errors(struct port *port);

#endif
