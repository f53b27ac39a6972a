/* Parsing of URIs. RFC 3261 section 25.1: SIP-URI, SIPS-URI, absoluteURI. */
#include "base/address.h"
#include "base/error.h"
#include "sip/message/chars.h"
#include "sip/message/uri.h"
#include "sip/message/uri_part.h"

static bool is_ipv4(const char *at, const char *end)
{
    for (unsigned octets = 1;; octets++) {
        const char *digits = at;
        unsigned value = 0;
        while (at < end && sip_char_is(*at, SIP_CHAR_DIGIT) && at - digits < 3) {
            value = value * 10 + (unsigned)(*at++ - '0');
        }
        if (at == digits || value > 255) {
            return false;
        }
        if (at == end) {
            return octets == 4;
        }
        if (*at++ != '.' || octets == 4) {
            return false;
        }
    }
}

/* What no label begins with. */
static bool is_mark(char c)
{
    return c == '.' || c == '-';
}

/* Labels of letters, digits and inner '-', joined by dots; a last label of digits alone belongs to
 * an IPv4 address. Looser than toplabel: names of machines may start with a digit or hold '_'. */
static int check_name(const char *at, const char *end)
{
    if (at == end || is_mark(*at)) {
        return ERR_SYNTAX;
    }
    if (sip_char_is(*at, SIP_CHAR_DIGIT) && is_ipv4(at, end)) {
        return 0;
    }
    const char *last = end[-1] == '.' ? end - 1 : end; /* past the last label */
    const char *label = at;
    for (at++; at < last; at++) {
        if (*at == '.') {
            if (at[-1] == '-' || is_mark(at[1])) {
                return ERR_SYNTAX;
            }
            label = at + 1;
        }
    }
    bool number =
        sip_char_is(last[-1], SIP_CHAR_DIGIT) && sip_span(label, last, SIP_CHAR_DIGIT) == last;
    return last[-1] == '-' || number ? ERR_SYNTAX : 0;
}

static int check_ipv6(struct slice bracketed)
{
    const char *end = bracketed.ptr + bracketed.len - 1;
    for (const char *at = bracketed.ptr + 1; at < end; at++) {
        if (!sip_char_is(*at, SIP_CHAR_HEX) && *at != ':' && *at != '.') {
            return ERR_SYNTAX; /* a scope has no place in a URI */
        }
    }
    struct address address;
    return address_parse_host(bracketed, 0, &address) == 0 && address_is_v6(&address) ? 0
                                                                                      : ERR_SYNTAX;
}

int sip_host_check(struct slice host)
{
    if (host.len == 0) {
        return ERR_SYNTAX;
    }
    if (host.ptr[0] == '[') {
        return host.len > 2 && host.ptr[host.len - 1] == ']' ? check_ipv6(host) : ERR_SYNTAX;
    }
    return sip_all(host, SIP_CHAR_HOST) ? check_name(host.ptr, host.ptr + host.len) : ERR_SYNTAX;
}

/* userinfo: what stands before the '@'. */
static int parse_userinfo(const char *at, const char *end, struct sip_uri *uri)
{
    const char *past = sip_span_escaped(at, end, SIP_CHAR_USER);
    if (!past || past == at) {
        return ERR_SYNTAX;
    }
    uri->user = slice_between(at, past);
    uri->has_user = true;
    if (past == end) {
        return 0;
    }
    if (*past != ':') {
        return ERR_SYNTAX;
    }
    uri->password = slice_between(past + 1, end);
    return sip_span_escaped(past + 1, end, SIP_CHAR_PASSWORD) == end ? 0 : ERR_SYNTAX;
}

static int parse_port(const char **at, const char *end, uint16_t *ret_port)
{
    const char *p = *at;
    unsigned value = 0;
    for (; p < end && sip_char_is(*p, SIP_CHAR_DIGIT); p++) {
        value = value > UINT16_MAX ? value : value * 10 + (unsigned)(*p - '0');
    }
    if (p == *at) {
        return ERR_SYNTAX;
    }
    if (value == 0 || value > UINT16_MAX) {
        return ERR_RANGE;
    }
    *ret_port = (uint16_t)value;
    *at = p;
    return 0;
}

static int parse_hostport(const char **at, const char *end, struct sip_uri *uri)
{
    const char *p = *at;
    if (p < end && *p == '[') {
        const char *bracket = memchr(p, ']', (size_t)(end - p));
        if (!bracket) {
            return ERR_SYNTAX;
        }
        uri->host = slice_between(p, bracket + 1);
        if (sip_host_check(uri->host) < 0) {
            return ERR_SYNTAX;
        }
    } else {
        uri->host = slice_between(p, sip_span(p, end, SIP_CHAR_HOST));
        if (check_name(p, p + uri->host.len) < 0) {
            return ERR_SYNTAX;
        }
    }
    p += uri->host.len;
    if (p < end && *p == ':') {
        p++;
        int rc = parse_port(&p, end, &uri->port);
        if (rc < 0) {
            return rc;
        }
    }
    *at = p;
    return 0;
}

/* The parameters that routing asks for, so that nobody has to search again. */
static void note_param(const struct sip_uri_part *param, struct sip_uri *uri)
{
    struct slice name = param->name;
    char plain[9]; /* as long as the longest name here */
    if (memchr(name.ptr, '%', name.len)) {
        /* RFC 4475 section 3.1.1.3: ";%6C%72" is lr. */
        struct writer w;
        writer_init(&w, plain, sizeof(plain));
        sip_unescape_write(&w, name);
        name = w.overflow ? SLICE_NULL : writer_slice(&w);
    }
    if (name.len == 2 && slice_equal_nocase(name, SLICE("lr"))) {
        uri->lr = true;
    } else if (name.len == 4 && slice_equal_nocase(name, SLICE("user"))) {
        uri->user_phone = slice_equal_nocase(param->value, SLICE("phone"));
    } else if (name.len == 5 && slice_equal_nocase(name, SLICE("maddr"))) {
        uri->maddr = param->value;
    } else if (name.len == 9 && slice_equal_nocase(name, SLICE("transport"))) {
        uri->transport = param->value;
    }
}

