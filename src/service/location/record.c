#include "service/location/record.h"

#include <assert.h>
#include <stddef.h>

#include "base/error.h"

#define STRING_MAX 16383 /* what a length of two bytes can say */

enum flag {
    KEY_IS_CONTACT = 1 << 0,
    KEY_OF_INSTANCE = 1 << 1, /* the key begins with the instance and is stored in its place */
    KEY_OWN = 1 << 2,
    BEHIND_NAT = 1 << 3,
    CONNECTION = 1 << 4, /* struct stream follows the fixed part */
    REG_ID = 1 << 5,
    AGENT_NUMBER = 1 << 6,
    AGENT_TEXT = 1 << 7,
    LOCAL_V4 = 1 << 8,
    LOCAL_V6 = 1 << 9,
    REMOTE_V4 = 1 << 10,
    REMOTE_V6 = 1 << 11,
    INSTANCE = 1 << 12,
    PATH = 1 << 13,
    PARAMS = 1 << 14,
    KEEP = 1 << 15, /* struct keep follows */
};

#define GRUU 0x80 /* in struct fixed's transport: flags are full */

static_assert(TRANSPORT_COUNT <= GRUU, "the bit is free");

/* Times are 48-bit milliseconds: enough for 8,900 years. */
#define TIME_SIZE 6
/* So are places in the journal: the store would need 89 years at 100,000 writes a second. */

struct __attribute__((packed)) fixed {
    uint16_t flags;
    uint16_t q;
    uint32_t cseq;
    uint8_t expires[TIME_SIZE], since[TIME_SIZE], updated[TIME_SIZE], seen[TIME_SIZE];
    uint8_t place[TIME_SIZE];
    uint16_t listener;
    uint8_t transport; /* and GRUU */
    uint8_t worker;
};

struct __attribute__((packed)) stream {
    uint32_t connection, generation, link;
};

struct __attribute__((packed)) keep {
    uint32_t due_s, sent_s;
    uint16_t interval_s, lived_s, died_s;
    uint8_t missed, changes, goods;
    uint8_t tries_answers; /* tries, and 0x80: answers */
};

struct __attribute__((packed)) packed_v4 {
    struct in_addr host;
    in_port_t port;
};

struct __attribute__((packed)) packed_v6 {
    struct in6_addr host;
    uint32_t scope;
    in_port_t port;
};

static void put_time(uint8_t *at, int64_t ms)
{
    uint64_t value = ms < 0 ? 0 : (uint64_t)ms;
    memcpy(at, &value, TIME_SIZE);
}

static int64_t get_time(const uint8_t *at)
{
    uint64_t value = 0;
    memcpy(&value, at, TIME_SIZE);
    return (int64_t)value;
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "put_time takes the low bytes first");

static bool starts_key(const struct location_record *r)
{
    return r->binding.instance.len > 0 && slice_starts_with(r->key, r->binding.instance);
}

static unsigned address_flag(const struct address *a, unsigned v4, unsigned v6)
{
    return a->sa.sa_family == AF_INET ? v4 : a->sa.sa_family == AF_INET6 ? v6 : 0;
}

static unsigned flags_of(const struct location_record *r)
{
    const struct binding *b = &r->binding;
    unsigned flags = address_flag(&b->flow.local, LOCAL_V4, LOCAL_V6) |
                     address_flag(&b->flow.remote, REMOTE_V4, REMOTE_V6);
    if (slice_equal(r->key, b->contact))
        flags |= KEY_IS_CONTACT;
    else
        flags |= starts_key(r) ? KEY_OF_INSTANCE : KEY_OWN;
    flags |= b->behind_nat ? BEHIND_NAT : 0;
    flags |= b->flow.connection != 0 ? CONNECTION : 0;
    flags |= b->reg_id != 0 ? REG_ID : 0;
    if (b->user_agent.len > 0)
        flags |= r->agent != AGENT_NONE ? AGENT_NUMBER : AGENT_TEXT;
    flags |= b->instance.len > 0 && !(flags & KEY_OF_INSTANCE) ? INSTANCE : 0;
    flags |= b->path.len > 0 ? PATH : 0;
    flags |= b->params.len > 0 ? PARAMS : 0;
    flags |= b->keep.due_s != 0 ? KEEP : 0;
    return flags;
}

