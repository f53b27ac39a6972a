#include "sip/message/credentials.h"

#include "base/error.h"
#include "sip/message/chars.h"

/* One field of a struct of slices: where it is and how it is written. */
struct field {
    struct slice name;
    size_t offset;
    bool quoted;
};

#define FIELD(type, name, quoted)                                                                  \
    {                                                                                              \
        SLICE_LITERAL(#name), offsetof(struct type, name), quoted                                  \
    }
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* RFC 3261 section 25.1: dig-resp, digest-cln; RFC 7616 sections 3.3, 3.4. */
static const struct field credentials_fields[] = {
    FIELD(sip_credentials, username, true),   FIELD(sip_credentials, realm, true),
    FIELD(sip_credentials, domain, true),     FIELD(sip_credentials, nonce, true),
    FIELD(sip_credentials, uri, true),        FIELD(sip_credentials, response, true),
    FIELD(sip_credentials, algorithm, false), FIELD(sip_credentials, cnonce, true),
    FIELD(sip_credentials, opaque, true),     FIELD(sip_credentials, qop, false),
    FIELD(sip_credentials, nc, false),        FIELD(sip_credentials, stale, false),
    FIELD(sip_credentials, userhash, false),
};

/* RFC 3261 section 25.1: ainfo. */
static const struct field info_fields[] = {
    FIELD(sip_authentication_info, nextnonce, true), FIELD(sip_authentication_info, qop, false),
    FIELD(sip_authentication_info, rspauth, true),   FIELD(sip_authentication_info, cnonce, true),
    FIELD(sip_authentication_info, nc, false),
};

static struct slice *field_of(void *object, const struct field *field)
{
    return (struct slice *)(void *)((char *)object + field->offset);
}

static struct slice field_value(const void *object, const struct field *field)
{
    struct slice value;
    memcpy(&value, (const char *)object + field->offset, sizeof(value));
    return value;
}

/* auth-param = auth-param-name EQUAL ( token / quoted-string ); *at is at the name. */
static int read_param(const char **at, const char *end, struct slice *ret_name,
                      struct slice *ret_value)
{
    const char *p = sip_span(*at, end, SIP_CHAR_TOKEN);
    if (p == *at) {
        return ERR_SYNTAX;
    }
    *ret_name = slice_between(*at, p);
    p = sip_past_lws(p, end);
    if (p == end || *p != '=') {
        return ERR_SYNTAX;
    }
    p = sip_past_lws(p + 1, end);
    int quoted = sip_quoted_length(slice_between(p, end));
    if (quoted < 0) {
        return quoted;
    }
    const char *past = quoted > 0 ? p + quoted : sip_span(p, end, SIP_CHAR_VALUE);
    if (past == p) {
        return ERR_SYNTAX;
    }
    *ret_value = quoted > 0 ? slice_between(p + 1, past - 1) : slice_between(p, past);
    *at = past;
    return 0;
}

static int keep(void *object, const struct field *fields, size_t count, struct slice name,
                struct slice value)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].name.len == name.len && fields[i].name.ptr[0] == sip_lower(name.ptr[0]) &&
            slice_equal_nocase(fields[i].name, name)) {
            struct slice *field = field_of(object, &fields[i]);
            if (field->ptr) {
                return ERR_SYNTAX;
            }
            *field = value;
            return 0;
        }
    }
    return 0; /* RFC 7616 section 3.4: "any unrecognized parameter MUST be ignored" */
}

/* Reads name=value pairs with commas between them. */
static int read_params(struct slice params, void *object, const struct field *fields, size_t count)
{
    const char *at = params.ptr, *end = params.ptr + params.len;
    for (;;) {
        struct slice name, value;
        int rc = read_param(&at, end, &name, &value);
        if (rc == 0) {
            rc = keep(object, fields, count, name, value);
        }
        if (rc < 0) {
            return rc;
        }
        at = sip_past_lws(at, end);
        if (at == end) {
            return 0;
        }
        if (*at != ',') {
            return ERR_SYNTAX;
        }
        at = sip_past_lws(at + 1, end);
    }
}

static void write_params(struct writer *w, const void *object, const struct field *fields,
                         size_t count)
{
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        struct slice value = field_value(object, &fields[i]);
        if (!value.ptr) {
            continue;
        }
        if (!first) {
            writer_literal(w, ", ");
        }
        first = false;
        writer_put(w, fields[i].name);
        writer_char(w, '=');
        /* What came quoted though it need not be may only be written so again. */
        bool quoted = fields[i].quoted || !sip_is_token(value);
        if (quoted) {
            writer_char(w, '"');
        }
        writer_put(w, value);
        if (quoted) {
            writer_char(w, '"');
        }
    }
}

int sip_credentials_parse(struct slice value, struct sip_credentials *ret_credentials)
{
    value = slice_trim(value);
    if (value.len == 0) {
        return ERR_SYNTAX;
    }
    const char *end = value.ptr + value.len;
    const char *past = sip_span(value.ptr, end, SIP_CHAR_TOKEN);
    const char *at = sip_past_lws(past, end);
    if (past == value.ptr || at == past) {
        return ERR_SYNTAX; /* no scheme, or nothing after it */
    }
    struct sip_credentials credentials = {.scheme = slice_between(value.ptr, past),
                                          .params = slice_between(at, end)};
    credentials.digest = slice_equal_nocase(credentials.scheme, SLICE("Digest"));
    if (credentials.digest) {
        int rc = read_params(credentials.params, &credentials, credentials_fields,
                             COUNT(credentials_fields));
        if (rc < 0) {
            return rc;
        }
    }
    *ret_credentials = credentials;
    return 0;
}

void sip_credentials_write(struct writer *w, const struct sip_credentials *credentials)
{
    writer_put(w, credentials->scheme);
    writer_char(w, ' ');
    if (credentials->digest) {
        write_params(w, credentials, credentials_fields, COUNT(credentials_fields));
    } else {
        writer_put(w, credentials->params);
    }
}

int sip_authentication_info_parse(struct slice value, struct sip_authentication_info *ret_info)
{
    struct sip_authentication_info info = {0};
    value = slice_trim(value);
    if (value.len == 0) {
        return ERR_SYNTAX;
    }
    int rc = read_params(value, &info, info_fields, COUNT(info_fields));
    if (rc == 0) {
        *ret_info = info;
    }
    return rc;
}

void sip_authentication_info_write(struct writer *w, const struct sip_authentication_info *info)
{
    write_params(w, info, info_fields, COUNT(info_fields));
}
