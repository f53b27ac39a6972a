/* The certificates: are they good now and for how long, for which names, does the running server
 * show the same, may others read the key? */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/doctor/doctor.h"
#include "app/doctor/probe.h"
#include "base/error.h"
#include "loop/tls/identity.h"

#define SOON_DAYS 14
#define NAMES_MAX 480

static X509 *read_certificate(const char *path)
{
    FILE *file = fopen(path, "re");
    X509 *certificate = file == NULL ? NULL : PEM_read_X509(file, NULL, NULL, NULL);
    if (file != NULL)
        (void)fclose(file);
    return certificate;
}

/* Days from now to a time; negative: it has passed. */
static int days_until(const ASN1_TIME *time)
{
    int days = 0, seconds = 0;
    (void)ASN1_TIME_diff(&days, &seconds, NULL, time);
    return seconds < 0 && days == 0 ? -1 : days;
}

/* A URI without its scheme and an address without its brackets: both stand in for the same. */
static void write_name(const GENERAL_NAME *name, struct writer *w)
{
    const ASN1_STRING *string = name->type == GEN_DNS   ? name->d.dNSName
                                : name->type == GEN_URI ? name->d.uniformResourceIdentifier
                                                        : NULL;
    struct address address = {0};
    if (string != NULL) {
        struct slice text = slice_of((const char *)ASN1_STRING_get0_data(string),
                                     (size_t)ASN1_STRING_length(string));
        if (name->type == GEN_URI && slice_starts_with_nocase(text, SLICE("sip:")))
            text = slice_from(text, 4);
        if (text.len > 2 && text.ptr[0] == '[')
            text = slice_of(text.ptr + 1, text.len - 2);
        writer_put(w, text);
    } else if (name->type == GEN_IPADD) {
        const unsigned char *bytes = ASN1_STRING_get0_data(name->d.iPAddress);
        int len = ASN1_STRING_length(name->d.iPAddress);
        address.sa.sa_family = len == 4 ? AF_INET : AF_INET6;
        if (len == 4)
            memcpy(&address.in4.sin_addr, bytes, 4);
        else if (len == 16)
            memcpy(&address.in6.sin6_addr, bytes, 16);
        address_write_host(w, &address, false);
    }
}

static void write_names(X509 *certificate, char buf[NAMES_MAX])
{
    struct writer w;
    struct slice last = SLICE_NULL;
    writer_init(&w, buf, NAMES_MAX - 8);
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        size_t before = writer_length(&w);
        if (before > 0)
            writer_literal(&w, ", ");
        size_t start = writer_length(&w);
        write_name(sk_GENERAL_NAME_value(names, i), &w);
        struct slice name = slice_from(writer_slice(&w), start);
        if (writer_status(&w) < 0) {
            writer_rewind(&w, before);
            w.end += 7;
            writer_literal(&w, ", ...");
            break;
        }
        if (slice_equal(name, last)) /* as a URI and as a name */
            writer_rewind(&w, before);
        else
            last = name;
    }
    GENERAL_NAMES_free(names);
    *w.at = '\0';
}

static void say_validity(struct doctor *doctor, X509 *certificate, const char *file)
{
    const ASN1_TIME *end = X509_get0_notAfter(certificate);
    int left = days_until(end);
    char names[NAMES_MAX];
    const char *renew = doctor->config->tls_own
                            ? "remove it and its key, and restart: a new one is made"
                            : "renew it, then: trapezoid reload";
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
        doctor_say(doctor, DOCTOR_FAILED, "%s: its time has not come yet", file);
        doctor_advise(doctor, "date   # is this machine's clock right?");
    } else if (X509_cmp_current_time(end) < 0) {
        doctor_say(doctor, DOCTOR_FAILED, "%s: it has run out %d days ago", file, -left);
        doctor_advise(doctor, "%s", renew);
    } else if (left < SOON_DAYS) {
        doctor_say(doctor, DOCTOR_WARNING, "%s: it runs out in %d days", file, left);
        doctor_advise(doctor, "%s", renew);
    } else {
        write_names(certificate, names);
        doctor_say(doctor, DOCTOR_OK, "%s: good for %d more days; for %s", file, left, names);
    }
}

