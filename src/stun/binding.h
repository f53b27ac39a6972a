/* How a server answers Binding requests (RFC 8489 sections 6.3.1, 6.3.2; RFC 3489 section 8.1).
 * Pure: bytes in, bytes out. */
#ifndef STUN_BINDING_H
#define STUN_BINDING_H

#include "stun/message.h"

#define STUN_BINDING_ANSWER_MAX 256

/* The answer to one datagram that arrived from source, in buffer (STUN_BINDING_ANSWER_MAX bytes);
 * empty when there is none: it is no Binding request, or its fingerprint is wrong. It is no longer
 * than it must be, so that nobody is worth being reflected at: 32 bytes with an IPv4 address. Only
 * attributes that RFC 8489 knows are understood: others that must be are refused with 420. */
struct slice stun_binding_answer(struct slice datagram, const struct address *source, void *buffer);

#endif
