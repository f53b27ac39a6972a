/* Nonces that need no memory: they carry their time of issue and a proof that it was us who wrote
 * it. RFC 7616 section 3.3. Text: base64url of 6 bytes time, 8 bytes number, and 16 bytes AES-256
 * of both. */
#ifndef SIP_AUTH_NONCE_H
#define SIP_AUTH_NONCE_H

#include "base/slice.h"

#include <openssl/types.h>

#define SIP_NONCE_KEY      32  /* bytes of the secret that all workers share */
#define SIP_NONCE_LENGTH   40  /* characters of a nonce */
#define SIP_NONCE_LIFETIME 300 /* seconds, when not configured */

struct sip_nonce {
    uint64_t issued_ms; /* Unix time */
    uint64_t number;    /* as given to sip_nonce_write */
};

/* One thread at a time, so one per worker. Nothing but init allocates. */
struct sip_nonce_maker {
    EVP_CIPHER *cipher;      /* owned */
    EVP_CIPHER_CTX *context; /* owned; holds the key */
    uint64_t lifetime_ms;
};

/* lifetime_s 0: SIP_NONCE_LIFETIME. The key should outlive the process, so that phones whose nonce
 * is from before a restart are told "stale" and need no new password. Errors: ERR_UNSUPPORTED,
 * ERR_NO_MEMORY. */
int sip_nonce_maker_init(struct sip_nonce_maker *maker, const uint8_t key[SIP_NONCE_KEY],
                         uint32_t lifetime_s);
void sip_nonce_maker_done(struct sip_nonce_maker *maker);

/* SIP_NONCE_LENGTH characters into ret_text. number: no two nonces of a millisecond may share it
 * (random or counted, it need not be secret). now_ms: Unix time, which should not step back while
 * the process runs. Errors: ERR_NO_MEMORY. */
int sip_nonce_write(struct sip_nonce_maker *maker, uint64_t now_ms, uint64_t number,
                    char ret_text[SIP_NONCE_LENGTH]);

/* 0 it is ours and fresh; ERR_STALE it is ours but too old, or from the future (*ret_nonce is set
 * too); ERR_DENIED it is not ours; ERR_NO_MEMORY. */
int sip_nonce_verify(struct sip_nonce_maker *maker, struct slice text, uint64_t now_ms,
                     struct sip_nonce *ret_nonce);

#endif
