/* The lines of a header section: found here and nowhere else, so that framing and parsing cannot
 * see different ones. RFC 3261 sections 7.3.1, 25.1. Inside src/sip/message only. */
#ifndef SIP_MESSAGE_LINE_H
#define SIP_MESSAGE_LINE_H

#include "base/slice.h"

enum sip_line_flaw {
    SIP_LINE_BARE = 1,    /* a CR or LF that is not part of CRLF */
    SIP_LINE_CONTROL = 2, /* a control byte other than HTAB, CR, LF; or DEL */
};

struct sip_line {
    const char *start;
    const char *stop; /* the CRLF that ends it */
    const char *end;  /* one past that CRLF */
    unsigned flaws;   /* of enum sip_line_flaw */
};

/* The line at start, up to a CRLF; with folds, up to a CRLF that no SP or HTAB follows (section
 * 7.3.1). 0, or ERR_AGAIN when there is no such CRLF before end. */
int sip_line_next(const char *start, const char *end, bool folds, struct sip_line *ret_line);

/* name ':' value of a header line, both trimmed; whether the name is a token is left to the caller.
 * ERR_SYNTAX when there is no colon. */
int sip_line_split(const struct sip_line *line, struct slice *ret_name, struct slice *ret_value);

/* True when every control byte of a line is one that may stand there: escaped by a backslash in a
 * quoted-string or a comment (section 25.1 quoted-pair, ctext). */
bool sip_line_controls_escaped(struct slice value);

#endif
