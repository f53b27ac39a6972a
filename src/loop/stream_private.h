/* Streams as their own files know them.
 *
 *   stream.c          what users call: send, close, find, counts
 *   stream_table.c    connections by index and generation; profiles
 *   stream_names.c    connections by remote address and alias; counts per source
 *   stream_listen.c   accepting
 *   stream_connect.c  connecting
 *   stream_input.c    reading and handing bytes up
 *   stream_output.c   queues and writing
 *   stream_layers.c   what lies between bytes and user: opening, both ways through
 *   stream_close.c    closing, time-outs
 *   stream_join.c     pausing, other handlers, descriptors that change workers
 *   stream_poll.c     the epoll set of all connections, and a turn */
#ifndef LOOP_STREAM_PRIVATE_H
#define LOOP_STREAM_PRIVATE_H

#include "base/pool.h"
#include "base/table.h"
#include "loop/loop_private.h"
#include "loop/stream.h"

#define STREAM_RECEIVE_BYTES 65536u               /* read at once, shared by all connections */
#define STREAM_WAITING_BYTES ((size_t)256 << 20)  /* half messages of all connections */
#define STREAM_QUEUED_BYTES  ((size_t)1024 << 20) /* queued output of all connections */
#define STREAM_ALIASES       4u                   /* per connection */

/* What an event of the epoll set names: generation and index of a connection, or with the highest
 * bit the id of a listener. */
#define STREAM_EVENT_LISTENER (UINT64_C(1) << 63)
#define STREAM_GENERATION_MAX INT32_MAX

enum stream_state {
    STREAM_CONNECTING,
    STREAM_OPENING, /* connected; its layers are not open yet */
    STREAM_IS_OPEN,
    STREAM_FLUSHING, /* being closed: queued bytes still go out */
    STREAM_ENDED,    /* on_close is due */
    STREAM_LINGERING /* on_close was called; our FIN is out, the peer's is awaited */
};

/* Handler and limits, shared by all connections made with the same options. */
struct stream_profile {
    struct list node;
    struct stream_options options; /* no limit is zero */
    unsigned users;
};

/* A name that a connection is found by. */
struct stream_name {
    struct table_node node;
    struct address address;
    struct stream *stream;
    struct list list; /* in stream.aliases */
    uint64_t server;  /* hash of the server that the connection was made for; 0: none */
    uint8_t transport;
    bool alias;
    bool present; /* in the table */
};

struct stream_source {
    struct table_node node;
    struct address host; /* port 0; IPv6: the /64 */
    uint32_t count;
};

struct stream_chunk {
    struct stream_chunk *next;
    uint32_t start; /* bytes[start, end) wait */
    uint32_t end;
    uint32_t size; /* of bytes */
    char bytes[];
};

struct stream_layers;

struct stream {
    struct streams *owner;
    struct stream_profile *profile;
    struct stream_layers *layers; /* owned; NULL: bytes go straight to the user */
    struct flow flow;
    int fd; /* owned */
    uint8_t state;
    uint8_t reason; /* enum stream_reason, from STREAM_FLUSHING on */
    bool accepted;
    bool opening;    /* counts as opening */
    bool opened;     /* counts as open */
    bool connecting; /* the socket is not connected yet */
    bool peer_ended; /* end of input was read */
    bool hung_up;    /* the system said that an end or an error is to be read */
    bool half;       /* its framing has taken a part of a message */
    bool blocked;    /* the socket takes no more until its next event */
    bool failed;     /* nothing more goes out */
    bool paused;     /* stream_pause */
    bool resumed;    /* what was kept while it was paused is due */
    struct timer timer;
    struct list ready; /* may have more to read than a turn reads */
    struct list dirty; /* has output to write */
    struct list ended; /* on_close is due */
    struct stream_name name;
    struct list aliases;
    struct stream_source *source; /* of an accepted connection */
    char *in;                     /* owned; bytes that wait for their rest, or NULL */
    uint32_t in_length;
    uint32_t in_size;
    struct stream_chunk *out_first; /* owned */
    struct stream_chunk *out_last;
    uint32_t queued;
    uint64_t entered_ms;  /* when the state was entered */
    uint64_t active_ms;   /* last bytes in or out, or opened */
    uint64_t half_ms;     /* since when the oldest waiting bytes wait */
    uint64_t progress_ms; /* last time that queued bytes went, or the queue ceased to be empty */
};

struct stream_slot {
    struct stream *stream;
    uint32_t generation;
    uint32_t next_free;
};

/* Before the bytes that a worker sends on the connection of another. */
struct stream_mail {
    uint32_t connection;
    uint32_t generation;
    uint32_t transport; /* if it is gone, nobody knows it any more */
};

struct stream_listener {
    struct streams *owner;
    struct list node;
    struct stream_profile *profile;
    int fd;
    uint32_t id;
    struct address local;
    struct timer retry; /* accepts again after the system ran out of memory */
    bool paused;
};

