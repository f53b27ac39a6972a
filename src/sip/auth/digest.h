/* Digest responses. RFC 7616, RFC 8760 (algorithms in SIP), RFC 2617 and RFC 2069 (without qop). */
#ifndef SIP_AUTH_DIGEST_H
#define SIP_AUTH_DIGEST_H

#include "base/slice.h"
#include "base/writer.h"

#include <openssl/types.h>

/* The numbers are also those of accounts and store: 0 MD5, 1 SHA-256. */
enum sip_digest_algorithm {
    SIP_DIGEST_MD5,
    SIP_DIGEST_SHA256,
    SIP_DIGEST_SHA512_256,
    SIP_DIGEST_COUNT
};

#define SIP_DIGEST_MAX 32 /* bytes of the longest digest */

/* The last A2 (RFC 7616 section 3.4.3) and its hash as text: all phones of a domain register with
 * the same one. Nothing of it is secret. */
struct sip_digest_a2 {
    size_t length; /* of text; 0: none yet */
    char text[128];
    char hash[2 * SIP_DIGEST_MAX];
};

/* Hash contexts, made once and reused. No call below init allocates, except that OpenSSL 3.0 itself
 * takes and frees some hundred bytes per hash; later versions keep them. One thread at a time, so
 * one per worker. */
struct sip_digest {
    EVP_MD *md[SIP_DIGEST_COUNT];          /* owned */
    EVP_MD_CTX *context[SIP_DIGEST_COUNT]; /* owned; each stays with its algorithm */
    struct sip_digest_a2 a2[SIP_DIGEST_COUNT];
};

/* ERR_UNSUPPORTED when the library has one of the hashes not (FIPS mode: MD5), ERR_NO_MEMORY. */
int sip_digest_init(struct sip_digest *d);
void sip_digest_done(struct sip_digest *d);

/* 16 or 32. */
size_t sip_digest_size(enum sip_digest_algorithm algorithm);
/* "MD5", "SHA-256", "SHA-512-256". Static. */
struct slice sip_digest_name(enum sip_digest_algorithm algorithm);
/* The algorithm parameter, "-sess" told apart; empty means MD5 (RFC 7616 section 3.3).
 * ERR_UNSUPPORTED. */
int sip_digest_algorithm_parse(struct slice text, enum sip_digest_algorithm *ret_algorithm,
                               bool *ret_session);

/* H(user:realm:password), RFC 7616 section 3.4.2, sip_digest_size bytes. Errors: ERR_NO_MEMORY. */
int sip_digest_ha1(struct sip_digest *d, enum sip_digest_algorithm algorithm, struct slice user,
                   struct slice realm, struct slice password, uint8_t *ret_ha1);
/* H(user:realm), RFC 7616 section 3.4.4. */
int sip_digest_userhash(struct sip_digest *d, enum sip_digest_algorithm algorithm,
                        struct slice user, struct slice realm, uint8_t *ret_hash);

/* What a response is computed from; texts as they stand between their quotes. */
struct sip_digest_input {
    enum sip_digest_algorithm algorithm;
    bool session;        /* "-sess" */
    const uint8_t *ha1;  /* sip_digest_size bytes, borrowed */
    struct slice method; /* empty for the rspauth of a server (RFC 7616 section 3.5) */
    struct slice uri;
    struct slice nonce;
    struct slice nc;     /* unused without qop */
    struct slice cnonce; /* unused without qop and session */
    struct slice qop;    /* empty: the response of RFC 2069 */
};

/* RFC 7616 section 3.4.1; without qop RFC 2617 section 3.2.2.1. sip_digest_size bytes. qop
 * "auth-int" is ERR_UNSUPPORTED. Errors: ERR_NO_MEMORY. */
int sip_digest_response(struct sip_digest *d, const struct sip_digest_input *input,
                        uint8_t *ret_response);
/* Is response (hexadecimal) the right one? Time does not depend on where it differs. 0, ERR_DENIED,
 * ERR_UNSUPPORTED. */
int sip_digest_verify(struct sip_digest *d, const struct sip_digest_input *input,
                      struct slice response);

#endif
