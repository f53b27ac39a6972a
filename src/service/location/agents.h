/* User-Agent values, each kept once: thousands of phones send the same few. Bounded, values stay
 * until the end; what comes after the bound is written out in each record instead. Any thread. */
#ifndef SERVICE_LOCATION_AGENTS_H
#define SERVICE_LOCATION_AGENTS_H

#include "base/hash.h"
#include "base/slice.h"

#define AGENTS_LIMIT       2048
#define AGENT_LENGTH_MAX   128 /* longer values are not interned */
#define AGENT_LENGTH_LEAST 3   /* nor are those that take no more room than their number */
#define AGENT_NONE         UINT16_MAX

struct location_agents;

int location_agents_new(const struct hash_key *key, struct location_agents **ret_agents);
void location_agents_free(struct location_agents *agents);
/* The number of a value, which is added when it is new; AGENT_NONE when it is not interned. Takes
 * no lock for a value that is there. */
uint16_t location_agents_intern(struct location_agents *agents, struct slice value);
/* number must come from location_agents_intern. */
struct slice location_agents_get(const struct location_agents *agents, uint16_t number);
size_t location_agents_bytes(const struct location_agents *agents);

#endif
