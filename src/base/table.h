/* An intrusive hash table that grows by small steps, so that no single insert is slow. A bucket is
 * one cache line that holds half of each element's hash: elements that have long left the caches
 * are touched only when they are what is looked for. One thread. It never shrinks. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Put one into each element. */
struct table_node {
    struct table_node *next; /* in the chain of a bucket that is too full, else NULL */
    uint64_t hash;
};

#define TABLE_SLOTS 5

struct table_bucket {
    uint32_t tags[TABLE_SLOTS];
    uint16_t used;    /* slots */
    uint16_t chained; /* the last slot is none, but holds the head of a chain */
    struct table_node *nodes[TABLE_SLOTS];
};

struct table {
    struct table_bucket *buckets;     /* owned; power of two */
    struct table_bucket *old_buckets; /* owned; being moved from while growing, else NULL */
    size_t mask;
    size_t old_mask;
    size_t moved; /* old buckets already moved */
    size_t count;
};

/* Equal keys? Called only for nodes whose full 64-bit hash matches. */
typedef bool table_match_fn(const struct table_node *node, const void *key);

/* initial: expected elements. ERR_NO_MEMORY. */
int table_init(struct table *t, size_t initial);
/* Frees the buckets, not the elements. */
void table_done(struct table *t);
/* Never fails: when memory for growing is out the chains get longer instead. The key must not be
 * present. Bits 32 to 63 of hash choose the bucket. */
void table_add(struct table *t, struct table_node *node, uint64_t hash);
/* Brings what a search for hash looks at first into the caches, ahead of that search. */
void table_expect(const struct table *t, uint64_t hash);
/* The step after that: size bytes, from the node on, of the elements that the search will look at.
 */
void table_expect_element(const struct table *t, uint64_t hash, size_t size);
struct table_node *table_find(const struct table *t, uint64_t hash, table_match_fn *match,
                              const void *key);
/* The node must be in the table; its memory is the caller's again. */
void table_remove(struct table *t, struct table_node *node);
/* Visits every node in no order; visit may remove and free the node it is given, and must not add.
 */
void table_each(struct table *t, void (*visit)(struct table_node *node, void *user), void *user);

#endif