static size_t length_size(size_t length)
{
    return length < 0x80 ? 1 : 2;
}

static size_t string_size(struct slice s)
{
    return length_size(s.len) + s.len;
}

static size_t addresses_size(unsigned flags)
{
    size_t size = 0;
    size += (flags & LOCAL_V4) ? sizeof(struct packed_v4) : 0;
    size += (flags & LOCAL_V6) ? sizeof(struct packed_v6) : 0;
    size += (flags & REMOTE_V4) ? sizeof(struct packed_v4) : 0;
    size += (flags & REMOTE_V6) ? sizeof(struct packed_v6) : 0;
    return size;
}

static size_t record_size(const struct location_record *r, unsigned flags)
{
    const struct binding *b = &r->binding;
    size_t size = sizeof(struct fixed) + addresses_size(flags);
    size += (flags & CONNECTION) ? sizeof(struct stream) : 0;
    size += (flags & KEEP) ? sizeof(struct keep) : 0;
    size += (flags & REG_ID) ? sizeof b->reg_id : 0;
    size += (flags & AGENT_NUMBER) ? sizeof r->agent : 0;
    size += string_size(b->contact) + string_size(b->call_id);
    size += (flags & KEY_OWN) ? string_size(r->key) : 0;
    size += (flags & KEY_OF_INSTANCE) ? string_size(r->key) + length_size(b->instance.len) : 0;
    size += (flags & INSTANCE) ? string_size(b->instance) : 0;
    size += (flags & AGENT_TEXT) ? string_size(b->user_agent) : 0;
    size += (flags & PATH) ? string_size(b->path) : 0;
    size += (flags & PARAMS) ? string_size(b->params) : 0;
    return size;
}

int location_record_check(const struct location_record *record)
{
    const struct binding *b = &record->binding;
    const size_t lengths[] = {record->key.len, b->contact.len, b->params.len,    b->call_id.len,
                              b->instance.len, b->path.len,    b->user_agent.len};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        if (lengths[i] > STRING_MAX)
            return ERR_LIMIT;
    }
    return record_size(record, flags_of(record)) > LOCATION_RECORD_MAX ? ERR_LIMIT : 0;
}

size_t location_block_size(struct slice aor, const struct location_record *records, unsigned count)
{
    size_t size = sizeof(struct location_block) + aor.len;
    for (unsigned i = 0; i < count; i++)
        size += record_size(&records[i], flags_of(&records[i]));
    return size;
}

static char *put(char *at, const void *data, size_t size)
{
    if (size > 0)
        memcpy(at, data, size);
    return at + size;
}

static char *put_length(char *at, size_t length)
{
    if (length < 0x80) {
        *at = (char)length;
        return at + 1;
    }
    at[0] = (char)(0x80 | (length & 0x7f));
    at[1] = (char)(length >> 7);
    return at + 2;
}

static char *put_string(char *at, struct slice s)
{
    return put(put_length(at, s.len), s.ptr, s.len);
}

static char *put_address(char *at, const struct address *a)
{
    if (a->sa.sa_family == AF_INET) {
        struct packed_v4 packed = {a->in4.sin_addr, a->in4.sin_port};
        return put(at, &packed, sizeof packed);
    }
    if (a->sa.sa_family == AF_INET6) {
        struct packed_v6 packed = {a->in6.sin6_addr, a->in6.sin6_scope_id, a->in6.sin6_port};
        return put(at, &packed, sizeof packed);
    }
    return at;
}

static char *put_fixed(char *at, const struct location_record *r, unsigned flags)
{
    const struct binding *b = &r->binding;
    struct fixed fixed = {.flags = (uint16_t)flags,
                          .q = b->q,
                          .cseq = b->cseq,
                          .listener = b->flow.listener,
                          .transport = (uint8_t)(b->flow.transport | (b->gruu ? GRUU : 0)),
                          .worker = b->flow.worker};
    put_time(fixed.expires, b->expires_ms);
    put_time(fixed.since, b->since_ms);
    put_time(fixed.updated, b->updated_ms);
    put_time(fixed.seen, b->seen_ms);
    put_time(fixed.place, r->place);
    return put(at, &fixed, sizeof fixed);
}