/* ---- Trust ---- */

static X509_STORE *open_trust(const char *file)
{
    X509_STORE *store = X509_STORE_new();
    bool given = file != NULL && file[0] != '\0';
    if (store != NULL &&
        (given ? X509_STORE_load_file(store, file) : X509_STORE_set_default_paths(store)) != 1) {
        X509_STORE_free(store);
        return NULL;
    }
    return store;
}

/* What stands in the file behind the certificate. */
static STACK_OF(X509) * read_chain(const char *path)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    FILE *file = fopen(path, "re");
    X509 *one;
    bool first = true;
    while (file != NULL && chain != NULL && (one = PEM_read_X509(file, NULL, NULL, NULL)) != NULL) {
        if (first || sk_X509_push(chain, one) <= 0)
            X509_free(one);
        first = false;
    }
    if (file != NULL)
        (void)fclose(file);
    return chain;
}

static void say_untrusted(struct doctor *doctor, const char *file, int error)
{
    if (error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT) {
        doctor_say(doctor, doctor->config->tls_own ? DOCTOR_NOTE : DOCTOR_WARNING,
                   "%s: it signs itself: every phone and server must be told to trust it", file);
        doctor_advise(doctor, "docs/tls.md says how; or tls.certificate and tls.key from an "
                              "authority");
        return;
    }
    doctor_say(doctor, DOCTOR_WARNING, "%s: does not lead to a root that this machine trusts: %s",
               file, X509_verify_cert_error_string(error));
    doctor_advise(doctor, "put the certificates between it and its root behind it, in the same "
                          "file (fullchain.pem), then: trapezoid reload");
}

static void say_trust(struct doctor *doctor, X509 *certificate, const char *file)
{
    X509_STORE *trust = open_trust(doctor->config->tls.trust);
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    STACK_OF(X509) *chain = read_chain(file);
    if (trust != NULL && context != NULL &&
        X509_STORE_CTX_init(context, trust, certificate, chain) == 1) {
        X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_NO_CHECK_TIME);
        if (X509_verify_cert(context) == 1)
            doctor_say(doctor, DOCTOR_OK, "%s: leads to a root that this machine trusts", file);
        else
            say_untrusted(doctor, file, X509_STORE_CTX_get_error(context));
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(trust);
    sk_X509_pop_free(chain, X509_free);
}

static void say_key(struct doctor *doctor, const char *file)
{
    struct stat info;
    if (stat(file, &info) < 0 || (info.st_mode & (S_IRWXO | S_IWGRP)) == 0)
        return;
    doctor_say(doctor, DOCTOR_WARNING, "%s: every user of this machine can read or change the key",
               file);
    doctor_advise(doctor, "sudo chmod o=,g-w %s", file);
}

/* ---- Names ---- */

static void say_missing(struct doctor *doctor, X509 *const *certificates, unsigned count,
                        struct slice name, const char *what)
{
    for (unsigned i = 0; i < count; i++) {
        if (certificates[i] != NULL && tls_identity_proves(certificates[i], name))
            return;
    }
    doctor_say(doctor, DOCTOR_WARNING,
               "no certificate proves %s %.*s: phones and servers that check will not connect",
               what, SLICE_ARG(name));
    doctor_advise(doctor,
                  doctor->config->tls_own
                      ? "remove %s and its key, and restart: a new one is made with it"
                      : "get a certificate with URI:sip:NAME or DNS:NAME (RFC 5922) beside %s",
                  doctor->config->tls.pairs[0].certificate);
}

