/* A DTLS client on a socket of its own, over a network that may lose, double and delay what it
 * carries. */
#ifndef UNIT_LOOP_DTLS_DTLS_CLIENT_H
#define UNIT_LOOP_DTLS_DTLS_CLIENT_H

#include <openssl/ssl.h>

#include "base/address.h"
#include "base/random.h"

#define DTLS_CLIENT_BYTES 4096u
#define DTLS_CLIENT_WIRE  2048u

struct dtls_client {
    SSL *ssl;
    int fd;
    struct random *random; /* NULL: nothing goes wrong */
    unsigned faults;       /* per hundred datagrams each: lost, doubled, overtaken by the next */
    bool open;
    bool ended;                  /* close_notify, or an error */
    char late[DTLS_CLIENT_WIRE]; /* is sent after the next one */
    size_t late_length;
    char hello[DTLS_CLIENT_WIRE]; /* the last ClientHello sent */
    size_t hello_length;
    unsigned flights; /* datagrams sent */
    char in[DTLS_CLIENT_BYTES];
    size_t in_length;
};

/* What the clients of a test share: cipher list or NULL for the default. */
SSL_CTX *dtls_client_context(const char *ciphers);
/* local: source address with port 0, or NULL for 127.0.0.1. */
void dtls_client_open(struct dtls_client *client, SSL_CTX *context, const struct address *server,
                      const char *local);
/* Everything that can be done now. */
void dtls_client_pump(struct dtls_client *client);
void dtls_client_send(struct dtls_client *client, const char *text);
/* Nothing is said. */
void dtls_client_free(struct dtls_client *client);

#endif
