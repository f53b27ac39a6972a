#include "sip/message/address.h"

#include "base/error.h"
#include "sip/message/chars.h"

/* The parameters from at to end, each checked once so that nobody has to do so again. */
static int take_params(const char *at, const char *end, struct sip_address *address)
{
    at = sip_past_lws(at, end);
    address->params = slice_between(at, end);
    struct slice rest = address->params;
    struct sip_param param;
    bool found = false;
    int rc;
    while ((rc = sip_param_next(&rest, &param)) > 0) {
        if (!slice_equal_nocase(param.name, SLICE("tag"))) {
            continue;
        }
        if (!found) {
            address->tag = param.value;
        }
        address->bad_tag = address->bad_tag || found || param.value.len == 0;
        found = true;
    }
    return rc;
}

/* name-addr from its '<' on. */
static int take_brackets(const char *at, const char *end, struct sip_address *address)
{
    const char *past = sip_span(at + 1, end, SIP_CHAR_URI);
    if (past == at + 1 || past == end || *past != '>') {
        return ERR_SYNTAX;
    }
    address->uri = slice_between(at + 1, past);
    address->brackets = true;
    return take_params(past + 1, end, address);
}

/* addr-spec without brackets: what follows a ';' belongs to the header field, and the URI may hold
 * neither '?' nor ',' (RFC 3261 section 20). */
static int take_bare(const char *at, const char *end, struct sip_address *address)
{
    const char *past = at;
    while (past < end && sip_char_is(*past, SIP_CHAR_URI) && *past != ';') {
        if (*past == '?' || *past == ',') {
            return ERR_SYNTAX;
        }
        past++;
    }
    address->uri = slice_between(at, past);
    return take_params(past, end, address);
}

/* display-name = *(token LWS) / quoted-string; the LWS before '<' may be missing (RFC 4475
 * section 3.1.1.6). */
static int take_tokens(const char *at, const char *end, struct sip_address *address)
{
    const char *start = at, *past = at;
    for (;;) {
        const char *token = at;
        at = sip_span(at, end, SIP_CHAR_TOKEN);
        if (at > token) {
            past = at;
        }
        if (at < end && *at == ':' && token == start && at > token) {
            return take_bare(start, end, address);
        }
        const char *next = sip_past_lws(at, end);
        if (next < end && *next == '<') {
            address->display = slice_between(start, past);
            return take_brackets(next, end, address);
        }
        if (next == at) {
            return ERR_SYNTAX;
        }
        at = next;
    }
}

static int take_quoted(const char *at, const char *end, int length, struct sip_address *address)
{
    address->display = slice_of(at, (size_t)length);
    at = sip_past_lws(at + length, end);
    return at < end && *at == '<' ? take_brackets(at, end, address) : ERR_SYNTAX;
}

int sip_address_parse(struct slice value, bool allow_star, struct sip_address *ret_address)
{
    value = slice_trim(value);
    if (value.len == 0) {
        return ERR_SYNTAX;
    }
    const char *at = value.ptr, *end = value.ptr + value.len;
    struct sip_address address = {0};
    int rc;
    if (*at == '<') {
        rc = take_brackets(at, end, &address);
    } else if (*at == '"') {
        int length = sip_quoted_length(value);
        rc = length < 0 ? length : take_quoted(at, end, length, &address);
    } else if (allow_star && value.len == 1 && *at == '*') {
        address.star = true;
        rc = 0;
    } else {
        rc = take_tokens(at, end, &address);
    }
    if (rc == 0) {
        *ret_address = address;
    }
    return rc;
}

void sip_address_write(struct writer *w, const struct sip_address *address)
{
    if (address->star) {
        writer_char(w, '*');
        return;
    }
    writer_put(w, address->display);
    if (address->display.len > 0) {
        writer_char(w, ' ');
    }
    writer_char(w, '<');
    writer_put(w, address->uri);
    writer_char(w, '>');
    writer_put(w, address->params);
}
