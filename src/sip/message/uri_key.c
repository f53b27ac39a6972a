/* A text that names a URI: URIs with equal keys are equal by RFC 3261 section 19.1.4. Equal ones
 * may have different keys: those where only one has a parameter (see sip_uri_equal). */
#include "sip/message/param.h"
#include "sip/message/uri.h"

#define KEY_PARAMS_MAX 16

static void write_lower(struct writer *w, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        writer_char(w, (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c));
    }
}

static int compare_nocase(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < common; i++) {
        int x = (unsigned char)a.ptr[i] | 0x20;
        int y = (unsigned char)b.ptr[i] | 0x20;
        if (x != y)
            return x - y;
    }
    return (a.len > b.len) - (a.len < b.len);
}

/* In order of name, so that their order in the URI does not matter. More than fit stay as they
 * stand. */
static void write_params(struct writer *w, struct slice params)
{
    struct sip_param sorted[KEY_PARAMS_MAX];
    struct sip_param param;
    struct slice rest = params;
    unsigned count = 0;
    while (sip_param_next(&rest, &param) > 0) {
        if (count == KEY_PARAMS_MAX) {
            write_lower(w, params);
            return;
        }
        unsigned at = count++;
        for (; at > 0 && compare_nocase(sorted[at - 1].name, param.name) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = param;
    }
    for (unsigned i = 0; i < count; i++) {
        writer_char(w, ';');
        write_lower(w, sorted[i].name);
        if (sorted[i].has_value) {
            writer_char(w, '=');
            write_lower(w, sorted[i].value);
        }
    }
}

void sip_uri_write_key(struct writer *w, const struct sip_uri *uri)
{
    write_lower(w, uri->scheme_name);
    writer_char(w, ':');
    if (uri->scheme == SIP_URI_OTHER || uri->scheme == SIP_URI_TEL) {
        writer_put(w, slice_from(uri->raw, uri->scheme_name.len + 1));
        return;
    }
    if (uri->has_user) {
        sip_uri_write_user(w, uri->user);
        if (uri->password.len > 0) {
            writer_char(w, ':');
            writer_put(w, uri->password);
        }
        writer_char(w, '@');
    }
    write_lower(w, uri->host);
    if (uri->port != 0)
        writer_char(w, ':');
    writer_u64(w, uri->port);
    write_params(w, uri->params);
    if (uri->headers.len > 0) {
        writer_char(w, '?');
        writer_put(w, uri->headers);
    }
}
