/* STUN messages as they come (RFC 8489 section 5; without the magic cookie RFC 3489 section 11.1).
 * Parsing copies nothing: a message points into the datagram or frame it came in. */
#ifndef STUN_MESSAGE_H
#define STUN_MESSAGE_H

#include "base/address.h"
#include "stun/attribute.h"

#define STUN_HEADER_SIZE 20
#define STUN_COOKIE      0x2112a442u
#define STUN_ID_SIZE     16 /* cookie and transaction ID; RFC 3489 has all 128 bits for the ID */
#define STUN_UNKNOWN_MAX 16 /* types remembered for UNKNOWN-ATTRIBUTES */
#define STUN_MESSAGE_MAX (STUN_HEADER_SIZE + 65532)

enum stun_class { STUN_REQUEST, STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };

/* RFC 8489 section 18.2, RFC 8656 section 17, RFC 6062 section 6.1 */
enum stun_method {
    STUN_BINDING = 0x001,
    STUN_ALLOCATE = 0x003,
    STUN_REFRESH = 0x004,
    STUN_SEND = 0x006,
    STUN_DATA_INDICATION = 0x007,
    STUN_CREATE_PERMISSION = 0x008,
    STUN_CHANNEL_BIND = 0x009,
    STUN_CONNECT = 0x00a,
    STUN_CONNECTION_BIND = 0x00b,
    STUN_CONNECTION_ATTEMPT = 0x00c,
};

struct stun_span {
    uint16_t at; /* of the value, from the start of the message */
    uint16_t length;
};

struct stun_message {
    struct slice raw;
    uint8_t class;   /* enum stun_class */
    bool classic;    /* no magic cookie: RFC 3489 */
    uint16_t method; /* enum stun_method, or one that nobody here knows */
    uint16_t unknown_count;
    uint16_t unknown[STUN_UNKNOWN_MAX];           /* comprehension-required ones, as they come */
    uint64_t present;                             /* bit per enum stun_attribute */
    struct stun_span spans[STUN_ATTRIBUTE_COUNT]; /* the first of each; valid where present */
    const char *fault;                            /* what is wrong, with ERR_INVALID; static */
};

/* Of the class and method in a message type (RFC 8489 section 5). */
static inline uint16_t stun_type(enum stun_class class, unsigned method)
{
    return (uint16_t)((method & 0xf80) << 2 | (method & 0x070) << 1 | (method & 0x00f) |
                      ((unsigned)class & 2) << 7 | ((unsigned)class & 1) << 4);
}

/* Could this datagram be STUN? Both first bits are 0, the cookie fits, the length is right: safe to
 * tell STUN from SIP, RTP and channel data on one port (RFC 8489 section 6.3, RFC 7983). Classic
 * messages are not recognized here. */
bool stun_looks_like(struct slice datagram);

/* The length of the message that starts at a stream's bytes (RFC 8489 section 6.2.2): 0 when more
 * are needed, ERR_SYNTAX when no STUN message starts here. */
int stun_frame(struct slice bytes, size_t *ret_length);

/* data: one whole message and nothing behind it. Errors: ERR_SYNTAX: not a STUN message, nothing
 * can be answered. ERR_INVALID: a STUN message whose attributes are broken: *ret_message has its
 * header and fault, so that a request can be answered 400. Otherwise 0. What follows
 * MESSAGE-INTEGRITY is ignored as section 14.5 says. */
int stun_parse(struct slice data, struct stun_message *ret_message);

static inline bool stun_has(const struct stun_message *m, enum stun_attribute attribute)
{
    return m->present >> attribute & 1;
}

/* The value of the first attribute of that type; empty (ptr NULL) when absent. */
static inline struct slice stun_value(const struct stun_message *m, enum stun_attribute attribute)
{
    if (!stun_has(m, attribute))
        return SLICE_NULL;
    struct stun_span span = m->spans[attribute];
    return slice_of(m->raw.ptr + span.at, span.length);
}

/* Cookie and transaction ID, STUN_ID_SIZE bytes: what a response repeats. */
static inline const char *stun_id(const struct stun_message *m)
{
    return m->raw.ptr + 4;
}

/* The next value of the same attribute behind one that stun_value or this returned (several
 * XOR-PEER-ADDRESS: RFC 8656 section 10.1). False: there is none. */
bool stun_next(const struct stun_message *m, enum stun_attribute attribute, struct slice *value);

/* All: ERR_NOT_FOUND (absent), ERR_INVALID (the value makes no sense). */
int stun_get_u32(const struct stun_message *m, enum stun_attribute attribute, uint32_t *ret_value);
/* XORed or not as its type says. Value families other than IPv4 and IPv6: ERR_UNSUPPORTED. */
int stun_get_address(const struct stun_message *m, enum stun_attribute attribute,
                     struct address *ret_address);
int stun_address_parse(const struct stun_message *m, struct slice value, bool xored,
                       struct address *ret_address);
/* RFC 8489 section 14.8; reason may be empty. */
int stun_get_error(const struct stun_message *m, unsigned *ret_code, struct slice *ret_reason);
/* RFC 5780 section 7.5: 2 bytes, or the first 2 of 4. */
int stun_get_response_port(const struct stun_message *m, uint16_t *ret_port);

#endif
