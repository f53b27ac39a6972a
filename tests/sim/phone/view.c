#include "sim/phone/view.h"

#include <stdlib.h>

static const struct {
    char compact;
    const char *name;
} compact_forms[] = {
    {'v', "Via"},          {'f', "From"},      {'t', "To"},
    {'m', "Contact"},      {'i', "Call-ID"},   {'l', "Content-Length"},
    {'c', "Content-Type"}, {'k', "Supported"}, {'e', "Content-Encoding"},
    {'s', "Subject"},      {'r', "Refer-To"},  {'o', "Event"},
};

static bool named(struct slice name, const char *text)
{
    return slice_equal_nocase(name, slice_from_string(text));
}

static struct slice long_form(struct slice name)
{
    for (size_t i = 0; name.len == 1 && i < sizeof(compact_forms) / sizeof(compact_forms[0]); i++) {
        if ((name.ptr[0] | 0x20) == compact_forms[i].compact)
            return slice_from_string(compact_forms[i].name);
    }
    return name;
}

/* Up to the next CRLF, which is skipped. False: none. */
static bool take_line(struct slice *rest, struct slice *ret_line)
{
    const char *end = rest->len > 1 ? memmem(rest->ptr, rest->len, "\r\n", 2) : NULL;
    if (end == NULL)
        return false;
    *ret_line = slice_between(rest->ptr, end);
    *rest = slice_from(*rest, ret_line->len + 2);
    return true;
}

static bool parse_start(struct view *view)
{
    struct slice rest = view->start_line, word = slice_cut(&rest, ' ');
    uint32_t status;
    if (slice_equal(word, SLICE("SIP/2.0"))) {
        if (slice_to_u32(slice_cut(&rest, ' '), 699, &status) < 0 || status < 100)
            return false;
        view->status = status;
        return true;
    }
    view->method = word;
    view->uri = slice_cut(&rest, ' ');
    return word.len > 0 && view->uri.len > 0 && slice_equal(rest, SLICE("SIP/2.0"));
}

/* Lines that go on (folded) belong to the value before. */
static bool parse_headers(struct view *view, struct slice *rest)
{
    struct slice line;
    while (take_line(rest, &line)) {
        if (line.len == 0)
            return true;
        if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
            if (view->count == 0)
                return false;
            struct slice *value = &view->headers[view->count - 1].value;
            *value = slice_trim(slice_between(value->ptr, line.ptr + line.len));
            continue;
        }
        if (view->count == VIEW_HEADERS_MAX || slice_index(line, ':') == line.len)
            return false;
        struct slice name = slice_trim(slice_cut(&line, ':'));
        view->headers[view->count++] = (struct view_header){long_form(name), slice_trim(line)};
    }
    return false;
}

static bool parse_cseq(struct view *view)
{
    struct slice rest = view_line(view, "CSeq", 0), number = slice_cut(&rest, ' ');
    struct slice method = slice_trim(rest);
    if (slice_to_u32(number, INT32_MAX, &view->cseq) < 0 || method.len == 0)
        return false;
    view->cseq_method = method;
    if (view->status != 0)
        view->method = method;
    return true;
}

bool view_parse(struct slice raw, struct view *view, const char **ret_why)
{
    struct slice rest = raw;
    uint32_t length;
    memset(view, 0, offsetof(struct view, headers));
    view->raw = raw;
    *ret_why = "start line";
    if (!take_line(&rest, &view->start_line) || !parse_start(view))
        return false;
    *ret_why = "headers";
    if (!parse_headers(view, &rest))
        return false;
    *ret_why = "CSeq";
    if (!parse_cseq(view))
        return false;
    *ret_why = "Content-Length";
    struct slice length_text = view_line(view, "Content-Length", 0);
    if (length_text.len > 0 &&
        (slice_to_u32(length_text, UINT32_MAX, &length) < 0 || length != rest.len))
        return false;
    view->body = rest;
    view->call_id = view_line(view, "Call-ID", 0);
    view->branch = view_param(view_value(view, "Via", 0), "branch");
    view->from_tag = view_param(view_line(view, "From", 0), "tag");
    view->to_tag = view_param(view_line(view, "To", 0), "tag");
    *ret_why = "CSeq names another method";
    if (!slice_equal(view->method, view->cseq_method))
        return false;
    *ret_why = "Via, From, To or Call-ID missing";
    return view->call_id.len > 0 && view_line(view, "Via", 0).len > 0 &&
           view_line(view, "From", 0).len > 0 && view_line(view, "To", 0).len > 0;
}

