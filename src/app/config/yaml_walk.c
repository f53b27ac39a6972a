#include "app/config/yaml_private.h"

unsigned loader_line(const struct loader *l)
{
    return (unsigned)l->event.start_mark.line + 1;
}

/* libyaml says of a tab that it begins no token. */
static bool stumbled_on_tab(const struct loader *l)
{
    size_t at = l->parser.problem_mark.index;
    return at < l->text.len && l->text.ptr[at] == '\t';
}

yaml_event_type_t loader_advance(struct loader *l)
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

struct slice loader_scalar(const struct loader *l)
{
    return slice_of((const char *)l->event.data.scalar.value, l->event.data.scalar.length);
}

bool loader_scalar_is_null(const struct loader *l)
{
    struct slice text = loader_scalar(l);
    return l->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (slice_empty(text) || slice_equal(text, SLICE("~")) ||
            slice_equal_nocase(text, SLICE("null")));
}

void loader_skip_node(struct loader *l)
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
    } while (depth > 0 && loader_advance(l) != YAML_NO_EVENT);
}
