#include "loop/ws_head.h"

#include "base/error.h"

struct field_rule {
    struct slice name;
    struct slice token; /* empty: not a list that is searched */
    bool exact;
};

static const struct field_rule rules[WS_FIELDS] = {
#define WS_FIELD_ROW(id, name, token, exact)                                                       \
    [WS_FIELD_##id] = {SLICE_LITERAL(name), SLICE_LITERAL(token), exact},
    WS_FIELD_LIST(WS_FIELD_ROW)
#undef WS_FIELD_ROW
};

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* RFC 7230 section 3.2.6 */
static bool is_token_char(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_token_char(s.ptr[i]))
            return false;
    }
    return s.len > 0;
}

/* No control characters but HTAB. */
static bool is_text(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

long ws_head_length(struct slice buffered)
{
    if (buffered.len == 0)
        return 0;
    if (!is_letter(buffered.ptr[0]))
        return ERR_SYNTAX;
    size_t looked = buffered.len < WS_HEAD_MAX ? buffered.len : WS_HEAD_MAX;
    const char *end = memmem(buffered.ptr, looked, "\r\n\r\n", 4);
    if (end != NULL)
        return end + 4 - buffered.ptr;
    return buffered.len >= WS_HEAD_MAX ? ERR_LIMIT : 0;
}

/* Takes a line off *rest, without its CRLF. ERR_SYNTAX: there is none, or CR or LF alone. */
static int next_line(struct slice *rest, struct slice *ret_line)
{
    size_t cr = slice_index(*rest, '\r');
    if (cr + 1 >= rest->len || rest->ptr[cr + 1] != '\n')
        return ERR_SYNTAX;
    *ret_line = slice_of(rest->ptr, cr);
    *rest = slice_from(*rest, cr + 2);
    return 0;
}

static bool list_has(struct slice list, const struct field_rule *rule)
{
    while (list.len > 0) {
        struct slice item = slice_trim(slice_cut(&list, ','));
        if (rule->exact ? slice_equal(item, rule->token) : slice_equal_nocase(item, rule->token))
            return true;
    }
    return false;
}

static void note(struct ws_head *head, struct slice name, struct slice value)
{
    for (unsigned i = 0; i < WS_FIELDS; i++) {
        struct ws_field *field = &head->fields[i];
        if (!slice_equal_nocase(name, rules[i].name))
            continue;
        field->count++;
        field->value = value;
        if (rules[i].token.len > 0 && list_has(value, &rules[i]))
            field->has_token = true;
    }
}

/* RFC 7230 section 3.2: no blank before the colon, no folding. */
static int parse_field(struct ws_head *head, struct slice line)
{
    size_t colon = slice_index(line, ':');
    struct slice name = slice_of(line.ptr, colon);
    struct slice value = slice_trim(slice_from(line, colon + 1));
    if (colon == line.len || !is_token(name) || !is_text(value))
        return ERR_SYNTAX;
    note(head, name, value);
    return 0;
}

int ws_head_parse(struct slice text, struct ws_head *ret_head)
{
    struct ws_head head;
    memset(&head, 0, sizeof(head));
    if (next_line(&text, &head.start) != 0 || !is_text(head.start))
        return ERR_SYNTAX;
    for (unsigned lines = 0;; lines++) {
        struct slice line;
        if (next_line(&text, &line) != 0)
            return ERR_SYNTAX;
        if (line.len == 0)
            break;
        if (lines == WS_FIELDS_MAX)
            return ERR_LIMIT;
        if (parse_field(&head, line) != 0)
            return ERR_SYNTAX;
    }
    *ret_head = head;
    return 0;
}

bool ws_head_single(const struct ws_head *head, enum ws_field_id id)
{
    return head->fields[id].count == 1;
}
