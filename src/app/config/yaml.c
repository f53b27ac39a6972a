#include "app/config/yaml.h"

#include "app/config/yaml_private.h"

#define NAME_MAX_BYTES 128

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
        loader_read_value(l, index, line);
    } else if (!config_key_is_section(name)) {
        complain_unknown(l, name, line);
        loader_skip_node(l);
    } else if (l->event.type == YAML_MAPPING_START_EVENT) {
        read_mapping(l, name);
    } else if (l->event.type != YAML_SCALAR_EVENT || !loader_scalar_is_null(l)) {
        COMPLAIN(l, line, name, "is a group of keys; write them below it, each on its own line");
        loader_skip_node(l);
    }
}

/* From MAPPING-START to MAPPING-END. Depth is bounded by the schema: only its groups are entered.
 */
static void read_mapping(struct loader *l, struct slice section)
{
    yaml_event_type_t type;
    while ((type = loader_advance(l)) != YAML_MAPPING_END_EVENT) {
        if (type == YAML_NO_EVENT)
            return;
        unsigned line = loader_line(l);
        char text[NAME_MAX_BYTES];
        struct writer name;
        writer_init(&name, text, sizeof text);
        bool is_scalar = type == YAML_SCALAR_EVENT;
        if (is_scalar) {
            if (!slice_empty(section)) {
                writer_put(&name, section);
                writer_char(&name, '.');
            }
            writer_put(&name, loader_scalar(l));
        } else {
            loader_skip_node(l);
        }
        if (loader_advance(l) == YAML_NO_EVENT)
            return;
        if (is_scalar && writer_status(&name) == 0) {
            read_entry(l, writer_slice(&name), line);
        } else {
            COMPLAIN(l, line, section,
                     is_scalar ? "a key this long does not exist" : "a key is one word");
            loader_skip_node(l);
        }
    }
}

static void read_document(struct loader *l)
{
    yaml_event_type_t type = loader_advance(l);
    if (type == YAML_MAPPING_START_EVENT) {
        read_mapping(l, SLICE_NULL);
    } else if (type != YAML_NO_EVENT && !(type == YAML_SCALAR_EVENT && loader_scalar_is_null(l))) {
        COMPLAIN(l, loader_line(l), SLICE_NULL, "a configuration is lines of the form KEY: VALUE");
        loader_skip_node(l);
    }
    loader_advance(l); /* the document's end */
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
    loader_advance(&l); /* the stream's start */
    yaml_event_type_t type = loader_advance(&l);
    if (type == YAML_DOCUMENT_START_EVENT) {
        read_document(&l);
        if (loader_advance(&l) == YAML_DOCUMENT_START_EVENT)
            COMPLAIN(&l, loader_line(&l), SLICE_NULL, "a second document begins; write only one");
    }
    if (l.holds_event)
        yaml_event_delete(&l.event);
    yaml_parser_delete(&l.parser);
}
