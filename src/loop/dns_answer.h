/* Answers in memory: one block each, with its records and texts. What makes and keeps them:
 * decoding of what came, the cache. Pure: tests/sim uses these files as they are. */
#ifndef LOOP_DNS_ANSWER_H
#define LOOP_DNS_ANSWER_H

#include "base/hash.h"
#include "base/table.h"
#include "loop/dns.h"

#define DNS_CACHE_ANSWERS 8192
#define DNS_CACHE_BYTES   (4u * 1024 * 1024)

struct dns_block {
    struct dns_answer answer;
    struct table_node node; /* in the cache */
    struct list used;       /* in the cache, the latest use first */
    uint32_t refs;
    uint8_t name_len;
    bool cached;
    size_t size;      /* of the whole block */
    const char *name; /* in the block */
    struct dns_record *records;
    char *text; /* in the block: room for what records point to */
};

/* With one reference, room for records and so many bytes of text; the answer is empty, its status
 * 0. name at most DNS_NAME_MAX. NULL: no memory. */
struct dns_block *dns_block_new(struct slice name, enum dns_type type, size_t records, size_t text);
struct dns_block *dns_block_of(const struct dns_answer *answer);

/* Is it a host name (RFC 1123 section 2.1; underscores too, RFC 2782)? The name without its final
 * dot, which may be there. Errors: ERR_INVALID: also for one that ends in digits only, an address
 * (RFC 3696 section 2). */
int dns_name_check(struct slice name, struct slice *ret_name);

/* A name in wire format, uncompressed (RFC 1035 section 3.1), from the beginning of *data; *data is
 * what follows. Writes it as text without final dot: text has room for DNS_NAME_MAX. Returns its
 * length. ERR_SYNTAX: cut off, a compression pointer, over 255 bytes, or bytes that no host name
 * has. */
int dns_name_decode(struct slice *data, char *text);

struct dns_decoded {
    unsigned malformed;
    unsigned left_out; /* over DNS_RECORDS_MAX */
};

/* The answer made of the data of a set of records, in order of preference. What is malformed is
 * left out; when that is all, the answer's status is ERR_INVALID. count at least 1. ERR_NO_MEMORY.
 */
int dns_decode(struct slice name, enum dns_type type, const struct slice *data, size_t count,
               struct dns_decoded *ret_decoded, struct dns_block **ret_block);

/* ---- cache ---- */

struct dns_cache {
    struct table table;
    struct list used;
    struct hash_key key;
    size_t count;
    size_t bytes;
};

int dns_cache_init(struct dns_cache *cache, struct hash_key key);
void dns_cache_done(struct dns_cache *cache);
/* Names compare without case. */
uint64_t dns_cache_hash(const struct dns_cache *cache, struct slice name, enum dns_type type);
/* NULL: not there, or expired. */
struct dns_block *dns_cache_find(struct dns_cache *cache, uint64_t hash, struct slice name,
                                 enum dns_type type, uint64_t now_ms);
/* Takes a reference of its own, in the place of an older answer; at the bounds the one that was
 * used longest ago goes. */
void dns_cache_add(struct dns_cache *cache, uint64_t hash, struct dns_block *block);
void dns_cache_clear(struct dns_cache *cache);

#endif
