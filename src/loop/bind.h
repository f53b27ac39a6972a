/* Binding sockets to local addresses. The sockets of one mesh share an address (SO_REUSEPORT), but
 * the first of them binds alone, so that a second server on the same address is an error and not a
 * silent taker of half the traffic. */
#ifndef LOOP_BIND_H
#define LOOP_BIND_H

#include <pthread.h>

#include "base/address.h"
#include "base/list.h"

/* The addresses that are bound; a lock that only opening and closing takes. */
struct bindings {
    pthread_mutex_t lock;
    struct list list; /* of struct binding */
};

struct loop;

void bindings_init(struct bindings *b);
void bindings_done(struct bindings *b);

struct bind_options {
    int type;              /* SOCK_DGRAM or SOCK_STREAM */
    struct address local;  /* port 0: the system chooses */
    bool v6_only;          /* for IPv6 wildcards */
    int (*set_up)(int fd); /* further options, before bind; NULL: none; errors as bind_open */
};

/* Opens a non-blocking socket and binds it; a SOCK_STREAM socket listens too. ret_local has the
 * port. Errors: ERR_EXISTS (address in use), ERR_DENIED, ERR_NOT_FOUND (no such local address),
 * ERR_LIMIT (descriptors), ERR_IO. */
int bind_open(struct loop *loop, const struct bind_options *options, int *ret_fd,
              struct address *ret_local);
/* Closes the descriptor and forgets the binding. */
void bind_close(struct loop *loop, int type, int fd, const struct address *local);

/* The error that stands for an errno of a socket call. */
int bind_error(int error);

#endif
