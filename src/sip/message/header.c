#include "sip/message/header.h"

#include <assert.h>

#include "sip/message/header_hash.h"

/* Names lie in rows of one size, so that the place of a name needs no second table. */
#define ROW 24

static_assert(SIP_HEADER_NAME_MAX <= ROW, "a header name is longer than its row");
static_assert(SIP_HEADER_OTHER < 255, "slots hold an id and one more in a byte");

static const char names[SIP_HEADER_OTHER][ROW] = {
#define HEADER_NAME(id, name, compact, flags) [SIP_HEADER_##id] = (name),
    SIP_HEADER_TABLE(HEADER_NAME)
#undef HEADER_NAME
};

static const uint8_t lengths[SIP_HEADER_OTHER] = {
#define HEADER_LENGTH(id, name, compact, flags) [SIP_HEADER_##id] = sizeof(name) - 1,
    SIP_HEADER_TABLE(HEADER_LENGTH)
#undef HEADER_LENGTH
};

static const uint8_t all_flags[SIP_HEADER_COUNT] = {
#define HEADER_FLAGS(id, name, compact, flags) [SIP_HEADER_##id] = (flags),
    SIP_HEADER_TABLE(HEADER_FLAGS)
#undef HEADER_FLAGS
};

/* Lower-case letter -> id + 1. Headers without a compact form sit past the letters, unread. */
static const uint8_t compact_ids[128 + SIP_HEADER_OTHER] = {
#define HEADER_COMPACT(id, name, compact, flags)                                                   \
    [(compact) ? (compact) : 128 + SIP_HEADER_##id] = SIP_HEADER_##id + 1,
    SIP_HEADER_TABLE(HEADER_COMPACT)
#undef HEADER_COMPACT
};

/* As hash_of() in tools/header-hash. */
static unsigned hash_name(struct slice name)
{
    const unsigned char *p = (const unsigned char *)name.ptr;
    uint32_t key = (uint32_t)name.len | (uint32_t)p[0] << 8 | (uint32_t)p[name.len / 2] << 16 |
                   (uint32_t)p[name.len - 1] << 24 | 0x20202000u;
    return (key * SIP_HEADER_HASH_MULTIPLIER) >> 24;
}

/* Names mostly come as we write them. Of the bytes in ours (letters and '-', see tools/header-hash)
 * only letters have bit 6, and so may differ in their case. */
static inline bool same_word(uint64_t ours, uint64_t theirs)
{
    return ours == theirs || ((ours ^ theirs) & ~((ours >> 1) & 0x2020202020202020u)) == 0;
}

#define SAME(type)                                                                                 \
    static inline bool same_##type(const char *ours, const char *theirs)                           \
    {                                                                                              \
        type a, b;                                                                                 \
        memcpy(&a, ours, sizeof(a));                                                               \
        memcpy(&b, theirs, sizeof(b));                                                             \
        return same_word(a, b);                                                                    \
    }

SAME(uint64_t)
SAME(uint32_t)
SAME(uint16_t)

/* Both have len bytes, 2 to ROW: words that overlap cover them. */
static bool same_name(const char *ours, const char *theirs, size_t len)
{
    if (len >= 8) {
        size_t last = len - 8;
        return same_uint64_t(ours, theirs) && same_uint64_t(ours + last, theirs + last) &&
               (len <= 16 || same_uint64_t(ours + 8, theirs + 8));
    }
    if (len >= 4) {
        size_t last = len - 4;
        return same_uint32_t(ours, theirs) && same_uint32_t(ours + last, theirs + last);
    }
    size_t last = len - 2;
    return same_uint16_t(ours, theirs) && same_uint16_t(ours + last, theirs + last);
}

enum sip_header_id sip_header_lookup(struct slice name)
{
    if (name.len < 2) {
        /* A byte that is a letter in bits 5 and 6 is one of '`' to DEL; the table knows letters. */
        unsigned letter = name.len == 1 ? (unsigned char)name.ptr[0] | 0x20u : 0;
        unsigned id = letter >= 'a' && letter <= 'z' ? compact_ids[letter] : 0;
        return id == 0 ? SIP_HEADER_OTHER : (enum sip_header_id)(id - 1);
    }
    if (name.len > SIP_HEADER_NAME_MAX) {
        return SIP_HEADER_OTHER;
    }
    unsigned slot = sip_header_slots[hash_name(name)];
    if (slot == 0 || lengths[slot - 1] != name.len ||
        !same_name(names[slot - 1], name.ptr, name.len)) {
        return SIP_HEADER_OTHER;
    }
    return (enum sip_header_id)(slot - 1);
}

struct slice sip_header_name(enum sip_header_id id)
{
    assert(id < SIP_HEADER_OTHER);
    return slice_of(names[id], lengths[id]);
}

unsigned sip_header_flags(enum sip_header_id id)
{
    return all_flags[id];
}
