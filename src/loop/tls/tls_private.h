/* TLS as its own files know it.
 *
 *   tls.c       making, reloading, counts
 *   files.c     PEM files: certificates and keys that are good and belong together
 *   context.c   OpenSSL contexts: what both ends insist on
 *   tickets.c   keys of session tickets
 *   sessions.c  sessions with those we connect to
 *   layer.c     one connection
 *   bio.c       its bytes, without buffers of their own
 *   identity.c  the names that a certificate proves
 *   make.c      a certificate that signs itself */
#ifndef LOOP_TLS_TLS_PRIVATE_H
#define LOOP_TLS_TLS_PRIVATE_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/hash.h"
#include "loop/tls/tls.h"

#define TLS_VERSION_DATAGRAM 2 /* beside those of enum tls_version */
#define TICKET_KEYS          3
#define SESSION_SLOTS        1024u

/* RFC 5077 section 4; replaced every hour, known for two more. */
struct ticket_key {
    uint8_t name[16];
    uint8_t cipher[32];
    uint8_t mac[32];
    uint64_t made_ms; /* monotonic; 0: none */
};

struct tickets {
    pthread_mutex_t lock;                /* guards the keys */
    struct ticket_key keys[TICKET_KEYS]; /* newest first */
    EVP_CIPHER *cipher;                  /* owned, fetched once */
};

struct session_slot {
    uint64_t hash;
    SSL_SESSION *session; /* owned; NULL: empty */
    char *server;         /* owned */
    struct address remote;
};

struct sessions {
    pthread_mutex_t lock;
    struct hash_key key;
    struct session_slot *slots; /* owned; SESSION_SLOTS, a newer session takes an older one's */
};

/* Made from one configuration; never changed, replaced as a whole. */
struct tls_contexts {
    SSL_CTX *servers[TLS_PAIRS_MAX];   /* owned; [0] is the one to start with */
    SSL_CTX *datagrams[TLS_PAIRS_MAX]; /* the same for DTLS */
    unsigned server_count;
    SSL_CTX *client; /* owned */
};

struct tls {
    pthread_mutex_t lock; /* guards contexts */
    struct tls_contexts contexts;
    _Atomic unsigned generation; /* of contexts */
    struct tickets tickets;
    struct sessions sessions;
    BIO_METHOD *bio; /* owned */
    _Atomic uint64_t counts[TLS_COUNTS];
};

struct tls_connection {
    struct layer layer;
    struct tls *tls;  /* borrowed */
    SSL *ssl;         /* owned */
    char *scratch;    /* borrowed */
    const char *wire; /* what came and is not read yet; NULL outside of receive */
    size_t wire_length;
    bool accepted;
    bool open;
    bool renegotiates;     /* has asked for it, and was refused */
    struct address remote; /* connected: names the session */
    uint8_t server_length;
    char server[];
};

/* tls.c */
#define TLS_COOKIE_SIZE 16
/* At the head of what SSL_get_app_data of a DTLS session leads to: writes the cookie for its far
 * end (RFC 6347 section 4.2.1). age: 0 is that of now, 1 the one before. False: it cannot. */
struct tls_cookies {
    bool (*write)(const struct tls_cookies *cookies, unsigned age, unsigned char *cookie);
};
/* For a new DTLS session (loop/dtls/dtls.h): the certificates of now. *ret_generation tells when
 * there are others. ERR_NO_MEMORY, ERR_UNSUPPORTED (there are no certificates). */
int tls_datagram_ssl(struct tls *tls, SSL **ret_ssl, unsigned *ret_generation);
unsigned tls_generation(const struct tls *tls);

/* files.c */
struct tls_files {
    X509 *certificate;      /* owned */
    STACK_OF(X509) * chain; /* owned */
    EVP_PKEY *key;          /* owned */
};
/* ERR_INVALID, ERR_NO_MEMORY. */
int tls_files_read(const struct tls_pair *pair, struct tls_files *ret_files,
                   struct tls_fault *ret_fault);
void tls_files_free(struct tls_files *files);
/* The topmost reason of OpenSSL's queue, which is emptied. */
const char *tls_reason(void);
int tls_complain(struct tls_fault *fault, enum tls_part part, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* context.c */
/* ERR_INVALID, ERR_NO_MEMORY. */
int tls_contexts_make(struct tls *tls, const struct tls_config *config,
                      struct tls_contexts *ret_contexts, struct tls_fault *ret_fault);
void tls_contexts_free(struct tls_contexts *contexts);
struct tls *tls_of(const SSL_CTX *context);

/* tickets.c */
int tickets_init(struct tickets *tickets);
void tickets_done(struct tickets *tickets);
/* None of the tickets given so far is good any more. */
void tickets_forget(struct tickets *tickets);
int tickets_on_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                   EVP_MAC_CTX *mac, int encrypt);

/* sessions.c */
int sessions_init(struct sessions *sessions);
void sessions_done(struct sessions *sessions);
void sessions_forget(struct sessions *sessions);
/* Offers the session kept for that server and address, if there is one. */
void sessions_offer(struct sessions *sessions, const struct tls_connection *connection);
/* As SSL_CTX_sess_set_new_cb wants it. */
int sessions_on_new(SSL *ssl, SSL_SESSION *session);

/* bio.c */
BIO_METHOD *tls_bio_method(void);

/* layer.c */
struct tls_connection *tls_connection_of(const SSL *ssl);

#endif
