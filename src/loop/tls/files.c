#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "loop/tls/tls_private.h"

int tls_complain(struct tls_fault *fault, enum tls_part part, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fault->part = part;
    (void)vsnprintf(fault->text, sizeof(fault->text), format, arguments);
    va_end(arguments);
    ERR_clear_error();
    return ERR_INVALID;
}

const char *tls_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    return reason != NULL ? reason : "unknown";
}

static int open_file(const char *path, enum tls_part part, struct tls_fault *fault, BIO **ret_bio)
{
    char reason[128];
    BIO *bio = BIO_new_file(path, "r");
    if (bio == NULL)
        return tls_complain(fault, part, "%s cannot be read: %s", path,
                            strerror_r(errno, reason, sizeof(reason)));
    *ret_bio = bio;
    return 0;
}

static void write_time(const ASN1_TIME *time, char *text, size_t size)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(time, &tm) != 1 || strftime(text, size, "%Y-%m-%d %H:%M UTC", &tm) == 0)
        (void)snprintf(text, size, "?");
}

static int check_time(const char *path, const X509 *certificate, struct tls_fault *fault)
{
    char when[32];
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
        write_time(X509_get0_notAfter(certificate), when, sizeof(when));
        return tls_complain(fault, TLS_PART_CERTIFICATE,
                            "the certificate in %s expired on %s; put a new one there", path, when);
    }
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
        write_time(X509_get0_notBefore(certificate), when, sizeof(when));
        return tls_complain(
            fault, TLS_PART_CERTIFICATE,
            "the certificate in %s is good from %s on only; put another one there, or set the "
            "clock right",
            path, when);
    }
    return 0;
}

static int read_chain(BIO *bio, struct tls_files *files)
{
    X509 *certificate;
    files->chain = sk_X509_new_null();
    while (files->chain != NULL &&
           (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        if (sk_X509_push(files->chain, certificate) == 0) {
            X509_free(certificate);
            return ERR_NO_MEMORY;
        }
    }
    ERR_clear_error(); /* the end of the file */
    return files->chain == NULL ? ERR_NO_MEMORY : 0;
}

static int read_certificate(const char *path, struct tls_files *files, struct tls_fault *fault)
{
    BIO *bio = NULL;
    int status = open_file(path, TLS_PART_CERTIFICATE, fault, &bio);
    if (status < 0)
        return status;
    files->certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    if (files->certificate == NULL)
        status =
            tls_complain(fault, TLS_PART_CERTIFICATE,
                         "%s holds no certificate; write a PEM file, which begins with -----BEGIN "
                         "CERTIFICATE-----",
                         path);
    if (status == 0)
        status = check_time(path, files->certificate, fault);
    if (status == 0)
        status = read_chain(bio, files);
    BIO_free(bio);
    return status;
}

/* There is nobody to ask for a password. */
static int on_password(char *buf, int size, int writing, void *user)
{
    (void)buf, (void)size, (void)writing;
    *(bool *)user = true;
    return -1;
}

static int read_key(const char *path, struct tls_files *files, struct tls_fault *fault)
{
    BIO *bio = NULL;
    bool encrypted = false;
    int status = open_file(path, TLS_PART_KEY, fault, &bio);
    if (status < 0)
        return status;
    files->key = PEM_read_bio_PrivateKey(bio, NULL, on_password, &encrypted);
    BIO_free(bio);
    if (files->key != NULL)
        return 0;
    if (encrypted)
        return tls_complain(fault, TLS_PART_KEY,
                            "the key in %s asks for a password; write one without: openssl pkey "
                            "-in %s -out NEWFILE",
                            path, path);
    return tls_complain(fault, TLS_PART_KEY,
                        "%s holds no private key; write a PEM file, which begins with -----BEGIN "
                        "PRIVATE KEY-----",
                        path);
}

static int check_pair(const struct tls_pair *pair, const struct tls_files *files,
                      struct tls_fault *fault)
{
    char subject[128];
    if (X509_check_private_key(files->certificate, files->key) == 1)
        return 0;
    X509_NAME_oneline(X509_get_subject_name(files->certificate), subject, sizeof(subject));
    return tls_complain(fault, TLS_PART_KEY,
                        "the key in %s does not belong to the certificate in %s (%s); write the "
                        "key that the certificate was asked for with",
                        pair->key, pair->certificate, subject);
}

int tls_files_read(const struct tls_pair *pair, struct tls_files *ret_files,
                   struct tls_fault *ret_fault)
{
    struct tls_files files = {0};
    int status = read_certificate(pair->certificate, &files, ret_fault);
    if (status == 0)
        status = read_key(pair->key, &files, ret_fault);
    if (status == 0)
        status = check_pair(pair, &files, ret_fault);
    if (status < 0)
        tls_files_free(&files);
    else
        *ret_files = files;
    return status;
}

void tls_files_free(struct tls_files *files)
{
    X509_free(files->certificate);
    sk_X509_pop_free(files->chain, X509_free);
    EVP_PKEY_free(files->key);
}
