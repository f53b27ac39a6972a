#include "app/config/value.h"

#include "app/config/compound.h"
#include "app/config/number.h"
#include "app/text/nearest.h"
#include "base/error.h"
#include "base/memory.h"

/* One row per type. set reads a scalar or all items; write is its inverse, as YAML. */
struct value_type {
    const char *noun; /* "a whole number" */
    int (*set)(struct app_config *config, const struct config_key *key,
               const struct config_value *value, struct writer *why);
    void (*write)(const void *field, const struct config_key *key, unsigned indent,
                  struct writer *w);
    /* Lists: one item alone. */
    int (*check)(const struct config_key *key, struct slice item, struct writer *why);
};
static const struct value_type value_types[CONFIG_TYPES];

static int complain_scalar(const struct config_key *key, struct slice text, struct writer *why)
{
    writer_format(why, "\"%.*s\" is not %s; write ", SLICE_ARG(text), value_types[key->type].noun);
    config_value_describe(key, why);
    return ERR_SYNTAX;
}

/* ---- Words and numbers ---- */

static int set_bool(struct app_config *config, const struct config_key *key,
                    const struct config_value *value, struct writer *why)
{
    static const char *const words[2][3] = {{"off", "false", "no"}, {"on", "true", "yes"}};
    for (int on = 0; on < 2; on++) {
        for (int i = 0; i < 3; i++) {
            if (slice_equal_nocase(slice_from_string(words[on][i]), value->items[0])) {
                *(bool *)config_field(config, key) = on != 0;
                return 0;
            }
        }
    }
    return complain_scalar(key, value->items[0], why);
}

static void write_bool(const void *field, const struct config_key *key, unsigned indent,
                       struct writer *w)
{
    (void)key, (void)indent;
    writer_string(w, *(const bool *)field ? " on" : " off");
}

static uint64_t load_number(const void *field, const struct config_key *key)
{
    return key->width == sizeof(uint64_t) ? *(const uint64_t *)field : *(const uint32_t *)field;
}

static void store_number(void *field, const struct config_key *key, uint64_t number)
{
    if (key->width == sizeof(uint64_t))
        *(uint64_t *)field = number;
    else
        *(uint32_t *)field = (uint32_t)number;
}

static int set_number(struct app_config *config, const struct config_key *key,
                      const struct config_value *value, struct writer *why)
{
    uint64_t number;
    int status = config_number_parse(key->type, value->items[0], &number);
    if (status == ERR_SYNTAX)
        return complain_scalar(key, value->items[0], why);
    if (status < 0 || number < key->min || number > key->max) {
        writer_format(why, "%.*s is out of range; write ", SLICE_ARG(value->items[0]));
        config_value_describe(key, why);
        return ERR_RANGE;
    }
    store_number(config_field(config, key), key, number);
    return 0;
}

static void write_number(const void *field, const struct config_key *key, unsigned indent,
                         struct writer *w)
{
    (void)indent;
    writer_char(w, ' ');
    config_number_write(key->type, load_number(field, key), w);
}

/* ERR_NOT_FOUND, with the complaint. */
static int find_word(const struct config_key *key, struct slice text, struct writer *why)
{
    struct nearest nearest;
    nearest_init(&nearest, text);
    for (int i = 0; key->words[i] != NULL; i++) {
        struct slice word = slice_from_string(key->words[i]);
        if (slice_equal_nocase(word, text))
            return i;
        nearest_try(&nearest, word);
    }
    complain_scalar(key, text, why);
    if (nearest.best[0] != '\0')
        writer_format(why, "; did you mean %s?", nearest.best);
    return ERR_NOT_FOUND;
}

static int set_enum(struct app_config *config, const struct config_key *key,
                    const struct config_value *value, struct writer *why)
{
    int word = find_word(key, value->items[0], why);
    if (word < 0)
        return ERR_SYNTAX;
    store_number(config_field(config, key), key, (uint64_t)word);
    return 0;
}

static void write_enum(const void *field, const struct config_key *key, unsigned indent,
                       struct writer *w)
{
    (void)indent;
    writer_char(w, ' ');
    writer_string(w, key->words[load_number(field, key)]);
}

static int check_word(const struct config_key *key, struct slice item, struct writer *why)
{
    return find_word(key, item, why) < 0 ? ERR_SYNTAX : 0;
}

static int set_flags(struct app_config *config, const struct config_key *key,
                     const struct config_value *value, struct writer *why)
{
    uint64_t flags = 0;
    for (unsigned i = 0; i < value->count; i++) {
        int word = find_word(key, value->items[i], why);
        if (word < 0)
            return ERR_SYNTAX;
        flags |= UINT64_C(1) << word;
    }
    store_number(config_field(config, key), key, flags);
    return 0;
}

