/* CSeq (RFC 3261 section 20.16). */
#ifndef SIP_MESSAGE_CSEQ_H
#define SIP_MESSAGE_CSEQ_H

#include "sip/message/method.h"

struct sip_cseq {
    uint32_t number;
    enum sip_method method;
    struct slice method_name;
};

/* The number must be below 2^31 + what RFC 4475 3.1.2.4 tolerates: at most 2^32-1. ERR_SYNTAX,
 * ERR_RANGE. */
int sip_cseq_parse(struct slice value, struct sip_cseq *ret_cseq);

#endif
