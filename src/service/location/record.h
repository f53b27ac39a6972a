/* Bindings packed into bytes. A block holds everything about one address-of-record: its name, then
 * one variable-length record per binding. A block is written once and replaced as a whole, which is
 * what makes an update atomic (RFC 3261 section 10.3); only the time last seen, the
 * state of pings and the connection of a binding are changed in place. */
#ifndef SERVICE_LOCATION_RECORD_H
#define SERVICE_LOCATION_RECORD_H

#include "service/location/agents.h"
#include "service/location/location.h"

#define LOCATION_RECORD_MAX 16384 /* bytes of one record */
#define LOCATION_AOR_MAX    2048  /* bytes of an address-of-record */
/* Bindings of an AOR that a block can hold. */
#define LOCATION_RECORDS_MAX (LOCATION_CONTACTS_MAX + LOCATION_CHANGES_MAX)

struct location_block {
    uint32_t size;  /* bytes, this header included */
    uint16_t count; /* records */
    uint16_t aor_length;
    char data[]; /* the AOR, then the records */
};

/* A record as it is read or about to be written. */
struct location_record {
    struct binding binding;
    struct slice key;
    int64_t place;   /* in the journal; 0: none */
    uint32_t offset; /* of the record in its block, once written */
    uint32_t link;   /* stream flows: the binding's node in the table of connections; 0: none */
    uint16_t agent;  /* number of an interned User-Agent; AGENT_NONE: written out in the record */
};

static inline struct slice location_block_aor(const struct location_block *block)
{
    return slice_of(block->data, block->aor_length);
}

/* ERR_LIMIT when a string or the record is too long. */
int location_record_check(const struct location_record *record);
size_t location_block_size(struct slice aor, const struct location_record *records, unsigned count);
/* block holds location_block_size bytes; the records have been checked and learn their offsets. */
void location_block_write(struct location_block *block, struct slice aor,
                          struct location_record *records, unsigned count);

/* Walks the records of a block. */
struct location_reader {
    const struct location_agents *agents; /* borrowed */
    const char *at;
    unsigned left;
};

static inline struct location_reader location_reader_of(const struct location_block *block,
                                                        const struct location_agents *agents)
{
    return (struct location_reader){agents, block->data + block->aor_length, block->count};
}

/* False at the end. The slices point into the block, that of the User-Agent may point to agents. */
bool location_reader_next(struct location_reader *reader, struct location_record *ret_record);

/* Where the next record lies in the block, for changes in place. */
static inline size_t location_reader_offset(const struct location_reader *reader,
                                            const struct location_block *block)
{
    return (size_t)(reader->at - (const char *)block);
}

void location_record_set_place(struct location_block *block, size_t offset, int64_t place);
void location_record_set_seen(struct location_block *block, size_t offset, int64_t now_ms);
/* The record must have been written with such state, and the state must not be 0. */
void location_record_set_keep(struct location_block *block, size_t offset,
                              const struct binding_keep *state);
/* Its connection and link become 0. The record must be of a flow with a connection. */
void location_record_clear_connection(struct location_block *block, size_t offset);

#endif
