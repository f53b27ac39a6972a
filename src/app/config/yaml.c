#include "app/config/yaml.h"

#include <yaml.h>

#include "app/config/assign.h"
#include "app/text/nearest.h"
#include "base/error.h"

#define NAME_MAX_BYTES 128
#define WHY_MAX        480
#define ROUTE_TEXT_MAX 1024

/* Walks libyaml's events: they know their lines. One event is held at a time. */
struct loader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool holds_event;
    bool failed; /* the text is no YAML; said once, nothing more is read */
    struct app_config *config;
    struct config_problems *problems;
    const char *file;
    struct slice text;
};

static unsigned line_of(const struct loader *l)
{
    return (unsigned)l->event.start_mark.line + 1;
}

#define COMPLAIN(l, at, key, ...)                                                                  \
    config_problem((l)->problems, &(struct config_origin){.file = (l)->file, .line = (at)}, (key), \
                   __VA_ARGS__)

/* libyaml says of a tab that it begins no token. */
static bool stumbled_on_tab(const struct loader *l)
{
    size_t at = l->parser.problem_mark.index;
    return at < l->text.len && l->text.ptr[at] == '\t';
}

/* Moves to the next event; its type, or YAML_NO_EVENT when there is none. */
static yaml_event_type_t advance(struct loader *l)
{
    if (l->holds_event)
        yaml_event_delete(&l->event);
    l->holds_event = false;
    if (l->failed)
        return YAML_NO_EVENT;
    if (!yaml_parser_parse(&l->parser, &l->event)) {
        l->failed = true;
        const char *problem = l->parser.problem != NULL ? l->parser.problem : "out of memory";
        unsigned line = (unsigned)l->parser.problem_mark.line + 1;
        if (stumbled_on_tab(l)) {
            COMPLAIN(l, line, SLICE_NULL, "this is no YAML: a tab; write blanks instead");
            return YAML_NO_EVENT;
        }
        COMPLAIN(l, line, SLICE_NULL, "this is no YAML: %s%s%s", problem,
                 l->parser.context != NULL ? " " : "",
                 l->parser.context != NULL ? l->parser.context : "");
        return YAML_NO_EVENT;
    }
    l->holds_event = true;
    return l->event.type;
}

static struct slice scalar_of(const struct loader *l)
{
    return slice_of((const char *)l->event.data.scalar.value, l->event.data.scalar.length);
}

/* "key:" with nothing behind it, or one of YAML's words for that. */
static bool scalar_is_null(const struct loader *l)
{
    struct slice text = scalar_of(l);
    return l->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (slice_empty(text) || slice_equal(text, SLICE("~")) ||
            slice_equal_nocase(text, SLICE("null")));
}

/* The event held begins a node; moves to its last event. */
static void skip_node(struct loader *l)
{
    unsigned depth = 0;
    do {
        switch (l->event.type) {
        case YAML_MAPPING_START_EVENT:
        case YAML_SEQUENCE_START_EVENT: depth++; break;
        case YAML_MAPPING_END_EVENT:
        case YAML_SEQUENCE_END_EVENT: depth--; break;
        default: break;
        }
    } while (depth > 0 && advance(l) != YAML_NO_EVENT);
}

/* ---- Values ---- */

struct items {
    unsigned count;
    bool bad; /* said already */
    struct slice slices[CONFIG_ITEMS_MAX];
    unsigned lines[CONFIG_ITEMS_MAX];
};

static void add_item(struct loader *l, const struct config_key *key, struct slice text,
                     unsigned line, struct items *items)
{
    struct slice copy;
    if (items->count == CONFIG_ITEMS_MAX) {
        if (!items->bad)
            COMPLAIN(l, line_of(l), slice_from_string(key->name), "more than %d items",
                     CONFIG_ITEMS_MAX);
        items->bad = true;
    } else if (arena_copy(&l->config->arena, text, &copy) < 0) {
        COMPLAIN(l, line_of(l), slice_from_string(key->name), "out of memory");
        items->bad = true;
    } else {
        items->lines[items->count] = line;
        items->slices[items->count++] = copy;
    }
}

/* A route written as a mapping. */
struct route_parts {
    char prefix[256], domain[512], next_hop[512];
};

static char *route_part(struct route_parts *parts, struct slice name, size_t *ret_size)
{
    if (slice_equal(name, SLICE("prefix")))
        return *ret_size = sizeof parts->prefix, parts->prefix;
    if (slice_equal(name, SLICE("domain")))
        return *ret_size = sizeof parts->domain, parts->domain;
    if (slice_equal(name, SLICE("next_hop")))
        return *ret_size = sizeof parts->next_hop, parts->next_hop;
    return NULL;
}

