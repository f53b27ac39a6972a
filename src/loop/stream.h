/* Byte streams (TCP, and layers on top: TLS, WebSocket) of one worker. A connection belongs to the
 * worker that accepted or made it; a flow names it from anywhere: stream_send on another worker
 * posts the bytes to the owner. A flow whose connection is gone is noticed by its generation. */
#ifndef LOOP_STREAM_H
#define LOOP_STREAM_H

#include "loop/layer.h"
#include "loop/loop.h"

struct stream_listener;

struct stream_handler {
    /* Bytes buffered so far, oldest first; returns how many were taken (0: more are needed), or
     * negative to close (STREAM_BAD_INPUT). Called again while it takes bytes and some are left.
     * May send on and close its own flow. */
    long (*on_bytes)(void *user, const struct flow *flow, struct slice buffered);
    /* One whole message of a connection whose framing has messages (WebSocket), instead of
     * on_bytes. Negative closes (STREAM_BAD_INPUT). */
    int (*on_message)(void *user, const struct flow *flow, struct slice message);
    /* Accepted, or connected, and every layer is open. May be NULL. */
    void (*on_open)(void *user, const struct flow *flow, bool accepted);
    /* The last call for this connection; also when a connect fails, but not for an accepted
     * connection that never opened. May be NULL. */
    void (*on_close)(void *user, const struct flow *flow, enum stream_reason reason);
    /* Nothing that was sent waits any more. Called at the end of a turn; may pause and resume
     * others. May be NULL. */
    void (*on_drained)(void *user, const struct flow *flow);
    void *user;
};

/* Zero in a field means the default. */
struct stream_limits {
    uint32_t connections; /* of this worker; default 100,000 */
    uint32_t per_source;  /* accepted, per source address (IPv6: /64); default 1,000 */
    uint32_t buffer;     /* bytes that may wait for a whole message; default 128 KiB; read memory is
                            given back when empty */
    uint32_t send_queue; /* bytes; default 1 MiB; beyond: ERR_LIMIT */
    uint32_t connect_ms; /* default 5,000 */
    uint32_t idle_ms;    /* nothing in or out; default 900,000 */
    uint32_t half_message_ms; /* bytes wait for their rest; default 30,000 */
    uint32_t send_stall_ms;   /* queued bytes make no progress; default 10,000 */
    uint32_t handshake_ms;    /* for all layers to open; default 10,000 */
};

struct stream_options {
    uint8_t transport; /* TRANSPORT_TCP; with layers: TRANSPORT_TLS, ... */
    bool v6_only;      /* listening on the IPv6 wildcard: leave IPv4 alone */
    uint16_t listener; /* copied into flows */
    struct stream_limits limits;
    struct stream_handler handler;
    struct stream_layer cipher;  /* next to the socket */
    struct stream_layer framing; /* above it */
    struct slice server; /* stream_connect: the host asked for, layer_setup.server; borrowed for the
                            call, at most 255 bytes are used */
    const struct address *local; /* stream_connect: the address to connect from, which a listener of
                                    ours may have; NULL: any; borrowed for the call */
};

enum {
    STREAM_ACCEPTED,
    STREAM_CONNECTED,
    STREAM_REFUSED_LIMIT,
    STREAM_REFUSED_SOURCE,
    STREAM_CLOSED,
    STREAM_OPEN /* now */,
    STREAM_SEND_LATE /* connection gone */,
    STREAM_SEND_FULL,
    STREAM_BYTES_IN,
    STREAM_BYTES_OUT,
    STREAM_OPENING_NOW /* layers that are not open yet */,
    STREAM_HANDSHAKES_FAILED,
    STREAM_HANDSHAKES_LATE /* limits.handshake_ms */,
    STREAM_VERIFY_REFUSED,
    STREAM_LAYERS_BROKEN,
    STREAM_HALVES_LATE /* limits.half_message_ms */,
    STREAM_STALLED /* limits.send_stall_ms */,
    STREAM_IDLE_CLOSED /* limits.idle_ms */,
    STREAM_BAD /* what came was not to be understood, or too large */,
    STREAM_CONNECTS_FAILED,
    STREAM_COUNTS
};

/* Each worker of a mesh may listen on the same address (SO_REUSEPORT); nobody else can. Errors:
 * ERR_EXISTS (address in use), ERR_DENIED, ERR_NOT_FOUND (not a local address), ERR_LIMIT
 * (descriptors), ERR_NO_MEMORY, ERR_IO. */
int stream_listen(struct loop *loop, const struct address *local,
                  const struct stream_options *options, struct stream_listener **ret_listener);
