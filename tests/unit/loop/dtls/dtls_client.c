#include "unit/loop/dtls/dtls_client.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/loop/loop_fixture.h"

#define RETRANSMIT_US 40000u

static bool fault(struct dtls_client *client)
{
    return client->random != NULL && random_below(client->random, 100) < client->faults;
}

static void put(struct dtls_client *client, const char *data, size_t length)
{
    client->flights++;
    (void)send(client->fd, data, length, 0);
}

static int on_write(BIO *bio, const char *data, size_t length, size_t *ret_written)
{
    struct dtls_client *client = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *ret_written = length;
    if (length > 60 && length <= DTLS_CLIENT_WIRE && data[0] == 22 && data[13] == 1) {
        memcpy(client->hello, data, length);
        client->hello_length = length;
    }
    if (fault(client))
        return 1;
    if (fault(client) && client->late_length == 0 && length <= DTLS_CLIENT_WIRE) {
        memcpy(client->late, data, length);
        client->late_length = length;
        return 1;
    }
    put(client, data, length);
    if (fault(client))
        put(client, data, length);
    if (client->late_length > 0)
        put(client, client->late, client->late_length);
    client->late_length = 0;
    return 1;
}

static int on_read(BIO *bio, char *buf, size_t size, size_t *ret_read)
{
    struct dtls_client *client = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n;
    do
        n = recv(client->fd, buf, size, 0);
    while (n >= 0 && fault(client));
    if (n < 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *ret_read = (size_t)n;
    return 1;
}

static long on_control(BIO *bio, int command, long number, void *data)
{
    (void)bio, (void)number, (void)data;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method_of(SSL_CTX *context)
{
    return SSL_CTX_get_app_data(context);
}

SSL_CTX *dtls_client_context(const char *ciphers)
{
    SSL_CTX *context = SSL_CTX_new(DTLS_client_method());
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "client");
    assert_non_null(context);
    BIO_meth_set_read_ex(method, on_read);
    BIO_meth_set_write_ex(method, on_write);
    BIO_meth_set_ctrl(method, on_control);
    SSL_CTX_set_app_data(context, method);
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU);
    if (ciphers != NULL)
        assert_int_equal(SSL_CTX_set_cipher_list(context, ciphers), 1);
    return context;
}

static unsigned on_retransmit(SSL *ssl, unsigned last_us)
{
    (void)ssl;
    return last_us == 0 ? RETRANSMIT_US : last_us * 2;
}

void dtls_client_open(struct dtls_client *client, SSL_CTX *context, const struct address *server,
                      const char *local)
{
    struct address from = address_of(local != NULL ? local : "127.0.0.1:0");
    struct random *random = client->random;
    unsigned faults = client->faults;
    memset(client, 0, sizeof *client);
    client->random = random;
    client->faults = faults;
    client->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(client->fd >= 0);
    assert_int_equal(bind(client->fd, &from.sa, address_length(&from)), 0);
    assert_int_equal(connect(client->fd, &server->sa, address_length(server)), 0);
    client->ssl = SSL_new(context);
    BIO *bio = BIO_new(method_of(context));
    BIO_set_data(bio, client);
    BIO_set_init(bio, 1);
    SSL_set_bio(client->ssl, bio, bio);
    SSL_set_mtu(client->ssl, 1200);
    SSL_set_connect_state(client->ssl);
    DTLS_set_timer_cb(client->ssl, on_retransmit);
}

static void read_all(struct dtls_client *client)
{
    size_t n;
    while (client->open && !client->ended) {
        int read = SSL_read_ex(client->ssl, client->in + client->in_length,
                               DTLS_CLIENT_BYTES - client->in_length, &n);
        if (read != 1) {
            client->ended = SSL_get_error(client->ssl, read) != SSL_ERROR_WANT_READ;
            return;
        }
        client->in_length += n;
    }
}

void dtls_client_pump(struct dtls_client *client)
{
    if (client->ssl == NULL || client->ended)
        return;
    ERR_clear_error();
    (void)DTLSv1_handle_timeout(client->ssl);
    if (!client->open) {
        int n = SSL_do_handshake(client->ssl);
        client->open = n == 1;
        client->ended = n != 1 && SSL_get_error(client->ssl, n) != SSL_ERROR_WANT_READ;
    }
    read_all(client);
    ERR_clear_error();
}

void dtls_client_send(struct dtls_client *client, const char *text)
{
    size_t written;
    assert_int_equal(SSL_write_ex(client->ssl, text, strlen(text), &written), 1);
}

void dtls_client_free(struct dtls_client *client)
{
    if (client->ssl == NULL)
        return;
    SSL_free(client->ssl);
    close(client->fd);
    client->ssl = NULL;
}
