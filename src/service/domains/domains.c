#include "service/domains/domains.h"

#include "base/error.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/table.h"
#include "base/writer.h"

#define DOMAIN_NAME_MAX 255

struct domain {
    struct table_node node;
    struct slice name; /* lower case, in text */
    char text[DOMAIN_NAME_MAX + 1];
};

struct domains {
    struct domain *names; /* owned */
    size_t name_count;
    struct table by_name;
    bool lengths[DOMAIN_NAME_MAX +
                 1]; /* that a name has: most hosts that are not ours have others */
    struct address addresses[DOMAINS_ADDRESSES_MAX];
    size_t address_count;
    struct slice primary;
    bool loopback; /* "localhost" is ours */
};

/* The names come from the configuration, so the hash needs no secret. */
static const struct hash_key domain_hash_key = {0x646f6d61696e7300, 0x7472617065000000};

static bool name_matches(const struct table_node *node, const void *key)
{
    const struct domain *domain = container_of_const(node, struct domain, node);
    const struct slice *name = key;
    return slice_equal_nocase(domain->name, *name);
}

static const struct domain *find_name(const struct domains *domains, struct slice name)
{
    if (name.len > DOMAIN_NAME_MAX || !domains->lengths[name.len])
        return NULL;
    if (slice_equal(domains->names[0].name, name)) /* what most requests name */
        return &domains->names[0];
    uint64_t hash = hash_slice_nocase(&domain_hash_key, name);
    struct table_node *node = table_find(&domains->by_name, hash, name_matches, &name);
    return node ? container_of_const(node, struct domain, node) : NULL;
}

/* A trailing dot makes a name absolute and means the same host (RFC 1035 section 3.1). */
static struct slice without_dot(struct slice host)
{
    if (host.len > 1 && host.ptr[host.len - 1] == '.')
        host.len--;
    return host;
}

static int add_name(struct domains *domains, struct slice name)
{
    name = without_dot(slice_trim(name));
    if (name.len == 0 || name.len > DOMAIN_NAME_MAX)
        return ERR_SYNTAX;
    if (find_name(domains, name) != NULL)
        return 0;
    struct domain *domain = &domains->names[domains->name_count];
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        domain->text[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    domain->name = slice_of(domain->text, name.len);
    domains->lengths[name.len] = true;
    table_add(&domains->by_name, &domain->node, hash_slice_nocase(&domain_hash_key, name));
    domains->name_count++;
    return 0;
}

static int add_names(struct domains *domains, const struct slice *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int status = add_name(domains, names[i]);
        if (status < 0)
            return status;
    }
    domains->primary = domains->name_count > 0 ? domains->names[0].name : SLICE("localhost");
    return 0;
}

int domains_new(const struct slice *names, size_t name_count, const struct address *addresses,
                size_t address_count, struct domains **ret_domains)
{
    if (name_count > DOMAINS_MAX || address_count > DOMAINS_ADDRESSES_MAX)
        return ERR_LIMIT;
    struct domains *domains = memory_zalloc(1, sizeof(*domains));
    if (domains == NULL)
        return ERR_NO_MEMORY;
    domains->names = memory_zalloc(name_count + 1, sizeof(*domains->names));
    int status = domains->names ? table_init(&domains->by_name, name_count + 1) : ERR_NO_MEMORY;
    if (status == 0)
        status = add_names(domains, names, name_count);
    if (status < 0) {
        domains_free(domains);
        return status;
    }
    domains->address_count = address_count;
    for (size_t i = 0; i < address_count; i++) {
        domains->addresses[i] = addresses[i];
        domains->loopback = domains->loopback || address_is_loopback(&addresses[i]);
    }
    *ret_domains = domains;
    return 0;
}

void domains_free(struct domains *domains)
{
    if (domains == NULL)
        return;
    table_done(&domains->by_name);
    memory_free(domains->names);
    memory_free(domains);
}

static bool looks_numeric(struct slice host)
{
    return host.len > 0 && (host.ptr[0] == '[' || (host.ptr[0] >= '0' && host.ptr[0] <= '9'));
}

/* port 0: any port of ours will do. */
static bool is_our_address(const struct domains *domains, struct slice host, uint16_t port)
{
    struct address address;
    if (!looks_numeric(host) || address_parse_host(host, port, &address) < 0)
        return false;
    for (size_t i = 0; i < domains->address_count; i++) {
        if (address_names_host(&address, &domains->addresses[i]) &&
            (port == 0 || address_port(&domains->addresses[i]) == port))
            return true;
    }
    return false;
}

static bool is_our_port(const struct domains *domains, uint16_t port)
{
    for (size_t i = 0; i < domains->address_count; i++) {
        if (address_port(&domains->addresses[i]) == port)
            return true;
    }
    return false;
}

static bool is_localhost(const struct domains *domains, struct slice host)
{
    return domains->loopback && slice_equal_nocase(host, SLICE("localhost"));
}

bool domains_local(const struct domains *domains, struct slice host, uint16_t port,
                   struct slice *ret_domain)
{
    host = without_dot(host);
    const struct domain *domain = find_name(domains, host);
    if (domain != NULL) {
        *ret_domain = domain->name;
        return true;
    }
    if (is_our_address(domains, host, port) ||
        (is_localhost(domains, host) && (port == 0 || is_our_port(domains, port)))) {
        *ret_domain = domains->primary;
        return true;
    }
    return false;
}

bool domains_is_self(const struct domains *domains, const struct sip_uri *uri)
{
    if (uri->scheme != SIP_URI_SIP && uri->scheme != SIP_URI_SIPS)
        return false;
    struct slice host = without_dot(uri->host);
    if (looks_numeric(host)) {
        uint16_t default_port = uri->scheme == SIP_URI_SIPS ? 5061 : 5060;
        return is_our_address(domains, host, uri->port ? uri->port : default_port);
    }
    bool ours = find_name(domains, host) != NULL || is_localhost(domains, host);
    return ours && (uri->port == 0 || is_our_port(domains, uri->port));
}

struct slice domains_primary(const struct domains *domains)
{
    return domains->primary;
}

int domains_aor(const struct domains *domains, const struct sip_uri *uri, struct writer *w)
{
    if (uri->scheme != SIP_URI_SIP && uri->scheme != SIP_URI_SIPS)
        return ERR_UNSUPPORTED;
    struct slice domain;
    if (!domains_local(domains, uri->host, uri->port, &domain))
        return ERR_NOT_FOUND;
    writer_literal(w, "sip:");
    if (uri->has_user) {
        sip_uri_write_user(w, uri->user);
        writer_char(w, '@');
    }
    writer_put(w, domain);
    return writer_status(w);
}