struct address stream_listener_local(const struct stream_listener *listener);
/* What is accepted from now on has these options; connections keep theirs. ERR_NO_MEMORY: all stays
 * as it was. */
int stream_listener_reload(struct stream_listener *listener, const struct stream_options *options);
/* Stops accepting; connections stay. NULL is accepted. */
void stream_listener_close(struct stream_listener *listener);

/* Starts a connection; what is sent meanwhile waits for it. The flow is valid at once; on_open or
 * on_close follows. Errors: ERR_LIMIT, ERR_IO. */
int stream_connect(struct loop *loop, const struct address *remote,
                   const struct stream_options *options, struct flow *ret_flow);
/* An open (or opening) connection of this worker to remote over transport, whoever made it: its
 * remote address, or an alias; not one that was made for a server's name. ERR_NOT_FOUND. */
int stream_find(struct loop *loop, enum transport transport, const struct address *remote,
                struct flow *ret_flow);
/* The same where the far end must be server: one that was made for that server (and so has proven
 * it, RFC 5922 section 7.3), one accepted whose certificate proves it, or where server is a numeric
 * address, any that has it. */
int stream_find_server(struct loop *loop, enum transport transport, const struct address *remote,
                       struct slice server, struct flow *ret_flow);
/* The connection may be found under this address too (RFC 5923: the sent-by of a Via with alias),
 * until another connection asks for the same. Own connections only. Errors: ERR_NOT_FOUND,
 * ERR_LIMIT (4 per connection), ERR_EXISTS (another connection really has that remote address). */
int stream_alias(struct loop *loop, const struct flow *flow, const struct address *address);

/* Queues data (copied); with a framing that has messages, data is one message. Any worker's
 * connection; from another worker: posted, errors there close or count. What waits for layers to
 * open is lost when the connection is closed before. Errors: ERR_CLOSED (gone, own worker only),
 * ERR_LIMIT (queue full). */
int stream_send(struct loop *loop, const struct flow *flow, struct slice data);
/* Own connections only; sends what is queued first, unless reason is STREAM_IO_ERROR,
 * STREAM_SEND_STALLED or STREAM_CONNECT_FAILED. Harmless when gone. on_close is called from the
 * loop, not from within. */
void stream_close(struct loop *loop, const struct flow *flow, enum stream_reason reason);
/* ---- Connections that are joined with others, as relays do ---- */

/* The connection has another handler and other limits from now on; its layers stay. May be called
 * from within its own on_bytes. Own connections only. ERR_CLOSED, ERR_NO_MEMORY. */
int stream_hand_over(struct loop *loop, const struct flow *flow,
                     const struct stream_handler *handler, const struct stream_limits *limits);
/* A paused connection is not read, so that the far end has to wait; what was read before stays
 * until it is resumed, and then comes in the next turn. That its far end is gone is noticed when it
 * is resumed or written to. Own connections only. */
void stream_pause(struct loop *loop, const struct flow *flow, bool paused);
/* Bytes that wait to be sent; 0 for connections that are gone. */
size_t stream_queued(struct loop *loop, const struct flow *flow);
/* Takes the descriptor out of a connection without layers of which nothing was read and nothing
 * waits; on_close is not called. The caller owns it. Errors: ERR_CLOSED, ERR_BUSY. */
int stream_release(struct loop *loop, const struct flow *flow, int *ret_fd);
/* A connection of a connected descriptor, perhaps released by another worker; on_open is not
 * called. It is paused. fd stays the caller's on errors: ERR_LIMIT, ERR_NO_MEMORY, ERR_IO (no
 * longer connected). */
int stream_take(struct loop *loop, int fd, const struct stream_options *options,
                struct flow *ret_flow);

/* Has the far end of an open connection of this worker's proven, by a certificate that was
 * verified, that it is domain (RFC 5922 section 7.2)? */
bool stream_proves(struct loop *loop, const struct flow *flow, struct slice domain);
/* Called for what another worker (from) has sent along a connection of this one that is gone; of
 * flow only worker, connection and generation are known. */
void stream_on_late(struct loop *loop,
                    void (*on_late)(void *user, unsigned from, const struct flow *flow),
                    void *user);
/* Does this worker's connection still exist? For other workers' flows: unknown, true. */
bool stream_alive(struct loop *loop, const struct flow *flow);
uint64_t stream_count(struct loop *loop, unsigned which);
/* At shutdown: stops accepting (listeners are gone) and closes connections once their queues are
 * empty. */
void stream_drain(struct loop *loop);

#endif
