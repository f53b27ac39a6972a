/* A connection of the generator to the server: TCP, or TLS over it. Messages are framed by
 * Content-Length (RFC 3261 section 18.3). */
#ifndef LOADGEN_WIRE_H
#define LOADGEN_WIRE_H

#include <netinet/in.h>
#include <openssl/ssl.h>

#include "net.h"

enum { WIRE_SIZE = 1 << 18 };

struct wire {
    int fd;
    SSL *ssl; /* NULL: TCP */
    size_t length, taken;
    char bytes[WIRE_SIZE]; /* [taken, length) has been received and not handed out */
};

/* Connects from local to peer and waits for it; tls: a context, or NULL. The certificate is not
 * looked at: it is the server that is measured. */
void wire_open(struct wire *wire, const struct sockaddr_in *local, const struct sockaddr_in *peer,
               SSL_CTX *tls);
/* Asks for a sign of life (RFC 5626 section 4.4.1), and waits for it: the server has accepted the
 * connection then. */
void wire_ping(struct wire *wire);
void wire_await_pong(struct wire *wire);
void wire_close(struct wire *wire);
void wire_send(struct wire *wire, const char *bytes, size_t length);
/* Up to NET_BATCH whole messages; they stay where they are until the next call. */
unsigned wire_receive(struct wire *wire, unsigned source,
                      struct net_datagram ret_datagrams[NET_BATCH]);

#endif
