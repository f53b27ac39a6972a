#include "sip/message/media.h"

#include "base/error.h"
#include "sip/message/address.h"
#include "sip/message/chars.h"
#include "sip/message/head.h"

/* m-type SLASH m-subtype, LWS allowed around the slash. */
static int take_type(struct slice head, struct sip_media *media)
{
    const char *end = head.ptr + head.len;
    const char *past = sip_span(head.ptr, end, SIP_CHAR_TOKEN);
    media->type = slice_between(head.ptr, past);
    past = sip_past_lws(past, end);
    if (past == end || *past != '/') {
        return ERR_SYNTAX;
    }
    past = sip_past_lws(past + 1, end);
    media->subtype = slice_between(past, end);
    return media->type.len > 0 && sip_is_token(media->subtype) ? 0 : ERR_SYNTAX;
}

/* The q parameter of an Accept header. */
static int take_q(struct slice params, uint16_t *ret_q)
{
    struct sip_param q;
    *ret_q = 1000;
    return sip_param_find(params, SLICE("q"), &q) ? sip_qvalue_parse(q.value, ret_q) : 0;
}

int sip_content_type_parse(struct slice value, struct sip_media *ret_media)
{
    struct slice head;
    struct sip_media media = {.q = 1000};
    if (sip_head_parse(value, &head, &media.params) < 0 || take_type(head, &media) < 0) {
        return ERR_SYNTAX;
    }
    /* m-parameter = m-attribute EQUAL m-value */
    struct slice rest = media.params;
    struct sip_param param;
    while (sip_param_next(&rest, &param) > 0) {
        if (!param.has_value) {
            return ERR_SYNTAX;
        }
    }
    if (slice_equal(media.type, SLICE("*")) || slice_equal(media.subtype, SLICE("*"))) {
        return ERR_SYNTAX;
    }
    *ret_media = media;
    return 0;
}

int sip_accept_parse(struct slice value, struct sip_media *ret_media)
{
    struct slice head;
    struct sip_media media;
    if (sip_head_parse(value, &head, &media.params) < 0 || take_type(head, &media) < 0 ||
        take_q(media.params, &media.q) < 0) {
        return ERR_SYNTAX;
    }
    /* The only range without a type is that of all types. */
    if (slice_equal(media.type, SLICE("*")) && !slice_equal(media.subtype, SLICE("*"))) {
        return ERR_SYNTAX;
    }
    *ret_media = media;
    return 0;
}

void sip_media_write(struct writer *w, const struct sip_media *media)
{
    writer_put(w, media->type);
    writer_char(w, '/');
    writer_put(w, media->subtype);
    writer_put(w, media->params);
}

bool sip_media_covers(const struct sip_media *range, const struct sip_media *type)
{
    return (slice_equal(range->type, SLICE("*")) || slice_equal_nocase(range->type, type->type)) &&
           (slice_equal(range->subtype, SLICE("*")) ||
            slice_equal_nocase(range->subtype, type->subtype));
}

bool sip_is_language(struct slice s)
{
    unsigned classes = SIP_CHAR_ALPHA;
    while (s.len > 0) {
        struct slice rest = s, part = slice_cut(&rest, '-');
        if (part.len < 1 || part.len > 8 || !sip_all(part, classes)) {
            return false;
        }
        if (part.len == s.len) {
            return true;
        }
        s = rest;
        classes = SIP_CHAR_ALPHA | SIP_CHAR_DIGIT;
    }
    return false;
}

static int parse_preference(struct slice value, struct sip_preference *ret_preference)
{
    struct sip_preference preference;
    if (sip_head_parse(value, &preference.name, &preference.params) < 0 ||
        !sip_is_token(preference.name) || take_q(preference.params, &preference.q) < 0) {
        return ERR_SYNTAX;
    }
    *ret_preference = preference;
    return 0;
}

int sip_accept_encoding_parse(struct slice value, struct sip_preference *ret_preference)
{
    return parse_preference(value, ret_preference);
}

int sip_accept_language_parse(struct slice value, struct sip_preference *ret_preference)
{
    struct sip_preference preference;
    if (parse_preference(value, &preference) < 0 ||
        (!slice_equal(preference.name, SLICE("*")) && !sip_is_language(preference.name))) {
        return ERR_SYNTAX;
    }
    *ret_preference = preference;
    return 0;
}

void sip_preference_write(struct writer *w, const struct sip_preference *preference)
{
    writer_put(w, preference->name);
    writer_put(w, preference->params);
}

int sip_disposition_parse(struct slice value, struct sip_disposition *ret_disposition)
{
    struct sip_disposition disposition;
    struct sip_param handling;
    if (sip_head_parse(value, &disposition.type, &disposition.params) < 0 ||
        !sip_is_token(disposition.type)) {
        return ERR_SYNTAX;
    }
    disposition.required = !sip_param_find(disposition.params, SLICE("handling"), &handling) ||
                           !slice_equal_nocase(handling.value, SLICE("optional"));
    *ret_disposition = disposition;
    return 0;
}

void sip_disposition_write(struct writer *w, const struct sip_disposition *disposition)
{
    writer_put(w, disposition->type);
    writer_put(w, disposition->params);
}

int sip_mime_version_parse(struct slice value, struct sip_mime_version *ret_version)
{
    struct sip_mime_version version;
    struct slice minor = slice_trim(value);
    struct slice major = slice_cut(&minor, '.');
    if (slice_to_u32(major, UINT32_MAX, &version.major) < 0 ||
        slice_to_u32(minor, UINT32_MAX, &version.minor) < 0) {
        return ERR_SYNTAX;
    }
    *ret_version = version;
    return 0;
}

void sip_mime_version_write(struct writer *w, const struct sip_mime_version *version)
{
    writer_u64(w, version->major);
    writer_char(w, '.');
    writer_u64(w, version->minor);
}
