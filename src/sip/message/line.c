#include "sip/message/line.h"

int sip_line_next_flawed(const char *start, const char *at, const char *end, bool folds,
                         struct sip_line *ret_line)
{
    unsigned flaws = 0;
    for (;; at = sip_past_text(at + 1, end)) {
        if (at == end) {
            return ERR_AGAIN;
        }
        if (*at == '\r' && end - at >= 2 && at[1] == '\n') {
            if (folds && end - at >= 3 && sip_is_blank(at[2])) {
                at++;
                continue;
            }
            *ret_line = (struct sip_line){start, at, at + 2, flaws};
            return 0;
        }
        flaws |= *at == '\r' || *at == '\n' ? SIP_LINE_BARE : SIP_LINE_CONTROL;
    }
}

bool sip_line_controls_escaped(struct slice value)
{
    bool quoted = false;
    unsigned comments = 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        bool escapes = quoted || comments > 0;
        if (c == '\\' && escapes && i + 1 < value.len) {
            /* quoted-pair takes any byte but CR and LF, and these are no flaw of this kind. */
            i++;
        } else if (c == '"' && comments == 0) {
            quoted = !quoted;
        } else if (c == '(' && !quoted) {
            comments++;
        } else if (c == ')' && comments > 0) {
            comments--;
        } else if (sip_is_control(c) && c != '\r' && c != '\n') {
            return false;
        }
    }
    return true;
}
