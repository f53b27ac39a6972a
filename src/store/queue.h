/* What waits for the writer thread: changes packed into segments, in order of their tickets. */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include <pthread.h>

#include "store/store.h"

enum store_op_kind { OP_PUT, OP_REMOVE, OP_EXPIRE };

#define STORE_TEXT_LIST(X)                                                                         \
    X(aor)                                                                                         \
    X(key)                                                                                         \
    X(contact)                                                                                     \
    X(call_id)                                                                                     \
    X(instance)                                                                                    \
    X(path)                                                                                        \
    X(user_agent)                                                                                  \
    X(params)

enum store_text {
#define STORE_TEXT_ENUM(name) TEXT_##name,
    STORE_TEXT_LIST(STORE_TEXT_ENUM)
#undef STORE_TEXT_ENUM
        STORE_TEXTS
};

/* One change. From cseq on for OP_PUT only. */
struct store_op {
    uint32_t size;     /* bytes, multiple of 8 */
    uint8_t kind;      /* enum store_op_kind */
    bool group_end;    /* the last one that must be committed together */
    bool skip;         /* a later change of the same commit makes it void */
    bool behind_nat;   /* of OP_PUT, as gruu and all below old_place */
    int64_t old_place; /* 0: none */
    int64_t expires_ms, since_ms, updated_ms;
    uint32_t cseq, reg_id;
    uint16_t q;
    bool gruu;
    uint16_t lengths[STORE_TEXTS];
    struct flow flow;
    char texts[]; /* in the order of the list, not terminated */
};

struct store_segment {
    struct store_segment *next;
    int64_t first_ticket;
    uint32_t count; /* changes */
    uint32_t used;  /* bytes */
    uint32_t size;  /* bytes of data */
    /* Changes from the front; from the back, one uint32_t each, where they lie. */
    _Alignas(8) char data[];
};

struct store_queue {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t filled;
    struct store_segment *first, *last; /* owned */
    struct store_segment *spare;        /* owned; one empty segment kept warm, or NULL */
    int64_t next_ticket;
    size_t bytes;      /* queued, those that the writer has taken included */
    uint64_t items;    /* the same */
    size_t limit;      /* bytes */
    size_t wake_bytes; /* the writer sleeps until so many wait */
    bool stopping;
    bool overwrites; /* a change may take the place of one that still waits */
    uint64_t overwritten;
};

void store_queue_init(struct store_queue *queue);
void store_queue_done(struct store_queue *queue);

/* As store_bindings_write. */
int64_t store_queue_add(struct store_queue *queue, const struct store_change *changes,
                        unsigned count);
/* All that is there; the caller owns the segments. NULL when it is empty. */
struct store_segment *store_queue_take(struct store_queue *queue);
/* Waits until there is something, then linger_ms more, unless half of the room is taken. False at
 * once when the queue is stopping. */
bool store_queue_wait(struct store_queue *queue, unsigned linger_ms);
/* Sleeps; false at once when the queue is stopping. */
bool store_queue_pause(struct store_queue *queue, unsigned ms);
/* Gives a segment back whose changes are committed. */
void store_queue_release(struct store_queue *queue, struct store_segment *segment);
void store_queue_stop(struct store_queue *queue);

#endif
