#include "app/server/settings.h"

#include "app/outside/find.h"
#include "app/outside/interfaces.h"
#include "base/error.h"
#include "base/memory.h"

struct own {
    const struct outside *outside;
    struct address addresses[DOMAINS_ADDRESSES_MAX];
    size_t count;
    bool full;
};

static void own_add_one(struct own *own, const struct address *address)
{
    for (size_t i = 0; i < own->count; i++) {
        if (address_equal(&own->addresses[i], address))
            return;
    }
    if (own->count == DOMAINS_ADDRESSES_MAX)
        own->full = true;
    else
        own->addresses[own->count++] = *address;
}

/* An address, and what stands for it outside. */
static void own_add(struct own *own, const struct address *address)
{
    struct address there = outside_of(own->outside, address);
    own_add_one(own, address);
    own_add_one(own, &there);
}

/* A wildcard stands for the addresses of all interfaces, as they are now. */
static void own_add_listener(struct own *own, const struct address *bound,
                             const struct interface_address *interfaces, unsigned count)
{
    if (!address_is_wildcard(bound)) {
        own_add(own, bound);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        struct address address = interfaces[i].address;
        if (address_is_v6(&address) != address_is_v6(bound))
            continue;
        address_set_port(&address, address_port(bound));
        own_add(own, &address);
    }
}

static int make_domains(struct settings *settings, struct log *log)
{
    struct own own = {.outside = &settings->outside};
    struct interface_address interfaces[INTERFACES_MAX];
    unsigned count = interfaces_read(interfaces, INTERFACES_MAX);
    const struct app_config *config = settings->config;
    for (unsigned i = 0; i < config->listen.count; i++)
        own_add_listener(&own, &config->endpoint.listeners[i].local, interfaces, count);
    if (own.full)
        log_warn(log, LOG_APP,
                 "this machine has more than %d addresses; the others are not taken for ours: name "
                 "them in domains",
                 DOMAINS_ADDRESSES_MAX);
    return domains_new(config->domains.items, config->domains.count, own.addresses, own.count,
                       &settings->domains);
}

/* Takes config over, on errors too. */
static int make(struct app_config *config, const struct outside_host *hosts, struct log *log,
                struct settings **ret_settings)
{
    struct settings *settings = memory_zalloc(1, sizeof *settings);
    if (settings == NULL) {
        config_free(config);
        return ERR_NO_MEMORY;
    }
    settings->config = config;
    memcpy(settings->outside.hosts, hosts, sizeof settings->outside.hosts);
    settings->outside.local_count = outside_find_local(config, settings->outside.local);
    int status = make_domains(settings, log);
    if (status < 0) {
        settings_free(settings);
        return status;
    }
    *ret_settings = settings;
    return 0;
}

int settings_new(struct app_config *config, const struct address *bound,
                 const struct outside_host *hosts, struct log *log, struct settings **ret_settings)
{
    for (unsigned i = 0; i < config->listen.count; i++)
        config->endpoint.listeners[i].local = bound[i];
    return make(config, hosts, log, ret_settings);
}

int settings_renew(const struct settings *settings, const struct outside_host *hosts,
                   struct log *log, struct settings **ret_settings)
{
    return make(config_ref(settings->config), hosts, log, ret_settings);
}

void settings_free(struct settings *settings)
{
    if (settings == NULL)
        return;
    domains_free(settings->domains);
    config_free(settings->config);
    memory_free(settings);
}
