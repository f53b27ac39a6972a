/* DTLS as its own files know it.
 *
 *   dtls.c     the socket, its table of sessions, sending
 *   hello.c    strangers: ClientHellos, cookies
 *   session.c  one session: handshake, reading, its timers, its end
 *   wire.c     between OpenSSL and the socket */
#ifndef LOOP_DTLS_DTLS_PRIVATE_H
#define LOOP_DTLS_DTLS_PRIVATE_H

#include <openssl/ssl.h>

#include "base/table.h"
#include "loop/dtls/dtls.h"
#include "loop/tls/tls_private.h"
#include "loop/udp.h"

#define DTLS_RANDOM_SIZE 32

/* Where OpenSSL's bytes come from and go to; what an SSL and its BIO point at. */
struct dtls_wire {
    struct tls_cookies cookies; /* first: tls_private.h */
    struct dtls *owner;
    const struct flow *flow; /* borrowed */
    struct slice in;         /* a datagram that came and is not read yet */
    int status;              /* of the last sending */
};

/* Of one host (IPv6: /64). */
struct dtls_source {
    struct table_node node;
    struct address host;
    uint32_t count;
};

struct dtls_session {
    struct table_node node; /* by both addresses */
    struct dtls *owner;
    struct dtls_source *source;
    SSL *ssl; /* owned */
    struct flow flow;
    struct dtls_wire wire;
    struct list pending;           /* of struct dtls: its handshake has not begun; or dead */
    struct timer retry;            /* of OpenSSL: a flight has to be sent again */
    struct timer life;             /* the handshake's end, then idleness */
    uint64_t active_ms;            /* something came or went */
    char random[DTLS_RANDOM_SIZE]; /* of the ClientHello: names the handshake */
    bool open;
    bool ended;
};

struct dtls_slot {
    struct dtls_session *session;
    uint32_t generation;
};

struct dtls {
    struct loop *loop;           /* borrowed */
    struct dtls_options options; /* with its defaults */
    struct udp *udp;             /* owned */
    BIO_METHOD *method;          /* owned */
    EVP_MAC_CTX *mac;            /* owned; its key is the cookies' */
    uint64_t seed;
    struct table sessions;
    struct table sources;
    struct dtls_slot *slots; /* owned; slots[0] is unused */
    uint32_t slot_count;     /* handed out once at least */
    uint32_t *free_slots;    /* owned */
    uint32_t free_count;
    unsigned count; /* sessions */
    /* What meets strangers; becomes the session of one who has proven his address. */
    SSL *waiting; /* owned; NULL: to be made */
    unsigned waiting_generation;
    struct dtls_wire wire;
    char *plain;         /* owned; DTLS_PAYLOAD_MAX */
    struct list pending; /* sessions: handshakes that are to begin */
    struct list dead;    /* sessions that have ended, their memory is to go */
    struct timer sweep;  /* does either in the next turn */
    uint64_t turn_us;    /* names the turn that opening_us is of */
    uint64_t opening_us; /* spent on handshakes in this turn */
};

static inline void dtls_count(struct dtls *dtls, enum dtls_count which)
{
    metric_add(&dtls->options.counts[which], 1);
}

/* dtls.c */
/* What came in on the socket; user: struct dtls. */
void dtls_on_datagram(void *user, const struct flow *flow, struct slice data);
struct dtls_session *dtls_find(struct dtls *dtls, const struct flow *flow);
/* Is there room for one more session of that source? */
bool dtls_has_room(struct dtls *dtls, const struct flow *flow);
/* Takes a place in the tables. ERR_LIMIT, ERR_NO_MEMORY. */
int dtls_enter(struct dtls *dtls, struct dtls_session *session);
void dtls_leave(struct dtls *dtls, struct dtls_session *session);

/* hello.c */
/* Does a ClientHello stand in front? *ret_random points at its DTLS_RANDOM_SIZE bytes. */
bool dtls_is_hello(struct slice data, const char **ret_random);
/* A ClientHello of a handshake that we know nothing of. old: the session that is there for these
 * addresses, or NULL. */
void dtls_welcome(struct dtls *dtls, const struct flow *flow, struct slice data,
                  struct dtls_session *old);
int dtls_hello_init(struct dtls *dtls);
void dtls_hello_done(struct dtls *dtls);
/* As in struct tls_cookies. */
bool dtls_cookie_write(const struct tls_cookies *cookies, unsigned age, unsigned char *cookie);

/* session.c */
/* Takes ssl over, also when it fails; its ClientHello has been read. Its handshake is pending. */
int dtls_session_new(struct dtls *dtls, const struct flow *flow, SSL *ssl, const char *random);
void dtls_session_receive(struct dtls_session *session, struct slice data);
/* The handler is told when it was open. */
void dtls_session_end(struct dtls_session *session, enum stream_reason reason);
/* Says goodbye; the handler is not told. */
void dtls_session_close(struct dtls_session *session);
/* Begins handshakes that are pending, as far as there is time for them in this turn. */
void dtls_open_pending(struct dtls *dtls);
/* As a timer of struct dtls. */
void dtls_on_sweep(struct timer *timer);
void dtls_bury(struct dtls *dtls);

/* wire.c */
BIO_METHOD *dtls_bio_method(void);

#endif
