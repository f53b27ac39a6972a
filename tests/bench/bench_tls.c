/* What a full TLS handshake costs the server at least, ECDSA P-256: OpenSSL alone in memory, and
 * with `bench_tls serve PORT` over sockets, one connection after the other. The harness compares
 * both with what a new connection costs the program. */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "loop/tls/tls.h"

#define ROUNDS 2000

static void check(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "bench_tls: %s\n", what);
    exit(1);
}

static uint64_t cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static SSL_CTX *server_context(void)
{
    static const struct slice name = SLICE_LITERAL("bench.test");
    char folder[] = "/tmp/bench-tls-XXXXXX", certificate[64], key[64];
    struct tls_fault fault;
    check(mkdtemp(folder) != NULL, "no folder");
    (void)snprintf(certificate, sizeof certificate, "%s/c.pem", folder);
    (void)snprintf(key, sizeof key, "%s/k.pem", folder);
    struct tls_make make = {
        .certificate = certificate, .key = key, .names = &name, .name_count = 1};
    check(tls_make(&make, &fault) == 0, "no certificate");
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    check(context != NULL && SSL_CTX_use_certificate_file(context, certificate, SSL_FILETYPE_PEM) &&
              SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM),
          "no context");
    (void)unlink(certificate);
    (void)unlink(key);
    (void)rmdir(folder);
    return context;
}

/* CPU time of the server's side. */
static uint64_t handshake(SSL_CTX *server_ctx, SSL_CTX *client_ctx)
{
    SSL *client = SSL_new(client_ctx);
    BIO *to_server = BIO_new(BIO_s_mem()), *to_client = BIO_new(BIO_s_mem());
    check(client != NULL && to_server != NULL && to_client != NULL, "out of memory");
    BIO_up_ref(to_server);
    BIO_up_ref(to_client);
    SSL_set_bio(client, to_client, to_server);
    SSL_set_connect_state(client);
    (void)SSL_do_handshake(client);
    uint64_t began = cpu_ns();
    SSL *server = SSL_new(server_ctx);
    check(server != NULL, "out of memory");
    SSL_set_bio(server, to_server, to_client);
    SSL_set_accept_state(server);
    (void)SSL_do_handshake(server);
    uint64_t spent = cpu_ns() - began;
    check(SSL_do_handshake(client) == 1, "the client's handshake");
    began = cpu_ns();
    check(SSL_do_handshake(server) == 1, "the server's handshake");
    spent += cpu_ns() - began;
    SSL_free(client);
    began = cpu_ns();
    SSL_free(server);
    return spent + cpu_ns() - began;
}

static int listen_at(const char *port)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    check(bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 512) == 0,
          "the port cannot be listened on");
    return fd;
}

/* Nothing but accept, the handshake, and close. */
static void serve(SSL_CTX *context, const char *port)
{
    char byte;
    int listener = listen_at(port);
    (void)signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        SSL *ssl = SSL_new(context);
        check(fd >= 0 && ssl != NULL && SSL_set_fd(ssl, fd) == 1, "no connection");
        if (SSL_accept(ssl) == 1)
            (void)SSL_read(ssl, &byte, 1);
        SSL_free(ssl);
        (void)close(fd);
    }
}

int main(int argc, char **argv)
{
    SSL_CTX *server = server_context();
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        serve(server, argv[2]);
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    uint64_t sum = 0;
    check(client != NULL, "no context");
    for (unsigned i = 0; i < ROUNDS / 10; i++)
        (void)handshake(server, client);
    for (unsigned i = 0; i < ROUNDS; i++)
        sum += handshake(server, client);
    printf("%.2f us of CPU for the server's side of a full TLS 1.3 handshake, OpenSSL alone\n",
           (double)sum / ROUNDS / 1000);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    return 0;
}
