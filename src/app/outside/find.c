#include "app/outside/find.h"

#include <stdio.h>

#include "app/config/compound.h"
#include "app/lookup/lookup.h"
#include "app/outside/binding.h"
#include "app/outside/interfaces.h"
#include "base/error.h"

#define STUN_PORT      3478
#define DNS_TIMEOUT_MS 3000

struct finding {
    const struct app_config *config;
    struct log *log;
    const _Atomic bool *cancel;
    struct lookup *lookup; /* owned; NULL until a name is met */
    struct outside_found *found;
};

static bool is_numeric(struct slice host)
{
    struct address address;
    return address_parse_host(host, 0, &address) == 0;
}

bool outside_changes(const struct app_config *config)
{
    bool changes = config->outside_stun.count > 0;
    for (unsigned i = 0; i < config->outside_addresses.count; i++)
        changes = changes || !is_numeric(config->outside_addresses.items[i]);
    return changes;
}

static int resolve(struct finding *finding, struct slice host, bool v6, struct address *ret)
{
    if (finding->lookup == NULL) {
        struct dns_config dns = finding->config->dns;
        if (dns.timeout_ms > DNS_TIMEOUT_MS)
            dns.timeout_ms = DNS_TIMEOUT_MS;
        struct lookup_options options = {
            .dns = &dns, .log = finding->log, .cancel = finding->cancel};
        int status = lookup_open(&options, &finding->lookup);
        if (status < 0)
            return status;
    }
    return lookup_address(finding->lookup, host, v6, ret);
}

/* ---- As configured ---- */

/* True: outside.address says it. A name that has no address of a family says nothing about it. */
static bool find_configured(struct finding *finding, enum outside_family family)
{
    const struct config_strings *hosts = &finding->config->outside_addresses;
    struct outside_host *ret = &finding->found->hosts[family];
    for (unsigned i = 0; i < hosts->count; i++) {
        int status = resolve(finding, hosts->items[i], family == OUTSIDE_V6, &ret->address);
        if (status == ERR_NOT_FOUND)
            continue;
        bool named = !is_numeric(hosts->items[i]);
        finding->found->failed[family] = status < 0;
        if (status == 0)
            ret->source = named ? OUTSIDE_NAMED : OUTSIDE_CONFIGURED;
        if (named)
            slice_to_string(hosts->items[i], finding->found->by[family],
                            sizeof finding->found->by[family]);
        return true;
    }
    return false;
}

/* ---- STUN ---- */

/* Where to ask from: as a listener that others can reach is bound. False: there is none. */
static bool find_local(const struct app_config *config, enum outside_family family,
                       struct address *ret_local)
{
    bool found = false;
    for (unsigned i = 0; i < config->listen.count; i++) {
        const struct address *local = &config->endpoint.listeners[i].local;
        if (address_is_v6(local) != (family == OUTSIDE_V6) || address_is_loopback(local) ||
            (found && !address_is_wildcard(local)))
            continue;
        *ret_local = *local;
        address_set_port(ret_local, 0);
        found = true;
    }
    return found;
}

static unsigned resolve_servers(struct finding *finding, enum outside_family family,
                                struct address ret[OUTSIDE_SERVERS_MAX],
                                unsigned ret_index[OUTSIDE_SERVERS_MAX])
{
    const struct config_strings *servers = &finding->config->outside_stun;
    unsigned count = 0;
    for (unsigned i = 0; i < servers->count; i++) {
        struct slice host;
        uint16_t port;
        if (config_host_port(servers->items[i], &host, &port) < 0 ||
            resolve(finding, host, family == OUTSIDE_V6, &ret[count]) < 0)
            continue;
        address_set_port(&ret[count], port != 0 ? port : STUN_PORT);
        ret_index[count++] = i;
    }
    return count;
}

static void find_by_stun(struct finding *finding, enum outside_family family)
{
    struct outside_found *found = finding->found;
    struct address servers[OUTSIDE_SERVERS_MAX], local;
    unsigned index[OUTSIDE_SERVERS_MAX];
    struct binding_answer answer;
    if (finding->config->outside_stun.count == 0 || !find_local(finding->config, family, &local))
        return;
    unsigned count = resolve_servers(finding, family, servers, index);
    struct binding_ask ask = {
        .servers = servers, .server_count = count, .local = local, .cancel = finding->cancel};
    /* Servers of one family say nothing about the other. */
    found->failed[family] = family == OUTSIDE_V4 || count > 0;
    if (count == 0 || binding_ask(&ask, &answer) < 0)
        return;
    found->failed[family] = false;
    slice_to_string(finding->config->outside_stun.items[index[answer.server]], found->by[family],
                    sizeof found->by[family]);
    address_unmap(&answer.mapped);
    address_set_port(&answer.mapped, 0);
    if (address_is_v6(&answer.mapped) == (family == OUTSIDE_V6) &&
        !address_is_wildcard(&answer.mapped))
        found->hosts[family] = (struct outside_host){OUTSIDE_STUN, answer.mapped};
}

/* ---- All ---- */

void outside_find(const struct app_config *config, struct log *log, const _Atomic bool *cancel,
                  struct outside_found *ret_found)
{
    struct finding finding = {.config = config, .log = log, .cancel = cancel, .found = ret_found};
    *ret_found = (struct outside_found){0};
    for (int family = OUTSIDE_V4; family < OUTSIDE_FAMILIES; family++) {
        struct outside_host *host = &ret_found->hosts[family];
        if (!find_configured(&finding, (enum outside_family)family))
            find_by_stun(&finding, (enum outside_family)family);
        if (host->source == OUTSIDE_STUN && interfaces_have(&host->address))
            *host = (struct outside_host){.source = OUTSIDE_INTERFACES};
    }
    lookup_close(finding.lookup);
    /* A name of outside.address that has no address at all. */
    const struct config_strings *configured = &config->outside_addresses;
    if (configured->count > 0 && ret_found->hosts[OUTSIDE_V4].source == OUTSIDE_INTERFACES &&
        ret_found->hosts[OUTSIDE_V6].source == OUTSIDE_INTERFACES &&
        !ret_found->failed[OUTSIDE_V6]) {
        ret_found->failed[OUTSIDE_V4] = true;
        slice_to_string(configured->items[0], ret_found->by[OUTSIDE_V4],
                        sizeof ret_found->by[OUTSIDE_V4]);
    }
}

unsigned outside_find_local(const struct app_config *config, struct network ret[OUTSIDE_LOCAL_MAX])
{
    const struct config_strings *local = &config->outside_local;
    if (local->count == 0)
        return interfaces_private(ret, OUTSIDE_LOCAL_MAX);
    for (unsigned i = 0; i < local->count; i++) /* checked when they were set */
        (void)network_parse(local->items[i], &ret[i]);
    return local->count;
}

const char *outside_source_text(const struct outside_found *found, enum outside_family family,
                                char *buf, size_t size)
{
    switch (found->hosts[family].source) {
    case OUTSIDE_CONFIGURED: (void)snprintf(buf, size, "as configured"); break;
    case OUTSIDE_NAMED: (void)snprintf(buf, size, "by the name %s", found->by[family]); break;
    case OUTSIDE_STUN: (void)snprintf(buf, size, "by STUN of %s", found->by[family]); break;
    default: (void)snprintf(buf, size, "as the interfaces have it"); break;
    }
    return buf;
}
