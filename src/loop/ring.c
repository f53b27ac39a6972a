#include "loop/ring.h"

#include <assert.h>

#include "base/error.h"
#include "loop/pages.h"

#define RECORD_ALIGN  8u
#define RECORD_FILLER UINT32_MAX /* kind of a record that only fills up the end of the ring */

/* Before each record's bytes. */
struct record_head {
    uint32_t length;
    uint32_t kind;
};

int ring_init(struct ring *r, size_t size)
{
    assert(size >= 4096 && (size & (size - 1)) == 0);
    memset(r, 0, sizeof(*r));
    r->bytes = pages_map(size);
    if (r->bytes == NULL)
        return ERR_NO_MEMORY;
    r->size = size;
    return 0;
}

void ring_done(struct ring *r)
{
    pages_unmap(r->bytes, r->size);
    r->bytes = NULL;
}

size_t ring_record_max(const struct ring *r)
{
    return r->size / 2 - sizeof(struct record_head);
}

static size_t record_size(size_t length)
{
    return (sizeof(struct record_head) + length + RECORD_ALIGN - 1) & ~(size_t)(RECORD_ALIGN - 1);
}

static void put_head(struct ring *r, uint64_t at, uint32_t kind, size_t length)
{
    struct record_head head = {.length = (uint32_t)length, .kind = kind};
    memcpy(r->bytes + (at & (r->size - 1)), &head, sizeof(head));
}

/* Is there room for need bytes at write_at? A stale look at head says no too early: look again. */
static bool has_room(struct ring *r, size_t need)
{
    if (r->size - (r->write_at - r->head_seen) >= need)
        return true;
    r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
    return r->size - (r->write_at - r->head_seen) >= need;
}

/* How much to skip so that a record of need bytes lies in one piece. An empty ring is also taken
 * from its start again now and then, so that light traffic stays in few, warm pages. */
static size_t skip_size(struct ring *r, size_t need)
{
    size_t offset = r->write_at & (r->size - 1);
    size_t to_end = r->size - offset;
    if (need > to_end)
        return to_end;
    if (offset < r->size / 4 || offset < need ||
        r->write_at != atomic_load_explicit(&r->tail, memory_order_relaxed))
        return 0;
    r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
    return r->head_seen == r->write_at ? to_end : 0;
}

int ring_put(struct ring *r, uint32_t kind, const struct slice *parts, size_t count)
{
    assert(kind != RECORD_FILLER);
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > ring_record_max(r) - length)
            return ERR_LIMIT;
        length += parts[i].len;
    }
    size_t need = record_size(length);
    size_t skip = skip_size(r, need);
    if (!has_room(r, skip + need))
        return ERR_LIMIT;
    if (skip > 0) {
        put_head(r, r->write_at, RECORD_FILLER, skip - sizeof(struct record_head));
        r->write_at += skip;
    }
    put_head(r, r->write_at, kind, length);
    char *to = r->bytes + (r->write_at & (r->size - 1)) + sizeof(struct record_head);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0)
            memcpy(to, parts[i].ptr, parts[i].len);
        to += parts[i].len;
    }
    r->write_at += need;
    return 0;
}

/* Sequentially consistent, like the reader's look before it sleeps: one of the two sees the other.
 */
bool ring_publish(struct ring *r)
{
    if (atomic_load_explicit(&r->tail, memory_order_relaxed) == r->write_at)
        return false;
    atomic_store(&r->tail, r->write_at);
    return true;
}

bool ring_waiting(const struct ring *r)
{
    return atomic_load(&r->tail) != atomic_load_explicit(&r->head, memory_order_relaxed);
}

uint64_t ring_read_start(const struct ring *r)
{
    return atomic_load_explicit(&r->head, memory_order_relaxed);
}

uint64_t ring_read_end(const struct ring *r)
{
    return atomic_load_explicit(&r->tail, memory_order_acquire);
}

bool ring_next(const struct ring *r, uint64_t *at, uint64_t end, struct ring_record *ret_record)
{
    while (*at != end) {
        const char *record = r->bytes + (*at & (r->size - 1));
        struct record_head head;
        memcpy(&head, record, sizeof(head));
        *at += record_size(head.length);
        if (head.kind == RECORD_FILLER)
            continue;
        ret_record->kind = head.kind;
        ret_record->data = slice_of(record + sizeof(head), head.length);
        return true;
    }
    return false;
}

void ring_release(struct ring *r, uint64_t at)
{
    atomic_store_explicit(&r->head, at, memory_order_release);
}
