#include "service/location/streams.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/error.h"
#include "base/memory.h"

#define STRIPES       64
#define CHUNK_NODES   256
#define STREAMS_LEAST 16

struct node {
    uint64_t aor_hash;
    uint32_t next, prev; /* of the same connection, or the next free node; 0: none */
};

struct stream {
    uint32_t connection; /* 0: free */
    uint32_t generation;
    uint16_t owner; /* transport and worker */
    uint32_t head;  /* never 0 when in use */
};

/* Part of the table: connections by hash with linear probing, nodes in chunks that never move. */
struct stripe {
    pthread_mutex_t lock;
    struct stream *streams; /* owned */
    uint32_t mask;          /* slots - 1 */
    uint32_t count;
    struct node **chunks; /* owned */
    uint32_t chunk_count;
    uint32_t free_node; /* 0: none */
};

struct location_streams {
    struct stripe stripes[STRIPES];
    uint64_t seed;
    _Atomic size_t bytes;
};

int location_streams_new(const struct hash_key *key, struct location_streams **ret_streams)
{
    struct location_streams *streams = memory_zalloc(1, sizeof *streams);
    if (streams == NULL)
        return ERR_NO_MEMORY;
    for (unsigned i = 0; i < STRIPES; i++)
        pthread_mutex_init(&streams->stripes[i].lock, NULL);
    streams->seed = key->k0 ^ key->k1;
    atomic_init(&streams->bytes, sizeof *streams);
    *ret_streams = streams;
    return 0;
}

void location_streams_free(struct location_streams *streams)
{
    if (streams == NULL)
        return;
    for (unsigned i = 0; i < STRIPES; i++) {
        struct stripe *stripe = &streams->stripes[i];
        for (uint32_t c = 0; c < stripe->chunk_count; c++)
            memory_free(stripe->chunks[c]);
        memory_free(stripe->chunks);
        memory_free(stripe->streams);
        pthread_mutex_destroy(&stripe->lock);
    }
    memory_free(streams);
}

size_t location_streams_bytes(const struct location_streams *streams)
{
    return atomic_load_explicit(&streams->bytes, memory_order_relaxed);
}

static void count_bytes(struct location_streams *streams, size_t more, size_t less)
{
    atomic_fetch_add_explicit(&streams->bytes, more - less, memory_order_relaxed);
}

/* A datagram comes to any worker. */
static uint16_t owner_of(const struct flow *flow)
{
    bool any = flow->transport == TRANSPORT_UDP;
    return (uint16_t)(flow->transport << 8 | (any ? UINT8_MAX : flow->worker));
}

struct flow location_streams_number(const struct hash_key *key, const struct flow *flow)
{
    struct flow numbered = *flow;
    uint64_t hash = hash_mix(key->k1, address_hash(key->k0, &flow->remote));
    numbered.connection = (uint32_t)hash | 1;
    numbered.generation = (uint32_t)(hash >> 32);
    return numbered;
}

bool location_streams_same(const struct flow *a, const struct flow *b)
{
    return a->connection == b->connection && a->generation == b->generation &&
           owner_of(a) == owner_of(b);
}

static uint64_t hash_of(const struct location_streams *streams, uint32_t connection,
                        uint32_t generation, uint16_t owner)
{
    return hash_mix(hash_mix(streams->seed, owner), (uint64_t)connection << 32 | generation);
}

static uint64_t flow_hash(const struct location_streams *streams, const struct flow *flow)
{
    return hash_of(streams, flow->connection, flow->generation, owner_of(flow));
}

static struct stripe *lock_stripe(struct location_streams *streams, uint64_t hash)
{
    struct stripe *stripe = &streams->stripes[hash >> 32 & (STRIPES - 1)];
    pthread_mutex_lock(&stripe->lock);
    return stripe;
}

static struct node *node_of(const struct stripe *stripe, uint32_t number)
{
    return &stripe->chunks[number / CHUNK_NODES][number % CHUNK_NODES];
}

static struct stream *find(const struct stripe *stripe, uint64_t hash, const struct flow *flow)
{
    if (stripe->streams == NULL)
        return NULL;
    for (uint32_t i = (uint32_t)hash & stripe->mask;; i = (i + 1) & stripe->mask) {
        struct stream *stream = &stripe->streams[i];
        if (stream->connection == 0)
            return NULL;
        if (stream->connection == flow->connection && stream->generation == flow->generation &&
            stream->owner == owner_of(flow))
            return stream;
    }
}

static struct stream *free_slot(struct stream *slots, uint32_t mask, uint64_t hash)
{
    uint32_t i = (uint32_t)hash & mask;
    while (slots[i].connection != 0)
        i = (i + 1) & mask;
    return &slots[i];
}

/* One more connection fits afterwards. A stripe is small enough to be copied at once. */
static int reserve_stream(struct location_streams *streams, struct stripe *stripe)
{
    uint32_t old = stripe->streams == NULL ? 0 : stripe->mask + 1;
    if (stripe->count + 1 <= old - old / 4)
        return 0;
    uint32_t size = old == 0 ? STREAMS_LEAST : 2 * old;
    struct stream *slots = memory_zalloc(size, sizeof *slots);
    if (slots == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < old; i++) {
        const struct stream *s = &stripe->streams[i];
        if (s->connection != 0)
            *free_slot(slots, size - 1, hash_of(streams, s->connection, s->generation, s->owner)) =
                *s;
    }
    count_bytes(streams, size * sizeof *slots, old * sizeof *slots);
    memory_free(stripe->streams);
    stripe->streams = slots;
    stripe->mask = size - 1;
    return 0;
}

