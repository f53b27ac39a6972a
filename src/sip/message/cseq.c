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
    const char *past_number = sip_span(at, end, SIP_CHAR_DIGIT);
    uint32_t number;
    int rc = slice_to_u32(slice_between(at, past_number), UINT32_MAX, &number);
    if (rc < 0) {
        return rc;
    }
    const char *method = sip_past_lws(past_number, end);
    const char *past = sip_span(method, end, SIP_CHAR_TOKEN);
    if (method == past_number || past == method || past != end) {
        return ERR_SYNTAX;
    }
    ret_cseq->number = number;
    ret_cseq->method_name = slice_between(method, end);
    ret_cseq->method = sip_method_lookup(ret_cseq->method_name);
    return 0;
}
