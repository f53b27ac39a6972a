#include "store/queue.h"

#include <assert.h>
#include <time.h>

#include "base/error.h"
#include "base/memory.h"

#define SEGMENT_SIZE  (256 * 1024)
#define LIMIT_DEFAULT (64 * 1024 * 1024)

void store_queue_init(struct store_queue *queue)
{
    *queue = (struct store_queue){.limit = LIMIT_DEFAULT, .next_ticket = 1, .wake_bytes = SIZE_MAX};
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&queue->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->filled, &clock);
    pthread_condattr_destroy(&clock);
}

void store_queue_done(struct store_queue *queue)
{
    while (queue->first != NULL) {
        struct store_segment *next = queue->first->next;
        memory_free(queue->first);
        queue->first = next;
    }
    memory_free(queue->spare);
    pthread_cond_destroy(&queue->filled);
    pthread_mutex_destroy(&queue->lock);
}

static size_t op_size(const struct store_change *change)
{
    size_t size = sizeof(struct store_op);
    if (change->binding != NULL) {
#define TEXT_LENGTH(name) size += change->binding->name.len;
        STORE_TEXT_LIST(TEXT_LENGTH)
#undef TEXT_LENGTH
    }
    return (size + 7) & ~(size_t)7;
}

/* Lengths are kept in two bytes. */
static bool texts_fit(const struct store_binding *binding)
{
    if (binding == NULL)
        return true;
    bool fit = true;
#define TEXT_FITS(name) fit = fit && binding->name.len <= UINT16_MAX;
    STORE_TEXT_LIST(TEXT_FITS)
#undef TEXT_FITS
    return fit;
}

static char *pack_text(struct store_op *op, enum store_text text, struct slice s, char *at)
{
    op->lengths[text] = (uint16_t)s.len;
    if (s.len > 0)
        memcpy(at, s.ptr, s.len);
    return at + s.len;
}

static void pack(struct store_op *op, const struct store_change *change, size_t size)
{
    const struct store_binding *b = change->binding;
    *op = (struct store_op){.size = (uint32_t)size, .old_place = change->old_place};
    if (b == NULL) {
        op->kind = change->expired ? OP_EXPIRE : OP_REMOVE;
        return;
    }
    op->kind = OP_PUT;
    op->behind_nat = b->behind_nat;
    op->gruu = b->gruu;
    op->expires_ms = b->expires_ms;
    op->since_ms = b->since_ms;
    op->updated_ms = b->updated_ms;
    op->cseq = b->cseq;
    op->reg_id = b->reg_id;
    op->q = b->q;
    op->flow = b->flow;
    char *at = op->texts;
#define PACK_TEXT(name) at = pack_text(op, TEXT_##name, b->name, at);
    STORE_TEXT_LIST(PACK_TEXT)
#undef PACK_TEXT
}

/* Where change number n of the segment has its offset. */
static uint32_t *offset_at(struct store_segment *segment, uint32_t n)
{
    return (uint32_t *)(void *)(segment->data + segment->size) - 1 - n;
}

/* Room for size bytes of changes and their offsets at the end of the queue. */
static struct store_segment *room(struct store_queue *queue, size_t size)
{
    struct store_segment *last = queue->last;
    if (last != NULL && last->size - last->used - last->count * sizeof(uint32_t) >= size)
        return last;
    size_t wanted = size > SEGMENT_SIZE ? size : SEGMENT_SIZE;
    struct store_segment *segment = queue->spare;
    if (segment != NULL && wanted == SEGMENT_SIZE)
        queue->spare = NULL;
    else
        segment = memory_alloc(sizeof *segment + wanted);
    if (segment == NULL)
        return NULL;
    segment->next = NULL;
    segment->count = segment->used = 0;
    segment->size = (uint32_t)wanted;
    segment->first_ticket = queue->next_ticket;
    if (last != NULL)
        last->next = segment;
    else
        queue->first = segment;
    queue->last = segment;
    return segment;
}

static void append(struct store_queue *queue, struct store_segment *segment,
                   const struct store_change *change, size_t size, bool group_end)
{
    struct store_op *op = (void *)(segment->data + segment->used);
    pack(op, change, size);
    op->group_end = group_end;
    *offset_at(segment, segment->count) = segment->used;
    segment->used += (uint32_t)size;
    segment->count++;
    queue->next_ticket++;
    queue->items++;
    queue->bytes += size;
}

