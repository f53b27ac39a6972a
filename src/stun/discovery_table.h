/* The procedures of discovery.c as tables. For discovery.c and its tests. */
#ifndef STUN_DISCOVERY_TABLE_H
#define STUN_DISCOVERY_TABLE_H

#include "stun/discovery.h"

enum discovery_procedure {
    DISCOVERY_CLASSIC,   /* RFC 3489 figure 2; ends with an enum nat_kind */
    DISCOVERY_MAPPING,   /* RFC 5780 section 4.3; enum nat_mapping */
    DISCOVERY_FILTERING, /* RFC 5780 section 4.4; enum nat_filtering */
    DISCOVERY_TURNING,   /* RFC 5780 section 3.4; enum nat_hairpin */
    DISCOVERY_PIECES,    /* RFC 5780 section 3.5; enum nat_fragments */
    DISCOVERY_PROCEDURES
};

/* What a mapped address is compared with. */
enum discovery_against {
    DISCOVERY_ANY,              /* nothing: any answer is the same */
    DISCOVERY_AGAINST_LOCAL,    /* our own address */
    DISCOVERY_AGAINST_PLAIN,    /* the newest answer of the primary address */
    DISCOVERY_AGAINST_OTHER_IP, /* the answer of the other address at the same port */
};

#define DISCOVERY_NODES 8 /* at most, of one procedure */
#define DISCOVERY_END   0xff

/* A box of the figure: a test, and what is asked about it. */
struct discovery_node {
    unsigned char test;    /* enum discovery_test */
    unsigned char against; /* enum discovery_against */
};

/* An arrow of the figure. */
struct discovery_row {
    unsigned char node;
    unsigned char outcome; /* enum discovery_outcome */
    unsigned char next;    /* a node, or DISCOVERY_END */
    unsigned char verdict; /* at the end */
    const char *section;
};

struct discovery_figure {
    const char *name;
    unsigned node_count;
    unsigned row_count;
    const struct discovery_node *nodes;
    const struct discovery_row *rows; /* one for each node and outcome */
};

extern const struct discovery_figure discovery_figures[DISCOVERY_PROCEDURES];

/* How a test is made. */
struct discovery_plan {
    unsigned char socket; /* enum discovery_socket */
    unsigned char sends;  /* then it is unanswered */
    unsigned char change; /* STUN_CHANGE_... */
    bool needs_other;     /* a server with one address cannot do it */
    unsigned short after; /* bits of tests that are over before */
    const char *section;
};

extern const struct discovery_plan discovery_plans[DISCOVERY_TESTS];

/* Follows the outcomes that are known. True: *ret_verdict is the procedure's. False: *ret_node is
 * where it waits for a test. */
bool discovery_follow(const struct discovery *d, enum discovery_procedure procedure,
                      unsigned *ret_node, unsigned *ret_verdict);

#endif
