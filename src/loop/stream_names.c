#include "base/error.h"
#include "base/hash.h"
#include "base/network.h"
#include "loop/stream_private.h"

/* ---- connections by address ---- */

struct name_key {
    enum transport transport;
    uint64_t server;
    const struct address *address;
};

static bool name_match(const struct table_node *node, const void *key)
{
    const struct name_key *k = key;
    const struct stream_name *name =
        (const struct stream_name *)(const void *)((const char *)node -
                                                   offsetof(struct stream_name, node));
    return name->transport == k->transport && name->server == k->server &&
           address_equal(&name->address, k->address);
}

static uint64_t name_hash(const struct streams *streams, const struct name_key *key)
{
    return hash_mix(address_hash(streams->seed, key->address), key->transport) ^ key->server;
}

/* 0 only for no server. */
static uint64_t server_hash(const struct streams *streams, struct slice server)
{
    const struct hash_key key = {streams->seed, ~streams->seed};
    return server.len == 0 ? 0 : hash_slice_nocase(&key, server) | 1;
}

static struct stream_name *name_find(const struct streams *streams, const struct name_key *key)
{
    struct table_node *node = table_find(&streams->names, name_hash(streams, key), name_match, key);
    return node != NULL ? container_of(node, struct stream_name, node) : NULL;
}

static void name_drop(struct streams *streams, struct stream_name *name)
{
    if (name->present)
        table_remove(&streams->names, &name->node);
    name->present = false;
    if (name->alias) {
        list_remove(&name->list);
        pool_put(&streams->aliases, name);
    }
}

static void name_put(struct streams *streams, struct stream_name *name)
{
    struct name_key key = {name->transport, name->server, &name->address};
    name->present = true;
    table_add(&streams->names, &name->node, name_hash(streams, &key));
}

void stream_name_add(struct stream *stream, struct slice server)
{
    struct streams *streams = stream->owner;
    struct name_key key = {stream->flow.transport, server_hash(streams, server),
                           &stream->flow.remote};
    struct stream_name *older = name_find(streams, &key);
    if (older != NULL)
        name_drop(streams, older);
    stream->name.transport = stream->flow.transport;
    stream->name.address = stream->flow.remote;
    stream->name.server = key.server;
    stream->name.stream = stream;
    list_init(&stream->name.list);
    name_put(streams, &stream->name);
}

void stream_names_remove(struct stream *stream)
{
    list_for_each_safe(node, &stream->aliases)
    {
        name_drop(stream->owner, container_of(node, struct stream_name, list));
    }
    name_drop(stream->owner, &stream->name);
}

static int find(struct loop *loop, const struct name_key *key, struct flow *ret_flow)
{
    const struct stream_name *name = name_find(loop->streams, key);
    if (name == NULL)
        return ERR_NOT_FOUND;
    *ret_flow = name->stream->flow;
    return 0;
}

int stream_find(struct loop *loop, enum transport transport, const struct address *remote,
                struct flow *ret_flow)
{
    return find(loop, &(struct name_key){transport, 0, remote}, ret_flow);
}

/* Who has a name is known by what was proven; who has an address, by the connection itself. */
int stream_find_server(struct loop *loop, enum transport transport, const struct address *remote,
                       struct slice server, struct flow *ret_flow)
{
    struct address numeric;
    struct name_key key = {transport, server_hash(loop->streams, server), remote};
    if (find(loop, &key, ret_flow) == 0)
        return 0;
    key.server = 0;
    struct flow flow;
    if (find(loop, &key, &flow) != 0 ||
        (server.len > 0 && address_parse_host(server, 0, &numeric) != 0 &&
         !stream_proves(loop, &flow, server)))
        return ERR_NOT_FOUND;
    *ret_flow = flow;
    return 0;
}

/* RFC 5923 section 9.2: an alias never takes an address from a connection that really has it. */
int stream_alias(struct loop *loop, const struct flow *flow, const struct address *address)
{
    struct streams *streams = loop->streams;
    struct stream *stream = stream_of_flow(loop, flow);
    if (stream == NULL)
        return ERR_NOT_FOUND;
    struct name_key key = {stream->flow.transport, 0, address};
    struct stream_name *present = name_find(streams, &key);
    if (present != NULL && present->stream == stream)
        return 0;
    if (present != NULL && !present->alias)
        return ERR_EXISTS;
    unsigned count = 0;
    list_for_each(node, &stream->aliases)
    {
        count++;
    }
    if (count >= STREAM_ALIASES)
        return ERR_LIMIT;
    struct stream_name *alias = pool_get(&streams->aliases);
    if (alias == NULL)
        return ERR_LIMIT;
    if (present != NULL)
        name_drop(streams, present);
    memset(alias, 0, sizeof(*alias));
    alias->transport = stream->flow.transport;
    alias->address = *address;
    alias->stream = stream;
    alias->alias = true;
    list_append(&stream->aliases, &alias->list);
    name_put(streams, alias);
    return 0;
}

/* ---- counts per source ---- */

static bool source_match(const struct table_node *node, const void *key)
{
    const struct stream_source *source =
        (const struct stream_source *)(const void *)((const char *)node -
                                                     offsetof(struct stream_source, node));
    return address_equal_host(&source->host, key);
}

int stream_source_enter(struct stream *stream, uint32_t limit)
{
    struct streams *streams = stream->owner;
    struct address host = network_source(&stream->flow.remote);
    uint64_t hash = address_hash_host(streams->seed, &host);
    struct table_node *node = table_find(&streams->sources, hash, source_match, &host);
    struct stream_source *source;
    if (node != NULL) {
        source = container_of(node, struct stream_source, node);
        if (source->count >= limit)
            return ERR_LIMIT;
    } else {
        source = pool_get(&streams->source_pool);
        if (source == NULL)
            return ERR_LIMIT;
        source->host = host;
        source->count = 0;
        table_add(&streams->sources, &source->node, hash);
    }
    source->count++;
    stream->source = source;
    return 0;
}

void stream_source_leave(struct stream *stream)
{
    struct stream_source *source = stream->source;
    stream->source = NULL;
    if (source == NULL || --source->count > 0)
        return;
    table_remove(&stream->owner->sources, &source->node);
    pool_put(&stream->owner->source_pool, source);
}
