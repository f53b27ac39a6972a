/* One discovery under way: its sockets and its requests. For the files of app/nat only. */
#ifndef APP_NAT_RUN_H
#define APP_NAT_RUN_H

#include "app/nat/nat.h"
#include "base/random.h"
#include "stun/lifetime.h"

/* Sockets: those of the discovery, one that asks for answers elsewhere, and one per mapping whose
 * life is measured. The last of these tries out whether the server sends answers elsewhere. */
enum {
    RUN_ASKING = DISCOVERY_SOCKETS,
    RUN_MAPPINGS,
    RUN_TRIAL = LIFETIME_PROBES,
    RUN_SOCKETS = RUN_MAPPINGS + RUN_TRIAL + 1
};

#define RUN_DATAGRAM_MAX 65536u

enum { RUN_EXCHANGES = DISCOVERY_TESTS + RUN_TRIAL + 1 };

enum run_purpose {
    RUN_TEST, /* which: enum discovery_test */
    RUN_MAP,  /* makes the mapping of a socket; which: from RUN_MAPPINGS on */
    RUN_ASK   /* asks for an answer to that mapping */
};

/* A request and its retransmissions. */
struct run_exchange {
    bool live;
    unsigned char purpose; /* enum run_purpose */
    unsigned char which;
    unsigned char socket; /* sent from */
    unsigned char sent;
    unsigned char sends;
    bool both_ways; /* to back, from the main socket, too */
    uint64_t start_ms;
    struct address to;
    struct address back;
    struct stun_probe probe;
};

struct run_socket {
    int fd; /* owned; -1: closed */
    struct address local;
    struct address mapped; /* of a mapping whose life is measured */
    uint64_t mapped_ms;    /* when it was last used */
};

enum run_life_state { RUN_LIFE_IDLE, RUN_LIFE_TRIAL, RUN_LIFE_ON, RUN_LIFE_OVER };

struct run {
    const struct nat_order *order; /* borrowed */
    struct nat_finding *finding;   /* borrowed */
    struct random random;
    uint64_t now_ms;
    uint64_t next_start_ms;
    struct address source; /* our address, port 0 */
    struct discovery discovery;
    struct run_socket sockets[RUN_SOCKETS];
    struct run_exchange exchanges[RUN_EXCHANGES];
    enum run_life_state life_state;
    bool by_address; /* the server knows RFC 3489's RESPONSE-ADDRESS, not RESPONSE-PORT */
    struct lifetime lifetime;
    char datagram[RUN_DATAGRAM_MAX];
};

/* run.c */
/* Opens a socket unless it is open. ERR_IO. */
int run_open(struct run *run, unsigned socket);
void run_close(struct run *run, unsigned socket);
/* Queues a request: at_ms at the earliest, and no more than ten begin in a second (RFC 5780 section
 * 5). NULL: the table is full. The caller sets what is special about it. */
struct run_exchange *run_begin(struct run *run, enum run_purpose purpose, unsigned which,
                               uint64_t at_ms);

/* life.c */
/* Begins when it is known that there is something to measure, goes on, and ends. */
void run_life_step(struct run *run);
/* Before a question is sent for the first time. */
void run_life_on_ask(struct run *run, const struct run_exchange *exchange);
void run_life_on_reply(struct run *run, struct run_exchange *exchange, unsigned socket,
                       const struct stun_reply *reply);
void run_life_on_timeout(struct run *run, struct run_exchange *exchange);

/* tell.c: what has been found, for people who wait. */
void run_say(const struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
void run_tell(const struct run *run, enum discovery_test test);

#endif
