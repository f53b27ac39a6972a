/* Writing records, and changing them in place. */
#include "service/location/record.h"

#include "base/error.h"
#include "service/location/record_layout.h"

#define STRING_MAX 16383 /* what a length of two bytes can say */

/* ---- Sizes ---- */

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
    size += (flags & LOCAL_V4) ? sizeof(struct record_v4) : 0;
    size += (flags & LOCAL_V6) ? sizeof(struct record_v6) : 0;
    size += (flags & REMOTE_V4) ? sizeof(struct record_v4) : 0;
    size += (flags & REMOTE_V6) ? sizeof(struct record_v6) : 0;
    return size;
}

static size_t record_size(const struct location_record *r, unsigned flags)
{
    const struct binding *b = &r->binding;
    size_t size = sizeof(struct record_fixed) + addresses_size(flags);
    size += (flags & CONNECTION) ? sizeof(struct record_stream) : 0;
    size += (flags & KEEP) ? sizeof(struct record_keep) : 0;
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

/* ---- Writing ---- */

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
        struct record_v4 packed = {a->in4.sin_addr, a->in4.sin_port};
        return put(at, &packed, sizeof packed);
    }
    if (a->sa.sa_family == AF_INET6) {
        struct record_v6 packed = {a->in6.sin6_addr, a->in6.sin6_scope_id, a->in6.sin6_port};
        return put(at, &packed, sizeof packed);
    }
    return at;
}

static char *put_fixed(char *at, const struct location_record *r, unsigned flags)
{
    const struct binding *b = &r->binding;
    struct record_fixed fixed = {.flags = (uint16_t)flags,
                                 .q = b->q,
                                 .cseq = b->cseq,
                                 .listener = b->flow.listener,
                                 .transport = (uint8_t)(b->flow.transport | (b->gruu ? GRUU : 0)),
                                 .worker = b->flow.worker};
    record_put_time(fixed.expires, b->expires_ms);
    record_put_time(fixed.since, b->since_ms);
    record_put_time(fixed.updated, b->updated_ms);
    record_put_time(fixed.seen, b->seen_ms);
    record_put_time(fixed.place, r->place);
    return put(at, &fixed, sizeof fixed);
}

static char *record_write(char *at, const struct location_record *r)
{
    const struct binding *b = &r->binding;
    unsigned flags = flags_of(r);
    at = put_fixed(at, r, flags);
    if (flags & CONNECTION) {
        struct record_stream stream = {b->flow.connection, b->flow.generation, r->link};
        at = put(at, &stream, sizeof stream);
    }
    if (flags & KEEP) {
        struct record_keep keep = record_pack_keep(&b->keep);
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

/* ---- Changes in place ---- */

void location_record_set_place(struct location_block *block, size_t offset, int64_t place)
{
    record_put_time((uint8_t *)block + offset + offsetof(struct record_fixed, place), place);
}

void location_record_set_seen(struct location_block *block, size_t offset, int64_t now_ms)
{
    record_put_time((uint8_t *)block + offset + offsetof(struct record_fixed, seen), now_ms);
}

void location_record_set_keep(struct location_block *block, size_t offset,
                              const struct binding_keep *state)
{
    struct record_fixed fixed;
    struct record_keep keep = record_pack_keep(state);
    char *place = (char *)block + offset;
    memcpy(&fixed, place, sizeof fixed);
    assert(fixed.flags & KEEP);
    place += sizeof fixed + ((fixed.flags & CONNECTION) ? sizeof(struct record_stream) : 0);
    memcpy(place, &keep, sizeof keep);
}

void location_record_clear_connection(struct location_block *block, size_t offset)
{
    struct record_stream stream;
    char *place = (char *)block + offset + sizeof(struct record_fixed);
    memcpy(&stream, place, sizeof stream);
    stream.connection = stream.link = 0;
    memcpy(place, &stream, sizeof stream);
}
