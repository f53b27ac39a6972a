/* Forwarding by splicing: the message that leaves is the one that came with a few slices replaced.
 */
#ifndef SIP_MESSAGE_EDIT_H
#define SIP_MESSAGE_EDIT_H

#include "base/writer.h"
#include "sip/message/message.h"

#define SIP_EDIT_MAX 64

struct sip_edit_piece {
    struct slice old;  /* in msg->raw; empty: insert before old.ptr */
    struct slice text; /* borrowed until sip_edit_write; empty: remove */
};

struct sip_edit {
    const struct sip_message *msg; /* borrowed */
    unsigned count;
    bool overflow; /* sticky, reported by sip_edit_write */
    struct sip_edit_piece pieces[SIP_EDIT_MAX];
};

void sip_edit_init(struct sip_edit *e, const struct sip_message *msg);
/* Pieces may come in any order but must not overlap; two insertions at one place keep their order.
 */
void sip_edit_replace(struct sip_edit *e, struct slice old, struct slice text);
void sip_edit_insert(struct sip_edit *e, const char *at, struct slice text);
/* Removes a whole header line. */
void sip_edit_remove_line(struct sip_edit *e, const struct sip_header *line);
/* Removes every line of id. */
void sip_edit_remove_all(struct sip_edit *e, enum sip_header_id id);
/* Removes one value of a list header, with its comma; the line goes when it was the only value.
 * value must be as returned by sip_values_next over line. Not for two values of one line at once.
 */
void sip_edit_remove_value(struct sip_edit *e, const struct sip_header *line, struct slice value);
/* Where header lines begin (after the start line's CRLF). */
const char *sip_edit_headers_start(const struct sip_message *msg);
/* Where the empty line stands: the place for appending header lines. */
const char *sip_edit_headers_end(const struct sip_message *msg);

/* Writes the edited message, body included (bytes of a datagram beyond Content-Length are left
 * out). 0, ERR_LIMIT (pieces, or room in w). */
int sip_edit_write(struct sip_edit *e, struct writer *w);

#endif
