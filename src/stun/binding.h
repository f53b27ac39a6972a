/* How a server answers Binding requests: RFC 8489 sections 6.3.1, 6.3.2, RFC 3489 section 8.1, RFC
 * 5780 section 6. Pure: bytes in, bytes out. */
#ifndef STUN_BINDING_H
#define STUN_BINDING_H

#include "stun/message.h"

/* Enough for an answer without PADDING. */
#define STUN_BINDING_ANSWER_MAX 256

/* Flags of CHANGE-REQUEST (RFC 5780 section 7.2). */
enum { STUN_CHANGE_PORT = 2, STUN_CHANGE_IP = 4 };

/* The server as seen from one of its sockets. All zero: one that shares its port with another
 * protocol and tells nothing but the client's address. */
struct stun_place {
    bool behaviour;        /* it has two addresses and two ports: RFC 5780 is spoken */
    bool elsewhere;        /* it has them for connections: the other is told, and no more */
    bool modern;           /* requests of RFC 3489 (without the cookie) are answered 400 */
    bool told;             /* SOURCE-ADDRESS and RESPONSE-ORIGIN are told */
    struct address origin; /* Da:Dp, where the request arrived; where told is set */
    struct address other;  /* Ca:Cp; where behaviour or elsewhere is set */
    struct slice software; /* empty: left out */
};

struct stun_answer {
    struct slice bytes; /* empty: no answer */
    unsigned status;    /* of an error response, or 0 */
    unsigned change;    /* STUN_CHANGE_...: which of our sockets it leaves from */
    uint16_t port;      /* of the client, where RESPONSE-PORT asked for another; 0: its own */
};

/* Our socket that an answer with these flags leaves from (RFC 5780 section 6.1, table 1). */
struct address stun_place_origin(const struct stun_place *place, unsigned change);

/* The answer to one datagram that arrived from source, written into buffer. None when it is no
 * Binding request or its fingerprint is wrong. It is no longer than it must be, so that nobody is
 * worth being reflected at; PADDING is never longer than the request's. Attributes that must be
 * understood and are not are refused with 420. */
void stun_binding_answer(const struct stun_place *place, struct slice datagram,
                         const struct address *source, struct stun_answer *ret_answer, void *buffer,
                         size_t size);

#endif
