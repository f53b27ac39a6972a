/* Keys and passwords of STUN's long-term credentials (RFC 8489 sections 9.2.2, 14.4, 18.5.1). Pure.
 * OpaqueString (RFC 8265) changes nothing in ASCII; other text is taken as it comes. */
#ifndef SERVICE_TURN_CREDENTIAL_KEY_H
#define SERVICE_TURN_CREDENTIAL_KEY_H

#include "stun/integrity.h"

/* RFC 8489 section 18.5; the number on the wire. */
enum turn_algorithm { TURN_MD5 = 1, TURN_SHA256 = 2 };

#define TURN_USERHASH_SIZE     32
#define TURN_REST_PASSWORD_MAX 28   /* characters: base64 of 20 bytes */
#define TURN_HASHED_MAX        2048 /* bytes of name, realm and password together */

/* Algorithms fetched once; one thread at a time. */
struct turn_hasher {
    EVP_MD *md5, *sha256; /* owned */
    EVP_MD_CTX *context;  /* owned */
};

/* ERR_UNSUPPORTED, ERR_NO_MEMORY. */
int turn_hasher_init(struct turn_hasher *hasher);
void turn_hasher_done(struct turn_hasher *hasher);

/* 16 or 32. */
static inline size_t turn_key_size(enum turn_algorithm algorithm)
{
    return algorithm == TURN_MD5 ? 16 : 32;
}

/* H(name ":" realm ":" password) into turn_key_size bytes. ERR_NO_MEMORY. */
int turn_key_make(struct turn_hasher *hasher, enum turn_algorithm algorithm, struct slice name,
                  struct slice realm, struct slice password, uint8_t *ret_key);
/* SHA-256(name ":" realm). ERR_NO_MEMORY. */
int turn_userhash_make(struct turn_hasher *hasher, struct slice name, struct slice realm,
                       uint8_t ret_hash[TURN_USERHASH_SIZE]);

/* Is it a name that expires ("EXPIRY:USER" or "EXPIRY", Unix seconds)? The user may be empty. */
bool turn_rest_parse(struct slice name, uint64_t *ret_expiry_s, struct slice *ret_user);
/* base64(HMAC-SHA1(secret, name)), the password of such a name. ERR_NO_MEMORY. */
int turn_rest_password(struct stun_integrity *integrity, struct slice secret, struct slice name,
                       char ret_password[TURN_REST_PASSWORD_MAX + 1]);

#endif
