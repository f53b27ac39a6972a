/* The upper half of a hash is the element's tag: its lower bits name the bucket, so that growing
 * needs no look at the elements either. The elements of old bucket i go to new buckets i and
 * i + old size and nowhere else, and these two get elements from nowhere else; so every element has
 * one place at any moment, told by whether its old bucket was moved yet, and the new array needs no
 * clearing in advance. */
#include "base/table.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

#define SMALLEST 8  /* buckets */
#define LINE     64 /* bytes */
#define LAST     (TABLE_SLOTS - 1)
/* Elements per bucket at which it grows: one bucket in twelve has a chain then. */
#define FULL 3
/* Old buckets moved by each add or remove: done long before the next growth is due. */
#define MOVES_PER_STEP 2
#define BUCKETS_MAX    ((size_t)1 << 31)

static_assert(sizeof(struct table_bucket) == LINE, "a bucket is one cache line");

static struct table_bucket *buckets_new(size_t count)
{
    return memory_fail_now() ? NULL : aligned_alloc(LINE, count * sizeof(struct table_bucket));
}

int table_init(struct table *t, size_t initial)
{
    size_t buckets = SMALLEST;
    while (buckets * FULL < initial) {
        if (buckets >= BUCKETS_MAX)
            return ERR_NO_MEMORY;
        buckets *= 2;
    }
    struct table_bucket *array = buckets_new(buckets);
    if (array == NULL)
        return ERR_NO_MEMORY;
    memset(array, 0, buckets * sizeof(*array));
    *t = (struct table){.buckets = array, .mask = buckets - 1};
    return 0;
}

void table_done(struct table *t)
{
    memory_free(t->buckets);
    memory_free(t->old_buckets);
    *t = (struct table){0};
}

/* ---- one bucket ---- */

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

static unsigned slots_of(const struct table_bucket *b)
{
    return b->chained ? LAST : TABLE_SLOTS;
}

/* node->next is NULL. */
static void push(struct table_bucket *b, struct table_node *node, uint32_t tag)
{
    if (b->used < slots_of(b)) {
        b->tags[b->used] = tag;
        b->nodes[b->used++] = node;
        return;
    }
    if (!b->chained) { /* the last slot becomes the chain's end */
        b->chained = true;
        b->used = LAST;
    }
    node->next = b->nodes[LAST];
    b->nodes[LAST] = node;
}

static void unchain(struct table_bucket *b, const struct table_node *node)
{
    struct table_node **at = &b->nodes[LAST];
    while (*at != node) {
        assert(*at != NULL);
        at = &(*at)->next;
    }
    *at = node->next;
    b->chained = b->nodes[LAST] != NULL;
}

static void take(struct table_bucket *b, const struct table_node *node)
{
    for (unsigned i = 0; i < b->used; i++) {
        if (b->nodes[i] == node) {
            b->used--;
            b->tags[i] = b->tags[b->used];
            b->nodes[i] = b->nodes[b->used];
            return;
        }
    }
    assert(b->chained);
    unchain(b, node);
}

/* ---- growing ---- */

static void move_bucket(struct table *t)
{
    const struct table_bucket *old = &t->old_buckets[t->moved];
    size_t high_bit = t->old_mask + 1;
    struct table_bucket *low = &t->buckets[t->moved];
    struct table_bucket *high = &t->buckets[t->moved + high_bit];
    low->used = high->used = 0;
    low->chained = high->chained = false;
    for (unsigned i = 0; i < old->used; i++)
        push(old->tags[i] & high_bit ? high : low, old->nodes[i], old->tags[i]);
    struct table_node *node = old->chained ? old->nodes[LAST] : NULL;
    for (struct table_node *next; node != NULL; node = next) {
        next = node->next;
        node->next = NULL;
        push(tag_of(node->hash) & high_bit ? high : low, node, tag_of(node->hash));
    }
    t->moved++;
}

static void move_some(struct table *t, size_t buckets)
{
    if (t->old_buckets == NULL)
        return;
    while (buckets-- > 0 && t->moved <= t->old_mask)
        move_bucket(t);
    if (t->moved > t->old_mask) {
        memory_free(t->old_buckets);
        t->old_buckets = NULL;
    }
}

static void grow(struct table *t)
{
    size_t size = t->mask + 1;
    if (size >= BUCKETS_MAX)
        return;
    struct table_bucket *array = buckets_new(2 * size);
    if (array == NULL)
        return;
    t->old_buckets = t->buckets;
    t->old_mask = t->mask;
    t->moved = 0;
    t->buckets = array;
    t->mask = 2 * size - 1;
}

/* ---- the table ---- */

static struct table_bucket *bucket_of(const struct table *t, uint32_t tag)
{
    if (t->old_buckets != NULL && (tag & t->old_mask) >= t->moved)
        return &t->old_buckets[tag & t->old_mask];
    return &t->buckets[tag & t->mask];
}

void table_add(struct table *t, struct table_node *node, uint64_t hash)
{
    move_some(t, MOVES_PER_STEP);
    t->count++;
    /* When memory is out, the next try comes an eighth later, not at each add. */
    if (t->count > FULL * (t->mask + 1) && t->old_buckets == NULL && (t->count & t->mask >> 3) == 0)
        grow(t);
    node->hash = hash;
    node->next = NULL;
    push(bucket_of(t, tag_of(hash)), node, tag_of(hash));
}

void table_expect(const struct table *t, uint64_t hash)
{
    __builtin_prefetch(bucket_of(t, tag_of(hash)));
}

void table_expect_element(const struct table *t, uint64_t hash, size_t size)
{
    uint32_t tag = tag_of(hash);
    const struct table_bucket *b = bucket_of(t, tag);
    for (unsigned i = 0; i < b->used; i++) {
        const char *element = (const char *)b->nodes[i];
        for (size_t at = 0; b->tags[i] == tag && at < size; at += LINE)
            __builtin_prefetch(element + at);
    }
}

struct table_node *table_find(const struct table *t, uint64_t hash, table_match_fn *match,
                              const void *key)
{
    uint32_t tag = tag_of(hash);
    const struct table_bucket *b = bucket_of(t, tag);
    for (unsigned i = 0; i < b->used; i++) {
        struct table_node *node = b->nodes[i];
        if (b->tags[i] == tag && node->hash == hash && match(node, key))
            return node;
    }
    struct table_node *node = b->chained ? b->nodes[LAST] : NULL;
    while (node != NULL && !(node->hash == hash && match(node, key)))
        node = node->next;
    return node;
}

void table_remove(struct table *t, struct table_node *node)
{
    move_some(t, MOVES_PER_STEP);
    take(bucket_of(t, tag_of(node->hash)), node);
    node->next = NULL;
    t->count--;
}

/* From the last to the first: the place of one that is removed is taken by one that was visited. */
static void visit_slots(struct table_bucket *b, void (*visit)(struct table_node *, void *),
                        void *user)
{
    for (unsigned i = b->used; i-- > 0;)
        visit(b->nodes[i], user);
}

void table_each(struct table *t, void (*visit)(struct table_node *node, void *user), void *user)
{
    /* Ends a growth first, so that removing a node moves nothing under our feet. */
    move_some(t, SIZE_MAX);
    for (size_t i = 0; i <= t->mask; i++) {
        struct table_bucket *b = &t->buckets[i];
        visit_slots(b, visit, user);
        struct table_node *node = b->chained ? b->nodes[LAST] : NULL;
        for (struct table_node *next; node != NULL; node = next) {
            next = node->next;
            visit(node, user);
        }
    }
}
