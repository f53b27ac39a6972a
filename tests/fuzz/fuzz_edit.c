/* A message is edited, line by line, as the last bytes of the input say; the result must be what
 * copying the pieces one after another gives, and must parse to the lines that are left. */
#include "base/error.h"
#include "fuzz/require.h"
#include "sip/message/edit.h"
#include "sip/message/frame.h"

enum { KEEP, REMOVE_LINE, REPLACE_VALUE, INSERT_BEFORE, REMOVE_VALUE, OPERATIONS };

static struct sip_message msg, again;
static char plain[200000], spliced[200000];

struct work {
    struct sip_edit edit;
    struct writer expected;
    unsigned lines; /* that must be found again */
};

static void copy(struct writer *w, const char *from, const char *to)
{
    writer_put(w, slice_between(from, to));
}

/* A value can be taken out and others are left. Lines with escaped control bytes are left alone:
 * what escapes them may be what is taken out. */
static bool is_left(const struct sip_header *line, unsigned skip)
{
    for (const char *at = line->value; at < line->value + line->value_len; at++) {
        bool space = *at == '\t' || *at == '\r' || *at == '\n';
        if (((unsigned char)*at < ' ' && !space) || *at == 0x7f) {
            return false;
        }
    }
    struct slice rest = sip_header_value(line);
    struct slice value;
    unsigned count = 0;
    while (sip_list_next(&rest, &value)) {
        count++;
    }
    return count > 1 && skip < count;
}

/* Values of the line that stands in the result are those of the old one but the one at skip. */
static void require_values(const struct sip_header *old, const struct sip_header *new,
                           unsigned skip)
{
    struct slice old_rest = sip_header_value(old);
    struct slice new_rest = sip_header_value(new);
    struct slice old_value;
    struct slice new_value;
    for (unsigned i = 0; sip_list_next(&old_rest, &old_value); i++) {
        if (i != skip) {
            require(sip_list_next(&new_rest, &new_value) && slice_equal(old_value, new_value));
        }
    }
    require(!sip_list_next(&new_rest, &new_value));
}

static void remove_value(struct work *work, const struct sip_header *line, unsigned skip)
{
    struct slice rest = sip_header_value(line);
    struct slice value;
    for (unsigned i = 0; sip_list_next(&rest, &value); i++) {
        if (i == skip) {
            sip_edit_remove_value(&work->edit, line, value);
            return;
        }
    }
}

/* One line alone in a message of its own, so that the values can be compared. */
static void try_remove_value(const struct sip_header *line, unsigned skip)
{
    static struct work work;
    struct writer w;
    struct sip_fault fault;
    if (!is_left(line, skip)) {
        return;
    }
    sip_edit_init(&work.edit, &msg);
    remove_value(&work, line, skip);
    writer_init(&w, spliced, sizeof(spliced));
    require(sip_edit_write(&work.edit, &w) == 0);
    require(sip_message_parse(writer_slice(&w), NULL, &again, &fault) == 0);
    require(again.header_count == msg.header_count);
    require_values(line, &again.headers[line - msg.headers], skip);
}

static void edit_line(struct work *work, const struct sip_header *line, unsigned operation)
{
    struct writer *w = &work->expected;
    const struct slice line_new = SLICE("X-New: 1\r\n");
    work->lines++;
    switch (operation % OPERATIONS) {
    case REMOVE_LINE:
        sip_edit_remove_line(&work->edit, line);
        work->lines--;
        return;
    case REPLACE_VALUE:
        if (line->id == SIP_HEADER_CONTENT_LENGTH) {
            break;
        }
        sip_edit_replace(&work->edit, sip_header_value(line), SLICE("v"));
        copy(w, line->name, line->value);
        writer_literal(w, "v");
        copy(w, line->value + line->value_len, line->end);
        return;
    case INSERT_BEFORE:
        sip_edit_insert(&work->edit, line->name, line_new);
        writer_put(w, line_new);
        work->lines++;
        break;
    case REMOVE_VALUE: try_remove_value(line, operation / OPERATIONS); break;
    default: break;
    }
    writer_put(w, sip_header_line(line));
}

static void require_result(struct work *work)
{
    struct writer w;
    struct sip_fault fault;
    struct sip_limits wide = {.headers = SIP_MESSAGE_HEADERS_MAX};
    writer_init(&w, spliced, sizeof(spliced));
    int rc = sip_edit_write(&work->edit, &w);
    if (work->edit.overflow) {
        require(rc == ERR_LIMIT);
        return;
    }
    require(rc == 0 && slice_equal(writer_slice(&w), writer_slice(&work->expected)));
    if (work->lines <= SIP_MESSAGE_HEADERS_MAX) {
        require(sip_message_parse(writer_slice(&w), &wide, &again, &fault) == 0);
        require(again.header_count == work->lines);
        require(slice_equal(again.body, msg.body));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct work work;
    struct sip_fault fault;
    struct slice datagram = slice_of((const char *)data, size);
    datagram = slice_from(datagram, sip_frame_skip_crlf(datagram));
    if (sip_message_parse(datagram, NULL, &msg, &fault) < 0) {
        return 0;
    }
    sip_edit_init(&work.edit, &msg);
    writer_init(&work.expected, plain, sizeof(plain));
    work.lines = 0;
    writer_put(&work.expected, msg.start_line);
    writer_literal(&work.expected, "\r\n");
    for (unsigned i = 0; i < msg.header_count; i++) {
        edit_line(&work, &msg.headers[i], data[size - 1 - i % (size < 16 ? size : 16)]);
    }
    sip_edit_insert(&work.edit, sip_edit_headers_end(&msg), SLICE("X-Last: 1\r\n"));
    writer_literal(&work.expected, "X-Last: 1\r\n\r\n");
    writer_put(&work.expected, msg.body);
    work.lines++;
    require_result(&work);
    return 0;
}
