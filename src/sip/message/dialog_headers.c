#include "sip/message/dialog_headers.h"

#include "base/error.h"
#include "sip/message/chars.h"
#include "sip/message/head.h"
#include "sip/message/option.h"

/* The value of a parameter that must be there once at most; its token stays empty when absent. */
static int take_once(struct slice params, struct slice name, struct slice *ret_value)
{
    struct sip_param param;
    bool seen = false;
    while (sip_param_next(&params, &param) > 0) {
        if (slice_equal_nocase(param.name, name)) {
            if (seen || !sip_is_token(param.value)) {
                return ERR_SYNTAX;
            }
            *ret_value = param.value;
            seen = true;
        }
    }
    return 0;
}

/* A parameter that holds a number of seconds. */
static int take_seconds(struct slice params, struct slice name, bool *ret_has, uint32_t *ret_value)
{
    struct sip_param param;
    *ret_has = sip_param_find(params, name, &param);
    return *ret_has ? slice_to_u32(param.value, UINT32_MAX, ret_value) : 0;
}

int sip_replaces_parse(struct slice value, struct sip_replaces *ret_replaces)
{
    struct sip_replaces replaces = {0};
    struct sip_param early;
    if (sip_head_parse(value, &replaces.call_id, &replaces.params) < 0 ||
        !sip_is_call_id(replaces.call_id) ||
        take_once(replaces.params, SLICE("to-tag"), &replaces.to_tag) < 0 ||
        take_once(replaces.params, SLICE("from-tag"), &replaces.from_tag) < 0 ||
        replaces.to_tag.len == 0 || replaces.from_tag.len == 0) {
        return ERR_SYNTAX;
    }
    replaces.early_only = sip_param_find(replaces.params, SLICE("early-only"), &early);
    *ret_replaces = replaces;
    return 0;
}

void sip_replaces_write(struct writer *w, const struct sip_replaces *replaces)
{
    writer_put(w, replaces->call_id);
    writer_put(w, replaces->params);
}

/* event-type = event-package *( "." event-template ), none of them empty. */
static bool is_event_type(struct slice type)
{
    char before = '.';
    for (size_t i = 0; i < type.len; i++) {
        if (type.ptr[i] == '.' && before == '.') {
            return false;
        }
        before = type.ptr[i];
    }
    return sip_is_token(type) && before != '.';
}

int sip_event_parse(struct slice value, struct sip_event *ret_event)
{
    struct sip_event event = {0};
    if (sip_head_parse(value, &event.type, &event.params) < 0 || !is_event_type(event.type) ||
        take_once(event.params, SLICE("id"), &event.id) < 0) {
        return ERR_SYNTAX;
    }
    event.package = slice_of(event.type.ptr, slice_index(event.type, '.'));
    *ret_event = event;
    return 0;
}

void sip_event_write(struct writer *w, const struct sip_event *event)
{
    writer_put(w, event->type);
    writer_put(w, event->params);
}

int sip_subscription_state_parse(struct slice value, struct sip_subscription_state *ret_state)
{
    struct sip_subscription_state state = {0};
    if (sip_head_parse(value, &state.state, &state.params) < 0 || !sip_is_token(state.state) ||
        take_once(state.params, SLICE("reason"), &state.reason) < 0) {
        return ERR_SYNTAX;
    }
    int rc = take_seconds(state.params, SLICE("expires"), &state.has_expires, &state.expires);
    if (rc == 0) {
        rc = take_seconds(state.params, SLICE("retry-after"), &state.has_retry_after,
                          &state.retry_after);
    }
    if (rc == 0) {
        *ret_state = state;
    }
    return rc;
}

void sip_subscription_state_write(struct writer *w, const struct sip_subscription_state *state)
{
    writer_put(w, state->state);
    writer_put(w, state->params);
}

int sip_session_expires_parse(struct slice value, struct sip_session_expires *ret_expires)
{
    struct sip_session_expires expires = {0};
    struct slice head, refresher = SLICE_NULL;
    if (sip_head_parse(value, &head, &expires.params) < 0 ||
        take_once(expires.params, SLICE("refresher"), &refresher) < 0) {
        return ERR_SYNTAX;
    }
    if (slice_equal_nocase(refresher, SLICE("uac"))) {
        expires.refresher = SIP_REFRESHER_UAC;
    } else if (slice_equal_nocase(refresher, SLICE("uas"))) {
        expires.refresher = SIP_REFRESHER_UAS;
    } else if (refresher.len > 0) {
        return ERR_SYNTAX;
    }
    int rc = slice_to_u32(head, UINT32_MAX, &expires.seconds);
    if (rc == 0) {
        *ret_expires = expires;
    }
    return rc;
}

void sip_session_expires_write(struct writer *w, const struct sip_session_expires *expires)
{
    writer_u64(w, expires->seconds);
    writer_put(w, expires->params);
}

/* 1*DIGIT LWS at the front; *at moves past both. */
static int take_number(const char **at, const char *end, uint32_t *ret_number)
{
    const char *past = sip_span(*at, end, SIP_CHAR_DIGIT);
    const char *next = sip_past_lws(past, end);
    if (next == past) {
        return ERR_SYNTAX;
    }
    int rc = slice_to_u32(slice_between(*at, past), UINT32_MAX, ret_number);
    *at = next;
    return rc;
}

int sip_rack_parse(struct slice value, struct sip_rack *ret_rack)
{
    struct sip_rack rack;
    value = slice_trim(value);
    if (value.len == 0) {
        return ERR_SYNTAX;
    }
    const char *at = value.ptr, *end = value.ptr + value.len;
    int rc = take_number(&at, end, &rack.response);
    if (rc == 0) {
        rc = take_number(&at, end, &rack.cseq);
    }
    rack.method_name = slice_between(at, end);
    if (rc == 0 && !sip_is_token(rack.method_name)) {
        rc = ERR_SYNTAX;
    }
    if (rc == 0) {
        rack.method = sip_method_lookup(rack.method_name);
        *ret_rack = rack;
    }
    return rc;
}

void sip_rack_write(struct writer *w, const struct sip_rack *rack)
{
    writer_u64(w, rack->response);
    writer_char(w, ' ');
    writer_u64(w, rack->cseq);
    writer_char(w, ' ');
    writer_put(w, rack->method_name);
}
