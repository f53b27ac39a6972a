/* OpenSSL reads the datagram that came and writes to the socket's queue: a session has no buffers
 * for that. What the queue does not take is lost, as datagrams are. */
#include "loop/dtls/dtls_private.h"

static int on_read(BIO *bio, char *buf, size_t size, size_t *ret_read)
{
    struct dtls_wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (wire->in.len == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    size_t n = size < wire->in.len ? size : wire->in.len;
    memcpy(buf, wire->in.ptr, n);
    wire->in = SLICE_NULL;
    *ret_read = n;
    return 1;
}

static int on_write(BIO *bio, const char *data, size_t length, size_t *ret_written)
{
    struct dtls_wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    wire->status =
        udp_send(wire->owner->udp, &wire->flow->local, &wire->flow->remote, slice_of(data, length));
    *ret_written = length;
    return 1;
}

static long on_control(BIO *bio, int command, long number, void *data)
{
    (void)bio, (void)number, (void)data;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *dtls_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "datagrams");
    if (method != NULL) {
        BIO_meth_set_read_ex(method, on_read);
        BIO_meth_set_write_ex(method, on_write);
        BIO_meth_set_ctrl(method, on_control);
    }
    return method;
}