static struct keep pack_keep(const struct binding_keep *k)
{
    return (struct keep){.due_s = k->due_s,
                         .sent_s = k->sent_s,
                         .interval_s = k->interval_s,
                         .lived_s = k->lived_s,
                         .died_s = k->died_s,
                         .missed = k->missed,
                         .changes = k->changes,
                         .goods = k->goods,
                         .tries_answers = (uint8_t)(k->tries | (k->answers ? 0x80 : 0))};
}

static char *record_write(char *at, const struct location_record *r)
{
    const struct binding *b = &r->binding;
    unsigned flags = flags_of(r);
    at = put_fixed(at, r, flags);
    if (flags & CONNECTION) {
        struct stream stream = {b->flow.connection, b->flow.generation, r->link};
        at = put(at, &stream, sizeof stream);
    }
    if (flags & KEEP) {
        struct keep keep = pack_keep(&b->keep);
        at = put(at, &keep, sizeof keep);
    }
    if (flags & REG_ID)
        at = put(at, &b->reg_id, sizeof b->reg_id);
    if (flags & AGENT_NUMBER)
        at = put(at, &r->agent, sizeof r->agent);
    at = put_address(at, &b->flow.local);
    at = put_address(at, &b->flow.remote);
    at = put_string(at, b->contact);
    at = put_string(at, b->call_id);
    if (flags & KEY_OF_INSTANCE)
        at = put_length(at, b->instance.len);
    if (flags & (KEY_OWN | KEY_OF_INSTANCE))
        at = put_string(at, r->key);
    if (flags & INSTANCE)
        at = put_string(at, b->instance);
    if (flags & AGENT_TEXT)
        at = put_string(at, b->user_agent);
    if (flags & PATH)
        at = put_string(at, b->path);
    if (flags & PARAMS)
        at = put_string(at, b->params);
    return at;
}

void location_block_write(struct location_block *block, struct slice aor,
                          struct location_record *records, unsigned count)
{
    block->count = (uint16_t)count;
    block->aor_length = (uint16_t)aor.len;
    char *at = put(block->data, aor.ptr, aor.len);
    for (unsigned i = 0; i < count; i++) {
        records[i].offset = (uint32_t)(at - (char *)block);
        at = record_write(at, &records[i]);
    }
    block->size = (uint32_t)(at - (char *)block);
}

static const char *get(const char *at, void *ret, size_t size)
{
    memcpy(ret, at, size);
    return at + size;
}

static const char *get_length(const char *at, size_t *ret)
{
    unsigned char low = (unsigned char)at[0];
    if (low < 0x80) {
        *ret = low;
        return at + 1;
    }
    *ret = (low & 0x7fu) | (size_t)(unsigned char)at[1] << 7;
    return at + 2;
}

static const char *get_string(const char *at, struct slice *ret)
{
    size_t length;
    at = get_length(at, &length);
    *ret = slice_of(at, length);
    return at + length;
}

static const char *get_address(const char *at, bool v4, bool v6, struct address *ret)
{
    if (v4) {
        struct packed_v4 packed;
        at = get(at, &packed, sizeof packed);
        ret->in4 = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_addr = packed.host, .sin_port = packed.port};
    } else if (v6) {
        struct packed_v6 packed;
        at = get(at, &packed, sizeof packed);
        ret->in6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
                                         .sin6_addr = packed.host,
                                         .sin6_scope_id = packed.scope,
                                         .sin6_port = packed.port};
    }
    return at;
}

static const char *get_fixed(const char *at, struct location_record *r, unsigned *ret_flags)
{
    struct binding *b = &r->binding;
    struct fixed fixed;
    at = get(at, &fixed, sizeof fixed);
    b->q = fixed.q;
    b->cseq = fixed.cseq;
    b->expires_ms = get_time(fixed.expires);
    b->since_ms = get_time(fixed.since);
    b->updated_ms = get_time(fixed.updated);
    b->seen_ms = get_time(fixed.seen);
    r->place = get_time(fixed.place);
    b->flow.listener = fixed.listener;
    b->flow.transport = fixed.transport & (GRUU - 1);
    b->gruu = (fixed.transport & GRUU) != 0;
    b->flow.worker = fixed.worker;
    b->behind_nat = (fixed.flags & BEHIND_NAT) != 0;
    *ret_flags = fixed.flags;
    return at;
}

