/* The one table of STUN attributes. */
#ifndef STUN_ATTRIBUTE_H
#define STUN_ATTRIBUTE_H

#include "base/slice.h"

#define STUN_ADDRESS_MIN 8 /* IPv4; IPv6 has 20 */
#define STUN_ADDRESS_MAX 20
#define STUN_TEXT_MAX    763 /* bytes: 127 characters of UTF-8 as RFC 5389 counted them */

/* name, type, text, shortest and longest value in bytes. */
#define STUN_ATTRIBUTE_LIST(X)                                                                     \
    /* RFC 8489 section 14 */                                                                      \
    X(MAPPED_ADDRESS, 0x0001, "MAPPED-ADDRESS", 8, 20)                                             \
    X(USERNAME, 0x0006, "USERNAME", 0, 513)                                                        \
    X(MESSAGE_INTEGRITY, 0x0008, "MESSAGE-INTEGRITY", 20, 20)                                      \
    X(ERROR_CODE, 0x0009, "ERROR-CODE", 4, 767)                                                    \
    X(UNKNOWN_ATTRIBUTES, 0x000a, "UNKNOWN-ATTRIBUTES", 0, 65535)                                  \
    X(REALM, 0x0014, "REALM", 0, 763)                                                              \
    X(NONCE, 0x0015, "NONCE", 0, 763)                                                              \
    X(MESSAGE_INTEGRITY_SHA256, 0x001c, "MESSAGE-INTEGRITY-SHA256", 16, 32)                        \
    X(PASSWORD_ALGORITHM, 0x001d, "PASSWORD-ALGORITHM", 4, 65535)                                  \
    X(USERHASH, 0x001e, "USERHASH", 32, 32)                                                        \
    X(XOR_MAPPED_ADDRESS, 0x0020, "XOR-MAPPED-ADDRESS", 8, 20)                                     \
    X(PASSWORD_ALGORITHMS, 0x8002, "PASSWORD-ALGORITHMS", 0, 65535)                                \
    X(ALTERNATE_DOMAIN, 0x8003, "ALTERNATE-DOMAIN", 0, 255)                                        \
    X(SOFTWARE, 0x8022, "SOFTWARE", 0, 763)                                                        \
    X(ALTERNATE_SERVER, 0x8023, "ALTERNATE-SERVER", 8, 20)                                         \
    X(FINGERPRINT, 0x8028, "FINGERPRINT", 4, 4)                                                    \
    /* RFC 3489 section 11.2 */                                                                    \
    X(RESPONSE_ADDRESS, 0x0002, "RESPONSE-ADDRESS", 8, 20)                                         \
    X(SOURCE_ADDRESS, 0x0004, "SOURCE-ADDRESS", 8, 20)                                             \
    X(CHANGED_ADDRESS, 0x0005, "CHANGED-ADDRESS", 8, 20)                                           \
    X(PASSWORD, 0x0007, "PASSWORD", 0, 763)                                                        \
    X(REFLECTED_FROM, 0x000b, "REFLECTED-FROM", 8, 20)                                             \
    /* RFC 5780 section 7; RESPONSE-PORT is written with 2 bytes or, by some, with 4 */            \
    X(CHANGE_REQUEST, 0x0003, "CHANGE-REQUEST", 4, 4)                                              \
    X(PADDING, 0x0026, "PADDING", 0, 65535)                                                        \
    X(RESPONSE_PORT, 0x0027, "RESPONSE-PORT", 2, 4)                                                \
    X(CACHE_TIMEOUT, 0x8027, "CACHE-TIMEOUT", 4, 4)                                                \
    X(RESPONSE_ORIGIN, 0x802b, "RESPONSE-ORIGIN", 8, 20)                                           \
    X(OTHER_ADDRESS, 0x802c, "OTHER-ADDRESS", 8, 20)                                               \
    /* RFC 8656 section 18 */                                                                      \
    X(CHANNEL_NUMBER, 0x000c, "CHANNEL-NUMBER", 4, 4)                                              \
    X(LIFETIME, 0x000d, "LIFETIME", 4, 4)                                                          \
    X(XOR_PEER_ADDRESS, 0x0012, "XOR-PEER-ADDRESS", 8, 20)                                         \
    X(DATA, 0x0013, "DATA", 0, 65535)                                                              \
    X(XOR_RELAYED_ADDRESS, 0x0016, "XOR-RELAYED-ADDRESS", 8, 20)                                   \
    X(REQUESTED_ADDRESS_FAMILY, 0x0017, "REQUESTED-ADDRESS-FAMILY", 4, 4)                          \
    X(EVEN_PORT, 0x0018, "EVEN-PORT", 1, 1)                                                        \
    X(REQUESTED_TRANSPORT, 0x0019, "REQUESTED-TRANSPORT", 4, 4)                                    \
    X(DONT_FRAGMENT, 0x001a, "DONT-FRAGMENT", 0, 0)                                                \
    X(RESERVATION_TOKEN, 0x0022, "RESERVATION-TOKEN", 8, 8)                                        \
    X(ADDITIONAL_ADDRESS_FAMILY, 0x8000, "ADDITIONAL-ADDRESS-FAMILY", 4, 4)                        \
    X(ADDRESS_ERROR_CODE, 0x8001, "ADDRESS-ERROR-CODE", 4, 767)                                    \
    X(ICMP, 0x8004, "ICMP", 8, 8)                                                                  \
    /* RFC 6062 section 6.2, RFC 8016 section 5, RFC 7635 section 6 */                             \
    X(CONNECTION_ID, 0x002a, "CONNECTION-ID", 4, 4)                                                \
    X(MOBILITY_TICKET, 0x8030, "MOBILITY-TICKET", 0, 65535)                                        \
    X(ACCESS_TOKEN, 0x001b, "ACCESS-TOKEN", 0, 65535)                                              \
    X(THIRD_PARTY_AUTHORIZATION, 0x802e, "THIRD-PARTY-AUTHORIZATION", 0, 763)                      \
    /* RFC 8445 section 16.1 */                                                                    \
    X(PRIORITY, 0x0024, "PRIORITY", 4, 4)                                                          \
    X(USE_CANDIDATE, 0x0025, "USE-CANDIDATE", 0, 0)                                                \
    X(ICE_CONTROLLED, 0x8029, "ICE-CONTROLLED", 8, 8)                                              \
    X(ICE_CONTROLLING, 0x802a, "ICE-CONTROLLING", 8, 8)

enum stun_attribute {
#define STUN_ATTRIBUTE_ENUM(name, type, text, min, max) STUN_##name,
    STUN_ATTRIBUTE_LIST(STUN_ATTRIBUTE_ENUM)
#undef STUN_ATTRIBUTE_ENUM
        STUN_ATTRIBUTE_COUNT
};

struct stun_attribute_info {
    uint16_t type;
    uint16_t min;
    uint16_t max;
    struct slice name;
};

/* Static. */
const struct stun_attribute_info *stun_attribute_info(enum stun_attribute attribute);
/* STUN_ATTRIBUTE_COUNT when nobody here knows the type. */
enum stun_attribute stun_attribute_of(uint16_t type);
/* An agent that does not know a type must not go on (RFC 8489 section 14). */
static inline bool stun_comprehension_required(uint16_t type)
{
    return type < 0x8000;
}

#endif
