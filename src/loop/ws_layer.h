/* WebSocket as the framing of a stream: whole SIP messages for its user (loop/layer.h, loop/ws.h).
 * Over TCP it is the transport WS, over TLS it is WSS. */
#ifndef LOOP_WS_LAYER_H
#define LOOP_WS_LAYER_H

#include "loop/layer.h"
#include "loop/ws.h"

/* What the connections of one loop share. */
struct ws_shared;

enum {
    WS_HANDSHAKES,    /* accepted, by us or by those we asked */
    WS_REFUSED,       /* handshakes that we refused */
    WS_REFUSED_THERE, /* handshakes that were refused to us */
    WS_VIOLATED,      /* connections ended because the peer broke RFC 6455 */
    WS_PINGS,         /* answered */
    WS_MESSAGES_IN,
    WS_MESSAGES_OUT,
    WS_COUNTS
};

/* Its config is a struct ws_shared of the same loop. */
extern const struct layer_type ws_layer_type;

/* config is borrowed until it is replaced. message_max: 0 is the default of ws_codec_init.
 * ERR_NO_MEMORY. */
int ws_shared_new(const struct ws_server_config *config, uint32_t message_max,
                  struct ws_shared **ret_shared);
/* For handshakes from now on. */
void ws_shared_set(struct ws_shared *shared, const struct ws_server_config *config,
                   uint32_t message_max);
/* The owner needs it no more; it goes with its last connection. config may go now. NULL is
 * accepted. */
void ws_shared_release(struct ws_shared *shared);
uint64_t ws_shared_count(const struct ws_shared *shared, unsigned which);

#endif
