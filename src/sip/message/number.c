#include "sip/message/number.h"

#include "base/error.h"
#include "sip/message/chars.h"

int sip_seconds_parse(struct slice value, uint32_t *ret_seconds)
{
    return slice_to_u32(slice_trim(value), UINT32_MAX, ret_seconds);
}

int sip_max_forwards_parse(struct slice value, uint8_t *ret_hops)
{
    uint32_t hops;
    int rc = slice_to_u32(slice_trim(value), UINT8_MAX, &hops);
    if (rc == 0) {
        *ret_hops = (uint8_t)hops;
    }
    return rc;
}

int sip_retry_after_parse(struct slice value, struct sip_retry_after *ret_retry)
{
    struct sip_retry_after retry = {0};
    value = slice_trim(value);
    if (value.len == 0) {
        return ERR_SYNTAX;
    }
    const char *end = value.ptr + value.len;
    const char *at = sip_span(value.ptr, end, SIP_CHAR_DIGIT);
    int rc = slice_to_u32(slice_between(value.ptr, at), UINT32_MAX, &retry.seconds);
    if (rc < 0) {
        return rc;
    }
    at = sip_past_lws(at, end);
    int comment = sip_comment_length(slice_between(at, end));
    if (comment < 0) {
        return comment;
    }
    retry.comment = slice_of(at, (size_t)comment);
    at = sip_past_lws(at + comment, end);
    retry.params = slice_between(at, end);
    if (sip_params_check(retry.params) < 0) {
        return ERR_SYNTAX;
    }
    struct sip_param duration;
    retry.has_duration = sip_param_find(retry.params, SLICE("duration"), &duration);
    if (retry.has_duration) {
        rc = slice_to_u32(duration.value, UINT32_MAX, &retry.duration);
    }
    if (rc == 0) {
        *ret_retry = retry;
    }
    return rc;
}

void sip_retry_after_write(struct writer *w, const struct sip_retry_after *retry)
{
    writer_u64(w, retry->seconds);
    if (retry->comment.len > 0) {
        writer_char(w, ' ');
        writer_put(w, retry->comment);
    }
    writer_put(w, retry->params);
}

/* *DIGIT [ "." *DIGIT ] */
static const char *past_decimal(const char *at, const char *end)
{
    at = sip_span(at, end, SIP_CHAR_DIGIT);
    return at < end && *at == '.' ? sip_span(at + 1, end, SIP_CHAR_DIGIT) : at;
}

int sip_timestamp_parse(struct slice value, struct sip_timestamp *ret_timestamp)
{
    value = slice_trim(value);
    if (value.len == 0 || !sip_char_is(value.ptr[0], SIP_CHAR_DIGIT)) {
        return ERR_SYNTAX;
    }
    const char *end = value.ptr + value.len;
    const char *past = past_decimal(value.ptr, end);
    const char *delay = sip_past_lws(past, end);
    if (past_decimal(delay, end) != end || (delay == past && delay < end)) {
        return ERR_SYNTAX;
    }
    ret_timestamp->time = slice_between(value.ptr, past);
    ret_timestamp->delay = slice_between(delay, end);
    return 0;
}

void sip_timestamp_write(struct writer *w, const struct sip_timestamp *timestamp)
{
    writer_put(w, timestamp->time);
    if (timestamp->delay.len > 0) {
        writer_char(w, ' ');
        writer_put(w, timestamp->delay);
    }
}
