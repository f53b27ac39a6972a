#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "base/error.h"
#include "loop/tls/identity.h"
#include "loop/tls/tls_private.h"

/* Forward secrecy and authenticated encryption only; the RSA key exchange that RFC 3261 section
 * 26.2.1 names has neither. TLS 1.3 has no others anyway. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
/* RFC 8489 section 6.2.3, RFC 7350 section 3: STUN's clients may know no other than DHE. */
#define DATAGRAM_CIPHERS CIPHERS ":DHE+AESGCM"
#define GROUPS           "X25519:P-256:P-384"

struct tls *tls_of(const SSL_CTX *context)
{
    return SSL_CTX_get_app_data(context);
}

/* ---- both ends ---- */

static int make_context(struct tls *tls, const SSL_METHOD *method, const struct tls_config *config,
                        SSL_CTX **ret_context)
{
    SSL_CTX *context = SSL_CTX_new(method);
    if (context == NULL)
        return ERR_NO_MEMORY;
    char groups[] = GROUPS; /* the macro of OpenSSL casts const away */
    static const int versions[] = {[TLS_VERSION_1_2] = TLS1_2_VERSION,
                                   [TLS_VERSION_1_3] = TLS1_3_VERSION,
                                   [TLS_VERSION_DATAGRAM] = DTLS1_2_VERSION};
    int oldest = versions[config->version];
    const char *ciphers = config->version == TLS_VERSION_DATAGRAM ? DATAGRAM_CIPHERS : CIPHERS;
    SSL_CTX_set_app_data(context, tls);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_set_min_proto_version(context, oldest) != 1 ||
        SSL_CTX_set_cipher_list(context, ciphers) != 1 ||
        SSL_CTX_set1_groups_list(context, groups) != 1) {
        SSL_CTX_free(context);
        return ERR_NO_MEMORY;
    }
    *ret_context = context;
    return 0;
}

static int load_trust(SSL_CTX *context, const struct tls_config *config, struct tls_fault *fault)
{
    if (config->trust == NULL || config->trust[0] == '\0')
        return SSL_CTX_set_default_verify_paths(context) == 1 ? 0 : ERR_NO_MEMORY;
    char why[128];
    if (access(config->trust, R_OK) != 0)
        return tls_complain(fault, TLS_PART_TRUST, "%s cannot be read: %s", config->trust,
                            strerror_r(errno, why, sizeof why));
    if (SSL_CTX_load_verify_file(context, config->trust) == 1)
        return 0;
    return tls_complain(fault, TLS_PART_TRUST,
                        "%s cannot be used: %s; write a PEM file of certificates that are trusted",
                        config->trust, tls_reason());
}

static int use_files(SSL_CTX *context, const struct tls_pair *pair, struct tls_fault *fault)
{
    struct tls_files files;
    int status = tls_files_read(pair, &files, fault);
    if (status < 0)
        return status;
    if (SSL_CTX_use_certificate(context, files.certificate) != 1 ||
        SSL_CTX_set1_chain(context, files.chain) != 1)
        status = tls_complain(fault, TLS_PART_CERTIFICATE, "the certificate in %s is refused: %s",
                              pair->certificate, tls_reason());
    else if (SSL_CTX_use_PrivateKey(context, files.key) != 1)
        status = tls_complain(fault, TLS_PART_KEY, "the key in %s is refused: %s", pair->key,
                              tls_reason());
    tls_files_free(&files);
    return status;
}

/* ---- the server's ---- */

