/* What a machine is behind: the procedures of RFC 3489 section 10.1 and RFC 5780 section 4 as one
 * pure machine. It says which test may start, is told how each ended, and knows the end.
 *
 * The tests are shared: each runs once and is looked at by every procedure (discovery_table.c) that
 * asks for it. Those that may run side by side do so, each from a socket of its own, so that none
 * leaves a trace in the NAT that another one would see (RFC 5780 section 4.5).
 *
 *     while (!discovery_over(&d)) {
 *         while (discovery_next(&d, &test))  send what discovery_request says
 *         wait; discovery_on_reply, discovery_on_own_request or discovery_on_timeout
 *     }
 *     discovery_report(&d, &report);
 */
#ifndef STUN_DISCOVERY_H
#define STUN_DISCOVERY_H

#include "stun/nat.h"
#include "stun/probe.h"

enum discovery_test {
    DISCOVERY_PLAIN,     /* test I of both RFCs */
    DISCOVERY_BOTH,      /* test II: answer from the other address and port */
    DISCOVERY_PORT,      /* test III: answer from the other port */
    DISCOVERY_SECOND,    /* test I from another port of ours */
    DISCOVERY_HAIRPIN,   /* to our own outside address: RFC 5780 section 3.4 */
    DISCOVERY_PADDED,    /* a few bytes of PADDING: does the server know it? */
    DISCOVERY_FRAGMENTS, /* PADDING that makes fragments: RFC 5780 section 3.5 */
    DISCOVERY_AGAIN,     /* test I once more: a mapping that has expired meanwhile is a new one */
    DISCOVERY_OTHER_IP,  /* test I to the other address, same port: RFC 5780 section 4.3, test II */
    DISCOVERY_OTHER,     /* test I to the other address and port: the same section, test III */
    DISCOVERY_TESTS
};

/* Sockets of ours that tests are sent from; each has a port that nothing was sent from before. */
enum discovery_socket {
    DISCOVERY_MAIN,
    DISCOVERY_FOR_BOTH,
    DISCOVERY_FOR_PORT,
    DISCOVERY_ALONGSIDE,
    DISCOVERY_FOR_PADDING,
    DISCOVERY_SOCKETS
};

enum discovery_outcome {
    DISCOVERY_SAME,      /* answered; the mapped address is the one it is compared with */
    DISCOVERY_DIFFERENT, /* answered; it is another one */
    DISCOVERY_SILENT,    /* no answer */
    DISCOVERY_UNTOLD,    /* the server cannot do this test: it refuses it, or has one address */
    DISCOVERY_OUTCOMES
};

struct discovery_result {
    bool started;
    bool over;
    bool answered;
    bool refused;          /* by an error response, or an answer from a socket not asked for */
    unsigned status;       /* of the error response */
    struct address mapped; /* where answered is set */
};

struct discovery {
    struct address local;   /* of the main socket */
    struct address primary; /* Da:Dp, the server */
    struct address other;   /* Ca:Cp; where has_other is set */
    bool has_other;
    bool altered; /* something on the way rewrites addresses inside messages */
    uint16_t padding;
    struct discovery_result results[DISCOVERY_TESTS];
};

/* local: the main socket's address, no wildcard. mtu: of the way to the server, bytes. */
void discovery_init(struct discovery *d, const struct address *local, const struct address *primary,
                    unsigned mtu);
/* A test that is to start now. False: none before another one is over. */
bool discovery_next(struct discovery *d, enum discovery_test *ret_test);
enum discovery_socket discovery_socket(enum discovery_test test);
/* How often it is sent before it counts as unanswered. */
unsigned discovery_sends(enum discovery_test test);
/* Where a test goes, and all of the request but its ID. */
void discovery_request(const struct discovery *d, enum discovery_test test, struct address *ret_to,
                       struct stun_probe *probe);
/* The test of hairpinning is sent from the main socket to *ret_to as well: a NAT may filter what it
 * turns around as it filters everything (RFC 4787 section 6). False: not this test. */
bool discovery_back(const struct discovery *d, enum discovery_test test, struct address *ret_to);
/* An answer to a test that is under way, with the address that it came from. False: it does not
 * count, the test goes on. */
bool discovery_on_reply(struct discovery *d, enum discovery_test test, const struct address *source,
                        const struct stun_reply *reply);
/* The request of DISCOVERY_HAIRPIN has come back to one of our sockets. */
void discovery_on_own_request(struct discovery *d, enum discovery_test test);
void discovery_on_timeout(struct discovery *d, enum discovery_test test);
bool discovery_over(const struct discovery *d);
/* What is known so far; all of it once discovery_over. */
void discovery_report(const struct discovery *d, struct nat_report *ret_report);

#endif
