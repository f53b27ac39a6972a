/* Layers between the bytes of a connection and its user: a cipher (TLS) below, framing (WebSocket)
 * above; either, both, or none.
 *
 *     socket <--> cipher <--> framing <--> stream_handler
 *
 * A layer makes no system call and has no clock: bytes go in through the functions of its type,
 * what it wants goes out through its host. All of one connection's layers belong to the thread of
 * its loop. A connection with layers has an opening phase: the lower layer opens first, then the
 * upper one; what the user sends meanwhile waits (bounded by stream_limits.send_queue). */
#ifndef LOOP_LAYER_H
#define LOOP_LAYER_H

#include "base/address.h"

/* Why a connection ended. */
enum stream_reason {
    STREAM_CLOSED_BY_PEER,
    STREAM_CLOSED_BY_US,
    STREAM_CONNECT_FAILED,
    STREAM_IO_ERROR,
    STREAM_IDLE,
    STREAM_HALF_MESSAGE,
    STREAM_SEND_STALLED,
    STREAM_BAD_INPUT,
    STREAM_HANDSHAKE_FAILED,  /* a layer could not open: protocol, parameters, bad input */
    STREAM_HANDSHAKE_TIMEOUT, /* limits.handshake_ms */
    STREAM_VERIFY_FAILED,     /* the far end is not who it should be */
    STREAM_LAYER_BROKEN       /* after opening: the far end violates the layer's protocol */
};

struct layer;

/* What a layer may ask of what lies around it. Functions that return int: 0, or negative: the
 * connection goes no further; the layer returns at once, with that error. */
struct layer_host {
    /* Bytes towards the wire; copied. */
    int (*down)(void *user, struct slice wire);
    /* Plain bytes towards the user; of a layer with type->messages: one whole message. Borrowed for
     * the call; may be written to, by a layer above. The user may send meanwhile. */
    int (*up)(void *user, char *plain, size_t length);
    /* The opening phase is over. Once, from within start, receive. What waited is sent from within.
     */
    int (*opened)(void *user);
    void *user;
};

struct layer_setup {
    const struct layer_host *host; /* outlives the layer */
    bool accepted;                 /* else we connected, and speak first */
    struct slice server; /* connecting: the host that was asked for (SNI, the name to be proven,
                            the Host header); may be empty; borrowed for the call */
    const struct address *remote; /* borrowed for the call */
    /* Memory to work in during a call, shared by the layers of this type on the loop: nothing in it
     * survives the call. */
    char *scratch;
    size_t scratch_size; /* LAYER_SCRATCH_BYTES */
};
#define LAYER_SCRATCH_BYTES 65536u

struct layer_type {
    const char *name; /* "TLS": for the log */
    bool messages;    /* up and send carry whole messages */
    /* config: as in struct stream_layer. ERR_NO_MEMORY, ERR_LIMIT. */
    int (*make)(void *config, const struct layer_setup *setup, struct layer **ret_layer);
    void (*free)(struct layer *layer);
    /* What lies below is open. A client speaks. Errors as receive. */
    int (*start)(struct layer *layer);
    /* Bytes that came, oldest first: returns how many were taken; the rest is shown again when more
     * came (0: more are needed; a cipher takes all and keeps what it needs). They may be written
     * to. Called again while it takes bytes and some are left. Negative: the connection ends with
     * layer->reason; what was sent down before (an alert, a Close) still goes out. */
    long (*receive)(struct layer *layer, char *wire, size_t length);
    /* Plain bytes, or a message, of the user; only when open. May be called from within up and
     * opened. Errors: those of down, ERR_LIMIT (a message too large), ERR_CLOSED. */
    int (*send)(struct layer *layer, struct slice plain);
    /* We end: says goodbye if there is a way. Nothing is called afterwards but free. */
    void (*close)(struct layer *layer);
    /* Is it proven that the far end is domain (RFC 5922 section 7.2)? NULL: it proves nothing. */
    bool (*proves)(const struct layer *layer, struct slice domain);
};

/* At the head of what a layer keeps per connection; made by the layer's make. */
struct layer {
    const struct layer_type *type;
    const struct layer_host *host;
    enum stream_reason reason; /* set before a negative return of start or receive */
    const char *why;           /* the same in words for the log: a static string, or NULL */
    bool half; /* a part of a message, or of a record, was taken: stream_limits.half_message_ms runs
                */
};

/* How the layer of each connection of a kind is made. */
struct stream_layer {
    const struct layer_type *type; /* NULL: no such layer */
    void *config; /* borrowed; lives longer than every loop that uses it; shared by the workers */
};

#endif