/* One more free node exists afterwards. */
static int reserve_node(struct location_streams *streams, struct stripe *stripe)
{
    if (stripe->free_node != 0)
        return 0;
    struct node **chunks =
        memory_realloc(stripe->chunks, (stripe->chunk_count + 1) * sizeof(struct node *));
    if (chunks == NULL)
        return ERR_NO_MEMORY;
    stripe->chunks = chunks;
    struct node *chunk = memory_zalloc(CHUNK_NODES, sizeof *chunk);
    if (chunk == NULL)
        return ERR_NO_MEMORY;
    uint32_t first = stripe->chunk_count * CHUNK_NODES;
    chunks[stripe->chunk_count++] = chunk;
    /* Number 0 means none. */
    for (uint32_t i = CHUNK_NODES; i-- > (first == 0 ? 1 : 0);) {
        chunk[i].next = stripe->free_node;
        stripe->free_node = first + i;
    }
    count_bytes(streams, CHUNK_NODES * sizeof *chunk, 0);
    return 0;
}

int location_streams_add(struct location_streams *streams, const struct flow *flow,
                         uint64_t aor_hash, uint32_t *ret_link)
{
    uint64_t hash = flow_hash(streams, flow);
    struct stripe *stripe = lock_stripe(streams, hash);
    int status = reserve_node(streams, stripe);
    if (status == 0)
        status = reserve_stream(streams, stripe);
    if (status < 0) {
        pthread_mutex_unlock(&stripe->lock);
        return status;
    }
    struct stream *stream = find(stripe, hash, flow);
    if (stream == NULL) {
        stream = free_slot(stripe->streams, stripe->mask, hash);
        *stream = (struct stream){flow->connection, flow->generation, owner_of(flow), 0};
        stripe->count++;
    }
    uint32_t link = stripe->free_node;
    struct node *node = node_of(stripe, link);
    stripe->free_node = node->next;
    *node = (struct node){aor_hash, stream->head, 0};
    if (stream->head != 0)
        node_of(stripe, stream->head)->prev = link;
    stream->head = link;
    pthread_mutex_unlock(&stripe->lock);
    *ret_link = link;
    return 0;
}

/* Closes the gap: what was pushed over it by a collision moves back. */
static void remove_stream(const struct location_streams *streams, struct stripe *stripe,
                          struct stream *stream)
{
    uint32_t gap = (uint32_t)(stream - stripe->streams);
    for (uint32_t i = (gap + 1) & stripe->mask; stripe->streams[i].connection != 0;
         i = (i + 1) & stripe->mask) {
        const struct stream *s = &stripe->streams[i];
        uint32_t home =
            (uint32_t)hash_of(streams, s->connection, s->generation, s->owner) & stripe->mask;
        if (((i - home) & stripe->mask) >= ((i - gap) & stripe->mask)) {
            stripe->streams[gap] = *s;
            gap = i;
        }
    }
    stripe->streams[gap] = (struct stream){0};
    stripe->count--;
}

void location_streams_remove(struct location_streams *streams, const struct flow *flow,
                             uint32_t link)
{
    uint64_t hash = flow_hash(streams, flow);
    struct stripe *stripe = lock_stripe(streams, hash);
    struct node *node = node_of(stripe, link);
    if (node->next != 0)
        node_of(stripe, node->next)->prev = node->prev;
    if (node->prev != 0) {
        node_of(stripe, node->prev)->next = node->next;
    } else {
        struct stream *stream = find(stripe, hash, flow);
        stream->head = node->next;
        if (stream->head == 0)
            remove_stream(streams, stripe, stream);
    }
    *node = (struct node){.next = stripe->free_node};
    stripe->free_node = link;
    pthread_mutex_unlock(&stripe->lock);
}

int location_streams_first(struct location_streams *streams, const struct flow *flow,
                           uint64_t *ret_aor_hash)
{
    uint64_t hash = flow_hash(streams, flow);
    struct stripe *stripe = lock_stripe(streams, hash);
    const struct stream *stream = find(stripe, hash, flow);
    if (stream != NULL)
        *ret_aor_hash = node_of(stripe, stream->head)->aor_hash;
    pthread_mutex_unlock(&stripe->lock);
    return stream == NULL ? ERR_NOT_FOUND : 0;
}

unsigned location_streams_list(struct location_streams *streams, const struct flow *flow,
                               uint64_t *ret_aor_hashes, unsigned limit)
{
    uint64_t hash = flow_hash(streams, flow);
    struct stripe *stripe = lock_stripe(streams, hash);
    const struct stream *stream = find(stripe, hash, flow);
    unsigned count = 0;
    for (uint32_t link = stream == NULL ? 0 : stream->head; link != 0 && count < limit;
         link = node_of(stripe, link)->next) {
        uint64_t aor = node_of(stripe, link)->aor_hash;
        if (count == 0 || ret_aor_hashes[count - 1] != aor)
            ret_aor_hashes[count++] = aor;
    }
    pthread_mutex_unlock(&stripe->lock);
    return count;
}
