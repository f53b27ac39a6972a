/* Binding requests as a client asks them, and what their answers tell: RFC 8489, RFC 5780, and the
 * attributes that servers of RFC 3489 know. Pure: bytes in, bytes out. */
#ifndef STUN_PROBE_H
#define STUN_PROBE_H

#include "stun/message.h"

/* RFC 3489 section 9.3: the first retransmission after 100 ms, each pause twice the one before, at
 * most 1.6 s. */
#define STUN_PROBE_PAUSE       100u
#define STUN_PROBE_PAUSE_MAX   1600u
#define STUN_PROBE_SENDS_MAX   9u
#define STUN_PROBE_PADDING_MAX 9000u /* bytes: more than the largest Ethernet frames hold */

struct stun_probe {
    uint8_t id[STUN_ID_SIZE];  /* cookie and transaction ID */
    unsigned change;           /* STUN_CHANGE_... of stun/binding.h; 0: not asked */
    uint16_t response_port;    /* RFC 5780 section 7.5; 0: not asked */
    uint16_t padding;          /* bytes, at most STUN_PROBE_PADDING_MAX (RFC 5780 section 7.6) */
    bool has_response_address; /* RFC 3489 section 11.2.2, for servers of that RFC */
    struct address response_address; /* where has_response_address is set */
};

struct stun_reply {
    unsigned status; /* of ERROR-CODE; 0: success, and mapped is there */
    bool has_other;
    bool altered; /* MAPPED-ADDRESS is not what XOR-MAPPED-ADDRESS is: RFC 5780 section 3.6 */
    struct address mapped;
    struct address other; /* OTHER-ADDRESS or CHANGED-ADDRESS; where has_other is set */
};

/* Sets the cookie and the 12 bytes of a transaction ID. */
void stun_probe_id(struct stun_probe *probe, const void *id);
/* The request's bytes in buffer; empty: they do not fit. */
struct slice stun_probe_write(const struct stun_probe *probe, void *buffer, size_t size);
/* Milliseconds from the start until the probe is sent for the n-th time (from 0), and, for as many
 * sends as there are, until it has failed. */
uint32_t stun_probe_send_at(unsigned n);

/* Is it the request itself, that a NAT has turned around (RFC 5780 section 3.4)? */
bool stun_probe_is_own(const struct stun_probe *probe, struct slice datagram);
/* ERR_NOT_FOUND: no answer to this probe, go on waiting. ERR_INVALID: an answer that makes no
 * sense. */
int stun_probe_read(const struct stun_probe *probe, struct slice datagram,
                    struct stun_reply *ret_reply);

#endif
