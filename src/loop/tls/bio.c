/* OpenSSL reads from where the bytes came in and writes to the connection's queue: a connection has
 * no buffers for that. */
#include "loop/tls/tls_private.h"

static int on_read(BIO *bio, char *buf, size_t size, size_t *ret_read)
{
    struct tls_connection *connection = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (connection->wire_length == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    size_t n = size < connection->wire_length ? size : connection->wire_length;
    memcpy(buf, connection->wire, n);
    connection->wire += n;
    connection->wire_length -= n;
    *ret_read = n;
    return 1;
}

static int on_write(BIO *bio, const char *data, size_t length, size_t *ret_written)
{
    struct tls_connection *connection = BIO_get_data(bio);
    const struct layer_host *host = connection->layer.host;
    BIO_clear_retry_flags(bio);
    if (host->down(host->user, slice_of(data, length)) < 0)
        return 0;
    *ret_written = length;
    return 1;
}

static long on_control(BIO *bio, int command, long number, void *data)
{
    (void)bio, (void)number, (void)data;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "connection");
    if (method != NULL) {
        BIO_meth_set_read_ex(method, on_read);
        BIO_meth_set_write_ex(method, on_write);
        BIO_meth_set_ctrl(method, on_control);
    }
    return method;
}
