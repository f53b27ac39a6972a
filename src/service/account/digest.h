/* HA1 digests of RFC 7616 section 3.4.2: H(username ":" realm ":" password). */
#ifndef SERVICE_ACCOUNT_DIGEST_H
#define SERVICE_ACCOUNT_DIGEST_H

#include <openssl/evp.h>

#include "store/store.h"

/* The algorithms, fetched once. Any thread. */
struct account_digest {
    EVP_MD *md5, *sha256; /* owned */
};

/* ERR_UNSUPPORTED when OpenSSL does not give one of them. */
int account_digest_init(struct account_digest *digest);
void account_digest_done(struct account_digest *digest);
/* username, realm and password together must not be longer than 1,024 bytes: ERR_RANGE. */
int account_digest_make(const struct account_digest *digest, struct slice username,
                        struct slice realm, struct slice password, struct store_ha1 *ret_ha1);

#endif
