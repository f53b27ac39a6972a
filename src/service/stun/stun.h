/* The STUN server of one worker: Binding requests over UDP, TCP, TLS and DTLS (RFC 8489, RFC 3489,
 * RFC 7350), with a second address also NAT behaviour discovery (RFC 5780). Each worker opens the
 * same sockets. */
#ifndef SERVICE_STUN_H
#define SERVICE_STUN_H

#include "base/metric.h"
#include "loop/dtls/dtls.h"
#include "loop/stream.h"
#include "loop/tls/tls.h"
#include "service/stun/partner.h"

#define STUN_SERVER_LISTENERS_MAX 16

struct stun_server;

struct stun_server_listener {
    uint8_t transport; /* enum transport: UDP, TCP, TLS or DTLS */
    struct address local;
};

/* Who gets what is no Binding: the TURN server of this worker, which serves on the same sockets. */
struct stun_server_turn {
    /* A datagram or one whole frame: STUN of another method, or ChannelData. Borrowed. */
    void (*on_message)(void *user, const struct flow *flow, struct slice data);
    /* As udp_options.on_ahead. */
    void (*on_ahead)(void *user, const struct address *remote, unsigned ahead);
    /* A connection or DTLS session has ended. */
    void (*on_close)(void *user, const struct flow *flow);
    void *user;
};

struct stun_server_config {
    struct stun_server_listener listeners[STUN_SERVER_LISTENERS_MAX];
    unsigned listener_count;
    bool has_alternate; /* and the first UDP listener of its family has an address of its own */
    struct address alternate;      /* other address and other port, both: Ca:Cp */
    bool stream_corners;           /* connections are taken at all four of them, if at the first */
    struct partner_config partner; /* on another host, that has the alternate address */
    uint32_t rate;                 /* answers per second and source; 0: no limit */
    struct stream_limits stream;   /* of TCP and TLS connections */
    struct dtls_limits dtls;       /* of DTLS sessions */
    struct tls *tls;               /* borrowed; needed by secure listeners, else NULL */
    const char *software;          /* NULL or empty: not told */
};

#define STUN_SERVER_METRIC_LIST(X)                                                                 \
    X(STUN_SERVER_ANSWERED, "stun_answers_total", METRIC_COUNTER, "Binding requests answered.")    \
    X(STUN_SERVER_REFUSED, "stun_errors_total", METRIC_COUNTER,                                    \
      "Binding requests answered with an error (400, 420).")                                       \
    X(STUN_SERVER_IGNORED, "stun_ignored_total", METRIC_COUNTER,                                   \
      "Datagrams on the STUN sockets that ask for nothing that is answered.")                      \
    X(STUN_SERVER_LIMITED, "stun_limited_total", METRIC_COUNTER,                                   \
      "Requests not answered because their source asks too often.")                                \
    X(STUN_SERVER_PARTNER_PASSED, "stun_partner_passed_total", METRIC_COUNTER,                     \
      "Change requests passed on to the partner.")                                                 \
    X(STUN_SERVER_PARTNER_LOST, "stun_partner_lost_total", METRIC_COUNTER,                         \
      "Change requests that could not be passed on.")                                              \
    X(STUN_SERVER_PARTNER_ANSWERED, "stun_partner_answered_total", METRIC_COUNTER,                 \
      "Change requests answered for the partner.")                                                 \
    X(STUN_SERVER_PARTNER_REFUSED, "stun_partner_refused_total", METRIC_COUNTER,                   \
      "Datagrams on the partner's sockets that are not his, come twice or ask for what is not "    \
      "due.")

enum stun_server_metric {
    STUN_SERVER_METRIC_LIST(METRIC_ID) STUN_SERVER_DTLS, /* then those of enum dtls_count */
    STUN_SERVER_METRICS = STUN_SERVER_DTLS + DTLS_COUNTS
};
extern const struct metric_info stun_server_metric_infos[STUN_SERVER_METRICS];

/* Opens the sockets. config is borrowed and may be replaced by stun_server_reload. Errors: as
 * udp_open and stream_listen; *ret_failed is then the address that could not be opened. */
int stun_server_new(struct loop *loop, const struct stun_server_config *config,
                    struct address *ret_failed, struct stun_server **ret_server);
/* NULL is accepted. */
void stun_server_free(struct stun_server *server);
/* Sends data (copied) to the far end of a flow that one of our sockets has shown: a datagram, or
 * bytes of a connection. No rate is counted. Errors: as udp_send, stream_send and dtls_send. */
int stun_server_send(struct stun_server *server, const struct flow *flow, struct slice data);
/* From now on; borrowed, NULL takes it back. Without one ChannelData is no STUN, and ends a
 * connection. */
void stun_server_set_turn(struct stun_server *server, const struct stun_server_turn *turn);
/* Takes over rate, software and the limits of DTLS; sockets stay. */
void stun_server_reload(struct stun_server *server, const struct stun_server_config *config);
const metric *stun_server_metrics(const struct stun_server *server);
/* Other workers may send along DTLS sessions of this one (stun_server_send), and this one along
 * theirs. */
void stun_server_set_mesh(struct stun_server *server, struct mesh *mesh);
/* The address that a listener is really bound to (port 0 resolved). */
struct address stun_server_address(const struct stun_server *server, unsigned listener);

#endif
