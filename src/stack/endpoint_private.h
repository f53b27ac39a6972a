/* The inside of an endpoint, shared by the files of this folder only. */
#ifndef STACK_ENDPOINT_PRIVATE_H
#define STACK_ENDPOINT_PRIVATE_H

#include "base/list.h"
#include "loop/udp.h"
#include "stack/endpoint.h"
#include "stack/overload.h"

#define ENDPOINT_MESSAGE_MAX 65535

struct endpoint_socket {
    struct endpoint *endpoint;
    uint16_t index;
    uint8_t transport;
    struct address local;           /* with the port that the system chose */
    struct udp *udp;                /* owned; UDP only */
    struct stream_listener *stream; /* owned; streams only */
    struct assoc_listener *assoc;   /* owned; SCTP only */
};

struct endpoint {
    struct loop *loop; /* borrowed */
    struct mesh *mesh; /* borrowed; NULL with one worker */
    unsigned workers;
    const struct endpoint_config *config; /* borrowed */
    const struct outside *outside;        /* borrowed; NULL: no NAT is known */
    struct endpoint_user user;
    struct endpoint_socket sockets[ENDPOINT_LISTENERS_MAX];
    unsigned socket_count;
    struct ws_shared *ws; /* owned; NULL without a listener for WebSocket */
    struct sip_transactions transactions;
    struct hash_key tag_key; /* of stateless To tags */
    bool draining;
    struct overload overload;
    struct endpoint_sifting {
        bool on;
        uint32_t share;    /* as attached */
        uint64_t until_ms; /* it stays as it is */
        char mark[SIFT_MARK + 1];
        unsigned refused;  /* requests over UDP, in this turn */
        uint64_t messages; /* ENDPOINT_REQUESTS and ENDPOINT_RESPONSES then */
    } sifting;
    struct timer overload_timer; /* runs while it is active: when nothing comes any more, it ends */
    struct resolver *resolver;   /* owned: for late responses */
    struct list late;            /* responses whose connection has gone */
    unsigned late_count;
    metric metrics[ENDPOINT_METRICS];
    uint64_t drops_look_ms;
    struct sip_message message; /* the one being worked on */
    struct sip_message sent;    /* a response whose connection has gone */
    char scratch[ENDPOINT_MESSAGE_MAX];
};

/* What one worker posts to another with MAIL_DATAGRAM, before the bytes of the message. */
struct endpoint_mail {
    enum { ENDPOINT_MAIL_MESSAGE, ENDPOINT_MAIL_CLOSED } what;
    struct flow flow;
};

/* receive.c */
void endpoint_on_datagram(void *user, const struct flow *flow, struct slice data);
long endpoint_on_bytes(void *user, const struct flow *flow, struct slice buffered);
/* A whole message of a transport that keeps messages apart (RFC 4168 section 3.2, RFC 7118). */
int endpoint_on_message(void *user, const struct flow *flow, struct slice message);
void endpoint_on_close(void *user, const struct flow *flow, enum stream_reason reason);
void endpoint_on_late(void *user, unsigned from, const struct flow *flow);
void endpoint_on_mail(void *user, unsigned from, struct slice data);
/* What leaves for one call keeps its order: the same number for the same Call-ID, no more. */
uint64_t endpoint_order_of(const struct sip_message *msg);

/* request.c, with a message that has been parsed and belongs to this worker */
void endpoint_take_request(struct endpoint *endpoint, const struct flow *flow);
/* A 503 (RFC 3261 section 21.5.4) in the scratch buffer, and its way, without state. */
struct slice endpoint_write_busy(const struct endpoint_request *request);
void endpoint_send_busy(const struct endpoint_request *request, struct slice bytes);
/* As endpoint_request_init, of a request whose Via has been parsed; its URI is not read. */
void endpoint_request_init_brief(struct endpoint *endpoint, const struct sip_message *msg,
                                 const struct flow *flow, struct endpoint_request *ret_request);
/* A request that broke the grammar: answered where there is enough of it. */
void endpoint_refuse(struct endpoint *endpoint, const struct flow *flow,
                     const struct sip_fault *fault);

/* send.c */
int endpoint_tx_send(void *user, const struct flow *flow, struct slice data);
struct stream_options endpoint_stream_options(struct endpoint *endpoint,
                                              const struct endpoint_socket *socket);
struct assoc_options endpoint_assoc_options(struct endpoint *endpoint,
                                            const struct endpoint_socket *socket);

/* reply.c: the To tag of a refusal for overload. It follows from the Call-ID alone, so that the ACK
 * is known by it before anything else of that is read. Writes ENDPOINT_TAG_LENGTH characters. */
void endpoint_busy_tag(const struct endpoint *endpoint, const struct sip_message *msg,
                       char tag[ENDPOINT_TAG_LENGTH]);
/* The ACK of such a refusal, of a message that has only been parsed. */
bool endpoint_acknowledges_busy(const struct endpoint *endpoint, const struct sip_message *msg);

/* late.c */
/* A response whose connection has gone (RFC 3261 section 18.2.2, RFC 3263 section 5). 0: it has
 * been sent, or is on its way; ERR_LIMIT, or why it cannot be sent. */
int endpoint_late_send(struct endpoint *endpoint, const struct flow *flow, struct slice response);
/* A connection has ended; opened: it was made before. */
void endpoint_late_on_close(struct endpoint *endpoint, const struct flow *flow, bool opened);
void endpoint_late_done(struct endpoint *endpoint);

/* shed.c */
void endpoint_shed_init(struct endpoint *endpoint);
/* At the end of a turn. */
void endpoint_shed_update(struct endpoint *endpoint);
/* Shall this new request be refused? */
bool endpoint_sheds(const struct endpoint *endpoint, const struct sip_message *request);
/* While calls are refused: the datagram is one of those INVITEs, and has been answered, or the ACK
 * of such an answer. Else it is to be taken as always. */
bool endpoint_shed_early(struct endpoint *endpoint, const struct flow *flow, struct slice data);

static inline bool transport_websocket(uint8_t transport)
{
    return transport == TRANSPORT_WS || transport == TRANSPORT_WSS;
}

static inline void endpoint_count(struct endpoint *endpoint, enum endpoint_metric which)
{
    metric_add(&endpoint->metrics[which], 1);
}

#endif
