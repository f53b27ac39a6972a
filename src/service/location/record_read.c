/* Reading records. */
#include "service/location/record_layout.h"

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
        struct record_v4 packed;
        at = get(at, &packed, sizeof packed);
        ret->in4 = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_addr = packed.host, .sin_port = packed.port};
    } else if (v6) {
        struct record_v6 packed;
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
    struct record_fixed fixed;
    at = get(at, &fixed, sizeof fixed);
    b->q = fixed.q;
    b->cseq = fixed.cseq;
    b->expires_ms = record_get_time(fixed.expires);
    b->since_ms = record_get_time(fixed.since);
    b->updated_ms = record_get_time(fixed.updated);
    b->seen_ms = record_get_time(fixed.seen);
    r->place = record_get_time(fixed.place);
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
    struct record_keep keep;
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
        struct record_stream stream;
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
