#include "sip/message/param.h"

#include "base/error.h"
#include "sip/message/chars.h"

bool sip_is_token_char(unsigned char c)
{
    return (sip_chars[c] & SIP_CHAR_TOKEN) != 0;
}

bool sip_is_token(struct slice s)
{
    return s.len > 0 && sip_all(s, SIP_CHAR_TOKEN);
}

struct slice sip_skip_lws(struct slice s)
{
    if (s.len == 0) {
        return s;
    }
    const char *end = s.ptr + s.len;
    return slice_between(sip_past_lws(s.ptr, end), end);
}

/* quoted-pair: any ASCII byte but CR and LF may be escaped (RFC 3261 section 25.1). */
static bool may_be_escaped(char c)
{
    return (unsigned char)c < 0x80 && c != '\r' && c != '\n';
}

int sip_quoted_length(struct slice s)
{
    if (s.len == 0 || s.ptr[0] != '"') {
        return 0;
    }
    const char *end = s.ptr + s.len;
    const char *at = s.ptr + 1;
    for (;;) {
        at = sip_span(at, end, SIP_CHAR_QDTEXT);
        if (at == end) {
            return ERR_SYNTAX;
        }
        if (*at == '"') {
            ptrdiff_t length = at + 1 - s.ptr;
            return length > INT32_MAX ? ERR_SYNTAX : (int)length;
        }
        if (*at == '\\' && end - at >= 2 && may_be_escaped(at[1])) {
            at += 2;
            continue;
        }
        const char *past = sip_past_lws(at, end);
        if (past == at) {
            return ERR_SYNTAX;
        }
        at = past;
    }
}

/* ctext is qdtext without parentheses, and '"' (RFC 3261 section 25.1). */
static bool is_ctext(char c)
{
    return c != '(' && c != ')' && (c == '"' || sip_char_is(c, SIP_CHAR_QDTEXT));
}

int sip_comment_length(struct slice s)
{
    if (s.len == 0 || s.ptr[0] != '(') {
        return 0;
    }
    const char *at = s.ptr, *end = s.ptr + s.len;
    size_t depth = 0;
    while (at < end) {
        if (*at == '(') {
            depth++;
            at++;
        } else if (*at == ')') {
            at++;
            if (--depth == 0) {
                return at - s.ptr > INT32_MAX ? ERR_SYNTAX : (int)(at - s.ptr);
            }
        } else if (is_ctext(*at)) {
            at++;
        } else if (*at == '\\' && end - at >= 2 && may_be_escaped(at[1])) {
            at += 2;
        } else {
            const char *past = sip_past_lws(at, end);
            if (past == at) {
                return ERR_SYNTAX;
            }
            at = past;
        }
    }
    return ERR_SYNTAX;
}

/* The value after a '=': a quoted-string or gen-value. Past it, or NULL. */
static const char *past_value(const char *at, const char *end)
{
    if (at < end && *at == '"') {
        int quoted = sip_quoted_length(slice_between(at, end));
        return quoted < 0 ? NULL : at + quoted;
    }
    const char *past = sip_span(at, end, SIP_CHAR_VALUE);
    return past == at ? NULL : past;
}

int sip_param_next(struct slice *rest, struct sip_param *ret_param)
{
    if (rest->len == 0) {
        return 0;
    }
    const char *end = rest->ptr + rest->len;
    const char *name = sip_past_lws(rest->ptr, end);
    if (name == end) {
        *rest = slice_between(end, end);
        return 0;
    }
    if (*name != ';') {
        return ERR_SYNTAX;
    }
    name = sip_past_lws(name + 1, end);
    const char *past_name = sip_span(name, end, SIP_CHAR_TOKEN);
    const char *at = sip_past_lws(past_name, end);
    struct slice value = SLICE_NULL;
    bool has_value = at < end && *at == '=';
    if (has_value) {
        const char *start = sip_past_lws(at + 1, end);
        const char *past = past_value(start, end);
        if (past == NULL) {
            return ERR_SYNTAX;
        }
        value = slice_between(start, past);
        at = sip_past_lws(past, end);
    }
    if (past_name == name || (at < end && *at != ';')) {
        return ERR_SYNTAX;
    }
    *rest = slice_between(at, end);
    *ret_param = (struct sip_param){slice_between(name, past_name), value, has_value};
    return 1;
}

int sip_params_check(struct slice params)
{
    struct sip_param param;
    int rc;
    do {
        rc = sip_param_next(&params, &param);
    } while (rc > 0);
    return rc;
}

bool sip_param_find(struct slice params, struct slice name, struct sip_param *ret_param)
{
    struct sip_param param;
    while (sip_param_next(&params, &param) > 0) {
        if (slice_equal_nocase(param.name, name)) {
            *ret_param = param;
            return true;
        }
    }
    return false;
}

void sip_unquote_write(struct writer *w, struct slice quoted)
{
    if (quoted.len < 2 || quoted.ptr[0] != '"') {
        writer_put(w, quoted);
        return;
    }
    const char *end = quoted.ptr + quoted.len - 1;
    const char *at = quoted.ptr + 1;
    while (at < end) {
        if (*at == '\\' && at + 1 < end) {
            at++;
        }
        writer_char(w, *at++);
    }
}

void sip_quote_write(struct writer *w, struct slice text)
{
    writer_char(w, '"');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        /* RFC 3261 section 25.1: CR and LF cannot stand in a quoted-string, not even escaped. */
        if (c == '\r' || c == '\n') {
            c = ' ';
        } else if (!sip_char_is(c, SIP_CHAR_QDTEXT)) {
            writer_char(w, '\\');
        }
        writer_char(w, c);
    }
    writer_char(w, '"');
}
