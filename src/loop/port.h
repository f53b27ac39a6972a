/* Ports: thousands of UDP sockets of one worker, each with an address of its own, as a relay has.
 * They are cheap: one epoll set for all of them, which libuv watches as one descriptor; one set of
 * receive buffers; what a turn sends on all of them goes out by one system call (uring.h), where
 * the kernel has it. What a port cannot send is lost, as datagrams are. */
#ifndef LOOP_PORT_H
#define LOOP_PORT_H

#include "loop/loop.h"

/* Bytes before and behind what on_datagram gets that it may overwrite, to put a header and padding
 * around it. */
#define PORT_HEADROOM 64
#define PORT_TAILROOM 4

struct port;
/* An address that is bound, but not served yet. */
struct port_hold;

struct port_error {
    struct address remote; /* whom the datagram was sent to */
    uint8_t type;          /* of ICMP or ICMPv6, by the family of remote */
    uint8_t code;
    uint32_t mtu; /* where the error tells one, else 0 */
};

struct port_handler {
    /* data is borrowed for the call. May close its own port and others. */
    void (*on_datagram)(void *user, const struct address *remote, char *data, size_t length);
    /* An ICMP error, or what the system itself says of a datagram that is too large. */
    void (*on_error)(void *user, const struct port_error *error);
    /* The system has not taken a datagram of that length that port_send had accepted. */
    void (*on_unsent)(void *user, size_t length);
};

enum { PORT_DONT_FRAGMENT = 1 };

/* Binds local, which has a port, without any sharing. Any thread. Errors: ERR_EXISTS (in use),
 * ERR_DENIED, ERR_NOT_FOUND (not a local address), ERR_LIMIT (descriptors), ERR_NO_MEMORY, ERR_IO.
 */
int port_hold(struct loop *loop, const struct address *local, struct port_hold **ret_hold);
/* Frees the address. Any thread. NULL is accepted. */
void port_hold_release(struct port_hold *hold);

/* Serves an address from now on: takes hold over, unless it fails (ERR_NO_MEMORY, ERR_IO). handler
 * is borrowed. */
int port_open(struct loop *loop, struct port_hold *hold, const struct port_handler *handler,
              void *user, struct port **ret_port);
/* NULL is accepted. */
void port_close(struct port *port);
/* Copies data; it goes out at the end of the turn at the latest. PORT_DONT_FRAGMENT: what is too
 * large for the way is not sent, and on_error says so. Errors: ERR_LIMIT (the socket's buffer is
 * full, or too large), ERR_UNREACHABLE, ERR_IO. */
int port_send(struct port *port, const struct address *remote, struct slice data, unsigned flags);

/* The addresses of this machine's interfaces; at most max. Returns how many. ERR_IO. */
int port_local_addresses(struct loop *loop, struct address *ret_addresses, unsigned max);

#endif
