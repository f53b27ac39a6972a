/* Asks one address of a STUN server what is in between: the tests of stun/discovery and the search
 * of stun/lifetime on plain sockets. For a command: it blocks its thread. */
#ifndef APP_NAT_NAT_H
#define APP_NAT_NAT_H

#include "app/nat/stream.h"
#include "stun/discovery.h"

enum nat_lifetime {
    NAT_LIFETIME_OFF,    /* not asked for, or nothing is remembered: the open internet */
    NAT_LIFETIME_UNTOLD, /* the server sends no answers to another port of ours */
    NAT_LIFETIME_TOLD
};

struct nat_finding {
    struct address server;
    struct address local;
    struct nat_report report;
    int send_error; /* errno of the first datagram that the system refused to send, or 0 */
    enum nat_lifetime lifetime;
    uint32_t alive_ms;  /* a mapping outlived such a pause; 0: none did */
    uint32_t gone_ms;   /* one did not; 0: all did */
    bool refused;       /* UDP passes: the host itself says that nobody listens there */
    bool streams_tried; /* when UDP brought no answer */
    struct nat_stream streams[NAT_STREAMS];
    unsigned stream_count;
    uint32_t took_ms;
};

struct nat_order {
    struct address server;
    const char *name;     /* for TLS; as the person wrote it */
    uint32_t lifetime_ms; /* longest pause that is tried; 0: lifetimes are not measured */
    bool port_given;      /* TLS is tried at that port too */
    void (*progress)(const char *text); /* a line about what has been found */
};

/* ERR_UNREACHABLE: no route, ERR_IO (errno tells), ERR_NO_MEMORY. */
int nat_find(const struct nat_order *order, struct nat_finding *ret_finding);

#endif
