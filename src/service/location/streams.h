/* Which bindings came along which connection, so that the end of a connection costs no more than
 * its own bindings. For each binding of a connection there is a node with the hash of its AOR; the
 * binding's record keeps the node's number (its link). Any thread; taken inside a shard's lock. */
#ifndef SERVICE_LOCATION_STREAMS_H
#define SERVICE_LOCATION_STREAMS_H

#include "base/flow.h"
#include "base/hash.h"

struct location_streams;

int location_streams_new(const struct hash_key *key, struct location_streams **ret_streams);
void location_streams_free(struct location_streams *streams);

/* Datagrams have no connection. Where signs of life are awaited along such a flow (RFC 5626 section
 * 4.4.2) it gets a number made from the far end's address, inside of this folder only. */
struct flow location_streams_number(const struct hash_key *key, const struct flow *flow);
/* flow.connection must not be 0. The link is never 0. ERR_NO_MEMORY. */
int location_streams_add(struct location_streams *streams, const struct flow *flow,
                         uint64_t aor_hash, uint32_t *ret_link);
/* flow and link as they were added. */
void location_streams_remove(struct location_streams *streams, const struct flow *flow,
                             uint32_t link);
/* The AOR of some binding of the connection. ERR_NOT_FOUND when there is none. */
int location_streams_first(struct location_streams *streams, const struct flow *flow,
                           uint64_t *ret_aor_hash);
/* The AORs of up to limit bindings of the connection, each once when they follow each other.
 * Returns how many. */
unsigned location_streams_list(struct location_streams *streams, const struct flow *flow,
                               uint64_t *ret_aor_hashes, unsigned limit);
/* Is it the same connection? */
bool location_streams_same(const struct flow *a, const struct flow *b);
size_t location_streams_bytes(const struct location_streams *streams);

#endif
