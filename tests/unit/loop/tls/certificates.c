#include "unit/loop/tls/certificates.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FILES_MAX 64

static char folder[64];
static char *files[FILES_MAX];
static unsigned file_count;

static void extend(X509 *x509, int which, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, which, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

struct certificate certificate_make(const struct certificate_wish *wish)
{
    static long serial = 1000;
    struct certificate c = {X509_new(), EVP_EC_gen("P-256")};
    assert_non_null(c.x509);
    assert_non_null(c.key);
    X509_set_version(c.x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c.x509), serial++);
    X509_time_adj_ex(X509_getm_notBefore(c.x509), wish->from_days, -60, NULL);
    X509_time_adj_ex(X509_getm_notAfter(c.x509), wish->to_days == 0 ? 30 : wish->to_days, 0, NULL);
    X509_NAME *subject = X509_get_subject_name(c.x509);
    X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"Tests", -1, -1,
                               0);
    if (wish->subject != NULL)
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                   (const unsigned char *)wish->subject, -1, -1, 0);
    const struct certificate *issuer = wish->issuer != NULL ? wish->issuer : &c;
    X509_set_issuer_name(c.x509, X509_get_subject_name(issuer->x509));
    X509_set_pubkey(c.x509, c.key);
    extend(c.x509, NID_basic_constraints, wish->authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (wish->names != NULL)
        extend(c.x509, NID_subject_alt_name, wish->names);
    if (wish->usage != NULL)
        extend(c.x509, NID_ext_key_usage, wish->usage);
    assert_true(X509_sign(c.x509, issuer->key, EVP_sha256()) > 0);
    return c;
}

void certificate_free(struct certificate *certificate)
{
    X509_free(certificate->x509);
    EVP_PKEY_free(certificate->key);
}

static const char *path_of(const char *name)
{
    if (folder[0] == '\0') {
        strcpy(folder, "/tmp/tz-tls-XXXXXX");
        assert_non_null(mkdtemp(folder));
    }
    char *path = malloc(200);
    assert_non_null(path);
    (void)snprintf(path, 200, "%s/%s", folder, name);
    assert_true(file_count < FILES_MAX);
    files[file_count++] = path;
    return path;
}

static FILE *create(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    return file;
}

const char *certificate_write(const char *name, const struct certificate *certificate,
                              const struct certificate *chain)
{
    const char *path = path_of(name);
    FILE *file = create(path);
    PEM_write_X509(file, certificate->x509);
    if (chain != NULL)
        PEM_write_X509(file, chain->x509);
    fclose(file);
    return path;
}

const char *certificate_write_key(const char *name, const struct certificate *certificate)
{
    const char *path = path_of(name);
    FILE *file = create(path);
    PEM_write_PKCS8PrivateKey(file, certificate->key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    return path;
}

const char *certificate_write_text(const char *name, const char *text)
{
    const char *path = path_of(name);
    FILE *file = create(path);
    fputs(text, file);
    fclose(file);
    return path;
}

void certificates_clean(void)
{
    while (file_count > 0) {
        (void)unlink(files[--file_count]);
        free(files[file_count]);
    }
    if (folder[0] != '\0')
        (void)rmdir(folder);
    folder[0] = '\0';
}
