#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

void wire_open(struct wire *wire, const struct sockaddr_in *local, const struct sockaddr_in *peer,
               SSL_CTX *tls)
{
    int on = 1;
    wire->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (wire->fd < 0)
        die("socket: %s", strerror(errno));
    (void)setsockopt(wire->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    (void)setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(wire->fd, (const struct sockaddr *)local, sizeof *local) < 0)
        die("bind to port %u: %s", ntohs(local->sin_port), strerror(errno));
    if (connect(wire->fd, (const struct sockaddr *)peer, sizeof *peer) < 0)
        die("connect: %s", strerror(errno));
    if (tls) {
        wire->ssl = SSL_new(tls);
        if (!wire->ssl || SSL_set_fd(wire->ssl, wire->fd) != 1 || SSL_connect(wire->ssl) != 1)
            die("no TLS handshake with port %u", ntohs(peer->sin_port));
    }
    if (fcntl(wire->fd, F_SETFL, O_NONBLOCK) < 0)
        die("fcntl: %s", strerror(errno));
}

void wire_close(struct wire *wire)
{
    SSL_free(wire->ssl);
    close(wire->fd);
}

static void wait_for(const struct wire *wire, short events)
{
    struct pollfd p = {.fd = wire->fd, .events = events};
    (void)poll(&p, 1, 1000);
}

void wire_send(struct wire *wire, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n;
        if (wire->ssl)
            n = SSL_write(wire->ssl, bytes, (int)length);
        else
            n = send(wire->fd, bytes, length, MSG_NOSIGNAL);
        if (n > 0) {
            bytes += n;
            length -= (size_t)n;
        } else if (wire->ssl ? SSL_get_error(wire->ssl, (int)n) == SSL_ERROR_WANT_WRITE
                             : errno == EAGAIN) {
            wait_for(wire, POLLOUT);
        } else {
            die("the server has closed a connection");
        }
    }
}

void wire_ping(struct wire *wire)
{
    wire_send(wire, "\r\n\r\n", 4);
}

void wire_await_pong(struct wire *wire)
{
    char pong[2];
    wait_for(wire, POLLIN);
    if (recv(wire->fd, pong, sizeof pong, 0) != (ssize_t)sizeof pong)
        die("the server does not answer on a connection");
}

static void fill(struct wire *wire)
{
    memmove(wire->bytes, wire->bytes + wire->taken, wire->length - wire->taken);
    wire->length -= wire->taken;
    wire->taken = 0;
    while (wire->length < WIRE_SIZE) {
        size_t room = WIRE_SIZE - wire->length;
        ssize_t n = wire->ssl ? SSL_read(wire->ssl, wire->bytes + wire->length, (int)room)
                              : recv(wire->fd, wire->bytes + wire->length, room, 0);
        if (n > 0)
            wire->length += (size_t)n;
        else if (wire->ssl ? SSL_get_error(wire->ssl, (int)n) == SSL_ERROR_WANT_READ
                           : n < 0 && errno == EAGAIN)
            return;
        else
            die("the server has closed a connection");
    }
}

/* 0: it is not whole. The server writes Content-Length as such. */
static size_t message_length(const char *bytes, size_t length)
{
    static const char name[] = "\r\nContent-Length:";
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t head = (size_t)(end - bytes) + 4;
    const char *value = memmem(bytes, head, name, sizeof name - 1);
    if (!value)
        die("a message without Content-Length");
    size_t whole = head + strtoul(value + sizeof name - 1, NULL, 10);
    return whole <= length ? whole : 0;
}

unsigned wire_receive(struct wire *wire, unsigned source,
                      struct net_datagram ret_datagrams[NET_BATCH])
{
    unsigned count = 0;
    fill(wire);
    while (count < NET_BATCH) {
        const char *at = wire->bytes + wire->taken;
        size_t length = message_length(at, wire->length - wire->taken);
        if (length == 0)
            break;
        ret_datagrams[count++] = (struct net_datagram){at, length, source};
        wire->taken += length;
    }
    return count;
}
