#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/random.h"
#include "base/writer.h"
#include "loop/tls/tls_private.h"

#define YEARS      10
#define DAY_S      86400L
#define NAMES_TEXT 65536

/* RFC 5922 section 7.1: as sip URI and, for those who do not know these, as dNSName or iPAddress.
 */
static int write_names(const struct tls_make *make, char *text, size_t size)
{
    struct writer w;
    writer_init(&w, text, size);
    for (unsigned i = 0; i < make->name_count; i++) {
        struct slice name = make->names[i];
        struct address address;
        bool numeric = address_parse_host(name, 0, &address) == 0;
        if (name.len > 2 && name.ptr[0] == '[')
            name = slice_of(name.ptr + 1, name.len - 2);
        writer_format(&w, "%sURI:sip:%.*s,%s:%.*s", i > 0 ? "," : "", SLICE_ARG(make->names[i]),
                      numeric ? "IP" : "DNS", SLICE_ARG(name));
    }
    writer_char(&w, '\0');
    return writer_status(&w) < 0 ? ERR_LIMIT : 0;
}

static bool add_extension(X509 *certificate, int which, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, which, value);
    bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool set_serial(X509 *certificate)
{
    uint64_t serial;
    return random_secret(&serial, sizeof(serial)) == 0 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1 | 1) == 1;
}

static bool set_subject(X509 *certificate, struct slice name)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    int length = name.len > 64 ? 64 : (int)name.len; /* ub-common-name */
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name.ptr,
                                      length, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, subject) == 1;
}

static bool fill(X509 *certificate, EVP_PKEY *key, const struct tls_make *make, const char *names)
{
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_S) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), YEARS * 365, 0, NULL) != NULL &&
           set_subject(certificate, make->names[0]) && X509_set_pubkey(certificate, key) == 1 &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, NID_ext_key_usage, "serverAuth,clientAuth") &&
           add_extension(certificate, NID_subject_key_identifier, "hash") &&
           add_extension(certificate, NID_subject_alt_name, names) &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

/* A new file with these rights from the start. */
static FILE *create(const char *path, mode_t mode, enum tls_part part, struct tls_fault *fault)
{
    char reason[128];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL) {
        (void)tls_complain(fault, part, "%s cannot be made: %s", path,
                           strerror_r(errno, reason, sizeof(reason)));
        if (fd >= 0)
            (void)close(fd);
    }
    return file;
}

static int write_key(const char *path, EVP_PKEY *key, struct tls_fault *fault)
{
    FILE *file = create(path, 0600, TLS_PART_KEY, fault);
    if (file == NULL)
        return ERR_INVALID;
    bool written = PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
    if (fclose(file) != 0 || !written)
        return tls_complain(fault, TLS_PART_KEY, "%s cannot be written", path);
    return 0;
}

static int write_certificate(const char *path, X509 *certificate, struct tls_fault *fault)
{
    FILE *file = create(path, 0644, TLS_PART_CERTIFICATE, fault);
    if (file == NULL)
        return ERR_INVALID;
    bool written = PEM_write_X509(file, certificate) == 1;
    if (fclose(file) != 0 || !written)
        return tls_complain(fault, TLS_PART_CERTIFICATE, "%s cannot be written", path);
    return 0;
}

/* The certificate comes last: where there is one, there is a key. */
static int write_both(const struct tls_make *make, EVP_PKEY *key, X509 *certificate,
                      struct tls_fault *fault)
{
    int status = write_key(make->key, key, fault);
    if (status < 0)
        return status;
    status = write_certificate(make->certificate, certificate, fault);
    if (status < 0)
        (void)unlink(make->key);
    return status;
}

int tls_make(const struct tls_make *make, struct tls_fault *ret_fault)
{
    static const char why[] = "OpenSSL cannot make a certificate";
    char *names = OPENSSL_malloc(NAMES_TEXT);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    int status = 0;
    if (names == NULL || key == NULL || certificate == NULL)
        status = ERR_NO_MEMORY;
    else if (write_names(make, names, NAMES_TEXT) < 0 || !fill(certificate, key, make, names))
        status = tls_complain(ret_fault, TLS_PART_NONE, "%s: %s", why, tls_reason());
    else
        status = write_both(make, key, certificate, ret_fault);
    X509_free(certificate);
    EVP_PKEY_free(key);
    OPENSSL_free(names);
    return status;
}
