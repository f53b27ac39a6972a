/* The SIP endpoint of one worker: transports and transactions on a loop. Bytes come in, are parsed,
 * brought to the worker that owns the call, matched to transactions; what is new goes to the user
 * (a service). RFC 3261 chapter 18 on one side, 17 on the other. */
#ifndef STACK_ENDPOINT_H
#define STACK_ENDPOINT_H

#include "base/metric.h"
#include "loop/loop.h"
#include "loop/mesh.h"
#include "loop/sctp.h"
#include "loop/stream.h"
#include "loop/tls/tls.h"
#include "loop/ws_layer.h"
#include "sip/message/address.h"
#include "sip/message/respond.h"
#include "sip/message/uri.h"
#include "sip/transaction/transaction.h"
#include "stack/outside.h"

#define ENDPOINT_LISTENERS_MAX 32

struct endpoint;

/* How SCTP packets travel: in IP, or in UDP (RFC 6951). */
enum { ENDPOINT_SCTP_RAW, ENDPOINT_SCTP_UDP };

struct endpoint_listener {
    uint8_t transport; /* enum transport */
    struct address local;
};

/* A dry run: nothing is opened or received, and what would be sent goes to send instead. */
struct endpoint_dry {
    void (*send)(void *user, const struct flow *flow, struct slice data);
    void *user;
};

/* The same for every worker. */
struct endpoint_config {
    struct endpoint_listener listeners[ENDPOINT_LISTENERS_MAX];
    unsigned listener_count;
    struct sip_limits limits;
    struct sip_tx_times times;
    struct stream_limits stream;
    struct tls *tls;         /* borrowed; needed by listeners of secure transports, else NULL */
    struct slice tls_domain; /* a domain of ours that its certificates prove, or empty; borrowed */
    struct assoc_limits sctp;
    struct ws_server_config ws;
    uint32_t sctp_encapsulation;   /* ENDPOINT_SCTP_... */
    uint32_t sctp_udp_port;        /* ours; 0: the system chooses */
    uint32_t sctp_remote_udp_port; /* of peers that we connect to; 0: 9899 (RFC 6951) */
    uint32_t transactions;         /* at once, per worker; default (0) 2,000,000 */
    size_t memory;                 /* bytes of kept messages, per worker; default (0) 4 GiB */
    uint32_t udp_request_max; /* larger requests go by TCP first (RFC 3261 section 18.1.1); 1,300 */
    unsigned udp_receive_buffer; /* bytes; 0: default of udp.h */
    bool overload_control;  /* answer new requests 503 when what waits in the sockets says that we
                               cannot keep up (overload.h) */
    uint32_t retry_after_s; /* in those 503; 0 leaves it out */
    const char *server;     /* Server header of our own responses; NULL or empty: none */
    bool via_maddr;         /* datagrams: answers go to Via's maddr (RFC 3261 section 18.2.2) */
    const struct endpoint_dry *dry; /* borrowed; NULL: this is no dry run */
};

/* A request that no transaction took. Borrowed for the call. */
struct endpoint_request {
    struct endpoint *endpoint;
    const struct sip_message *msg;
    struct flow flow;   /* it came along this */
    struct flow reply;  /* responses go along this (RFC 3261 section 18.2.2, RFC 3581) */
    struct sip_via via; /* the top one */
    struct sip_uri uri; /* of the request line; valid where uri_status is 0 */
    int uri_status;
};

struct endpoint_user {
    /* A new request other than ACK and CANCEL: answer it, or make a transaction. */
    void (*on_request)(void *user, const struct endpoint_request *request);
    /* A CANCEL: endpoint has answered it (200, or 481 when invite is NULL: then on_cancel is not
     * called); invite is what it cancels. */
    void (*on_cancel)(void *user, const struct endpoint_request *request,
                      struct sip_server_tx *invite);
    /* An ACK that is to be routed (2xx). Never answered. */
    void (*on_ack)(void *user, const struct endpoint_request *request);
    void (*on_connection_closed)(void *user, const struct flow *flow);
    /* A keep-alive came along a connection, or by STUN (RFC 5626 section 4.4). May be NULL. */
    void (*on_keep_alive)(void *user, const struct flow *flow);
    /* A response that no transaction took. False: nobody's; it is counted. May be NULL. */
    bool (*on_stray)(void *user, const struct sip_message *response, const struct flow *flow);
    void *user;
};

