#include "app/server/settings.h"

#include <ifaddrs.h>
#include <net/if.h>

#include "base/error.h"
#include "base/memory.h"

struct own {
    struct address addresses[DOMAINS_ADDRESSES_MAX];
    size_t count;
    bool full;
};

static void own_add(struct own *own, const struct address *address)
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

static bool interface_address(const struct ifaddrs *interface, struct address *ret)
{
    if (interface->ifa_addr == NULL || (interface->ifa_flags & IFF_UP) == 0)
        return false;
    *ret = (struct address){0};
    if (interface->ifa_addr->sa_family == AF_INET)
        memcpy(&ret->in4, interface->ifa_addr, sizeof ret->in4);
    else if (interface->ifa_addr->sa_family == AF_INET6)
        memcpy(&ret->in6, interface->ifa_addr, sizeof ret->in6);
    else
        return false;
    return true;
}

/* A wildcard stands for the addresses of all interfaces, as they are now. */
static void own_add_listener(struct own *own, const struct address *bound,
                             const struct ifaddrs *interfaces)
{
    if (!address_is_wildcard(bound)) {
        own_add(own, bound);
        return;
    }
    for (const struct ifaddrs *i = interfaces; i != NULL; i = i->ifa_next) {
        struct address address;
        if (!interface_address(i, &address) || address_is_v6(&address) != address_is_v6(bound))
            continue;
        address_set_port(&address, address_port(bound));
        own_add(own, &address);
    }
}

static int make_domains(struct settings *settings, const struct address *bound, struct log *log)
{
    struct own own = {.count = 0, .full = false};
    struct ifaddrs *interfaces = NULL;
    if (getifaddrs(&interfaces) < 0)
        interfaces = NULL;
    const struct app_config *config = settings->config;
    for (unsigned i = 0; i < config->listen.count; i++)
        own_add_listener(&own, &bound[i], interfaces);
    if (interfaces != NULL)
        freeifaddrs(interfaces);
    if (own.full)
        log_warn(log, LOG_APP,
                 "this machine has more than %d addresses; the others are not taken for ours: name "
                 "them in domains",
                 DOMAINS_ADDRESSES_MAX);
    return domains_new(config->domains.items, config->domains.count, own.addresses, own.count,
                       &settings->domains);
}

int settings_new(struct app_config *config, const struct address *bound, struct log *log,
                 struct settings **ret_settings)
{
    struct settings *settings = memory_zalloc(1, sizeof *settings);
    if (settings == NULL) {
        config_free(config);
        return ERR_NO_MEMORY;
    }
    settings->config = config;
    for (unsigned i = 0; i < config->listen.count; i++)
        config->endpoint.listeners[i].local = bound[i];
    int status = make_domains(settings, bound, log);
    if (status < 0) {
        settings_free(settings);
        return status;
    }
    *ret_settings = settings;
    return 0;
}

void settings_free(struct settings *settings)
{
    if (settings == NULL)
        return;
    domains_free(settings->domains);
    config_free(settings->config);
    memory_free(settings);
}
