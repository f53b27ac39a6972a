/* DTLS 1.2 (RFC 6347) of one worker, as a server: a UDP socket (loop/udp.h) and the sessions on it,
 * one per pair of addresses. Datagrams go in and out along flows of TRANSPORT_DTLS.
 *
 * Who sends a ClientHello must show first that he receives at his address (HelloVerifyRequest, RFC
 * 6347 section 4.2.1): until then nothing is kept of him, and he is sent less than he has sent. */
#ifndef LOOP_DTLS_DTLS_H
#define LOOP_DTLS_DTLS_H

#include "base/metric.h"
#include "loop/layer.h"
#include "loop/loop.h"
#include "loop/tls/tls.h"

#define DTLS_PAYLOAD_MAX 16384u /* RFC 6347 section 4.1.1: of a record */

struct dtls;

struct dtls_handler {
    /* One datagram, deciphered; borrowed for the call. May send along and end its flow. */
    void (*on_datagram)(void *user, const struct flow *flow, struct slice data);
    /* A session that was open has ended; not after dtls_end, dtls_close. May be NULL. */
    void (*on_close)(void *user, const struct flow *flow, enum stream_reason reason);
    void *user;
};

/* Zero in a field means the default. */
struct dtls_limits {
    uint32_t sessions;      /* of this socket; default 10,000. One more is not opened. */
    uint32_t per_source;    /* of one source address (IPv6: /64); default 1,000 */
    uint32_t handshake_ms;  /* default 10,000 */
    uint32_t idle_ms;       /* nothing in or out; default 900,000 */
    uint32_t retransmit_ms; /* of a flight, at first: default 1,000 (section 4.2.4.1) */
};

#define DTLS_COUNT_LIST(X)                                                                         \
    X(DTLS_HELLOS, "hellos_total", METRIC_COUNTER,                                                 \
      "ClientHellos from addresses without a session.")                                            \
    X(DTLS_COOKIES, "cookies_total", METRIC_COUNTER,                                               \
      "HelloVerifyRequests sent: addresses asked to show that they receive.")                      \
    X(DTLS_ACCEPTED, "handshakes_total", METRIC_COUNTER, "Handshakes done.")                       \
    X(DTLS_FAILED, "handshakes_failed_total", METRIC_COUNTER, "Handshakes that failed.")           \
    X(DTLS_LATE, "handshakes_late_total", METRIC_COUNTER,                                          \
      "Handshakes that took longer than tls.handshake_time.")                                      \
    X(DTLS_REFUSED, "refused_total", METRIC_COUNTER,                                               \
      "Sessions not opened because there were too many, of all or of one source.")                 \
    X(DTLS_IDLE, "idle_total", METRIC_COUNTER, "Sessions ended because nothing was sent on them.") \
    X(DTLS_BROKEN, "broken_total", METRIC_COUNTER,                                                 \
      "Open sessions ended by a fatal alert or error.")                                            \
    X(DTLS_STRAY, "stray_total", METRIC_COUNTER,                                                   \
      "Datagrams that belong to no session and open none.")                                        \
    X(DTLS_SESSIONS, "sessions", METRIC_GAUGE, "Sessions now, handshakes under way among them.")

enum dtls_count { DTLS_COUNT_LIST(METRIC_ID) DTLS_COUNTS };

struct dtls_options {
    struct address local; /* port 0: the system chooses */
    uint16_t listener;    /* copied into flows */
    bool v6_only;
    struct tls *tls; /* borrowed; its certificates, also after tls_reload */
    struct dtls_limits limits;
    struct dtls_handler handler;
    metric *counts; /* DTLS_COUNTS; borrowed; sockets of one worker may share them */
};

/* Each worker of a mesh may open the same address. Errors: as udp_open; ERR_UNSUPPORTED (OpenSSL
 * does not offer what is needed). */
int dtls_open(struct loop *loop, const struct dtls_options *options, struct dtls **ret_dtls);
/* Ends all sessions, sends what is queued, closes. NULL is accepted. Not from within a handler. */
void dtls_close(struct dtls *dtls);
/* With the port that the system chose. */
struct address dtls_local(const struct dtls *dtls);
/* One datagram along an open session of this worker's. Errors: ERR_CLOSED (gone), ERR_LIMIT (longer
 * than DTLS_PAYLOAD_MAX, or the socket's queue is full), ERR_UNREACHABLE. */
int dtls_send(struct dtls *dtls, const struct flow *flow, struct slice data);
/* Says goodbye (close_notify) and ends the session. Harmless when gone. */
void dtls_end(struct dtls *dtls, const struct flow *flow);
/* From now on; sessions keeps what it was when opened. */
void dtls_reload(struct dtls *dtls, const struct dtls_limits *limits);

#endif
