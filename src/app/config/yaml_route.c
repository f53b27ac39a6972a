#include "app/config/yaml_private.h"

#include "app/text/nearest.h"

#define ROUTE_TEXT_MAX 1024

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
        COMPLAIN(l, loader_line(l), key, "a route's parts are prefix, domain and next_hop");
        loader_skip_node(l);
        if (loader_advance(l) != YAML_NO_EVENT)
            loader_skip_node(l);
        return false;
    }
    size_t size = 0;
    char *part = route_part(parts, loader_scalar(l), &size);
    if (part == NULL) {
        struct nearest nearest;
        nearest_init(&nearest, loader_scalar(l));
        nearest_try(&nearest, SLICE("prefix"));
        nearest_try(&nearest, SLICE("domain"));
        nearest_try(&nearest, SLICE("next_hop"));
        COMPLAIN(l, loader_line(l), key,
                 "a route has no part \"%.*s\"; its parts are prefix, domain and next_hop%s%s%s",
                 SLICE_ARG(loader_scalar(l)), nearest.best[0] != '\0' ? "; did you mean " : "",
                 nearest.best, nearest.best[0] != '\0' ? "?" : "");
    }
    if (loader_advance(l) == YAML_NO_EVENT)
        return false;
    if (part != NULL && (l->event.type != YAML_SCALAR_EVENT || loader_scalar(l).len >= size)) {
        COMPLAIN(l, loader_line(l), key, "a route's part is one text of at most %zu characters",
                 size - 1);
        part = NULL;
    }
    if (part != NULL)
        slice_to_string(loader_scalar(l), part, size);
    loader_skip_node(l);
    return part != NULL;
}

void loader_read_route(struct loader *l, const struct config_key *key, struct loader_items *items)
{
    struct route_parts parts = {0};
    unsigned start = loader_line(l);
    bool good = true;
    yaml_event_type_t type;
    while ((type = loader_advance(l)) != YAML_MAPPING_END_EVENT) {
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
    loader_add_item(l, key, writer_slice(&w), start, items);
}
