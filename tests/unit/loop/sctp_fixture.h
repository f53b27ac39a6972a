/* What the tests of associations share: two listeners of one loop. */
#ifndef UNIT_LOOP_SCTP_FIXTURE_H
#define UNIT_LOOP_SCTP_FIXTURE_H

#include "loop/sctp.h"
#include "unit/loop/loop_fixture.h"

struct end {
    struct loop *loop;
    struct assoc_listener *listener;
    struct address local;
    struct assoc_options options;
    struct flow flow;
    struct flow closed_flow;
    unsigned opened, accepted, closed, messages, want;
    enum stream_reason reason;
    size_t length;
    char last[256 * 1024];
    bool echo;
    bool raw; /* SCTP over IP */
};

struct pair {
    struct loop *loop;
    struct end a;
    struct end b;
};

/* For run_until, on an end: at least one was opened, closed; as many messages came as it wants. */
bool has_opened(void *user);
bool has_closed(void *user);
bool has_messages(void *user);

/* Fills in what its user left open and listens, encapsulated. */
void listen_at(struct end *end, struct loop *loop, const char *address);
/* a connects to b's UDP port. of_b: NULL for the defaults. */
struct pair *new_pair(const struct assoc_limits *of_b, const char *host);
void free_pair(struct pair *pair);
/* a connects to b; returns a's flow. */
struct flow connect_pair(struct pair *pair);

#endif
