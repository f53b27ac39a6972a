#include "sip/message/edit.h"

#include <assert.h>

#include "base/error.h"

void sip_edit_init(struct sip_edit *e, const struct sip_message *msg)
{
    e->msg = msg;
    e->count = 0;
    e->overflow = false;
}

/* Kept in the order of the message; insertions at one place in the order they came, and before what
 * is replaced there. */
static void add(struct sip_edit *e, struct slice old, struct slice text)
{
    if (e->count == SIP_EDIT_MAX) {
        e->overflow = true;
        return;
    }
    unsigned at = e->count++;
    while (at > 0) {
        const struct sip_edit_piece *before = &e->pieces[at - 1];
        bool later = before->old.ptr > old.ptr ||
                     (before->old.ptr == old.ptr && old.len == 0 && before->old.len > 0);
        if (!later) {
            break;
        }
        e->pieces[at] = *before;
        at--;
    }
    e->pieces[at] = (struct sip_edit_piece){old, text};
}

void sip_edit_replace(struct sip_edit *e, struct slice old, struct slice text)
{
    add(e, old, text);
}

void sip_edit_insert(struct sip_edit *e, const char *at, struct slice text)
{
    add(e, slice_of(at, 0), text);
}

void sip_edit_remove_line(struct sip_edit *e, const struct sip_header *line)
{
    add(e, sip_header_line(line), SLICE_NULL);
}

void sip_edit_remove_all(struct sip_edit *e, enum sip_header_id id)
{
    const struct sip_header *line = sip_message_first(e->msg, id);
    for (; line != NULL; line = sip_message_next(e->msg, line)) {
        sip_edit_remove_line(e, line);
    }
}

static bool is_between(char c)
{
    return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void sip_edit_remove_value(struct sip_edit *e, const struct sip_header *line, struct slice value)
{
    const char *first = line->value;
    const char *last = line->value + line->value_len;
    const char *start = value.ptr;
    const char *end = value.ptr + value.len;
    assert(start >= first && end <= last);
    const char *next = end;
    while (next < last && is_between(*next)) {
        next++;
    }
    const char *before = start;
    while (before > first && is_between(before[-1])) {
        before--;
    }
    if (next < last) {
        add(e, slice_between(start, next), SLICE_NULL);
    } else if (before > first) {
        add(e, slice_between(before, end), SLICE_NULL);
    } else {
        sip_edit_remove_line(e, line);
    }
}

const char *sip_edit_headers_start(const struct sip_message *msg)
{
    return msg->start_line.ptr + msg->start_line.len + 2;
}

const char *sip_edit_headers_end(const struct sip_message *msg)
{
    return msg->header_count > 0 ? msg->headers[msg->header_count - 1].end
                                 : sip_edit_headers_start(msg);
}

int sip_edit_write(struct sip_edit *e, struct writer *w)
{
    if (e->overflow) {
        return ERR_LIMIT;
    }
    const char *at = e->msg->raw.ptr;
    const char *end = at + e->msg->raw.len;
    for (unsigned i = 0; i < e->count; i++) {
        const struct sip_edit_piece *piece = &e->pieces[i];
        assert(piece->old.ptr >= at && piece->old.ptr + piece->old.len <= end);
        writer_put(w, slice_between(at, piece->old.ptr));
        writer_put(w, piece->text);
        at = piece->old.ptr + piece->old.len;
    }
    writer_put(w, slice_between(at, end));
    return writer_status(w);
}