/* RFC 3261 section 19.1.1: no parameter name more than once. One that is repeated with the same
 * value does no harm and is seen, so only those that differ are refused. */
static bool contradicts(struct slice before, const struct sip_uri_part *param)
{
    struct sip_uri_part other;
    while (sip_uri_param_next(&before, &other)) {
        if (sip_escaped_equal_nocase(other.name, param->name) &&
            (other.has_value != param->has_value ||
             !sip_escaped_equal_nocase(other.value, param->value))) {
            return true;
        }
    }
    return false;
}

static int parse_params(const char **at, const char *end, struct sip_uri *uri)
{
    const char *start = *at, *p = start;
    for (unsigned count = 0; p < end && *p == ';'; count++) {
        if (count == SIP_URI_PARTS_MAX) {
            return ERR_LIMIT;
        }
        const char *before = p++;
        const char *past = sip_span_escaped(p, end, SIP_CHAR_PARAM);
        if (!past || past == p) {
            return ERR_SYNTAX;
        }
        struct sip_uri_part param = {.name = slice_between(p, past)};
        p = past;
        if (p < end && *p == '=') {
            past = sip_span_escaped(++p, end, SIP_CHAR_PARAM);
            if (!past || past == p) {
                return ERR_SYNTAX;
            }
            param.value = slice_between(p, past);
            param.has_value = true;
            p = past;
        }
        if (count > 0 && contradicts(slice_between(start, before), &param)) {
            return ERR_SYNTAX;
        }
        note_param(&param, uri);
    }
    uri->params = slice_between(start, p);
    *at = p;
    return 0;
}

static int parse_headers(const char *at, const char *end, struct sip_uri *uri)
{
    uri->headers = slice_between(at, end);
    for (unsigned count = 0;; count++) {
        if (count == SIP_URI_PARTS_MAX) {
            return ERR_LIMIT;
        }
        const char *past = sip_span_escaped(at, end, SIP_CHAR_HEADER);
        if (!past || past == at || past == end || *past != '=') {
            return ERR_SYNTAX;
        }
        at = sip_span_escaped(past + 1, end, SIP_CHAR_HEADER);
        if (!at || (at < end && *at != '&')) {
            return ERR_SYNTAX;
        }
        if (at++ == end) {
            return 0;
        }
    }
}

static int parse_sip(const char *at, const char *end, struct sip_uri *uri)
{
    /* '@' stands plain nowhere but after the userinfo (section 25.1). */
    const char *userinfo_end = memchr(at, '@', (size_t)(end - at));
    if (userinfo_end) {
        if (parse_userinfo(at, userinfo_end, uri) < 0) {
            return ERR_SYNTAX;
        }
        at = userinfo_end + 1;
    }
    int rc = parse_hostport(&at, end, uri);
    if (rc < 0) {
        return rc;
    }
    rc = parse_params(&at, end, uri);
    if (rc < 0 || at == end) {
        return rc;
    }
    return *at == '?' ? parse_headers(at + 1, end, uri) : ERR_SYNTAX;
}

static enum sip_uri_scheme scheme_of(struct slice name)
{
    if (slice_equal_nocase(name, SLICE("sip"))) {
        return SIP_URI_SIP;
    }
    if (slice_equal_nocase(name, SLICE("sips"))) {
        return SIP_URI_SIPS;
    }
    return slice_equal_nocase(name, SLICE("tel")) ? SIP_URI_TEL : SIP_URI_OTHER;
}

/* scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) */
static bool scheme_legal(struct slice name)
{
    if (name.len == 0 || !sip_char_is(name.ptr[0], SIP_CHAR_ALPHA)) {
        return false;
    }
    for (size_t i = 1; i < name.len; i++) {
        char c = name.ptr[i];
        if (!sip_char_is(c, SIP_CHAR_ALPHA | SIP_CHAR_DIGIT) && c != '+' && c != '-' && c != '.') {
            return false;
        }
    }
    return true;
}

int sip_uri_parse(struct slice text, struct sip_uri *ret_uri)
{
    size_t colon = slice_starts_with(text, SLICE("sip:")) ? 3 : slice_index(text, ':');
    if (colon == text.len) {
        return ERR_SYNTAX;
    }
    struct sip_uri uri = {.raw = text, .scheme_name = slice_of(text.ptr, colon)};
    struct slice rest = slice_of(text.ptr + colon + 1, text.len - colon - 1);
    const char *end = text.ptr + text.len;
    int rc;
    uri.scheme = scheme_of(uri.scheme_name);
    if (uri.scheme == SIP_URI_SIP || uri.scheme == SIP_URI_SIPS) {
        rc = parse_sip(rest.ptr, end, &uri);
    } else if (uri.scheme == SIP_URI_TEL) {
        rc = sip_tel_parse(rest, &uri);
    } else {
        uri.user = rest;
        rc = scheme_legal(uri.scheme_name) && rest.len > 0 &&
                     sip_span_escaped(rest.ptr, end, SIP_CHAR_URIC) == end
                 ? 0
                 : ERR_SYNTAX;
    }
    if (rc == 0) {
        *ret_uri = uri;
    }
    return rc;
}