/* The change with this ticket while the writer has not taken it; NULL when it has. */
static struct store_op *find_waiting(struct store_queue *queue, int64_t ticket)
{
    struct store_segment *segment = queue->first;
    if (segment == NULL || ticket < segment->first_ticket)
        return NULL;
    while (segment != NULL && ticket >= segment->first_ticket + segment->count)
        segment = segment->next;
    if (segment == NULL)
        return NULL;
    uint32_t n = (uint32_t)(ticket - segment->first_ticket);
    return (void *)(segment->data + *offset_at(segment, n));
}

/* A refresh of a binding whose last write still waits is written over it, and has its ticket. */
static bool overwrite(struct store_queue *queue, const struct store_change *change, size_t size)
{
    if (!queue->overwrites || change->binding == NULL)
        return false;
    struct store_op *op = find_waiting(queue, change->old_place);
    if (op == NULL || op->kind != OP_PUT || op->size < size)
        return false;
    struct store_change same = {.binding = change->binding, .old_place = op->old_place};
    bool group_end = op->group_end;
    pack(op, &same, op->size);
    op->group_end = group_end;
    queue->overwritten++;
    return true;
}

static bool needs_ticket(const struct store_change *changes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (!changes[i].expired)
            return true;
    }
    return false;
}

/* Under the lock. One segment for all, so that nothing has to be taken back half-way. */
static int64_t add_all(struct store_queue *queue, const struct store_change *changes,
                       unsigned count, size_t total)
{
    if (total > queue->limit - queue->bytes)
        return ERR_LIMIT;
    struct store_segment *segment = room(queue, total + count * sizeof(uint32_t));
    if (segment == NULL)
        return ERR_NO_MEMORY;
    for (unsigned i = 0; i < count; i++)
        append(queue, segment, &changes[i], op_size(&changes[i]), i + 1 == count);
    if (queue->bytes >= queue->wake_bytes) {
        queue->wake_bytes = SIZE_MAX;
        pthread_cond_signal(&queue->filled);
    }
    return needs_ticket(changes, count) ? queue->next_ticket - 1 : 0;
}

int64_t store_queue_add(struct store_queue *queue, const struct store_change *changes,
                        unsigned count)
{
    size_t total = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!texts_fit(changes[i].binding))
            return ERR_LIMIT;
        total += op_size(&changes[i]);
    }
    pthread_mutex_lock(&queue->lock);
    int64_t ticket = count == 1 && overwrite(queue, changes, total)
                         ? changes[0].old_place
                         : add_all(queue, changes, count, total);
    pthread_mutex_unlock(&queue->lock);
    return ticket;
}

static struct timespec after_ms(unsigned ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    at.tv_sec += ms / 1000 + at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

/* Sleeps until the queue holds bytes, or stops, or the time is there. */
static void sleep_until(struct store_queue *queue, size_t bytes, const struct timespec *until)
{
    queue->wake_bytes = bytes;
    int result = 0;
    while (!queue->stopping && queue->bytes < bytes && result == 0)
        result = pthread_cond_timedwait(&queue->filled, &queue->lock, until);
    queue->wake_bytes = SIZE_MAX;
}

bool store_queue_wait(struct store_queue *queue, unsigned linger_ms)
{
    pthread_mutex_lock(&queue->lock);
    queue->wake_bytes = 1;
    while (!queue->stopping && queue->first == NULL)
        pthread_cond_wait(&queue->filled, &queue->lock);
    queue->wake_bytes = SIZE_MAX;
    if (linger_ms > 0) {
        struct timespec until = after_ms(linger_ms);
        sleep_until(queue, queue->limit / 2, &until);
    }
    bool stopping = queue->stopping;
    pthread_mutex_unlock(&queue->lock);
    return !stopping;
}

bool store_queue_pause(struct store_queue *queue, unsigned ms)
{
    struct timespec until = after_ms(ms);
    pthread_mutex_lock(&queue->lock);
    sleep_until(queue, SIZE_MAX, &until);
    bool stopping = queue->stopping;
    pthread_mutex_unlock(&queue->lock);
    return !stopping;
}

struct store_segment *store_queue_take(struct store_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    struct store_segment *taken = queue->first;
    queue->first = queue->last = NULL;
    pthread_mutex_unlock(&queue->lock);
    return taken;
}

void store_queue_release(struct store_queue *queue, struct store_segment *segment)
{
    pthread_mutex_lock(&queue->lock);
    assert(queue->bytes >= segment->used && queue->items >= segment->count);
    queue->bytes -= segment->used;
    queue->items -= segment->count;
    if (queue->spare == NULL && segment->size == SEGMENT_SIZE) {
        queue->spare = segment;
        segment = NULL;
    }
    pthread_mutex_unlock(&queue->lock);
    memory_free(segment);
}

void store_queue_stop(struct store_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->stopping = true;
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}
