#include "base/error.h"
#include "loop/dns_answer.h"

#define CACHE_BUCKETS 256 /* to begin with */

struct cache_key {
    struct slice name;
    enum dns_type type;
};

int dns_cache_init(struct dns_cache *cache, struct hash_key key)
{
    cache->key = key;
    cache->count = 0;
    cache->bytes = 0;
    list_init(&cache->used);
    return table_init(&cache->table, CACHE_BUCKETS);
}

void dns_cache_done(struct dns_cache *cache)
{
    dns_cache_clear(cache);
    table_done(&cache->table);
}

uint64_t dns_cache_hash(const struct dns_cache *cache, struct slice name, enum dns_type type)
{
    return hash_mix(hash_slice_nocase(&cache->key, name), (uint64_t)type);
}

static bool match(const struct table_node *node, const void *key)
{
    const struct dns_block *block = container_of_const(node, struct dns_block, node);
    const struct cache_key *wanted = key;
    return block->answer.type == wanted->type &&
           slice_equal_nocase(slice_of(block->name, block->name_len), wanted->name);
}

static void drop(struct dns_cache *cache, struct dns_block *block)
{
    table_remove(&cache->table, &block->node);
    list_remove(&block->used);
    cache->count--;
    cache->bytes -= block->size;
    block->cached = false;
    dns_answer_unref(&block->answer);
}

struct dns_block *dns_cache_find(struct dns_cache *cache, uint64_t hash, struct slice name,
                                 enum dns_type type, uint64_t now_ms)
{
    struct cache_key key = {name, type};
    struct table_node *node = table_find(&cache->table, hash, match, &key);
    if (node == NULL)
        return NULL;
    struct dns_block *block = container_of(node, struct dns_block, node);
    if (block->answer.expires_ms <= now_ms) {
        drop(cache, block);
        return NULL;
    }
    if (cache->used.next != &block->used) {
        list_remove(&block->used);
        list_prepend(&cache->used, &block->used);
    }
    return block;
}

void dns_cache_add(struct dns_cache *cache, uint64_t hash, struct dns_block *block)
{
    struct cache_key key = {slice_of(block->name, block->name_len), block->answer.type};
    struct table_node *older = table_find(&cache->table, hash, match, &key);
    if (older != NULL)
        drop(cache, container_of(older, struct dns_block, node));
    while (!list_empty(&cache->used) &&
           (cache->count >= DNS_CACHE_ANSWERS || cache->bytes + block->size > DNS_CACHE_BYTES))
        drop(cache, container_of(cache->used.prev, struct dns_block, used));
    table_add(&cache->table, &block->node, hash);
    list_prepend(&cache->used, &block->used);
    cache->count++;
    cache->bytes += block->size;
    block->cached = true;
    block->refs++;
}

void dns_cache_clear(struct dns_cache *cache)
{
    while (!list_empty(&cache->used))
        drop(cache, container_of(cache->used.next, struct dns_block, used));
}