static const char *get_keep(const char *at, struct binding_keep *ret)
{
    struct keep keep;
    at = get(at, &keep, sizeof keep);
    *ret = (struct binding_keep){.due_s = keep.due_s,
                                 .sent_s = keep.sent_s,
                                 .interval_s = keep.interval_s,
                                 .lived_s = keep.lived_s,
                                 .died_s = keep.died_s,
                                 .missed = keep.missed,
                                 .changes = keep.changes,
                                 .goods = keep.goods,
                                 .tries = keep.tries_answers & 0x0f,
                                 .answers = (keep.tries_answers & 0x80) != 0};
    return at;
}

static const char *get_strings(const char *at, unsigned flags, struct location_record *r)
{
    struct binding *b = &r->binding;
    at = get_string(at, &b->contact);
    at = get_string(at, &b->call_id);
    r->key = b->contact;
    size_t instance = 0;
    if (flags & KEY_OF_INSTANCE)
        at = get_length(at, &instance);
    if (flags & (KEY_OWN | KEY_OF_INSTANCE))
        at = get_string(at, &r->key);
    b->instance = slice_of(r->key.ptr, instance);
    if (flags & INSTANCE)
        at = get_string(at, &b->instance);
    if (flags & AGENT_TEXT)
        at = get_string(at, &b->user_agent);
    if (flags & PATH)
        at = get_string(at, &b->path);
    if (flags & PARAMS)
        at = get_string(at, &b->params);
    return at;
}

bool location_reader_next(struct location_reader *reader, struct location_record *ret_record)
{
    if (reader->left == 0)
        return false;
    reader->left--;
    *ret_record = (struct location_record){.agent = AGENT_NONE};
    struct binding *b = &ret_record->binding;
    unsigned flags;
    const char *at = get_fixed(reader->at, ret_record, &flags);
    if (flags & CONNECTION) {
        struct stream stream;
        at = get(at, &stream, sizeof stream);
        b->flow.connection = stream.connection;
        b->flow.generation = stream.generation;
        ret_record->link = stream.link;
    }
    if (flags & KEEP)
        at = get_keep(at, &b->keep);
    if (flags & REG_ID)
        at = get(at, &b->reg_id, sizeof b->reg_id);
    if (flags & AGENT_NUMBER) {
        at = get(at, &ret_record->agent, sizeof ret_record->agent);
        b->user_agent = location_agents_get(reader->agents, ret_record->agent);
    }
    at = get_address(at, flags & LOCAL_V4, flags & LOCAL_V6, &b->flow.local);
    at = get_address(at, flags & REMOTE_V4, flags & REMOTE_V6, &b->flow.remote);
    reader->at = get_strings(at, flags, ret_record);
    return true;
}

void location_record_set_place(struct location_block *block, size_t offset, int64_t place)
{
    put_time((uint8_t *)block + offset + offsetof(struct fixed, place), place);
}

void location_record_set_seen(struct location_block *block, size_t offset, int64_t now_ms)
{
    put_time((uint8_t *)block + offset + offsetof(struct fixed, seen), now_ms);
}

void location_record_set_keep(struct location_block *block, size_t offset,
                              const struct binding_keep *state)
{
    struct fixed fixed;
    struct keep keep = pack_keep(state);
    char *place = (char *)block + offset;
    memcpy(&fixed, place, sizeof fixed);
    assert(fixed.flags & KEEP);
    place += sizeof fixed + ((fixed.flags & CONNECTION) ? sizeof(struct stream) : 0);
    memcpy(place, &keep, sizeof keep);
}

void location_record_clear_connection(struct location_block *block, size_t offset)
{
    struct stream stream;
    char *place = (char *)block + offset + sizeof(struct fixed);
    memcpy(&stream, place, sizeof stream);
    stream.connection = stream.link = 0;
    memcpy(place, &stream, sizeof stream);
}
