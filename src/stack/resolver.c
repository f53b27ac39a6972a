#include "stack/resolver.h"

#include "base/error.h"
#include "base/list.h"
#include "base/memory.h"
#include "loop/names.h"

#define CACHE_SIZE     1024
#define CACHE_NAME_MAX 255
#define CACHE_GOOD_MS  60000
#define CACHE_BAD_MS   5000

/* A direct-mapped cache: a collision only costs a lookup. */
struct cache_entry {
    uint64_t until_ms;
    int status;
    struct address address;
    uint8_t name_len;
    char name[CACHE_NAME_MAX];
};

struct resolver {
    struct endpoint *endpoint; /* borrowed */
    struct hash_key key;
    struct list queries;
    struct cache_entry *cache; /* owned, CACHE_SIZE */
};

struct resolver_query {
    struct list link;
    struct resolver *resolver;
    struct names_query *names;
    resolver_fn *done;
    void *user;
    struct endpoint_target target; /* all but the host */
    uint8_t host_len;
    char host[CACHE_NAME_MAX];
};

int resolver_new(struct endpoint *endpoint, struct resolver **ret_resolver)
{
    struct resolver *resolver = memory_zalloc(1, sizeof(*resolver));
    if (resolver == NULL)
        return ERR_NO_MEMORY;
    resolver->cache = memory_zalloc(CACHE_SIZE, sizeof(*resolver->cache));
    if (resolver->cache == NULL) {
        memory_free(resolver);
        return ERR_NO_MEMORY;
    }
    resolver->endpoint = endpoint;
    resolver->key = random_hash_key(loop_random(endpoint_loop(endpoint)));
    list_init(&resolver->queries);
    *ret_resolver = resolver;
    return 0;
}

void resolver_cancel(struct resolver_query *query)
{
    if (query == NULL)
        return;
    names_cancel(query->names);
    list_remove(&query->link);
    memory_free(query);
}

void resolver_free(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    list_for_each_safe(link, &resolver->queries)
        resolver_cancel(container_of(link, struct resolver_query, link));
    memory_free(resolver->cache);
    memory_free(resolver);
}

static struct cache_entry *cache_slot(struct resolver *resolver, struct slice host)
{
    return &resolver->cache[hash_slice_nocase(&resolver->key, host) % CACHE_SIZE];
}

static bool cache_find(struct resolver *resolver, struct slice host, int *ret_status,
                       struct address *ret_address)
{
    struct cache_entry *entry = cache_slot(resolver, host);
    if (entry->until_ms <= loop_now_ms(endpoint_loop(resolver->endpoint)) ||
        !slice_equal_nocase(slice_of(entry->name, entry->name_len), host))
        return false;
    *ret_status = entry->status;
    *ret_address = entry->address;
    return true;
}

static void cache_put(struct resolver *resolver, struct slice host, int status,
                      const struct address *address)
{
    struct cache_entry *entry = cache_slot(resolver, host);
    uint64_t now = loop_now_ms(endpoint_loop(resolver->endpoint));
    entry->until_ms = now + (status == 0 ? CACHE_GOOD_MS : CACHE_BAD_MS);
    entry->status = status;
    entry->name_len = (uint8_t)host.len;
    memcpy(entry->name, host.ptr, host.len);
    if (status == 0)
        entry->address = *address;
}

/* The first address that we have a socket for. */
static int choose(struct resolver *resolver, const struct endpoint_target *wanted,
                  const struct address *addresses, size_t count, struct address *ret_address)
{
    for (size_t i = 0; i < count; i++) {
        struct endpoint_target target = *wanted;
        target.address = addresses[i];
        if (endpoint_speaks(resolver->endpoint, target.transport, address_is_v6(&target.address))) {
            *ret_address = addresses[i];
            return 0;
        }
    }
    return count > 0 ? ERR_UNSUPPORTED : ERR_NOT_FOUND;
}

static void on_names(void *user, int status, const struct address *addresses, size_t count)
{
    struct resolver_query *query = user;
    struct resolver *resolver = query->resolver;
    struct endpoint_target target = query->target;
    resolver_fn *done = query->done;
    void *done_user = query->user;
    uint16_t port = address_port(&target.address);
    struct address address = target.address;
    if (status == 0)
        status = choose(resolver, &target, addresses, count, &address);
    cache_put(resolver, slice_of(query->host, query->host_len), status, &address);
    list_remove(&query->link);
    memory_free(query);
    target.address = address;
    address_set_port(&target.address, port);
    done(done_user, status, &target);
}

static int transport_of(const struct sip_uri *uri, uint8_t *ret_transport)
{
    enum transport transport = uri->scheme == SIP_URI_SIPS ? TRANSPORT_TLS : TRANSPORT_UDP;
    if (uri->transport.len > 0 && transport_lookup(uri->transport, &transport) < 0)
        return ERR_UNSUPPORTED;
    /* sips over TCP means TLS (RFC 3261 section 26.2.2). */
    if (uri->scheme == SIP_URI_SIPS && transport == TRANSPORT_TCP)
        transport = TRANSPORT_TLS;
    *ret_transport = (uint8_t)transport;
    return 0;
}

static int start_query(struct resolver *resolver, struct slice host,
                       const struct endpoint_target *target, resolver_fn *done, void *user,
                       struct resolver_query **ret_query)
{
    struct resolver_query *query = memory_zalloc(1, sizeof(*query));
    if (query == NULL)
        return ERR_NO_MEMORY;
    query->resolver = resolver;
    query->done = done;
    query->user = user;
    query->target = *target;
    query->host_len = (uint8_t)host.len;
    memcpy(query->host, host.ptr, host.len);
    list_init(&query->link);
    int status =
        names_lookup(endpoint_loop(resolver->endpoint), host, on_names, query, &query->names);
    if (status < 0) {
        memory_free(query);
        return status;
    }
    list_append(&resolver->queries, &query->link);
    *ret_query = query;
    return 0;
}

int resolver_locate(struct resolver *resolver, const struct sip_uri *uri, resolver_fn *done,
                    void *user, struct endpoint_target *ret_target,
                    struct resolver_query **ret_query)
{
    struct endpoint_target target = {0};
    if (uri->scheme != SIP_URI_SIP && uri->scheme != SIP_URI_SIPS)
        return ERR_UNSUPPORTED;
    int status = transport_of(uri, &target.transport);
    if (status < 0)
        return status;
    uint16_t port =
        uri->port ? uri->port : transport_default_port((enum transport)target.transport);
    struct slice host = uri->maddr.len > 0 ? uri->maddr : uri->host;
    if (address_parse_host(host, port, &target.address) == 0) {
        *ret_target = target;
        return 1;
    }
    if (host.len == 0 || host.len > CACHE_NAME_MAX)
        return ERR_UNREACHABLE;
    struct address address;
    if (cache_find(resolver, host, &status, &address)) {
        if (status < 0)
            return status;
        target.address = address;
        address_set_port(&target.address, port);
        *ret_target = target;
        return 1;
    }
    memset(&target.address, 0, sizeof(target.address));
    target.address.sa.sa_family = AF_INET;
    address_set_port(&target.address, port);
    return start_query(resolver, host, &target, done, user, ret_query);
}
