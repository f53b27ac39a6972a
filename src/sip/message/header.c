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
    uint32_t key = (uint32_t)name.len | (p[0] | 0x20u) << 8 | (p[name.len / 2] | 0x20u) << 16 |
                   (p[name.len - 1] | 0x20u) << 24;
    return (key * SIP_HEADER_HASH_MULTIPLIER) >> 24;
}

static uint64_t load(const char *p, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, p, size);
    return word;
}

/* Bits that differ in more than the case of a letter. Of the bytes in ours (letters and '-', see
 * tools/header-hash) only letters have bit 6. */
static uint64_t differs(const char *ours, const char *theirs, size_t at, size_t size)
{
    uint64_t a = load(ours + at, size);
    uint64_t case_bits = (a >> 1) & 0x2020202020202020u;
    return (a ^ load(theirs + at, size)) & ~case_bits;
}

/* Both have len bytes, 2 to ROW: words that overlap cover them. */
static bool same_name(const char *ours, const char *theirs, size_t len)
{
    if (len >= 8) {
        uint64_t middle = len > 16 ? differs(ours, theirs, 8, 8) : 0;
        return (differs(ours, theirs, 0, 8) | middle | differs(ours, theirs, len - 8, 8)) == 0;
    }
    if (len >= 4) {
        return (differs(ours, theirs, 0, 4) | differs(ours, theirs, len - 4, 4)) == 0;
    }
    return (differs(ours, theirs, 0, 2) | differs(ours, theirs, len - 2, 2)) == 0;
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
