/* Writing of URIs. RFC 3261 sections 10.3 step 5, 16.5, 19.1.1, 19.1.2. */
#include "base/address.h"
#include "base/error.h"
#include "sip/message/chars.h"
#include "sip/message/uri.h"
#include "sip/message/uri_part.h"

static bool is_escape(const char *at, const char *end)
{
    return *at == '%' && end - at >= 3 && sip_char_is(at[1], SIP_CHAR_HEX) &&
           sip_char_is(at[2], SIP_CHAR_HEX);
}

void sip_unescape_write(struct writer *w, struct slice escaped)
{
    if (escaped.len == 0) {
        return;
    }
    const char *at = escaped.ptr, *end = escaped.ptr + escaped.len;
    while (at < end) {
        const char *percent = memchr(at, '%', (size_t)(end - at));
        if (!percent) {
            percent = end;
        }
        writer_bytes(w, at, (size_t)(percent - at));
        at = percent;
        if (at < end && is_escape(at, end)) {
            writer_char(w, (char)(sip_hex_value(at[1]) << 4 | sip_hex_value(at[2])));
            at += 3;
        } else if (at < end) {
            writer_char(w, *at++);
        }
    }
}

/* unreserved / user-unreserved; '#' is taken in but never written plain. */
static bool user_plain(char c)
{
    return c != '#' && sip_char_is(c, SIP_CHAR_USER);
}

void sip_uri_write_user(struct writer *w, struct slice escaped_user)
{
    static const char hex[] = "0123456789ABCDEF";
    if (escaped_user.len == 0) {
        return;
    }
    const char *at = escaped_user.ptr, *end = at + escaped_user.len;
    while (at < end) {
        const char *plain = at;
        while (at < end && user_plain(*at)) {
            at++;
        }
        writer_bytes(w, plain, (size_t)(at - plain));
        if (at == end) {
            break;
        }
        unsigned char c = (unsigned char)*at;
        if (is_escape(at, end)) {
            c = (unsigned char)(sip_hex_value(at[1]) << 4 | sip_hex_value(at[2]));
            at += 2;
        }
        at++;
        if (user_plain((char)c)) {
            writer_char(w, (char)c);
        } else {
            char text[3] = {'%', hex[c >> 4], hex[c & 15]};
            writer_bytes(w, text, sizeof(text));
        }
    }
}

/* Lower case; an IPv6 address in its one canonical text (RFC 5954 section 5). */
static void write_host(struct writer *w, struct slice host)
{
    struct address address;
    if (host.len > 0 && host.ptr[0] == '[' && address_parse_host(host, 0, &address) == 0) {
        address_write_host(w, &address, true);
        return;
    }
    for (size_t i = 0; i < host.len; i++) {
        writer_char(w, sip_lower(host.ptr[i]));
    }
}

int sip_uri_write_aor(struct writer *w, const struct sip_uri *uri)
{
    if (uri->scheme != SIP_URI_SIP && uri->scheme != SIP_URI_SIPS) {
        return ERR_UNSUPPORTED;
    }
    writer_literal(w, "sip:");
    if (uri->has_user) {
        sip_uri_write_user(w, uri->user);
        writer_char(w, '@');
    }
    write_host(w, uri->host);
    /* As sips is written as sip, its text must stay the same when it is read again. */
    bool standard = uri->port == 5060 || (uri->scheme == SIP_URI_SIPS && uri->port == 5061);
    if (uri->port != 0 && !standard) {
        writer_char(w, ':');
        writer_u64(w, uri->port);
    }
    return writer_status(w);
}

/* The parameters but those of unwanted, a list that ends with an empty name. */
static void write_params_but(struct writer *w, struct slice params, const struct slice *unwanted)
{
    struct sip_uri_part param;
    while (sip_uri_param_next(&params, &param)) {
        const struct slice *name = unwanted;
        while (name->len > 0 && !sip_escaped_equal_nocase(param.name, *name)) {
            name++;
        }
        if (name->len == 0) {
            writer_put(w, slice_between(param.name.ptr - 1, params.ptr));
        }
    }
}

void sip_uri_write_request(struct writer *w, const struct sip_uri *uri)
{
    static const struct slice unwanted[] = {SLICE_LITERAL("method"), {NULL, 0}};
    if (uri->scheme != SIP_URI_SIP && uri->scheme != SIP_URI_SIPS) {
        writer_put(w, uri->raw);
        return;
    }
    writer_put(w, slice_between(uri->raw.ptr, uri->params.ptr));
    write_params_but(w, uri->params, unwanted);
}

void sip_uri_write_reached(struct writer *w, const struct sip_uri *uri)
{
    static const struct slice unwanted[] = {
        SLICE_LITERAL("method"), SLICE_LITERAL("maddr"), SLICE_LITERAL("transport"), {NULL, 0}};
    writer_put(w, slice_between(uri->raw.ptr, uri->host.ptr + uri->host.len));
    write_params_but(w, uri->params, unwanted);
}
