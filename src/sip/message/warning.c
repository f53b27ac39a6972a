#include "sip/message/warning.h"

#include "base/error.h"
#include "sip/message/chars.h"

int sip_warning_parse(struct slice value, struct sip_warning *ret_warning)
{
    uint32_t code;
    value = slice_trim(value);
    if (value.len < 4 || slice_to_u32(slice_of(value.ptr, 3), 999, &code) < 0) {
        return ERR_SYNTAX;
    }
    const char *end = value.ptr + value.len;
    const char *agent = sip_past_lws(value.ptr + 3, end);
    /* A host, a port and an address in brackets are made of the same bytes as a gen-value. */
    const char *past = sip_span(agent, end, SIP_CHAR_VALUE);
    const char *text = sip_past_lws(past, end);
    int length = sip_quoted_length(slice_between(text, end));
    if (agent == value.ptr + 3 || past == agent || text == past || length <= 0 ||
        text + length != end) {
        return ERR_SYNTAX;
    }
    *ret_warning = (struct sip_warning){.code = (uint16_t)code,
                                        .agent = slice_between(agent, past),
                                        .text = slice_between(text, end)};
    return 0;
}

void sip_warning_write(struct writer *w, const struct sip_warning *warning)
{
    const char code[] = {(char)('0' + warning->code / 100 % 10),
                         (char)('0' + warning->code / 10 % 10), (char)('0' + warning->code % 10)};
    writer_bytes(w, code, sizeof(code));
    writer_char(w, ' ');
    writer_put(w, warning->agent);
    writer_char(w, ' ');
    writer_put(w, warning->text);
}