#define ENDPOINT_METRIC_LIST(X)                                                                    \
    X(ENDPOINT_REQUESTS, "sip_requests_received_total", METRIC_COUNTER,                            \
      "Requests received, retransmissions included.")                                              \
    X(ENDPOINT_RESPONSES, "sip_responses_received_total", METRIC_COUNTER, "Responses received.")   \
    X(ENDPOINT_MALFORMED, "sip_malformed_total", METRIC_COUNTER,                                   \
      "Messages refused because they break the grammar.")                                          \
    X(ENDPOINT_STUN, "sip_stun_keepalives_total", METRIC_COUNTER,                                  \
      "STUN Binding requests answered on the SIP ports.")                                          \
    X(ENDPOINT_STRAY_RESPONSES, "sip_stray_responses_total", METRIC_COUNTER,                       \
      "Responses that belong to no transaction.")                                                  \
    X(ENDPOINT_REPLIES, "sip_replies_sent_total", METRIC_COUNTER,                                  \
      "Responses that we made ourselves.")                                                         \
    X(ENDPOINT_OVERLOAD, "sip_overload_rejected_total", METRIC_COUNTER,                            \
      "Requests answered 503 because of overload.")                                                \
    X(ENDPOINT_OVERLOAD_PERMILLE, "sip_overload_permille", METRIC_GAUGE,                           \
      "Thousandths of new requests refused now, summed over the workers.")                         \
    X(ENDPOINT_HANDED_OVER, "sip_handed_over_total", METRIC_COUNTER,                               \
      "Messages passed to the worker that owns their call.")                                       \
    X(ENDPOINT_HAND_OVER_LOST, "sip_hand_over_lost_total", METRIC_COUNTER,                         \
      "Messages lost because that worker's mailbox was full.")                                     \
    X(ENDPOINT_TRANSACTIONS, "sip_transactions", METRIC_GAUGE, "Transactions that exist now.")     \
    X(ENDPOINT_RETRANSMITS_IN, "sip_retransmissions_received_total", METRIC_COUNTER,               \
      "Retransmitted requests absorbed.")                                                          \
    X(ENDPOINT_RETRANSMITS_OUT, "sip_retransmissions_sent_total", METRIC_COUNTER,                  \
      "Messages that timers sent again.")                                                          \
    X(ENDPOINT_TIMEOUTS, "sip_transaction_timeouts_total", METRIC_COUNTER,                         \
      "Transactions that got no answer.")                                                          \
    X(ENDPOINT_TRANSPORT_ERRORS, "sip_transport_errors_total", METRIC_COUNTER,                     \
      "Messages that could not be sent.")                                                          \
    X(ENDPOINT_PROBES, "sip_probes_total", METRIC_COUNTER,                                         \
      "OPTIONS sent to servers that were down.")                                                   \
    X(ENDPOINT_CONNECTIONS, "sip_connections", METRIC_GAUGE, "Stream connections open now.")       \
    X(ENDPOINT_ASSOCIATIONS, "sctp_associations", METRIC_GAUGE, "SCTP associations open now.")     \
    X(ENDPOINT_ASSOC_REFUSED, "sctp_refused_total", METRIC_COUNTER,                                \
      "SCTP associations refused because of a limit.")                                             \
    X(ENDPOINT_ASSOC_STRANGERS, "sctp_strangers_dropped_total", METRIC_COUNTER,                    \
      "SCTP packets of unknown peers dropped because too many came in a second.")                  \
    X(ENDPOINT_ASSOC_BAD, "sctp_bad_packets_total", METRIC_COUNTER,                                \
      "SCTP packets dropped: too short, wrong checksum, or for no port of ours.")                  \
    X(ENDPOINT_ASSOC_IN, "sctp_packets_received_total", METRIC_COUNTER, "SCTP packets received.")  \
    X(ENDPOINT_ASSOC_OUT, "sctp_packets_sent_total", METRIC_COUNTER, "SCTP packets sent.")         \
    X(ENDPOINT_OPENING, "stream_opening", METRIC_GAUGE,                                            \
      "Stream connections in their handshake now.")                                                \
    X(ENDPOINT_HANDSHAKES_FAILED, "stream_handshakes_failed_total", METRIC_COUNTER,                \
      "TLS and WebSocket handshakes that failed.")                                                 \
    X(ENDPOINT_HANDSHAKES_LATE, "stream_handshakes_late_total", METRIC_COUNTER,                    \
      "Handshakes that took longer than tls.handshake_time.")                                      \
    X(ENDPOINT_VERIFY_REFUSED, "tls_certificates_refused_total", METRIC_COUNTER,                   \
      "Connections whose far end did not prove who it is.")                                        \
    X(ENDPOINT_LAYERS_BROKEN, "stream_protocol_errors_total", METRIC_COUNTER,                      \
      "Open TLS and WebSocket connections closed because the far end broke the protocol.")         \
    X(ENDPOINT_REFUSED_LIMIT, "stream_refused_total", METRIC_COUNTER,                              \
      "Connections refused: tcp.connections is reached, or there are no descriptors.")             \
    X(ENDPOINT_REFUSED_SOURCE, "stream_refused_source_total", METRIC_COUNTER,                      \
      "Connections refused: their source has tcp.per_source already.")                             \
    X(ENDPOINT_CONNECTS_FAILED, "stream_connects_failed_total", METRIC_COUNTER,                    \
      "Connections of ours that were refused or not answered.")                                    \
    X(ENDPOINT_HALVES_LATE, "stream_half_messages_total", METRIC_COUNTER,                          \
      "Connections closed: a message did not come whole within tcp.half_message_time.")            \
    X(ENDPOINT_STALLED, "stream_stalled_total", METRIC_COUNTER,                                    \
      "Connections closed: the far end did not read for tcp.send_stall_time.")                     \
    X(ENDPOINT_SEND_FULL, "stream_send_refused_total", METRIC_COUNTER,                             \
      "Messages not sent: tcp.send_queue of their connection was full.")                           \
    X(ENDPOINT_IDLE_CLOSED, "stream_idle_closed_total", METRIC_COUNTER,                            \
      "Connections closed: nothing came or went for tcp.idle_time.")                               \
    X(ENDPOINT_BAD_STREAMS, "stream_bad_input_total", METRIC_COUNTER,                              \
      "Connections closed: what came was no SIP, or too large.")                                   \
    X(ENDPOINT_NOT_SIP, "stream_not_sip_total", METRIC_COUNTER,                                    \
      "Connections closed because they began with a TLS handshake where plain SIP is spoken.")     \
    X(ENDPOINT_WS_HANDSHAKES, "ws_handshakes_total", METRIC_COUNTER, "WebSockets opened.")         \
    X(ENDPOINT_WS_REFUSED, "ws_handshakes_refused_total", METRIC_COUNTER,                          \
      "WebSocket handshakes that we answered with an error.")                                      \
    X(ENDPOINT_WS_REFUSED_THERE, "ws_handshakes_refused_there_total", METRIC_COUNTER,              \
      "WebSocket handshakes of ours that another server refused.")                                 \
    X(ENDPOINT_WS_VIOLATIONS, "ws_protocol_errors_total", METRIC_COUNTER,                          \
      "WebSockets closed because the far end broke RFC 6455.")                                     \
    X(ENDPOINT_WS_PINGS, "ws_pings_answered_total", METRIC_COUNTER, "Ping frames answered.")       \
    X(ENDPOINT_WS_IN, "ws_messages_received_total", METRIC_COUNTER,                                \
      "WebSocket messages received.")                                                              \
    X(ENDPOINT_WS_OUT, "ws_messages_sent_total", METRIC_COUNTER, "WebSocket messages sent.")       \
    X(ENDPOINT_UDP_IN, "udp_received_total", METRIC_COUNTER, "Datagrams received.")                \
    X(ENDPOINT_UDP_OUT, "udp_sent_total", METRIC_COUNTER, "Datagrams sent.")                       \
    X(ENDPOINT_UDP_DROPPED, "udp_send_dropped_total", METRIC_COUNTER,                              \
      "Datagrams that the system would not take.")                                                 \
    X(ENDPOINT_UDP_RECEIVE_DROPPED, "udp_receive_dropped_total", METRIC_COUNTER,                   \
      "Datagrams that the system dropped unread: the receive buffer was full, or, in overload, "   \
      "ACKs of refusals and INVITEs beyond what can be answered.")

