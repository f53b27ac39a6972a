/* Self-contained access tokens of a third party (RFC 7635 sections 6.2, 7; samples in its
 * appendix A). Pure. */
#ifndef SERVICE_TURN_CREDENTIAL_TOKEN_H
#define SERVICE_TURN_CREDENTIAL_TOKEN_H

#include "base/slice.h"

#include <openssl/types.h>

#define TURN_TOKEN_KEY_MAX 32
#define TURN_TOKEN_MAC_MAX 32
#define TURN_TOKEN_KID_MAX 32
#define TURN_TOKEN_DELTA_S 5 /* section 7 */

/* A key that the authorization server and we share. */
struct turn_token_key {
    struct slice kid; /* borrowed */
    bool aes256;      /* AEAD_AES_256_GCM, else AEAD_AES_128_GCM */
    uint8_t key[TURN_TOKEN_KEY_MAX];
};

struct turn_token_opener {
    EVP_CIPHER *aes128, *aes256; /* owned */
    EVP_CIPHER_CTX *context;     /* owned */
};

struct turn_token {
    uint8_t key[TURN_TOKEN_MAC_MAX]; /* mac_key */
    uint8_t key_len;
    uint64_t until_ms; /* Unix time, with the delta of section 7 */
};

/* "KID:A128GCM:BASE64" or "KID:A256GCM:BASE64", the key of 16 or 32 bytes. ERR_SYNTAX. */
int turn_token_key_parse(struct slice text, struct turn_token_key *ret_key);

/* ERR_UNSUPPORTED, ERR_NO_MEMORY. */
int turn_token_opener_init(struct turn_token_opener *opener);
void turn_token_opener_done(struct turn_token_opener *opener);
/* token: the value of ACCESS-TOKEN, as it is or in base64. server_name: what it must have been made
 * for. ERR_DENIED: not sealed with that key for that name, or broken. ERR_STALE: outside its
 * lifetime. ERR_NO_MEMORY. */
int turn_token_open(struct turn_token_opener *opener, const struct turn_token_key *key,
                    struct slice server_name, struct slice token, uint64_t now_ms,
                    struct turn_token *ret_token);

#endif
