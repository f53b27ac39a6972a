/* The limits of message.h with their defaults filled in. Inside src/sip/message only. */
#ifndef SIP_MESSAGE_LIMITS_H
#define SIP_MESSAGE_LIMITS_H

#include "sip/message/message.h"

static inline uint32_t sip_limit_or(uint32_t limit, uint32_t standard)
{
    return limit != 0 ? limit : standard;
}

/* limits may be NULL: all defaults. */
static inline struct sip_limits sip_limits_or_defaults(const struct sip_limits *limits)
{
    struct sip_limits given = limits != NULL ? *limits : (struct sip_limits){0};
    struct sip_limits all = {
        .message = sip_limit_or(given.message, 65535),
        .headers = sip_limit_or(given.headers, 128),
        .header_bytes = sip_limit_or(given.header_bytes, 16384),
        .uri = sip_limit_or(given.uri, 2048),
        .body = sip_limit_or(given.body, 65535),
        .values = sip_limit_or(given.values, 256),
    };
    if (all.headers > SIP_MESSAGE_HEADERS_MAX) {
        all.headers = SIP_MESSAGE_HEADERS_MAX;
    }
    return all;
}

#endif