/* The held event is the mapping's part name; moves to the end of its value. False: complained. */
static bool read_route_part(struct loader *l, struct route_parts *parts)
{
    struct slice key = SLICE("routes");
    if (l->event.type != YAML_SCALAR_EVENT) {
        COMPLAIN(l, line_of(l), key, "a route's parts are prefix, domain and next_hop");
        skip_node(l);
        if (advance(l) != YAML_NO_EVENT)
            skip_node(l);
        return false;
    }
    size_t size = 0;
    char *part = route_part(parts, scalar_of(l), &size);
    if (part == NULL) {
        struct nearest nearest;
        nearest_init(&nearest, scalar_of(l));
        nearest_try(&nearest, SLICE("prefix"));
        nearest_try(&nearest, SLICE("domain"));
        nearest_try(&nearest, SLICE("next_hop"));
        COMPLAIN(l, line_of(l), key,
                 "a route has no part \"%.*s\"; its parts are prefix, domain and next_hop%s%s%s",
                 SLICE_ARG(scalar_of(l)), nearest.best[0] != '\0' ? "; did you mean " : "",
                 nearest.best, nearest.best[0] != '\0' ? "?" : "");
    }
    if (advance(l) == YAML_NO_EVENT)
        return false;
    if (part != NULL && (l->event.type != YAML_SCALAR_EVENT || scalar_of(l).len >= size)) {
        COMPLAIN(l, line_of(l), key, "a route's part is one text of at most %zu characters",
                 size - 1);
        part = NULL;
    }
    if (part != NULL)
        slice_to_string(scalar_of(l), part, size);
    skip_node(l);
    return part != NULL;
}

/* Into the text form, so that one parser checks both. */
static void read_route(struct loader *l, const struct config_key *key, struct items *items)
{
    struct route_parts parts = {0};
    unsigned start = line_of(l);
    bool good = true;
    yaml_event_type_t type;
    while ((type = advance(l)) != YAML_MAPPING_END_EVENT) {
        if (type == YAML_NO_EVENT)
            return;
        good = read_route_part(l, &parts) && good;
    }
    if (good && strpbrk(parts.prefix, "@=") != NULL) {
        COMPLAIN(l, start, SLICE("routes"), "a prefix holds neither @ nor =");
        good = false;
    }
    if (!good) {
        items->bad = true;
        return;
    }
    char text[ROUTE_TEXT_MAX + 512];
    struct writer w;
    writer_init(&w, text, sizeof text);
    writer_string(&w, parts.prefix);
    writer_string(&w, parts.domain[0] != '\0' ? "@" : "");
    writer_string(&w, parts.domain);
    writer_char(&w, '=');
    writer_string(&w, parts.next_hop);
    add_item(l, key, writer_slice(&w), start, items);
}

static void read_sequence(struct loader *l, int index, unsigned line)
{
    const struct config_key *key = config_key_at((unsigned)index);
    if (!config_type_is_list(key->type)) {
        COMPLAIN(l, line_of(l), slice_from_string(key->name), "takes one value, not a list");
        skip_node(l);
        return;
    }
    struct items items = {.count = 0, .bad = false};
    yaml_event_type_t type;
    while ((type = advance(l)) != YAML_SEQUENCE_END_EVENT) {
        if (type == YAML_NO_EVENT)
            return;
        if (type == YAML_SCALAR_EVENT) {
            add_item(l, key, scalar_of(l), line_of(l), &items);
        } else if (type == YAML_MAPPING_START_EVENT && key->type == CONFIG_ROUTES) {
            read_route(l, key, &items);
        } else {
            COMPLAIN(l, line_of(l), slice_from_string(key->name), "an item is one text");
            items.bad = true;
            skip_node(l);
        }
    }
    struct config_value value = {.items = items.slices, .count = items.count};
    config_assign(l->config, index, &value, &(struct config_origin){.file = l->file, .line = line},
                  items.lines, l->problems);
    l->config->origins[index].bad = l->config->origins[index].bad || items.bad;
}

static void read_scalar(struct loader *l, int index)
{
    const struct config_key *key = config_key_at((unsigned)index);
    struct config_origin origin = {.file = l->file, .line = line_of(l)};
    if (!scalar_is_null(l)) {
        config_assign_text(l->config, index, scalar_of(l), &origin, l->problems);
        return;
    }
    char text[WHY_MAX];
    struct writer takes;
    writer_init(&takes, text, sizeof text);
    config_value_describe(key, &takes);
    COMPLAIN(l, origin.line, slice_from_string(key->name), "has no value; write %.*s",
             SLICE_ARG(writer_slice(&takes)));
}

