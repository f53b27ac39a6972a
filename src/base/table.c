/* Growing doubles the buckets. The elements of old bucket i go to new buckets i and i + old size
 * and nowhere else, and these two get elements from nowhere else; so every element has one place at
 * any moment, told by whether its old bucket was moved yet, and the new array needs no clearing in
 * advance. */
#include "base/table.h"

#include <assert.h>

#include "base/error.h"
#include "base/memory.h"

#define SMALLEST 16 /* buckets */
/* Old buckets moved by each add or remove: done long before the next growth is due. */
#define MOVES_PER_STEP 4

int table_init(struct table *t, size_t initial)
{
    size_t buckets = SMALLEST;
    while (buckets < initial) {
        if (buckets > SIZE_MAX / 2 / sizeof(struct table_node *))
            return ERR_NO_MEMORY;
        buckets *= 2;
    }
    struct table_node **array = memory_zalloc(buckets, sizeof(struct table_node *));
    if (array == NULL)
        return ERR_NO_MEMORY;
    *t = (struct table){.buckets = array, .mask = buckets - 1};
    return 0;
}

void table_done(struct table *t)
{
    memory_free(t->buckets);
    memory_free(t->old_buckets);
    *t = (struct table){0};
}

static void move_bucket(struct table *t)
{
    struct table_node *low = NULL;
    struct table_node *high = NULL;
    size_t high_bit = t->old_mask + 1;
    for (struct table_node *node = t->old_buckets[t->moved], *next; node != NULL; node = next) {
        next = node->next;
        struct table_node **to = node->hash & high_bit ? &high : &low;
        node->next = *to;
        *to = node;
    }
    t->buckets[t->moved] = low;
    t->buckets[t->moved + high_bit] = high;
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
    if (size > SIZE_MAX / 2 / sizeof(struct table_node *))
        return;
    struct table_node **array = memory_alloc(2 * size * sizeof(struct table_node *));
    if (array == NULL)
        return;
    t->old_buckets = t->buckets;
    t->old_mask = t->mask;
    t->moved = 0;
    t->buckets = array;
    t->mask = 2 * size - 1;
}

static struct table_node **bucket_of(const struct table *t, uint64_t hash)
{
    if (t->old_buckets != NULL && (hash & t->old_mask) >= t->moved)
        return &t->old_buckets[hash & t->old_mask];
    return &t->buckets[hash & t->mask];
}

void table_add(struct table *t, struct table_node *node, uint64_t hash)
{
    move_some(t, MOVES_PER_STEP);
    t->count++;
    /* One element per bucket on average. When memory is out, the next try comes a sixteenth later,
     * not at each add. */
    if (t->count > t->mask && t->old_buckets == NULL && (t->count & t->mask >> 4) == 0)
        grow(t);
    struct table_node **bucket = bucket_of(t, hash);
    node->hash = hash;
    node->next = *bucket;
    *bucket = node;
}

struct table_node *table_find(const struct table *t, uint64_t hash, table_match_fn *match,
                              const void *key)
{
    struct table_node *node = *bucket_of(t, hash);
    while (node != NULL && !(node->hash == hash && match(node, key)))
        node = node->next;
    return node;
}

void table_remove(struct table *t, struct table_node *node)
{
    move_some(t, MOVES_PER_STEP);
    struct table_node **at = bucket_of(t, node->hash);
    while (*at != node) {
        assert(*at != NULL);
        at = &(*at)->next;
    }
    *at = node->next;
    node->next = NULL;
    t->count--;
}

void table_each(struct table *t, void (*visit)(struct table_node *node, void *user), void *user)
{
    /* Ends a growth first, so that removing a node moves nothing under our feet. */
    move_some(t, SIZE_MAX);
    for (size_t i = 0; i <= t->mask; i++) {
        for (struct table_node *node = t->buckets[i], *next; node != NULL; node = next) {
            next = node->next;
            visit(node, user);
        }
    }
}
