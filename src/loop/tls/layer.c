#include <openssl/err.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/tls/identity.h"
#include "loop/tls/tls_private.h"

struct tls_connection *tls_connection_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

static struct tls_connection *of(struct layer *layer)
{
    return (struct tls_connection *)(void *)layer;
}

/* What others left in the thread's queue of errors would be taken for ours; it is empty nearly
 * always, and looking is cheaper than clearing. */
static void forget_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

static struct slice server_of(const struct tls_connection *connection)
{
    return slice_of(connection->server, connection->server_length);
}

/* ---- making ---- */

static SSL *new_ssl(struct tls *tls, bool accepted)
{
    (void)pthread_mutex_lock(&tls->lock);
    SSL_CTX *context = accepted ? tls->contexts.servers[0] : tls->contexts.client;
    SSL *ssl = context == NULL ? NULL : SSL_new(context);
    (void)pthread_mutex_unlock(&tls->lock);
    return ssl;
}

/* RFC 6066 section 3: a name, never an address. */
static bool ask_for_server(struct tls_connection *connection)
{
    char name[256];
    struct address address;
    struct slice server = server_of(connection);
    if (server.len == 0 || address_parse_host(server, 0, &address) == 0)
        return true;
    if (server.ptr[server.len - 1] == '.')
        server.len--;
    return SSL_set_tlsext_host_name(connection->ssl, slice_to_string(server, name, sizeof(name))) ==
           1;
}

static int equip(struct tls_connection *connection)
{
    SSL *ssl = new_ssl(connection->tls, connection->accepted);
    if (ssl == NULL)
        return ERR_NO_MEMORY;
    connection->ssl = ssl;
    SSL_set_app_data(ssl, connection);
    BIO *bio = BIO_new(connection->tls->bio);
    if (bio == NULL)
        return ERR_NO_MEMORY;
    BIO_set_data(bio, connection);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    if (connection->accepted) {
        SSL_set_accept_state(ssl);
        return 0;
    }
    SSL_set_connect_state(ssl);
    sessions_offer(&connection->tls->sessions, connection);
    return ask_for_server(connection) ? 0 : ERR_NO_MEMORY;
}

