/* FINGERPRINT (RFC 8489 section 14.7). */
#ifndef STUN_FINGERPRINT_H
#define STUN_FINGERPRINT_H

#include "stun/message.h"

/* CRC-32 of the bytes, XORed with 0x5354554e. */
uint32_t stun_fingerprint(struct slice bytes);
/* 0; ERR_NOT_FOUND: the message has none; ERR_INVALID: it is wrong. */
int stun_fingerprint_check(const struct stun_message *message);

#endif
