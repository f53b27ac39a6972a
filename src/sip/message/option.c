#include "sip/message/option.h"

#include "base/error.h"
#include "sip/message/chars.h"
#include "sip/message/param.h"

static const struct slice priorities[] = {
    [SIP_PRIORITY_EMERGENCY] = SLICE_LITERAL("emergency"),
    [SIP_PRIORITY_URGENT] = SLICE_LITERAL("urgent"),
    [SIP_PRIORITY_NORMAL] = SLICE_LITERAL("normal"),
    [SIP_PRIORITY_NON_URGENT] = SLICE_LITERAL("non-urgent"),
};

static bool is_known(struct slice tag, const struct slice *known, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_equal_nocase(tag, known[i])) {
            return true;
        }
    }
    return false;
}

int sip_option_tags_missing(const struct sip_message *msg, enum sip_header_id id,
                            const struct slice *known, size_t known_count, struct writer *w)
{
    struct sip_values values;
    struct slice tag;
    int missing = 0;
    sip_values_init(&values, msg, id);
    while (sip_values_next(&values, &tag)) {
        if (!sip_is_token(tag)) {
            return ERR_SYNTAX;
        }
        if (is_known(tag, known, known_count)) {
            continue;
        }
        if (missing++ > 0) {
            writer_literal(w, ", ");
        }
        writer_put(w, tag);
    }
    return missing;
}

bool sip_is_call_id(struct slice s)
{
    if (s.len == 0) {
        return false;
    }
    const char *end = s.ptr + s.len;
    const char *at = sip_span(s.ptr, end, SIP_CHAR_WORD);
    if (at == s.ptr || at == end) {
        return at == end;
    }
    return *at == '@' && at + 1 < end && sip_span(at + 1, end, SIP_CHAR_WORD) == end;
}

int sip_priority_parse(struct slice value, enum sip_priority *ret_priority)
{
    value = slice_trim(value);
    if (!sip_is_token(value)) {
        return ERR_SYNTAX;
    }
    for (unsigned i = 0; i < SIP_PRIORITY_OTHER; i++) {
        if (slice_equal_nocase(value, priorities[i])) {
            *ret_priority = (enum sip_priority)i;
            return 0;
        }
    }
    *ret_priority = SIP_PRIORITY_OTHER;
    return 0;
}

struct slice sip_priority_name(enum sip_priority priority)
{
    return priorities[priority];
}