static void check_names(struct doctor *doctor, X509 *const *certificates, unsigned count)
{
    const struct app_config *config = doctor->config;
    for (unsigned i = 0; i < config->domains.count; i++)
        say_missing(doctor, certificates, count, config->domains.items[i], "the domain");
    for (unsigned i = 0; i < OUTSIDE_FAMILIES && config->tls_own; i++) {
        char text[ADDRESS_TEXT_MAX];
        struct writer w;
        if (doctor->outside.hosts[i].source == OUTSIDE_INTERFACES)
            continue;
        writer_init(&w, text, sizeof text);
        address_write_host(&w, &doctor->outside.hosts[i].address, true);
        say_missing(doctor, certificates, count, writer_slice(&w), "the outside address");
    }
}

/* Does the running server show one of the files? */
static void check_shown(struct doctor *doctor, X509 *const *certificates, unsigned count)
{
    const struct app_config *config = doctor->config;
    for (unsigned i = 0; doctor->status != NULL && i < config->listen.count; i++) {
        const struct endpoint_listener *listener = &config->listen.items[i];
        struct probe probe = {.transport = TRANSPORT_TLS, .address = listener->local};
        struct probe_answer answer;
        if (listener->transport != TRANSPORT_TLS || address_port(&listener->local) == 0)
            continue;
        if (address_is_wildcard(&listener->local))
            (void)address_parse_host(address_is_v6(&listener->local) ? SLICE("::1")
                                                                     : SLICE("127.0.0.1"),
                                     address_port(&listener->local), &probe.address);
        if (probe_run(&probe, &answer) < 0)
            return; /* the check of ports complains */
        bool same = false;
        for (unsigned k = 0; k < count; k++)
            same = same ||
                   (certificates[k] != NULL && X509_cmp(certificates[k], answer.certificate) == 0);
        X509_free(answer.certificate);
        if (same) {
            doctor_say(doctor, DOCTOR_OK, "the running server shows the certificate of the file");
        } else {
            doctor_say(doctor, DOCTOR_FAILED,
                       "the running server shows another certificate than the file has now");
            doctor_advise(doctor, config->tls_own ? "restart the server" : "trapezoid reload");
        }
        return;
    }
}

static bool is_still_to_be_made(const struct app_config *config)
{
    return config->tls_own && access(config->tls.pairs[0].certificate, F_OK) < 0;
}

/* What a start would refuse. */
static void check_files(struct doctor *doctor)
{
    struct tls_fault fault = {.part = TLS_PART_NONE};
    struct tls *tls = NULL;
    if (tls_new(&doctor->config->tls, &fault, &tls) == 0) {
        tls_free(tls);
        return;
    }
    doctor_say(doctor, DOCTOR_FAILED, "%s", fault.text);
    doctor_advise(doctor, "trapezoid config check   # names file, line and key");
}

void doctor_certificate(struct doctor *doctor)
{
    const struct app_config *config = doctor->config;
    X509 *certificates[TLS_PAIRS_MAX] = {NULL};
    unsigned count = config->tls.pair_count;
    if (count == 0) {
        doctor_say(doctor, DOCTOR_OK, "no listener needs one");
        return;
    }
    if (is_still_to_be_made(config)) {
        doctor_say(doctor, DOCTOR_OK, "%s: made by the first start",
                   config->tls.pairs[0].certificate);
        return;
    }
    unsigned failed = doctor->counts[DOCTOR_FAILED];
    for (unsigned i = 0; i < count; i++) {
        const char *file = config->tls.pairs[i].certificate;
        certificates[i] = read_certificate(file);
        if (certificates[i] == NULL)
            continue;
        say_validity(doctor, certificates[i], file);
        say_trust(doctor, certificates[i], file);
        say_key(doctor, config->tls.pairs[i].key);
    }
    if (doctor->counts[DOCTOR_FAILED] == failed)
        check_files(doctor);
    check_names(doctor, certificates, count);
    check_shown(doctor, certificates, count);
    for (unsigned i = 0; i < count; i++)
        X509_free(certificates[i]);
}
