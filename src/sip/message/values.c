#include "base/error.h"
#include "sip/message/message.h"

/* The comma that ends the first value: not one in quotes or <> (RFC 3261 section 7.3.1). end when
 * there is none, or when a quote or bracket stays open. */
static const char *find_comma(const char *at, const char *end)
{
    char open = 0;
    for (; at < end; at++) {
        switch (*at) {
        case '"':
            if (open != '<') {
                open = open == '"' ? 0 : '"';
            }
            break;
        case '\\':
            if (open == '"' && at + 1 < end) {
                at++;
            }
            break;
        case '<': open = open == 0 ? '<' : open; break;
        case '>': open = open == '<' ? 0 : open; break;
        case ',':
            if (open == 0) {
                return at;
            }
            break;
        default: break;
        }
    }
    return end;
}

bool sip_list_next(struct slice *rest, struct slice *ret_value)
{
    while (rest->len > 0) {
        const char *end = rest->ptr + rest->len;
        const char *comma = memchr(rest->ptr, ',', rest->len);
        comma = comma == NULL ? end : find_comma(rest->ptr, end);
        struct slice value = slice_trim(slice_between(rest->ptr, comma));
        *rest = slice_between(comma < end ? comma + 1 : end, end);
        if (value.len > 0) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

void sip_values_init(struct sip_values *it, const struct sip_message *msg, enum sip_header_id id)
{
    it->msg = msg;
    it->line = sip_message_first(msg, id);
    it->rest = it->line != NULL ? sip_header_value(it->line) : SLICE_NULL;
}

bool sip_values_next(struct sip_values *it, struct slice *ret_value)
{
    while (it->line != NULL) {
        if (it->rest.len > 0 && sip_list_next(&it->rest, ret_value)) {
            return true;
        }
        it->line = sip_message_next(it->msg, it->line);
        it->rest = it->line != NULL ? sip_header_value(it->line) : SLICE_NULL;
    }
    return false;
}

bool sip_message_has_token(const struct sip_message *msg, enum sip_header_id id, struct slice token)
{
    struct sip_values it;
    struct slice value;
    sip_values_init(&it, msg, id);
    while (sip_values_next(&it, &value)) {
        /* RFC 3261 section 7.1: methods keep their case. */
        if (id == SIP_HEADER_ALLOW ? slice_equal(value, token) : slice_equal_nocase(value, token)) {
            return true;
        }
    }
    return false;
}

const struct sip_header *sip_message_find(const struct sip_message *msg, struct slice name,
                                          const struct sip_header *at)
{
    enum sip_header_id id = sip_header_lookup(name);
    at = at == NULL ? sip_message_first(msg, id) : sip_message_next(msg, at);
    while (at != NULL && id == SIP_HEADER_OTHER &&
           !slice_equal_nocase(slice_of(at->name, at->name_len), name)) {
        at = sip_message_next(msg, at);
    }
    return at;
}

int sip_message_content_length(const struct sip_message *msg, uint32_t *ret_length)
{
    const struct sip_header *line = sip_message_first(msg, SIP_HEADER_CONTENT_LENGTH);
    if (line == NULL) {
        return ERR_NOT_FOUND;
    }
    uint32_t length;
    int rc = slice_to_u32(sip_header_value(line), UINT32_MAX, &length);
    if (rc < 0) {
        return rc;
    }
    while ((line = sip_message_next(msg, line)) != NULL) {
        uint32_t other;
        rc = slice_to_u32(sip_header_value(line), UINT32_MAX, &other);
        if (rc < 0 || other != length) {
            return rc < 0 ? rc : ERR_CONFLICT;
        }
    }
    *ret_length = length;
    return 0;
}
