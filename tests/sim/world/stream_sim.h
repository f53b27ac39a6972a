/* Connections of the simulated loop, shared by stream.c and stream_turn.c only. */
#ifndef SIM_WORLD_STREAM_SIM_H
#define SIM_WORLD_STREAM_SIM_H

#include "sim/world/sim_loop.h"

#define STREAM_ALIASES 4

enum stream_state {
    STREAM_CONNECTING,
    STREAM_IS_OPEN,
    STREAM_FLUSHING, /* being closed: queued bytes still go out */
    STREAM_ENDED     /* on_close is due */
};

struct stream {
    struct loop *loop;
    struct list node;
    struct stream_options options; /* no limit is zero */
    struct flow flow;
    struct sim_tcp_side *side; /* NULL once let go */
    enum stream_state state;
    enum stream_reason reason;
    bool accepted;
    bool opened;     /* counts as open */
    bool connected;  /* the network says so; the user hears it in the next turn */
    bool peer_ended; /* the same */
    bool broken;     /* the same */
    bool fresh;      /* bytes have come since the last turn */
    struct address aliases[STREAM_ALIASES];
    unsigned alias_count;
    char *in; /* owned; exactly in_len bytes */
    size_t in_len;
    char *out; /* owned; what waits to be sent */
    size_t out_len;
    struct timer timer;
    uint64_t active_ms;
    uint64_t half_ms;
    uint64_t progress_ms;
};

struct stream_listener {
    struct loop *loop;
    struct list node;
    struct stream_options options;
    struct sim_listener net;
};

/* A framing (WebSocket) keeps messages apart; here it does so by their length, four bytes before
 * each. */
static inline bool stream_framed(const struct stream *stream)
{
    return stream->options.framing.type != NULL && stream->options.framing.type->messages;
}

/* stream.c */
struct stream *stream_of_flow(const struct loop *loop, const struct flow *flow);
void stream_finish(struct stream *stream, enum stream_reason reason);
void stream_fail(struct stream *stream, enum stream_reason reason);
/* Sends what the window takes. */
void stream_write(struct stream *stream);
void stream_free(struct stream *stream);
/* stream_turn.c */
void stream_watch(struct stream *stream);
void stream_on_timer(struct timer *timer);
void stream_on_mail(void *user, unsigned from, struct slice data);

#endif
