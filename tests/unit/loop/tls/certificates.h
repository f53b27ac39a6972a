/* Certificates as the tests need them, made on the spot. */
#ifndef UNIT_LOOP_TLS_CERTIFICATES_H
#define UNIT_LOOP_TLS_CERTIFICATES_H

#include <openssl/x509.h>
#include <stdbool.h>

struct certificate {
    X509 *x509;
    EVP_PKEY *key;
};

struct certificate_wish {
    const char *subject;              /* CN; NULL: none */
    const char *names;                /* subjectAltName as in openssl.cnf; NULL: none */
    const struct certificate *issuer; /* NULL: signs itself */
    bool authority;
    int from_days;     /* validity, from today */
    int to_days;       /* 0: 30 */
    const char *usage; /* extendedKeyUsage; NULL: none */
};

struct certificate certificate_make(const struct certificate_wish *wish);
void certificate_free(struct certificate *certificate);
/* Into the folder of the test; the path is returned and stays good until certificates_clean. chain:
 * further ones in the same file, or NULL. */
const char *certificate_write(const char *name, const struct certificate *certificate,
                              const struct certificate *chain);
const char *certificate_write_key(const char *name, const struct certificate *certificate);
const char *certificate_write_text(const char *name, const char *text);
void certificates_clean(void);

#endif
