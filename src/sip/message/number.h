/* Headers that hold a number: Expires, Min-Expires, Min-SE, Max-Forwards, Max-Breadth, RSeq,
 * Retry-After, Timestamp. RFC 3261 sections 20.19, 20.22, 20.23, 20.33, 20.38. Plain numbers are
 * written with writer_u64. */
#ifndef SIP_MESSAGE_NUMBER_H
#define SIP_MESSAGE_NUMBER_H

#include "sip/message/param.h"

/* delta-seconds, up to 2^32-1. ERR_SYNTAX, ERR_RANGE. */
int sip_seconds_parse(struct slice value, uint32_t *ret_seconds);
/* 0 to 255. ERR_SYNTAX, ERR_RANGE. */
int sip_max_forwards_parse(struct slice value, uint8_t *ret_hops);

struct sip_retry_after {
    uint32_t seconds;
    struct slice comment; /* with its parentheses; empty when there is none */
    struct slice params;
    bool has_duration;
    uint32_t duration; /* seconds the callee will be reachable */
};

/* ERR_SYNTAX, ERR_RANGE (seconds, duration). */
int sip_retry_after_parse(struct slice value, struct sip_retry_after *ret_retry);
void sip_retry_after_write(struct writer *w, const struct sip_retry_after *retry);

/* Both as sent: the sender alone knows what they mean; a UAS adds its delay (section 8.2.6.1). */
struct sip_timestamp {
    struct slice time;  /* 1*DIGIT [ "." *DIGIT ] */
    struct slice delay; /* *DIGIT [ "." *DIGIT ]; empty when there is none */
};

/* ERR_SYNTAX. */
int sip_timestamp_parse(struct slice value, struct sip_timestamp *ret_timestamp);
void sip_timestamp_write(struct writer *w, const struct sip_timestamp *timestamp);

#endif
