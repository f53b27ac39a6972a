#include "app/config/value_private.h"

#include "app/config/compound.h"
#include "base/error.h"
#include "base/memory.h"

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
    if (routes == NULL)
        return config_complain_memory(ERR_NO_MEMORY, why);
    int status = 0;
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
            config_write_quoted(w, slice_from_string(route->prefix));
            writer_format(w, "\n%*s", (int)indent + 4, "");
        }
        if (route->domain[0] != '\0') {
            writer_literal(w, "domain: ");
            config_write_quoted(w, slice_from_string(route->domain));
            writer_format(w, "\n%*s", (int)indent + 4, "");
        }
        writer_literal(w, "next_hop: ");
        config_write_quoted(w, slice_from_string(route->next_hop));
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
    config_write_quoted(
        w, slice_from_string(address->given ? address_text(&address->address, text) : ""));
}

const struct config_value_type config_value_listeners = {set_listeners, write_listeners,
                                                         check_listener};
const struct config_value_type config_value_routes = {set_routes, write_routes, check_route};
const struct config_value_type config_value_address = {set_address, write_address, NULL};
