/* NONCE of STUN's long-term credentials (RFC 8489 sections 9.2, 14.10): the nonce cookie with its
 * security features (section 18.1), the time of issue, and a proof over both and the source that it
 * was given to. No memory is kept. Pure. */
#ifndef SERVICE_TURN_CREDENTIAL_NONCE_H
#define SERVICE_TURN_CREDENTIAL_NONCE_H

#include "base/flow.h"
#include "stun/integrity.h"

#define TURN_NONCE_SIZE   45 /* characters */
#define TURN_NONCE_SECRET 32

/* Bits of the features as RFC 8489 section 18.1 counts them: bit 0 is the leftmost of 24. */
enum { TURN_FEATURE_ALGORITHMS = 0x800000, TURN_FEATURE_USERHASH = 0x400000 };

struct turn_nonce_maker {
    struct stun_integrity *integrity; /* borrowed */
    uint8_t key[TURN_NONCE_SECRET];
    uint64_t lifetime_ms;
    uint32_t features; /* TURN_FEATURE_... */
    uint8_t offer;     /* what else a challenge says: nonces given with another are stale */
};

/* now_ms: Unix time. No two sources (transport, address, port) get the same (section 9.2.4).
 * ERR_NO_MEMORY. */
int turn_nonce_write(const struct turn_nonce_maker *maker, const struct flow *source,
                     uint64_t now_ms, char ret_text[TURN_NONCE_SIZE]);
/* 0: it was given to source within the lifetime. ERR_STALE otherwise, ERR_NO_MEMORY. */
int turn_nonce_check(const struct turn_nonce_maker *maker, struct slice text,
                     const struct flow *source, uint64_t now_ms);

#endif