struct streams {
    struct loop *loop; /* borrowed */
    uv_poll_t poll;    /* on epoll_fd */
    int epoll_fd;
    int reserve_fd;            /* given up to accept and refuse when descriptors run out */
    bool events;               /* the epoll set has something */
    struct stream_slot *slots; /* [0] is unused */
    uint32_t slot_count;
    uint32_t free_slot; /* 0: none */
    uint32_t used;
    uint32_t listener_ids;
    struct list listeners;
    struct list profiles;
    struct list ready;
    struct list opening; /* have something to read that their layers open with, but the turn's time
                            for that is spent; linked by stream.ready */
    uint64_t opening_us; /* spent on that in this turn */
    struct list dirty;
    struct list ended;
    struct table names;
    struct table sources;
    uint64_t seed;
    struct pool streams;
    struct pool aliases;
    struct pool source_pool;
    struct blocks in_blocks;
    struct blocks out_blocks;
    char *receive;        /* owned; STREAM_RECEIVE_BYTES */
    char *cipher_scratch; /* owned; made with the first layer of that place, or NULL */
    char *framing_scratch;
    uint64_t counts[STREAM_COUNTS];
    void (*on_late)(void *user, unsigned from, const struct flow *flow); /* or NULL */
    void *late_user;
};

/* stream_table.c */
/* ERR_LIMIT, ERR_NO_MEMORY. The stream owns fd from now on. */
int stream_add(struct streams *streams, struct stream_profile *profile, int fd,
               struct stream **ret_stream);
/* Closes the descriptor and frees everything, without callbacks. */
void stream_destroy(struct stream *stream);
/* NULL when gone; also what is being closed is found. */
struct stream *stream_get(const struct streams *streams, uint32_t index, uint32_t generation);
/* Own, and open or opening; else NULL. */
struct stream *stream_of_flow(struct loop *loop, const struct flow *flow);
int stream_profile_get(struct streams *streams, const struct stream_options *options,
                       struct stream_profile **ret_profile);
void stream_profile_put(struct stream_profile *profile);

/* stream_names.c */
/* The remote address, and the server it was made for; displaces aliases and older connections of
 * the same name. */
void stream_name_add(struct stream *stream, struct slice server);
/* Remote address and aliases: the connection is found no more. */
void stream_names_remove(struct stream *stream);
/* ERR_LIMIT: the source has its share. */
int stream_source_enter(struct stream *stream, uint32_t limit);
void stream_source_leave(struct stream *stream);

/* stream_listen.c */
void stream_accept(struct stream_listener *listener);
void stream_listeners_close(struct streams *streams);

/* stream_connect.c */
/* Options of listening sockets, whose connections inherit them, and of connecting ones. */
int stream_set_up(int fd, const struct stream_limits *limits);
void stream_on_connect_event(struct stream *stream);
/* The connection is there: tells the user. */
void stream_opened(struct stream *stream);

/* stream_layers.c */
bool stream_has_layers(const struct stream_options *options);
/* Before the stream is connected: they are made and start with stream_layers_open. server is
 * copied. ERR_NO_MEMORY. */
int stream_layers_prepare(struct stream *stream, struct slice server);
/* Connected: the opening phase begins. */
void stream_layers_open(struct stream *stream);
/* The connection ends in order: the layers say goodbye. */
void stream_layers_close(struct stream *stream);
void stream_layers_free(struct stream *stream);
/* What the user sends: through the layers, or held until they are open. As stream_queue. */
int stream_layers_send(struct stream *stream, struct slice data);
/* Bytes from the socket, when there is a cipher: it takes all. Ends the stream on errors. */
void stream_layers_receive(struct stream *stream, char *wire, size_t length);
/* Bytes above the cipher: as struct layer_type says for receive. */
bool stream_layers_frame(const struct stream *stream);
/* Has a layer taken a part of a message, or of a record? */
bool stream_layers_half(const struct stream *stream);
long stream_layers_take(struct stream *stream, char *bytes, size_t length);
bool stream_layers_cipher(const struct stream *stream);
/* May an opening stream read now, or has this turn done enough of that? Puts it off then. */
bool stream_opening_may_read(struct stream *stream);

/* stream_input.c */
void stream_read(struct stream *stream);
/* Plain bytes that a cipher yields: what nobody takes is kept. Negative: the stream ends. */
int stream_input(struct stream *stream, char *bytes, size_t length);
void stream_forget_input(struct stream *stream);

/* stream_output.c */
/* What goes to the socket. ERR_LIMIT. */
int stream_queue(struct stream *stream, struct slice data);
void stream_write(struct stream *stream);
void stream_forget_output(struct stream *stream);
void stream_mark_dirty(struct stream *stream);

/* stream_close.c */
/* Closing the descriptor shall reset the connection. */
void stream_set_abort(int fd);
/* Sends the rest, then closes. */
void stream_finish(struct stream *stream, enum stream_reason reason);
/* Closes at once; what is queued is lost. */
void stream_fail(struct stream *stream, enum stream_reason reason);
/* Ended: on_close is due. */
void stream_end(struct stream *stream);
/* Calls on_close of all that ended. */
void streams_reap(struct streams *streams);
void stream_on_timer(struct timer *timer);
/* Sets the timer to the earliest time-out, if that is before what it is set to. */
void stream_watch(struct stream *stream);

/* stream_poll.c */
struct stream_listener *stream_listener_get(struct streams *streams, uint32_t id);
/* Both: ERR_IO. */
int stream_poll_stream(struct stream *stream);
int stream_poll_add(struct streams *streams, int fd, uint32_t events, uint64_t id);

static inline uint64_t streams_now(const struct streams *streams)
{
    return streams->loop->now_ms;
}

#endif
