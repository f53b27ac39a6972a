/* The addresses of this machine come and go: DHCP, privacy addresses, networks that are changed.
 * Those of a wildcard listener are ours at once. */
#include "app/outside/interfaces.h"
#include "app/server/server_private.h"
#include "base/error.h"

/* The same in whatever order they come. Nobody chooses them to deceive us. */
static uint64_t fingerprint(void)
{
    struct interface_address all[INTERFACES_MAX];
    unsigned count = interfaces_read(all, INTERFACES_MAX);
    uint64_t sum = count;
    for (unsigned i = 0; i < count; i++)
        sum += address_hash_host(0, &all[i].address);
    return sum;
}

void server_addresses_note(struct server *server)
{
    server->addresses = fingerprint();
}

/* Other listeners have the addresses of the configuration. */
static bool listens_to_all(const struct app_config *config)
{
    for (unsigned i = 0; i < config->listen.count; i++) {
        if (address_is_wildcard(&config->endpoint.listeners[i].local))
            return true;
    }
    return false;
}

void server_on_addresses(struct server *server)
{
    struct settings *settings;
    if (!listens_to_all(server->settings->config))
        return;
    uint64_t now = fingerprint();
    if (now == server->addresses)
        return;
    int status =
        settings_renew(server->settings, server->outside.found.hosts, server->log, &settings);
    if (status == 0) {
        status = server_hand_over(server, settings);
        if (status < 0)
            settings_free(settings);
    }
    if (status < 0) { /* tried again */
        log_error(server->log, LOG_APP, "the new addresses of this machine cannot be used: %s",
                  error_text(status));
        return;
    }
    server->addresses = now;
    log_info(server->log, LOG_APP, "this machine has other addresses now");
}
