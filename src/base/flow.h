/* A flow: where a message came from, or where it goes (RFC 5626 section 2). Plain data, copied
 * freely. */
#ifndef BASE_FLOW_H
#define BASE_FLOW_H

#include "base/address.h"

/* name, SIP Via token, URI transport parameter, reliable, secure */
#define TRANSPORT_LIST(X)                                                                          \
    X(UDP, "UDP", "udp", false, false)                                                             \
    X(TCP, "TCP", "tcp", true, false)                                                              \
    X(TLS, "TLS", "tls", true, true)                                                               \
    X(WS, "WS", "ws", true, false)                                                                 \
    X(WSS, "WSS", "wss", true, true)                                                               \
    X(SCTP, "SCTP", "sctp", true, false)

enum transport {
#define TRANSPORT_ENUM(name, via, uri, reliable, secure) TRANSPORT_##name,
    TRANSPORT_LIST(TRANSPORT_ENUM)
#undef TRANSPORT_ENUM
        TRANSPORT_COUNT,
    /* STUN's alone (RFC 7350): no SIP transport, so neither counted nor found by name. */
    TRANSPORT_DTLS = TRANSPORT_COUNT
};

bool transport_reliable(enum transport t);
bool transport_secure(enum transport t);
struct slice transport_via_name(enum transport t);
struct slice transport_uri_name(enum transport t);
/* By Via token or URI parameter, case ignored. ERR_NOT_FOUND. */
int transport_lookup(struct slice name, enum transport *ret_transport);
/* 5060, 5061 for TLS, 80 and 443 for WS and WSS (RFC 3261 section 19.1.2, RFC 7118). */
uint16_t transport_default_port(enum transport t);

struct flow {
    uint8_t transport;   /* enum transport */
    uint8_t worker;      /* streams, DTLS: the worker that owns the connection */
    uint16_t listener;   /* index of the listener: the same on every worker */
    uint32_t connection; /* the same: index in the owner's table; 0 is no connection */
    uint32_t generation; /* the same: tells a reused index apart */
    struct address local;
    struct address remote;
};

static inline bool flow_reliable(const struct flow *f)
{
    return transport_reliable((enum transport)f->transport);
}

#endif