enum endpoint_metric { ENDPOINT_METRIC_LIST(METRIC_ID) ENDPOINT_METRICS };
extern const struct metric_info endpoint_metric_infos[ENDPOINT_METRICS];

/* Opens the listeners of this worker. config is borrowed and may be replaced by endpoint_reload.
 * Errors: as udp_open and stream_listen; *ret_failed is then the listener's index. */
int endpoint_new(struct loop *loop, const struct endpoint_config *config, unsigned workers,
                 struct mesh *mesh, unsigned *ret_failed, struct endpoint **ret_endpoint);
void endpoint_free(struct endpoint *endpoint);
void endpoint_set_user(struct endpoint *endpoint, const struct endpoint_user *user);
/* Takes over limits, times, overload settings from a new config; listeners stay, and connections
 * keep the limits that they were made with. */
void endpoint_reload(struct endpoint *endpoint, const struct endpoint_config *config);
/* How others see our addresses, borrowed until another is given; without, as they are. */
void endpoint_set_outside(struct endpoint *endpoint, const struct outside *outside);
/* From now on new requests get 503; existing transactions go on. True when none is left that leads
 * to something (sip_transactions_unfinished). */
bool endpoint_drain(struct endpoint *endpoint);

struct loop *endpoint_loop(struct endpoint *endpoint);
struct sip_transactions *endpoint_transactions(struct endpoint *endpoint);
const metric *endpoint_metrics(const struct endpoint *endpoint);
/* The address that a listener is really bound to (port 0 resolved). */
struct address endpoint_listener_address(const struct endpoint *endpoint, unsigned listener);
bool endpoint_overloaded(const struct endpoint *endpoint);

