#include "app/config/complete.h"

#include <stdlib.h>
#include <unistd.h>

#include "app/config/compound.h"
#include "app/config/schema.h"
#include "base/error.h"

#define WORKERS_MAX 64
#define ROOT_DATA   "/var/lib/trapezoid"
#define ROOT_RUN    "/run/trapezoid"

/* Empty counts as unset, relative paths are not followed (XDG base directory specification). */
static const char *directory_from(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && value[0] == '/' ? value : NULL;
}

/* "a" "b" "c" in the arena, NULL without memory. */
static const char *join(struct app_config *config, const char *a, const char *b, const char *c)
{
    size_t size = strlen(a) + strlen(b) + strlen(c) + 1;
    char *text = arena_alloc(&config->arena, size);
    struct writer w;
    if (text == NULL)
        return NULL;
    writer_init(&w, text, size);
    writer_string(&w, a);
    writer_string(&w, b);
    writer_string(&w, c);
    writer_char(&w, '\0');
    return text;
}

/* systemd names several directories with colons between; the first is meant. */
static const char *first_directory(struct app_config *config, const char *list)
{
    struct slice rest = slice_from_string(list);
    struct slice first = slice_cut(&rest, ':');
    char *text = arena_alloc(&config->arena, first.len + 1);
    return text == NULL ? NULL : slice_to_string(first, text, first.len + 1);
}

/* NULL: nothing tells where, or no memory. */
static const char *automatic_data_dir(struct app_config *config)
{
    const char *directory = directory_from("STATE_DIRECTORY");
    if (directory != NULL)
        return first_directory(config, directory);
    if (geteuid() == 0)
        return ROOT_DATA;
    directory = directory_from("XDG_DATA_HOME");
    if (directory != NULL)
        return join(config, directory, "/trapezoid", "");
    directory = directory_from("HOME");
    return directory == NULL ? NULL : join(config, directory, "/.local/share/trapezoid", "");
}

static const char *automatic_control_path(struct app_config *config)
{
    const char *directory = directory_from("RUNTIME_DIRECTORY");
    if (directory != NULL)
        directory = first_directory(config, directory);
    else if (geteuid() == 0 && access("/run", W_OK) == 0)
        directory = ROOT_RUN;
    else
        directory = config->data_dir;
    return directory == NULL ? NULL : join(config, directory, "/control.sock", "");
}

static uint32_t automatic_workers(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (processors < 1)
        return 1;
    return processors > WORKERS_MAX ? WORKERS_MAX : (uint32_t)processors;
}

static int complete_paths(struct app_config *config, struct config_problems *problems)
{
    if (config->data_dir[0] == '\0') {
        const char *directory = automatic_data_dir(config);
        if (directory == NULL) {
            config_problem(problems, &(struct config_origin){0}, SLICE("data_dir"),
                           "neither XDG_DATA_HOME nor HOME is set; write a directory");
            return ERR_INVALID;
        }
        config->data_dir = directory;
    }
    if (config->store_path[0] == '\0')
        config->store_path = join(config, config->data_dir, "/trapezoid.db", "");
    if (config->control_path[0] == '\0')
        config->control_path = automatic_control_path(config);
    return config->store_path == NULL || config->control_path == NULL ? ERR_NO_MEMORY : 0;
}

static bool has_secure(const struct config_listeners *listen)
{
    bool has = false;
    for (unsigned i = 0; i < listen->count; i++)
        has |= transport_secure((enum transport)listen->items[i].transport);
    return has;
}

static bool needs_certificate(const struct app_config *config)
{
    return has_secure(&config->listen) || has_secure(&config->stun_listen);
}

static int complete_tls(struct app_config *config)
{
    struct tls_config *tls = &config->tls;
    const struct config_strings *certificates = &config->tls_certificates;
    const struct config_strings *keys = &config->tls_keys;
    for (unsigned i = 0; i < certificates->count; i++)
        tls->pairs[i] =
            (struct tls_pair){certificates->items[i].ptr,
                              i < keys->count ? keys->items[i].ptr : certificates->items[i].ptr};
    tls->pair_count = certificates->count;
    config->tls_own = certificates->count == 0 && needs_certificate(config);
    if (!config->tls_own)
        return 0;
    tls->pairs[0].certificate = join(config, config->data_dir, "/tls-certificate.pem", "");
    tls->pairs[0].key = join(config, config->data_dir, "/tls-key.pem", "");
    tls->pair_count = 1;
    return tls->pairs[0].certificate == NULL || tls->pairs[0].key == NULL ? ERR_NO_MEMORY : 0;
}

static void complete_nets(const struct config_strings *texts, struct turn_nets *nets)
{
    nets->count = 0;
    for (unsigned i = 0; i < texts->count; i++) /* checked when they were set */
        nets->count += turn_net_parse(texts->items[i], &nets->items[nets->count]) == 0;
}

