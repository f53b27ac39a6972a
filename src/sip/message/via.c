#include "sip/message/via.h"

#include "base/error.h"
#include "sip/message/chars.h"

/* token SLASH, with LWS around the slash: past it, or NULL. */
static const char *past_part(const char *at, const char *end)
{
    const char *past = sip_span(at, end, SIP_CHAR_TOKEN);
    if (past == at) {
        return NULL;
    }
    past = sip_past_lws(past, end);
    return past < end && *past == '/' ? sip_past_lws(past + 1, end) : NULL;
}

/* sent-protocol LWS: protocol-name SLASH protocol-version SLASH transport. Past the LWS, or NULL.
 */
static const char *parse_protocol(const char *at, const char *end, struct slice *ret_transport)
{
    if (end - at > 8 && memcmp(at, "SIP/2.0/", 8) == 0 && sip_char_is(at[8], SIP_CHAR_TOKEN)) {
        at += 8;
    } else {
        at = past_part(at, end);
        at = at == NULL ? NULL : past_part(at, end);
        if (at == NULL) {
            return NULL;
        }
    }
    const char *past = sip_span(at, end, SIP_CHAR_TOKEN);
    const char *next = sip_past_lws(past, end);
    if (past == at || next == past) {
        return NULL;
    }
    *ret_transport = slice_between(at, past);
    return next;
}

/* The host of sent-by; what is between the brackets of an IPv6 reference is not looked at closely,
 * since only the resolver acts on it. Past it, or NULL. */
static const char *parse_host(const char *at, const char *end, struct slice *ret_host)
{
    const char *past;
    if (at < end && *at == '[') {
        past = at + 1;
        while (past < end && (sip_char_is(*past, SIP_CHAR_HEX) || *past == ':' || *past == '.')) {
            past++;
        }
        if (past == end || *past != ']' || past == at + 1) {
            return NULL;
        }
        past++;
    } else {
        past = sip_span(at, end, SIP_CHAR_HOST);
        if (past == at) {
            return NULL;
        }
    }
    *ret_host = slice_between(at, past);
    return past;
}

/* [ COLON port ] and the LWS after it. */
static int parse_port(const char **at, const char *end, uint16_t *ret_port)
{
    const char *p = sip_past_lws(*at, end);
    *ret_port = 0;
    if (p < end && *p == ':') {
        p = sip_past_lws(p + 1, end);
        const char *past = sip_span(p, end, SIP_CHAR_DIGIT);
        uint32_t port;
        int rc = slice_to_u32(slice_between(p, past), UINT16_MAX, &port);
        if (rc < 0) {
            return rc;
        }
        *ret_port = (uint16_t)port;
        p = sip_past_lws(past, end);
    }
    *at = p;
    return 0;
}

static bool is_magic(struct slice branch)
{
    static const struct slice cookie = SLICE_LITERAL(SIP_BRANCH_MAGIC);
    return branch.len > cookie.len && slice_starts_with_nocase(branch, cookie);
}

/* A parameter that may stand once (RFC 3261 section 7.3.1) and must have a value. */
static int take_once(struct slice *field, const struct sip_param *param)
{
    if (field->ptr != NULL || param->value.len == 0) {
        return ERR_SYNTAX;
    }
    *field = param->value;
    return 0;
}

static int take_rport(struct sip_via *via, const struct sip_param *param)
{
    uint32_t port = 0;
    if (via->rport) {
        return ERR_SYNTAX;
    }
    if (param->has_value) {
        int rc = slice_to_u32(param->value, UINT16_MAX, &port);
        if (rc < 0) {
            return rc;
        }
    }
    const struct slice *last = param->has_value ? &param->value : &param->name;
    via->rport = true;
    via->rport_value = (uint16_t)port;
    via->rport_param = slice_between(param->name.ptr, last->ptr + last->len);
    return 0;
}

static int take_ttl(struct sip_via *via, const struct sip_param *param)
{
    uint32_t ttl;
    int rc = slice_to_u32(param->value, UINT8_MAX, &ttl);
    if (rc == 0) {
        via->ttl = (uint8_t)ttl;
    }
    return rc;
}

static bool named(const struct sip_param *param, const char *name)
{
    return slice_equal_nocase(param->name, slice_from_string(name));
}

/* Others are via-extension and pass. */
static int take_param(struct sip_via *via, const struct sip_param *param)
{
    switch (param->name.len) {
    case 3: return named(param, "ttl") ? take_ttl(via, param) : 0;
    case 5:
        if (named(param, "rport")) {
            return take_rport(via, param);
        }
        if (named(param, "maddr")) {
            return take_once(&via->maddr, param);
        }
        via->alias = via->alias || named(param, "alias");
        return 0;
    case 6: return named(param, "branch") ? take_once(&via->branch, param) : 0;
    case 8: return named(param, "received") ? take_once(&via->received, param) : 0;
    default: return 0;
    }
}

int sip_via_parse(struct slice value, struct sip_via *ret_via)
{
    struct sip_via via = {.value = value};
    if (value.len == 0) {
        return ERR_SYNTAX;
    }
    const char *end = value.ptr + value.len;
    const char *at = parse_protocol(value.ptr, end, &via.transport);
    at = at == NULL ? NULL : parse_host(at, end, &via.host);
    if (at == NULL) {
        return ERR_SYNTAX;
    }
    int rc = parse_port(&at, end, &via.port);
    if (rc < 0) {
        return rc;
    }
    if (at < end && *at != ';') {
        return ERR_SYNTAX;
    }
    via.params = slice_between(at, end);
    struct slice rest = via.params;
    struct sip_param param;
    while ((rc = sip_param_next(&rest, &param)) > 0) {
        rc = take_param(&via, &param);
        if (rc < 0) {
            return rc;
        }
    }
    if (rc < 0) {
        return rc;
    }
    via.magic = is_magic(via.branch);
    *ret_via = via;
    return 0;
}