/* A To tag for our own responses: the same for a retransmission (RFC 3261 section 8.2.7), and for
 * the INVITE, CANCEL (9.2) and ACK of one branch. Writes ENDPOINT_TAG_LENGTH characters. */
#define ENDPOINT_TAG_LENGTH 16
void endpoint_tag(struct endpoint *endpoint, const struct endpoint_request *request,
                  char tag[ENDPOINT_TAG_LENGTH]);

/* Is it the tag that a response of ours to this request, or to the INVITE of this ACK, had? */
bool endpoint_tag_is_ours(struct endpoint *endpoint, const struct endpoint_request *request,
                          struct slice tag);

/* The request of msg that came along flow: parses what services need. msg and flow's data are
 * borrowed. */
void endpoint_request_init(struct endpoint *endpoint, const struct sip_message *msg,
                           const struct flow *flow, struct endpoint_request *ret_request);
/* A response's bytes, for sip_server_tx_respond; in the endpoint's scratch buffer until its next
 * response. Empty when it cannot be written (too large). */
struct slice endpoint_write_response(const struct endpoint_request *request,
                                     const struct sip_response *response);

/* Answers without a transaction (RFC 3261 section 8.2.7). An ACK is never answered.
 * response->source is set here; an empty to_tag gets one. */
void endpoint_reply(const struct endpoint_request *request, const struct sip_response *response);
/* Answers in a transaction of its own that nobody else listens to: retransmissions get the same
 * answer. Falls back to endpoint_reply at the limit. */
void endpoint_answer(const struct endpoint_request *request, const struct sip_response *response);

/* Where a request may be sent. */
struct endpoint_target {
    uint8_t transport;
    struct address address;
    struct slice server; /* streams: the host that was looked up, which a certificate must prove
                            (RFC 5922 section 7.3); borrowed: lies in the URI, or in what the
                            resolver keeps of it. Empty: the address itself */
    bool has_flow;       /* an existing connection, or the UDP socket it came from */
    bool flow_only;      /* and no other connection will do (RFC 5626 section 7) */
    struct flow flow;    /* without has_flow: over UDP, the socket that this host knows us by */
};

/* A flow to a target: an open connection is used again, else one is made (it may fail later).
 * ERR_CLOSED (the flow is gone, and only that would do), ERR_UNREACHABLE, ERR_UNSUPPORTED (no
 * listener of that transport and family), ERR_LIMIT. */
int endpoint_flow(struct endpoint *endpoint, const struct endpoint_target *target,
                  struct flow *ret_flow);
/* Requests larger than this go by TCP first (RFC 3261 section 18.1.1). */
uint32_t endpoint_udp_request_max(const struct endpoint *endpoint);
/* Bytes of the longest message that is taken. */
uint32_t endpoint_message_max(const struct endpoint *endpoint);
/* Have we a listener of that transport and family? */
bool endpoint_speaks(const struct endpoint *endpoint, uint8_t transport, bool v6);
/* Can it keep what a sips URI promises? Without TLS it cannot, and such URIs are refused (RFC 3261
 * section 8.2.2.1) instead of being downgraded (RFC 5630 section 5.3). */
bool endpoint_secure(const struct endpoint *endpoint);
/* Our own address as the far end of flow can reach it: listener's port, not a connection's
 * ephemeral one; behind a NAT the outside address unless it is inside too. For Via, Record-Route.
 */
struct address endpoint_sent_by(const struct endpoint *endpoint, const struct flow *flow);
/* Is there a NAT between us and the far end of flow, with our outside address on it? */
bool endpoint_behind_nat(const struct endpoint *endpoint, const struct flow *flow);
/* How other servers are to name us where they must check a certificate (RFC 5922 section 7.5);
 * empty: by address only. */
struct slice endpoint_tls_domain(const struct endpoint *endpoint);
/* "Via: SIP/2.0/UDP host:port;rport;branch=...\r\n" (RFC 3261 section 18.1.1, 8.1.1.7). */
void endpoint_write_via(const struct endpoint *endpoint, struct writer *w, const struct flow *flow,
                        const struct sip_branch *branch);
/* In a dry run: as if these bytes had come along flow. */
void endpoint_take(struct endpoint *endpoint, const struct flow *flow, struct slice data);
/* Sends bytes without a transaction (ACK of a 2xx). */
int endpoint_send(struct endpoint *endpoint, const struct flow *flow, struct slice data);

#endif