static void complete_relays(struct app_config *config)
{
    struct turn_config *turn = &config->turn;
    for (unsigned i = 0; i < config->turn_relays.count; i++)
        turn->relay_count += address_parse_host(config->turn_relays.items[i], 0,
                                                &turn->relays[turn->relay_count]) == 0;
    (void)config_port_range_parse(slice_from_string(config->turn_range), &turn->port_low,
                                  &turn->port_high);
    complete_nets(&config->turn_allow_peers, &turn->policy.allow);
    complete_nets(&config->turn_deny_peers, &turn->policy.deny);
    turn->unrefused = config->turn_unrefused.items;
    turn->unrefused_count = config->turn_unrefused.count;
    turn->has_alternate = config->turn_alternate.given;
    turn->alternate = config->turn_alternate.address;
    turn->software = "Trapezoid";
}

static void complete_turn(struct app_config *config)
{
    complete_relays(config);
    struct turn_credential_config *credential = &config->turn_credential;
    credential->account_realm = config->realm;
    credential->realm = config->turn_realm[0] != '\0' ? config->turn_realm : config->realm;
    credential->server_name = config->turn_server_name;
    credential->sha256 = (config->turn_algorithms & CONFIG_ALGORITHM_SHA256) != 0;
    credential->md5 = (config->turn_algorithms & CONFIG_ALGORITHM_MD5) != 0;
    credential->users = config->turn_users.items;
    credential->user_count = config->turn_users.count;
    credential->secrets = config->turn_secrets.items;
    credential->secret_count = config->turn_secrets.count;
    credential->token_keys = config->turn_token_keys.items;
    credential->token_key_count = config->turn_token_keys.count;
}

static void complete_partner(const struct app_config *config, struct partner_config *partner)
{
    partner->given = config->stun_partner.given;
    partner->address = config->stun_partner.address;
    partner->listen = config->stun_partner_listen.address;
    if (partner->given && !config->stun_partner_listen.given) {
        (void)address_parse_host(address_is_v6(&partner->address) ? SLICE("::") : SLICE("0.0.0.0"),
                                 address_port(&partner->address), &partner->listen);
    }
    partner->secret =
        config->stun_partner_secret.count > 0 ? config->stun_partner_secret.items[0].ptr : "";
}

static void complete_services(struct app_config *config)
{
    struct endpoint_config *endpoint = &config->endpoint;
    endpoint->listener_count = config->listen.count;
    memcpy(endpoint->listeners, config->listen.items, sizeof endpoint->listeners);
    endpoint->ws.path = slice_from_string(config->ws_path);
    endpoint->ws.origins = config->ws_origins.items;
    endpoint->ws.origin_count = config->ws_origins.count;
    struct authenticator_config *authenticator = &config->authenticator;
    slice_to_string(slice_from_string(config->realm), authenticator->realm,
                    sizeof authenticator->realm);
    authenticator->sha256 = (config->algorithms & CONFIG_ALGORITHM_SHA256) != 0;
    authenticator->md5 = (config->algorithms & CONFIG_ALGORITHM_MD5) != 0;
    authenticator->md5_only = config->md5_only.items;
    authenticator->md5_only_count = config->md5_only.count;
    config->registrar.durable = config->durability == CONFIG_DURABLE_COMMIT;
    struct stun_server_config *stun = &config->stun;
    stun->listener_count = config->stun_listen.count;
    for (unsigned i = 0; i < stun->listener_count; i++)
        stun->listeners[i] = (struct stun_server_listener){config->stun_listen.items[i].transport,
                                                           config->stun_listen.items[i].local};
    stun->has_alternate = config->stun_alternate.given;
    stun->alternate = config->stun_alternate.address;
    complete_partner(config, &stun->partner);
    stun->stream = endpoint->stream;
    stun->dtls.per_source = endpoint->stream.per_source;
    stun->dtls.idle_ms = endpoint->stream.idle_ms;
    stun->dtls.handshake_ms = endpoint->stream.handshake_ms;
    stun->software = "Trapezoid";
    complete_turn(config);
    config->proxy.route_count = config->routes.count;
    memcpy(config->proxy.routes, config->routes.items, sizeof config->proxy.routes);
    for (unsigned i = 0; i < config->dns_servers.count; i++) /* checked when they were set */
        config->dns.server_count +=
            address_parse(config->dns_servers.items[i], &config->dns.servers[i]) == 0;
}

/* Defaults that follow what was given, so that one key can be changed alone. */
static void complete_numbers(struct app_config *config)
{
    struct registrar_config *registrar = &config->registrar;
    if (!config_given(config, "registrar.expires_default")) {
        if (registrar->expires_default_s < registrar->expires_min_s)
            registrar->expires_default_s = registrar->expires_min_s;
        if (registrar->expires_default_s > registrar->expires_max_s)
            registrar->expires_default_s = registrar->expires_max_s;
    }
    uint32_t message = config->endpoint.limits.message;
    struct stream_limits *stream = &config->endpoint.stream;
    if (!config_given(config, "tcp.buffer") && stream->buffer < message)
        stream->buffer = message;
    if (!config_given(config, "tcp.send_queue") && stream->send_queue < message)
        stream->send_queue = message;
}

int config_complete(struct app_config *config, struct config_problems *problems)
{
    if (config->workers == 0)
        config->workers = automatic_workers();
    complete_numbers(config);
    complete_services(config);
    int status = complete_paths(config, problems);
    return status < 0 ? status : complete_tls(config);
}