/* RFC 6066 section 3: the certificate that fits what the client asks for, else the first. */
static int on_server_name(SSL *ssl, int *alert, void *user)
{
    struct tls *tls = user;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    if (name == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    (void)pthread_mutex_lock(&tls->lock);
    const struct tls_contexts *contexts = &tls->contexts;
    SSL_CTX *const *servers = SSL_is_dtls(ssl) ? contexts->datagrams : contexts->servers;
    for (unsigned i = 0; contexts->server_count > 1 && i < contexts->server_count; i++) {
        const X509 *certificate = SSL_CTX_get0_certificate(servers[i]);
        if (!tls_identity_proves(certificate, slice_from_string(name)))
            continue;
        (void)SSL_set_SSL_CTX(ssl, servers[i]);
        break;
    }
    (void)pthread_mutex_unlock(&tls->lock);
    return SSL_TLSEXT_ERR_OK;
}

/* RFC 7301 (names: RFC 7118, RFC 7443 for STUN): the first that we know of what is offered; who
 * offers others only is served all the same. */
static int on_alpn(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_length,
                   const unsigned char *offered, unsigned length, void *user)
{
    static const struct slice known[] = {SLICE_LITERAL("sip/2"), SLICE_LITERAL("sip"),
                                         SLICE_LITERAL("http/1.1"), SLICE_LITERAL("stun.turn"),
                                         SLICE_LITERAL("stun.nat-discovery")};
    (void)ssl, (void)user;
    for (unsigned at = 0; at < length && at + offered[at] < length; at += offered[at] + 1u) {
        struct slice name = slice_of((const char *)offered + at + 1, offered[at]);
        for (unsigned i = 0; i < sizeof(known) / sizeof(*known); i++) {
            if (slice_equal(name, known[i])) {
                *ret_name = offered + at + 1;
                *ret_length = offered[at];
                return SSL_TLSEXT_ERR_OK;
            }
        }
    }
    return SSL_TLSEXT_ERR_NOACK;
}

static int ask_clients(SSL_CTX *context, const struct tls_config *config, struct tls_fault *fault)
{
    if (config->client == TLS_CLIENT_NONE)
        return 0;
    int mode = SSL_VERIFY_PEER;
    if (config->client == TLS_CLIENT_REQUIRE)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(context, mode, NULL);
    if (config->trust != NULL && config->trust[0] != '\0') {
        STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(config->trust);
        if (names != NULL)
            SSL_CTX_set_client_CA_list(context, names);
    }
    return load_trust(context, config, fault);
}

/* What all servers have, whatever carries them. id tells apart whose sessions may be resumed. */
static int complete_server(struct tls *tls, const struct tls_config *config,
                           const struct tls_pair *pair, struct slice id, SSL_CTX *context,
                           struct tls_fault *fault)
{
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(context, 1);
    (void)SSL_CTX_set_session_id_context(context, (const unsigned char *)id.ptr, (unsigned)id.len);
    (void)SSL_CTX_set_tlsext_ticket_key_evp_cb(context, tickets_on_key);
    SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(context, tls);
    SSL_CTX_set_alpn_select_cb(context, on_alpn, NULL);
    int status = use_files(context, pair, fault);
    return status == 0 ? ask_clients(context, config, fault) : status;
}

static int make_server(struct tls *tls, const struct tls_config *config,
                       const struct tls_pair *pair, SSL_CTX **ret_context, struct tls_fault *fault)
{
    int status = make_context(tls, TLS_server_method(), config, ret_context);
    return status < 0 ? status
                      : complete_server(tls, config, pair, SLICE("trapezoid"), *ret_context, fault);
}

static int on_cookie_make(SSL *ssl, unsigned char *cookie, unsigned *ret_length)
{
    const struct tls_cookies *cookies = SSL_get_app_data(ssl);
    *ret_length = TLS_COOKIE_SIZE;
    return cookies->write(cookies, 0, cookie);
}

static int on_cookie_check(SSL *ssl, const unsigned char *cookie, unsigned length)
{
    const struct tls_cookies *cookies = SSL_get_app_data(ssl);
    unsigned char good[TLS_COOKIE_SIZE];
    for (unsigned age = 0; age < 2 && length == TLS_COOKIE_SIZE; age++) {
        if (cookies->write(cookies, age, good) && CRYPTO_memcmp(cookie, good, length) == 0)
            return 1;
    }
    return 0;
}

/* DTLS 1.2, whatever the oldest version of TLS is: it is all there is. */
static int make_datagram_server(struct tls *tls, const struct tls_config *config,
                                const struct tls_pair *pair, SSL_CTX **ret_context,
                                struct tls_fault *fault)
{
    struct tls_config with = *config;
    with.version = TLS_VERSION_DATAGRAM;
    int status = make_context(tls, DTLS_server_method(), &with, ret_context);
    if (status < 0)
        return status;
    SSL_CTX *context = *ret_context;
    /* The Diffie-Hellman group follows the strength of the certificate's key. */
    (void)SSL_CTX_set_dh_auto(context, 1);
    SSL_CTX_set_options(context, SSL_OP_COOKIE_EXCHANGE | SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_cookie_generate_cb(context, on_cookie_make);
    SSL_CTX_set_cookie_verify_cb(context, on_cookie_check);
    return complete_server(tls, config, pair, SLICE("trapezoid-dtls"), context, fault);
}

/* ---- the client's ---- */

/* RFC 5280's rules, then the name (RFC 5922 section 7.3). */
static int on_verify(X509_STORE_CTX *store, void *user)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct tls_connection *connection = tls_connection_of(ssl);
    (void)user;
    if (X509_verify_cert(store) != 1)
        return 0;
    if (tls_identity_proves(X509_STORE_CTX_get0_cert(store),
                            slice_of(connection->server, connection->server_length)))
        return 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
    return 0;
}

static int make_client(struct tls *tls, const struct tls_config *config, SSL_CTX **ret_context,
                       struct tls_fault *fault)
{
    int status = make_context(tls, TLS_client_method(), config, ret_context);
    if (status < 0)
        return status;
    SSL_CTX *context = *ret_context;
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, sessions_on_new);
    if (config->pair_count > 0) /* shown to a server that asks for it */
        status = use_files(context, &config->pairs[0], fault);
    if (status < 0 || !config->verify)
        return status;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, on_verify, NULL);
    return load_trust(context, config, fault);
}

/* ---- all ---- */

int tls_contexts_make(struct tls *tls, const struct tls_config *config,
                      struct tls_contexts *ret_contexts, struct tls_fault *ret_fault)
{
    struct tls_contexts contexts = {0};
    int status = make_client(tls, config, &contexts.client, ret_fault);
    for (unsigned i = 0; status == 0 && i < config->pair_count; i++) {
        status = make_server(tls, config, &config->pairs[i], &contexts.servers[i], ret_fault);
        contexts.server_count++;
        if (status == 0)
            status = make_datagram_server(tls, config, &config->pairs[i], &contexts.datagrams[i],
                                          ret_fault);
    }
    if (status < 0)
        tls_contexts_free(&contexts);
    else
        *ret_contexts = contexts;
    return status;
}

void tls_contexts_free(struct tls_contexts *contexts)
{
    for (unsigned i = 0; i < contexts->server_count; i++) {
        SSL_CTX_free(contexts->servers[i]);
        SSL_CTX_free(contexts->datagrams[i]);
    }
    SSL_CTX_free(contexts->client);
}
