/* How a record lies in its block: a fixed part, then what its flags say. Shared by the files
 * record*.c only. */
#ifndef SERVICE_LOCATION_RECORD_LAYOUT_H
#define SERVICE_LOCATION_RECORD_LAYOUT_H

#include <assert.h>
#include <stddef.h>

#include "service/location/record.h"

enum record_flag {
    KEY_IS_CONTACT = 1 << 0,
    KEY_OF_INSTANCE = 1 << 1, /* the key begins with the instance and is stored in its place */
    KEY_OWN = 1 << 2,
    BEHIND_NAT = 1 << 3,
    CONNECTION = 1 << 4, /* struct record_stream follows the fixed part */
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
    KEEP = 1 << 15, /* struct record_keep follows */
};

#define GRUU 0x80 /* in struct record_fixed's transport: flags are full */

static_assert(TRANSPORT_COUNT <= GRUU, "the bit is free");

/* Times are 48-bit milliseconds: enough for 8,900 years. */
#define TIME_SIZE 6
/* So are places in the journal: the store would need 89 years at 100,000 writes a second. */

struct __attribute__((packed)) record_fixed {
    uint16_t flags;
    uint16_t q;
    uint32_t cseq;
    uint8_t expires[TIME_SIZE], since[TIME_SIZE], updated[TIME_SIZE], seen[TIME_SIZE];
    uint8_t place[TIME_SIZE];
    uint16_t listener;
    uint8_t transport; /* and GRUU */
    uint8_t worker;
};

struct __attribute__((packed)) record_stream {
    uint32_t connection, generation, link;
};

struct __attribute__((packed)) record_keep {
    uint32_t due_s, sent_s;
    uint16_t interval_s, lived_s, died_s;
    uint8_t missed, changes, goods;
    uint8_t tries_answers; /* tries, and 0x80: answers */
};

struct __attribute__((packed)) record_v4 {
    struct in_addr host;
    in_port_t port;
};

struct __attribute__((packed)) record_v6 {
    struct in6_addr host;
    uint32_t scope;
    in_port_t port;
};

static inline void record_put_time(uint8_t *at, int64_t ms)
{
    uint64_t value = ms < 0 ? 0 : (uint64_t)ms;
    memcpy(at, &value, TIME_SIZE);
}

static inline int64_t record_get_time(const uint8_t *at)
{
    uint64_t value = 0;
    memcpy(&value, at, TIME_SIZE);
    return (int64_t)value;
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "record_put_time takes the low bytes first");

static inline struct record_keep record_pack_keep(const struct binding_keep *k)
{
    return (struct record_keep){.due_s = k->due_s,
                                .sent_s = k->sent_s,
                                .interval_s = k->interval_s,
                                .lived_s = k->lived_s,
                                .died_s = k->died_s,
                                .missed = k->missed,
                                .changes = k->changes,
                                .goods = k->goods,
                                .tries_answers = (uint8_t)(k->tries | (k->answers ? 0x80 : 0))};
}

#endif
