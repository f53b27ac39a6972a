#include "sip/message/cseq.h"

#include "base/error.h"
#include "sip/message/chars.h"

/* CSeq = 1*DIGIT LWS Method. Leading zeros are allowed (RFC 4475 section 3.1.1.1). */
int sip_cseq_parse(struct slice value, struct sip_cseq *ret_cseq)
{
    if (value.len == 0) {
        return ERR_SYNTAX;
    }
    const char *at = value.ptr;
    const char *end = at + value.len;
    uint64_t number = 0;
    const char *digit = at;
    for (; digit < end && sip_char_is(*digit, SIP_CHAR_DIGIT); digit++) {
        number = number * 10 + (uint64_t)(*digit - '0');
        if (number > UINT32_MAX) {
            return ERR_RANGE;
        }
    }
    const char *method = sip_past_lws(digit, end);
    const char *past = sip_span(method, end, SIP_CHAR_TOKEN);
    if (digit == at || method == digit || past == method || past != end) {
        return ERR_SYNTAX;
    }
    ret_cseq->number = (uint32_t)number;
    ret_cseq->method_name = slice_between(method, end);
    ret_cseq->method = sip_method_lookup(ret_cseq->method_name);
    return 0;
}
