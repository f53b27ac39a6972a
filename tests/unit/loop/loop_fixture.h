/* What the tests of the loop share: a loop that runs until something holds, and plain sockets as
 * peers. */
#ifndef UNIT_LOOP_FIXTURE_H
#define UNIT_LOOP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/loop.h"
#include <cmocka.h>

#define WAIT_MS 30000 /* in which anything on this machine happens */

typedef bool condition_fn(void *user);

/* A loop alone, asserted. */
struct loop *new_loop(void);
struct loop *new_mesh_loop(struct mesh *mesh, unsigned worker);
/* Runs until condition holds at the end of a turn; false when it does not within ms. */
bool run_until(struct loop *loop, condition_fn *condition, void *user, unsigned ms);
/* Runs for so long. */
void run_for(struct loop *loop, unsigned ms);
/* For run_until: *(unsigned *)user is no longer zero. */
bool not_zero(void *user);

struct address address_of(const char *text);
/* The clock of the loops. */
uint64_t clock_ms(void);

/* A blocking TCP socket connected to a listener (its accept queue suffices), asserted. */
int peer_connect(const struct address *to);
/* A listening TCP socket on 127.0.0.1, port chosen. */
int peer_listen(struct address *ret_local);
void peer_send(int fd, const char *text);
/* A non-blocking UDP socket on 127.0.0.1. */
int peer_udp(struct address *ret_local);
/* Closes with a reset. */
void peer_reset(int fd);

#endif
