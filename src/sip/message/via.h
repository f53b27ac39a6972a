/* Via (RFC 3261 sections 18.1.1, 18.2.1, 20.42; rport: RFC 3581; alias: RFC 5923). */
#ifndef SIP_MESSAGE_VIA_H
#define SIP_MESSAGE_VIA_H

#include "sip/message/param.h"

#define SIP_BRANCH_MAGIC "z9hG4bK"

struct sip_via {
    struct slice value;     /* the whole value */
    struct slice transport; /* "UDP", "TCP", any token */
    struct slice host;      /* sent-by host, IPv6 with brackets */
    uint16_t port;          /* 0 when not given */
    struct slice params;    /* from the first ';' */
    struct slice branch;
    struct slice received;
    struct slice maddr;
    struct slice rport_param; /* the whole "rport" or "rport=N" as it stands, for editing; empty
                                 when absent */
    bool rport;               /* present */
    uint16_t rport_value;     /* 0 when it has none */
    uint8_t ttl;
    bool alias;
    bool magic; /* branch starts with z9hG4bK (case ignored) and has more after it */
};

/* One value. Errors: ERR_SYNTAX, ERR_RANGE (port). */
int sip_via_parse(struct slice value, struct sip_via *ret_via);

#endif
