/* Keys and message integrity of STUN (RFC 8489 sections 9.2.2, 14.5, 14.6). */
#ifndef STUN_INTEGRITY_H
#define STUN_INTEGRITY_H

#include "stun/message.h"

#include <openssl/types.h>

enum stun_hmac { STUN_HMAC_SHA1, STUN_HMAC_SHA256, STUN_HMAC_COUNT };

#define STUN_HMAC_MAX 32 /* bytes */

/* MAC contexts, made once and reused. One thread at a time. */
struct stun_integrity {
    EVP_MAC_CTX *contexts[STUN_HMAC_COUNT]; /* owned */
};

/* ERR_NO_MEMORY, ERR_UNSUPPORTED (the library has no HMAC or one of the hashes). */
int stun_integrity_init(struct stun_integrity *integrity);
void stun_integrity_done(struct stun_integrity *integrity);

/* 20 or 32. */
size_t stun_hmac_size(enum stun_hmac hmac);
/* HMAC of a and b, one after the other; stun_hmac_size bytes. ERR_NO_MEMORY. */
int stun_integrity_sign(struct stun_integrity *integrity, enum stun_hmac hmac, struct slice key,
                        struct slice a, struct slice b, uint8_t *ret_mac);
/* Is the message signed with key? The time does not tell where the MACs differ. A SHA-256 may be
 * cut to 16 bytes or more, in steps of 4 (section 14.6). 0, ERR_NOT_FOUND (not signed so),
 * ERR_DENIED, ERR_NO_MEMORY. */
int stun_integrity_check(struct stun_integrity *integrity, const struct stun_message *message,
                         enum stun_hmac hmac, struct slice key);

#endif
