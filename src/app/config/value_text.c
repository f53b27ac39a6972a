#include "app/config/value_private.h"

#include "base/error.h"

/* YAML 1.1 section 5.7. */
void config_write_quoted(struct writer *w, struct slice s)
{
    writer_char(w, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == '"' || c == '\\') {
            writer_char(w, '\\');
            writer_char(w, (char)c);
        } else if (c < 0x20 || c == 0x7f) {
            writer_literal(w, "\\x");
            writer_hex(w, c, 2);
        } else {
            writer_char(w, (char)c);
        }
    }
    writer_char(w, '"');
}

/* Length and the key's own check. */
static int check_string(const struct config_key *key, struct slice text, struct writer *why)
{
    bool is_list = config_type_is_list(key->type);
    size_t longest = is_list ? 255 : key->max;
    if (memchr(text.len > 0 ? text.ptr : "", '\0', text.len) != NULL) {
        writer_literal(why, "a NUL byte is not allowed");
        return ERR_SYNTAX;
    }
    if (text.len > longest || (!is_list && text.len < key->min)) {
        writer_format(why, "has %zu characters; write %s%zu at most", text.len,
                      !is_list && key->min > 0 ? "at least one and " : "", longest);
        return ERR_RANGE;
    }
    return key->check != NULL && text.len > 0 ? key->check(text, why) : 0;
}

/* A NUL follows the copy. */
static int copy_string(struct app_config *config, struct slice text, struct slice *ret)
{
    char *copy = arena_alloc(&config->arena, text.len + 1);
    if (copy == NULL)
        return ERR_NO_MEMORY;
    slice_to_string(text, copy, text.len + 1);
    *ret = slice_of(copy, text.len);
    return 0;
}

static int set_string(struct app_config *config, const struct config_key *key,
                      const struct config_value *value, struct writer *why)
{
    struct slice copy = SLICE_NULL;
    int status = check_string(key, value->items[0], why);
    if (status == 0)
        status = config_complain_memory(copy_string(config, value->items[0], &copy), why);
    if (status < 0)
        return status;
    *(const char **)config_field(config, key) = copy.ptr;
    return 0;
}

static void write_string(const void *field, const struct config_key *key, unsigned indent,
                         struct writer *w)
{
    (void)key, (void)indent;
    writer_char(w, ' ');
    config_write_quoted(w, slice_from_string(*(const char *const *)field));
}

static int check_text_item(const struct config_key *key, struct slice item, struct writer *why)
{
    if (!slice_empty(item))
        return check_string(key, item, why);
    writer_literal(why, "an item is empty");
    return ERR_SYNTAX;
}

static int set_strings(struct app_config *config, const struct config_key *key,
                       const struct config_value *value, struct writer *why)
{
    struct config_strings strings = {
        .items = arena_alloc(&config->arena, (value->count + 1) * sizeof(struct slice))};
    if (strings.items == NULL)
        return config_complain_memory(ERR_NO_MEMORY, why);
    for (unsigned i = 0; i < value->count; i++) {
        int status = check_text_item(key, value->items[i], why);
        if (status == 0)
            status = config_complain_memory(
                copy_string(config, value->items[i], &strings.items[strings.count++]), why);
        if (status < 0)
            return status;
    }
    *(struct config_strings *)config_field(config, key) = strings;
    return 0;
}

static void write_strings(const void *field, const struct config_key *key, unsigned indent,
                          struct writer *w)
{
    (void)key, (void)indent;
    const struct config_strings *strings = field;
    writer_literal(w, " [");
    for (unsigned i = 0; i < strings->count; i++) {
        if (i > 0)
            writer_literal(w, ", ");
        config_write_quoted(w, strings->items[i]);
    }
    writer_char(w, ']');
}

const struct config_value_type config_value_string = {set_string, write_string, NULL};
const struct config_value_type config_value_strings = {set_strings, write_strings, check_text_item};
