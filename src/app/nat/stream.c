#include "app/nat/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "stun/probe.h"

#define ANSWER_MAX 2048

static uint64_t now_ms(void)
{
    return clock_monotonic_us() / 1000;
}

/* Connecting, or -1. */
static int begin(struct nat_stream *stream)
{
    int fd = socket(stream->server.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    stream->state = NAT_STREAM_SILENT;
    if (fd < 0)
        return -1;
    if (connect(fd, &stream->server.sa, address_length(&stream->server)) == 0 ||
        errno == EINPROGRESS)
        return fd;
    if (errno == ECONNREFUSED)
        stream->state = NAT_STREAM_REFUSED;
    (void)close(fd);
    return -1;
}

/* How the connection of a stream has ended up: its descriptor, or -1. */
static int connected(struct nat_stream *stream, int fd)
{
    int error = 0;
    socklen_t length = sizeof error;
    (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error == 0)
        return fd;
    if (error == ECONNREFUSED)
        stream->state = NAT_STREAM_REFUSED;
    (void)close(fd);
    return -1;
}

/* Waits until all are connected or have failed: ret_fds are descriptors, or -1. */
static void connect_all(struct nat_stream *streams, unsigned count, unsigned timeout_ms,
                        int *ret_fds)
{
    struct pollfd polled[NAT_STREAMS];
    uint64_t now = now_ms(), until = now + timeout_ms;
    unsigned waiting = 0;
    for (unsigned i = 0; i < count; i++) {
        polled[i] = (struct pollfd){.fd = begin(&streams[i]), .events = POLLOUT};
        ret_fds[i] = -1;
        waiting += polled[i].fd >= 0;
    }
    for (; waiting > 0 && now < until; now = now_ms()) {
        int ready = poll(polled, count, (int)(until - now));
        for (unsigned i = 0; i < count && ready > 0; i++) {
            if (polled[i].fd < 0 || polled[i].revents == 0)
                continue;
            ret_fds[i] = connected(&streams[i], polled[i].fd);
            polled[i].fd = -1;
            waiting--;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        if (polled[i].fd >= 0)
            (void)close(polled[i].fd);
    }
}

/* From here on the socket blocks, for so long. */
static void make_blocking(int fd, unsigned timeout_ms)
{
    struct timeval wait = {.tv_sec = timeout_ms / 1000,
                           .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
}

static long receive(SSL *ssl, int fd, char *at, size_t room)
{
    return ssl != NULL ? SSL_read(ssl, at, (int)room) : recv(fd, at, room, 0);
}

static bool transmit(SSL *ssl, int fd, struct slice bytes)
{
    long sent = ssl != NULL ? SSL_write(ssl, bytes.ptr, (int)bytes.len)
                            : send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
    return sent == (long)bytes.len;
}

/* RFC 8489 section 6.2.2: one request, one answer. */
static enum nat_stream_state ask(SSL *ssl, int fd, const struct stun_probe *probe,
                                 struct address *ret_mapped)
{
    char buffer[ANSWER_MAX];
    size_t have = 0, length = 0;
    struct stun_reply reply;
    if (!transmit(ssl, fd, stun_probe_write(probe, buffer, sizeof buffer)))
        return NAT_STREAM_STRANGE;
    while (length == 0) {
        long got = receive(ssl, fd, buffer + have, sizeof buffer - have);
        if (got <= 0)
            return NAT_STREAM_STRANGE;
        have += (size_t)got;
        if (stun_frame(slice_of(buffer, have), &length) < 0 || have == sizeof buffer)
            return NAT_STREAM_STRANGE;
    }
    if (stun_probe_read(probe, slice_of(buffer, length), &reply) < 0)
        return NAT_STREAM_STRANGE;
    *ret_mapped = reply.mapped;
    return NAT_STREAM_ANSWERED;
}

static enum nat_stream_state ask_tls(int fd, const char *name, const struct stun_probe *probe,
                                     struct address *ret_mapped)
{
    enum nat_stream_state state = NAT_STREAM_STRANGE;
    struct address plain;
    char host[256]; /* the macro of OpenSSL casts const away */
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = context != NULL ? SSL_new(context) : NULL;
    if (ssl != NULL) {
        /* RFC 6066 section 3: names only. */
        if (address_parse_host(slice_from_string(name), 0, &plain) < 0)
            (void)SSL_set_tlsext_host_name(
                ssl, slice_to_string(slice_from_string(name), host, sizeof host));
        if (SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1)
            state = ask(ssl, fd, probe, ret_mapped);
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    return state;
}

void nat_streams_try(struct nat_stream *streams, unsigned count, const char *name,
                     unsigned timeout_ms, struct random *random)
{
    int fds[NAT_STREAMS];
    connect_all(streams, count, timeout_ms, fds);
    for (unsigned i = 0; i < count; i++) {
        struct stun_probe probe = {.change = 0};
        uint64_t id[2] = {random_u64(random), random_u64(random)};
        if (fds[i] < 0)
            continue;
        stun_probe_id(&probe, id);
        make_blocking(fds[i], timeout_ms);
        streams[i].state = streams[i].tls ? ask_tls(fds[i], name, &probe, &streams[i].mapped)
                                          : ask(NULL, fds[i], &probe, &streams[i].mapped);
        (void)close(fds[i]);
    }
}