static void write_flags(const void *field, const struct config_key *key, unsigned indent,
                        struct writer *w)
{
    (void)indent;
    uint64_t flags = load_number(field, key);
    const char *before = " [";
    for (int i = 0; key->words[i] != NULL; i++) {
        if ((flags >> i & 1) == 0)
            continue;
        writer_string(w, before);
        writer_string(w, key->words[i]);
        before = ", ";
    }
    writer_char(w, ']');
}

/* ---- Strings ---- */

/* A YAML double-quoted scalar (YAML 1.1 section 5.7 for the escapes). */
static void write_quoted(struct writer *w, struct slice s)
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

static int complain_memory(int status, struct writer *why)
{
    if (status == ERR_NO_MEMORY)
        writer_string(why, error_text(status));
    return status;
}

static int set_string(struct app_config *config, const struct config_key *key,
                      const struct config_value *value, struct writer *why)
{
    struct slice copy = SLICE_NULL;
    int status = check_string(key, value->items[0], why);
    if (status == 0)
        status = complain_memory(copy_string(config, value->items[0], &copy), why);
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
    write_quoted(w, slice_from_string(*(const char *const *)field));
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
        return complain_memory(ERR_NO_MEMORY, why);
    for (unsigned i = 0; i < value->count; i++) {
        int status = check_text_item(key, value->items[i], why);
        if (status == 0)
            status = complain_memory(
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
        write_quoted(w, strings->items[i]);
    }
    writer_char(w, ']');
}

/* ---- Listeners, routes, addresses ---- */

static int check_listener(const struct config_key *key, struct slice item, struct writer *why)
{
    struct endpoint_listener listener;
    return config_listener_parse(item, key->words, why, &listener);
}

static int set_listeners(struct app_config *config, const struct config_key *key,
                         const struct config_value *value, struct writer *why)
{
    struct config_listeners listeners = {0};
    for (unsigned i = 0; i < value->count; i++) {
        int status = config_listener_parse(value->items[i], key->words, why, &listeners.items[i]);
        if (status < 0)
            return status;
    }
    listeners.count = value->count;
    *(struct config_listeners *)config_field(config, key) = listeners;
    return 0;
}

static void new_item(unsigned indent, struct writer *w)
{
    writer_format(w, "\n%*s- ", (int)indent + 2, "");
}

static void write_listeners(const void *field, const struct config_key *key, unsigned indent,
                            struct writer *w)
{
    (void)key;
    const struct config_listeners *listeners = field;
    if (listeners->count == 0)
        writer_literal(w, " []");
    for (unsigned i = 0; i < listeners->count; i++) {
        new_item(indent, w);
        config_listener_write(&listeners->items[i], w);
    }
}

static int check_route(const struct config_key *key, struct slice item, struct writer *why)
{
    (void)key;
    struct proxy_route route;
    return config_route_parse(item, why, &route);
}

static int set_routes(struct app_config *config, const struct config_key *key,
                      const struct config_value *value, struct writer *why)
{
    /* Too large for the stack: the field is only counted up once all are good. */
    struct config_routes *routes = memory_zalloc(1, sizeof *routes);
    int status = routes == NULL ? complain_memory(ERR_NO_MEMORY, why) : 0;
    for (unsigned i = 0; status == 0 && i < value->count; i++)
        status = config_route_parse(value->items[i], why, &routes->items[i]);
    if (status == 0) {
        routes->count = value->count;
        *(struct config_routes *)config_field(config, key) = *routes;
    }
    memory_free(routes);
    return status;
}

static void write_routes(const void *field, const struct config_key *key, unsigned indent,
                         struct writer *w)
{
    (void)key;
    const struct config_routes *routes = field;
    if (routes->count == 0)
        writer_literal(w, " []");
    for (unsigned i = 0; i < routes->count; i++) {
        const struct proxy_route *route = &routes->items[i];
        new_item(indent, w);
        if (route->prefix[0] != '\0') {
            writer_literal(w, "prefix: ");
            write_quoted(w, slice_from_string(route->prefix));
            writer_format(w, "\n%*s", (int)indent + 4, "");
        }
        if (route->domain[0] != '\0') {
            writer_literal(w, "domain: ");
            write_quoted(w, slice_from_string(route->domain));
            writer_format(w, "\n%*s", (int)indent + 4, "");
        }
        writer_literal(w, "next_hop: ");
        write_quoted(w, slice_from_string(route->next_hop));
    }
}

static int set_address(struct app_config *config, const struct config_key *key,
                       const struct config_value *value, struct writer *why)
{
    return config_address_parse(value->items[0], why, config_field(config, key));
}

static void write_address(const void *field, const struct config_key *key, unsigned indent,
                          struct writer *w)
{
    (void)key, (void)indent;
    const struct config_address *address = field;
    char text[ADDRESS_TEXT_MAX];
    writer_char(w, ' ');
    write_quoted(w, slice_from_string(address->given ? address_text(&address->address, text) : ""));
}

/* ---- The table ---- */

static const struct value_type value_types[CONFIG_TYPES] = {
    [CONFIG_BOOL] = {"a switch", set_bool, write_bool, NULL},
    [CONFIG_UINT] = {"a whole number", set_number, write_number, NULL},
    [CONFIG_MILLISECONDS] = {"a duration", set_number, write_number, NULL},
    [CONFIG_SECONDS] = {"a duration", set_number, write_number, NULL},
    [CONFIG_SIZE] = {"a size", set_number, write_number, NULL},
    [CONFIG_STRING] = {"a text", set_string, write_string, NULL},
    [CONFIG_ENUM] = {"known", set_enum, write_enum, NULL},
    [CONFIG_FLAGS] = {"known", set_flags, write_flags, check_word},
    [CONFIG_STRINGS] = {"a list", set_strings, write_strings, check_text_item},
    [CONFIG_LISTENERS] = {"a list of listeners", set_listeners, write_listeners, check_listener},
    [CONFIG_ROUTES] = {"a list of routes", set_routes, write_routes, check_route},
    [CONFIG_ADDRESS] = {"an address", set_address, write_address, NULL},
};

int config_value_set(struct app_config *config, const struct config_key *key,
                     const struct config_value *value, struct writer *why)
{
    if (config_type_is_list(key->type) && (value->count < key->min || value->count > key->max)) {
        writer_format(why, "has %u items; write ", value->count);
        config_value_describe(key, why);
        return ERR_LIMIT;
    }
    return value_types[key->type].set(config, key, value, why);
}

int config_value_check_item(const struct config_key *key, struct slice item, struct writer *why)
{
    return value_types[key->type].check(key, item, why);
}

unsigned config_value_split(const struct config_key *key, struct slice text, struct slice *items)
{
    struct slice rest = slice_trim(text);
    if (!config_type_is_list(key->type)) {
        items[0] = rest;
        return 1;
    }
    unsigned count = 0;
    while (!slice_empty(rest) && count <= CONFIG_ITEMS_MAX)
        items[count++] = slice_trim(slice_cut(&rest, ','));
    return count;
}

void config_value_write(const struct app_config *config, const struct config_key *key,
                        unsigned indent, struct writer *w)
{
    value_types[key->type].write(config_field_const(config, key), key, indent, w);
}

static void describe_words(const struct config_key *key, struct writer *w)
{
    for (int i = 0; key->words[i] != NULL; i++) {
        if (i > 0)
            writer_string(w, key->words[i + 1] == NULL ? " or " : ", ");
        writer_string(w, key->words[i]);
    }
}

void config_value_describe(const struct config_key *key, struct writer *w)
{
    const char *noun = value_types[key->type].noun;
    switch (key->type) {
    case CONFIG_BOOL: writer_literal(w, "on or off"); break;
    case CONFIG_ENUM: describe_words(key, w); break;
    case CONFIG_FLAGS:
        writer_literal(w, "a list of ");
        describe_words(key, w);
        break;
    case CONFIG_UINT:
    case CONFIG_MILLISECONDS:
    case CONFIG_SECONDS:
    case CONFIG_SIZE:
        writer_string(w, noun);
        writer_literal(w, " from ");
        config_number_write(key->type, key->min, w);
        writer_literal(w, " to ");
        config_number_write(key->type, key->max, w);
        if (key->unit != NULL)
            writer_format(w, " %s", key->unit);
        if (key->type == CONFIG_MILLISECONDS || key->type == CONFIG_SECONDS)
            writer_format(w, " (a plain number is %s)",
                          key->type == CONFIG_SECONDS ? "seconds" : "milliseconds");
        break;
    case CONFIG_STRINGS:
    case CONFIG_LISTENERS:
    case CONFIG_ROUTES:
        writer_string(w, noun);
        writer_format(w, ", %u to %u items", (unsigned)key->min, (unsigned)key->max);
        break;
    default: writer_string(w, noun);
    }
}