/* The held event begins the value of a known key. */
static void read_value(struct loader *l, int index, unsigned line)
{
    struct config_origin *origin = &l->config->origins[index];
    struct slice name = slice_from_string(config_key_at((unsigned)index)->name);
    if (origin->file != NULL) {
        COMPLAIN(l, line, name, "given twice; the first is in line %u", origin->line);
        skip_node(l);
        return;
    }
    *origin = (struct config_origin){.file = l->file, .line = line, .bad = true};
    switch (l->event.type) {
    case YAML_SCALAR_EVENT: read_scalar(l, index); break;
    case YAML_SEQUENCE_START_EVENT: read_sequence(l, index, line); break;
    case YAML_MAPPING_START_EVENT:
        COMPLAIN(l, line, name, "takes a value, nothing can stand below it");
        skip_node(l);
        break;
    default: COMPLAIN(l, line, name, "aliases are not supported; write the value again");
    }
}

/* ---- Keys ---- */

static void complain_unknown(struct loader *l, struct slice name, unsigned line)
{
    char text[WHY_MAX];
    struct writer hint;
    writer_init(&hint, text, sizeof text);
    config_key_hint(name, l->event.type == YAML_MAPPING_START_EVENT, &hint);
    COMPLAIN(l, line, name, "no such key%.*s", SLICE_ARG(writer_slice(&hint)));
}

static void read_mapping(struct loader *l, struct slice section);

/* The held event begins the value of name. */
static void read_entry(struct loader *l, struct slice name, unsigned line)
{
    int index = config_key_find(name);
    if (index >= 0) {
        read_value(l, index, line);
    } else if (!config_key_is_section(name)) {
        complain_unknown(l, name, line);
        skip_node(l);
    } else if (l->event.type == YAML_MAPPING_START_EVENT) {
        read_mapping(l, name);
    } else if (l->event.type != YAML_SCALAR_EVENT || !scalar_is_null(l)) {
        COMPLAIN(l, line, name, "is a group of keys; write them below it, each on its own line");
        skip_node(l);
    }
}

/* From MAPPING-START to MAPPING-END. Depth is bounded by the schema: only its groups are entered.
 */
static void read_mapping(struct loader *l, struct slice section)
{
    yaml_event_type_t type;
    while ((type = advance(l)) != YAML_MAPPING_END_EVENT) {
        if (type == YAML_NO_EVENT)
            return;
        unsigned line = line_of(l);
        char text[NAME_MAX_BYTES];
        struct writer name;
        writer_init(&name, text, sizeof text);
        bool is_scalar = type == YAML_SCALAR_EVENT;
        if (is_scalar) {
            if (!slice_empty(section)) {
                writer_put(&name, section);
                writer_char(&name, '.');
            }
            writer_put(&name, scalar_of(l));
        } else {
            skip_node(l);
        }
        if (advance(l) == YAML_NO_EVENT)
            return;
        if (is_scalar && writer_status(&name) == 0) {
            read_entry(l, writer_slice(&name), line);
        } else {
            COMPLAIN(l, line, section,
                     is_scalar ? "a key this long does not exist" : "a key is one word");
            skip_node(l);
        }
    }
}

static void read_document(struct loader *l)
{
    yaml_event_type_t type = advance(l);
    if (type == YAML_MAPPING_START_EVENT) {
        read_mapping(l, SLICE_NULL);
    } else if (type != YAML_NO_EVENT && !(type == YAML_SCALAR_EVENT && scalar_is_null(l))) {
        COMPLAIN(l, line_of(l), SLICE_NULL, "a configuration is lines of the form KEY: VALUE");
        skip_node(l);
    }
    advance(l); /* the document's end */
}

void config_yaml_load(struct app_config *config, const char *name, struct slice text,
                      struct config_problems *problems)
{
    struct loader l = {.config = config, .problems = problems, .file = name, .text = text};
    if (!yaml_parser_initialize(&l.parser)) {
        COMPLAIN(&l, 0, SLICE_NULL, "out of memory");
        return;
    }
    yaml_parser_set_input_string(&l.parser, (const unsigned char *)text.ptr, text.len);
    advance(&l); /* the stream's start */
    yaml_event_type_t type = advance(&l);
    if (type == YAML_DOCUMENT_START_EVENT) {
        read_document(&l);
        if (advance(&l) == YAML_DOCUMENT_START_EVENT)
            COMPLAIN(&l, line_of(&l), SLICE_NULL, "a second document begins; write only one");
    }
    if (l.holds_event)
        yaml_event_delete(&l.event);
    yaml_parser_delete(&l.parser);
}