struct slice view_line(const struct view *view, const char *name, unsigned n)
{
    for (unsigned i = 0; i < view->count; i++) {
        if (named(view->headers[i].name, name) && n-- == 0)
            return view->headers[i].value;
    }
    return SLICE_NULL;
}

/* Cuts at the first separator that stands neither in quotes nor in angle brackets. */
static struct slice cut_outside(struct slice *rest, char separator)
{
    bool quoted = false, bracket = false;
    for (size_t i = 0; i < rest->len; i++) {
        char c = rest->ptr[i];
        if (c == '\\' && quoted)
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '<' || c == '>'))
            bracket = c == '<';
        else if (!quoted && !bracket && c == separator) {
            struct slice part = slice_of(rest->ptr, i);
            *rest = slice_from(*rest, i + 1);
            return part;
        }
    }
    struct slice all = *rest;
    *rest = slice_of(rest->ptr + rest->len, 0);
    return all;
}

struct slice view_value(const struct view *view, const char *name, unsigned n)
{
    for (unsigned i = 0; i < view->count; i++) {
        if (!named(view->headers[i].name, name))
            continue;
        struct slice rest = view->headers[i].value;
        while (rest.len > 0) {
            struct slice value = slice_trim(cut_outside(&rest, ','));
            if (n-- == 0)
                return value;
        }
    }
    return SLICE_NULL;
}

unsigned view_values(const struct view *view, const char *name)
{
    unsigned n = 0;
    while (view_value(view, name, n).len > 0)
        n++;
    return n;
}

/* ---- parameters ---- */

static bool find_param(struct slice params, const char *name, struct slice *ret_value)
{
    while (params.len > 0) {
        struct slice value = cut_outside(&params, ';');
        bool has_value = slice_index(value, '=') < value.len;
        struct slice key = slice_trim(slice_cut(&value, '='));
        if (named(key, name)) {
            *ret_value = has_value ? slice_trim(value) : SLICE_NULL;
            return true;
        }
    }
    return false;
}

static struct slice params_of(struct slice value)
{
    const char *end = value.len > 0 ? memrchr(value.ptr, '>', value.len) : NULL;
    if (end != NULL)
        value = slice_between(end + 1, value.ptr + value.len);
    (void)cut_outside(&value, ';');
    return value;
}

struct slice view_param(struct slice value, const char *name)
{
    struct slice found = SLICE_NULL;
    (void)find_param(params_of(value), name, &found);
    return found;
}

bool view_has_param(struct slice value, const char *name)
{
    struct slice found;
    return find_param(params_of(value), name, &found);
}

struct slice view_uri(struct slice value)
{
    const char *open = value.len > 0 ? memchr(value.ptr, '<', value.len) : NULL;
    if (open == NULL)
        return slice_trim(slice_cut(&value, ';'));
    struct slice rest = slice_between(open + 1, value.ptr + value.len);
    return slice_cut(&rest, '>');
}

struct slice view_uri_param(struct slice uri, const char *name)
{
    struct slice found = SLICE_NULL;
    (void)slice_cut(&uri, ';');
    (void)find_param(uri, name, &found);
    return found;
}

bool view_uri_has_param(struct slice uri, const char *name)
{
    struct slice found;
    (void)slice_cut(&uri, ';');
    return find_param(uri, name, &found);
}

struct slice view_digest_param(struct slice value, const char *name)
{
    (void)slice_cut(&value, ' '); /* "Digest" */
    while (value.len > 0) {
        struct slice part = cut_outside(&value, ',');
        struct slice key = slice_trim(slice_cut(&part, '='));
        part = slice_trim(part);
        if (!named(key, name))
            continue;
        if (part.len >= 2 && part.ptr[0] == '"')
            part = slice_of(part.ptr + 1, part.len - 2);
        return part;
    }
    return SLICE_NULL;
}

/* ---- streams ---- */

size_t view_frame(struct slice bytes)
{
    const char *end = bytes.len > 3 ? memmem(bytes.ptr, bytes.len, "\r\n\r\n", 4) : NULL;
    if (end == NULL)
        return 0;
    size_t head = (size_t)(end - bytes.ptr) + 4;
    struct slice rest = slice_of(bytes.ptr, head), line;
    uint32_t length = 0;
    while (take_line(&rest, &line)) {
        struct slice name = slice_trim(slice_cut(&line, ':'));
        if (named(name, "Content-Length") || named(name, "l"))
            (void)slice_to_u32(slice_trim(line), 1 << 20, &length);
    }
    return bytes.len < head + length ? 0 : head + length;
}