static void on_free(struct layer *layer)
{
    struct tls_connection *connection = of(layer);
    if (connection->ssl != NULL)
        /* Else OpenSSL takes the session for a broken one. */
        SSL_set_shutdown(connection->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(connection->ssl);
    memory_free(connection);
}

static int on_make(void *config, const struct layer_setup *setup, struct layer **ret_layer)
{
    struct slice server = setup->server.len > 255 ? SLICE_NULL : setup->server;
    struct tls_connection *connection = memory_zalloc(1, sizeof(*connection) + server.len);
    if (connection == NULL)
        return ERR_NO_MEMORY;
    connection->layer.type = &tls_layer;
    connection->layer.host = setup->host;
    connection->tls = config;
    connection->scratch = setup->scratch;
    connection->accepted = setup->accepted;
    connection->remote = *setup->remote;
    connection->server_length = (uint8_t)server.len;
    if (server.len > 0)
        memcpy(connection->server, server.ptr, server.len);
    int err = equip(connection);
    ERR_clear_error();
    if (err != 0) {
        on_free(&connection->layer);
        return err;
    }
    *ret_layer = &connection->layer;
    return 0;
}

/* ---- opening ---- */

static void count(struct tls_connection *connection, enum tls_count which)
{
    (void)atomic_fetch_add_explicit(&connection->tls->counts[which], 1, memory_order_relaxed);
}

static int fail(struct tls_connection *connection, enum stream_reason reason)
{
    long verified = SSL_get_verify_result(connection->ssl);
    connection->layer.reason = reason;
    connection->layer.why = ERR_reason_error_string(ERR_peek_error());
    if (reason == STREAM_HANDSHAKE_FAILED && verified != X509_V_OK) {
        connection->layer.reason = STREAM_VERIFY_FAILED;
        connection->layer.why = X509_verify_cert_error_string(verified);
    }
    ERR_clear_error();
    return ERR_INVALID;
}

/* Who asks for another handshake on an open connection (TLS 1.2) has been told that there is none;
 * he is not asked to stop a second time. */
static void on_info(const SSL *ssl, int where, int value)
{
    if (where == SSL_CB_WRITE_ALERT && (value & 0xff) == SSL_AD_NO_RENEGOTIATION)
        tls_connection_of(ssl)->renegotiates = true;
}

static int handshake(struct tls_connection *connection)
{
    ERR_clear_error();
    int n = SSL_do_handshake(connection->ssl);
    if (n != 1)
        return SSL_get_error(connection->ssl, n) == SSL_ERROR_WANT_READ
                   ? 0
                   : fail(connection, STREAM_HANDSHAKE_FAILED);
    connection->open = true;
    if (SSL_version(connection->ssl) < TLS1_3_VERSION)
        SSL_set_info_callback(connection->ssl, on_info);
    count(connection, connection->accepted ? TLS_ACCEPTED : TLS_CONNECTED);
    if (SSL_session_reused(connection->ssl))
        count(connection, TLS_RESUMED);
    return connection->layer.host->opened(connection->layer.host->user);
}

static int on_start(struct layer *layer)
{
    return of(layer)->accepted ? 0 : handshake(of(layer));
}

/* ---- open ---- */

static int read_plain(struct tls_connection *connection)
{
    const struct layer_host *host = connection->layer.host;
    for (;;) {
        size_t n;
        forget_errors();
        int read = SSL_read_ex(connection->ssl, connection->scratch, LAYER_SCRATCH_BYTES, &n);
        if (connection->renegotiates) {
            connection->layer.reason = STREAM_LAYER_BROKEN;
            connection->layer.why = "renegotiation is refused";
            return ERR_INVALID;
        }
        if (read != 1) {
            switch (SSL_get_error(connection->ssl, read)) {
            case SSL_ERROR_WANT_READ: return 0;
            case SSL_ERROR_ZERO_RETURN:
                connection->layer.reason = STREAM_CLOSED_BY_PEER;
                return ERR_CLOSED;
            default: return fail(connection, STREAM_LAYER_BROKEN);
            }
        }
        connection->layer.half = false; /* a record was whole */
        int status = host->up(host->user, connection->scratch, n);
        if (status < 0)
            return status;
    }
}

/* OpenSSL keeps what is not a whole record yet. */
static long on_receive(struct layer *layer, char *wire, size_t length)
{
    struct tls_connection *connection = of(layer);
    connection->wire = wire;
    connection->wire_length = length;
    int status = connection->open ? 0 : handshake(connection);
    if (status == 0 && connection->open)
        status = read_plain(connection);
    layer->half = status == 0 && connection->open && SSL_has_pending(connection->ssl) == 1;
    connection->wire = NULL;
    connection->wire_length = 0;
    return status < 0 ? status : (long)length;
}

static int on_send(struct layer *layer, struct slice plain)
{
    struct tls_connection *connection = of(layer);
    size_t written;
    if (SSL_write_ex(connection->ssl, plain.ptr, plain.len, &written) == 1)
        return 0;
    ERR_clear_error();
    return ERR_IO;
}

static void on_close(struct layer *layer)
{
    ERR_clear_error();
    (void)SSL_shutdown(of(layer)->ssl);
    ERR_clear_error();
}

static bool on_proves(const struct layer *layer, struct slice domain)
{
    const struct tls_connection *connection = (const struct tls_connection *)(const void *)layer;
    if (!connection->open || SSL_get_verify_mode(connection->ssl) == SSL_VERIFY_NONE ||
        SSL_get_verify_result(connection->ssl) != X509_V_OK)
        return false;
    const X509 *certificate = SSL_get0_peer_certificate(connection->ssl);
    return certificate != NULL && tls_identity_proves(certificate, domain);
}

const struct layer_type tls_layer = {
    .name = "TLS",
    .make = on_make,
    .free = on_free,
    .start = on_start,
    .receive = on_receive,
    .send = on_send,
    .close = on_close,
    .proves = on_proves,
};
