#include "app/server/server.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/server/listen.h"
#include "app/server/process.h"
#include "app/server/secure.h"
#include "app/server/server_private.h"
#include "app/server/turn.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "service/account/account.h"
#include "service/location/journal.h"
#include "sip/auth/replay.h"

#define REPLAY_NONCES   (1024 * 1024)
#define RESTORE_THREADS 4
#define LINGER_MS       1000 /* of location.durability async */
#define RELOAD_WAIT_US  1000000
#define RELOAD_CHECK_US 500

/* Places in the mesh after the workers. */
enum { SENDER_STORE, SENDER_CONTROL, SENDERS };

struct retired {
    struct settings *settings;
    struct retired *next;
};

/* ---- Store, accounts, location ---- */

static int open_directory(struct server *server, const struct app_config *config)
{
    char reason[128];
    int status = process_make_directory(config->data_dir);
    if (status == 0)
        return 0;
    log_error(server->log, LOG_APP,
              "the data directory %s cannot be made: %s; choose another: --set data_dir=DIRECTORY",
              config->data_dir, strerror_r(-status, reason, sizeof reason));
    return ERR_DENIED;
}

/* An empty file is what a start on a full disk leaves. */
static bool is_nothing(const char *path)
{
    struct stat info;
    return stat(path, &info) < 0 ? errno == ENOENT : S_ISREG(info.st_mode) && info.st_size == 0;
}

/* A first start that failed: the next one shall be a first start again. */
static void forget_store(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[4096];
    if (strcmp(path, ":memory:") == 0)
        return;
    for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++) {
        int length = snprintf(name, sizeof name, "%s%s", path, ends[i]);
        if (length > 0 && (size_t)length < sizeof name)
            (void)unlink(name);
    }
}

static int open_store(struct server *server, const struct app_config *config)
{
    const char *path = config->store_path;
    struct store_options options = {.path = path, .log = server->log};
    server->new_store = strcmp(path, ":memory:") == 0 || is_nothing(path);
    (void)slice_to_string(slice_from_string(path), server->store_path, sizeof server->store_path);
    int status = store_open(&options, &server->store);
    if (status == ERR_BUSY)
        log_error(
            server->log, LOG_STORE,
            "%s is in use: another server runs with it. End that one, or give this one a place "
            "of its own: --set data_dir=DIR --set control.path=DIR/control.sock",
            path);
    else if (status == ERR_DENIED)
        log_error(server->log, LOG_STORE,
                  "this user may not write %s: change its owner and mode (and those of its "
                  "directory), or choose another place: --set data_dir=DIR",
                  path);
    else if (status == ERR_INVALID)
        log_error(server->log, LOG_STORE,
                  "put a copy of %s back, or move it away: the next start is a first start then",
                  path);
    else if (status == ERR_IO)
        log_error(server->log, LOG_STORE,
                  "%s cannot be used; its directory must exist, on a disk with room. Another "
                  "place: --set data_dir=DIR",
                  path);
    return status;
}

/* Whoever got one name and password from an application can try secrets at home. */
static void warn_of_secrets(struct log *log, const struct turn_credential_config *config)
{
    enum { SECRET_MIN = 8 };
    for (unsigned i = 0; i < config->secret_count; i++) {
        if (config->secrets[i].len < SECRET_MIN)
            log_warn(log, LOG_AUTH,
                     "turn.secret has less than %d characters, which is soon guessed; make one "
                     "with: openssl rand -hex 32",
                     SECRET_MIN);
    }
}

static int open_accounts(struct server *server, const struct app_config *config)
{
    int status = accounts_new(server->store, slice_from_string(config->realm), &server->accounts);
    if (status < 0) {
        log_error(server->log, LOG_STORE, "the accounts cannot be read: %s", error_text(status));
        return status;
    }
    size_t lost = accounts_count_of_other_realms(server->accounts);
    if (lost > 0)
        log_warn(server->log, LOG_AUTH,
                 "%zu accounts have passwords for another auth.realm than %s: they cannot log in "
                 "until they get new ones (trapezoid user password NAME)",
                 lost, config->realm);
    if (strcmp(config->turn_credential.realm, config->realm) != 0)
        log_warn(server->log, LOG_AUTH,
                 "turn.realm is %s, not auth.realm %s: SIP accounts cannot log in to TURN",
                 config->turn_credential.realm, config->realm);
    if (config->turn.enabled)
        warn_of_secrets(server->log, &config->turn_credential);
    return 0;
}

static int open_secrets(struct server *server)
{
    struct worker_shared *shared = &server->shared;
    int status = store_secret(server->store, "nonce", shared->nonce_key, sizeof shared->nonce_key);
    if (status == 0)
        status = store_secret(server->store, "token", &shared->token_key, sizeof shared->token_key);
    if (status == 0)
        status = store_secret(server->store, "gruu", shared->gruu_key, sizeof shared->gruu_key);
    if (status == 0)
        status =
            store_secret(server->store, "turn", &shared->turn_secret, sizeof shared->turn_secret);
    if (status == 0)
        status = random_secret(&shared->run, sizeof shared->run);
    if (status == 0)
        status = sip_replay_new(REPLAY_NONCES, clock_wall_ms(), &server->replay);
    return status;
}

static int restore(struct server *server)
{
    uint64_t left_out = 0;
    uint64_t began_us = clock_monotonic_us();
    int64_t loaded = location_restore(server->location, server->store, (int64_t)clock_wall_ms(),
                                      RESTORE_THREADS, &left_out);
    if (loaded < 0) {
        log_error(server->log, LOG_LOCATION, "the registrations cannot be read: %s",
                  error_text((int)loaded));
        return (int)loaded;
    }
    if (left_out > 0)
        log_warn(server->log, LOG_LOCATION,
                 "%llu registrations are over location.max_contacts or location.max_bindings and "
                 "were left out",
                 (unsigned long long)left_out);
    if (loaded > 0)
        log_info(server->log, LOG_LOCATION, "%lld registrations read in %llu ms", (long long)loaded,
                 (unsigned long long)(clock_monotonic_us() - began_us) / 1000);
    return 0;
}

static int open_location(struct server *server, const struct app_config *config)
{
    struct location_config location = {.bindings_limit = config->max_bindings,
                                       .contacts_per_aor = config->max_contacts,
                                       .flow_timer_s = config->registrar.flow_timer_s,
                                       .pace = config->keepalive.pace,
                                       .journal = location_journal_of(server->store)};
    int status = random_secret(&location.key, sizeof location.key);
    if (status == 0)
        status = location_new(&location, &server->location);
    return status == 0 ? restore(server) : status;
}

static int open_health(struct server *server)
{
    struct hash_key key;
    int status = random_secret(&key, sizeof key);
    return status == 0 ? health_new(&key, &server->health) : status;
}

static int open_data(struct server *server, const struct app_config *config)
{
    int status = open_directory(server, config);
    if (status == 0)
        status = open_store(server, config);
    if (status == 0)
        status = open_accounts(server, config);
    if (status == 0)
        status = open_secrets(server);
    if (status == 0)
        status = open_location(server, config);
    if (status == 0)
        status = open_health(server);
    if (status == 0)
        status = turn_quota_new(&config->turn_quota, &server->turn_quota);
    return status;
}

/* ---- Workers ---- */

static int open_mesh(struct server *server, const struct app_config *config)
{
    int status = mesh_new(config->workers, SENDERS, 0, &server->mesh);
    if (status < 0)
        return status;
    status = commits_init(&server->commits, server->mesh, config->workers + SENDER_STORE);
    if (status < 0)
        return status;
    struct worker_shared *shared = &server->shared;
    shared->mesh = server->mesh;
    shared->commits = &server->commits;
    shared->count = config->workers;
    shared->sender = config->workers + SENDER_CONTROL;
    shared->location = server->location;
    shared->accounts = server->accounts;
    shared->replay = server->replay;
    shared->health = server->health;
    shared->turn_quota = server->turn_quota;
    shared->turn_ports = server->turn_ports;
    return 0;
}

/* The first worker finds out what port 0 stands for, the others take the same. */
static int open_workers(struct server *server, struct app_config *config)
{
    for (unsigned i = 0; i < config->workers; i++) {
        unsigned failed = 0;
        int status =
            worker_new(&server->shared, i, &config->endpoint, &failed, &server->workers[i]);
        if (status < 0) {
            char text[ADDRESS_TEXT_MAX];
            const struct endpoint_listener *listener = &config->endpoint.listeners[failed];
            log_error(server->log, LOG_APP, "worker %u cannot listen on %s:%s: %s", i,
                      transport_uri_name((enum transport)listener->transport).ptr,
                      address_text(&listener->local, text), error_text(status));
            return status;
        }
        server->worker_count++;
        for (unsigned k = 0; i == 0 && k < config->listen.count; k++)
            config->endpoint.listeners[k].local = worker_listener_address(server->workers[0], k);
    }
    return 0;
}

/* As open_workers does. */
static int open_stun(struct server *server, struct app_config *config)
{
    for (unsigned i = 0; i < server->worker_count; i++) {
        struct address failed = {0};
        int status = worker_open_stun(server->workers[i], &config->stun, &failed);
        if (status < 0) {
            char text[ADDRESS_TEXT_MAX];
            log_error(server->log, LOG_APP, "stun: worker %u cannot listen on %s: %s", i,
                      address_text(&failed, text), error_text(status));
            return status;
        }
        for (unsigned k = 0; i == 0 && k < config->stun.listener_count; k++)
            config->stun.listeners[k].local = worker_stun_address(server->workers[0], k);
    }
    return 0;
}

static int make_settings(struct server *server, struct app_config *config,
                         const struct outside_found *found, struct settings **ret_settings)
{
    struct address bound[ENDPOINT_LISTENERS_MAX];
    for (unsigned i = 0; i < config->listen.count; i++)
        bound[i] = worker_listener_address(server->workers[0], i);
    return settings_new(config, bound, found->hosts, server->log, ret_settings);
}

static int equip_workers(struct server *server)
{
    int status = 0;
    for (unsigned i = 0; status == 0 && i < server->worker_count; i++)
        status = worker_equip(server->workers[i], server->settings);
    return status;
}

/* config stays the caller's when this fails. */
static void warn_of_names(const struct server *server, const struct app_config *config)
{
    char note[SECURE_NOTE_MAX];
    secure_note(config, server->tls, note);
    if (note[0] != '\0')
        log_warn(server->log, LOG_CONFIG, "%s", note);
}

static int open_all(struct server *server, struct app_config *config)
{
    listen_prepare(config, server->log);
    int status = listen_check(config, server->log);
    if (status == 0)
        status = open_data(server, config);
    if (status == 0)
        status = turn_open(server, config);
    if (status == 0) {
        server_outside_find(server, config);
        status = secure_open(config, server->outside.found.hosts, server->log, &server->tls,
                             &server->new_certificate);
    }
    config->endpoint.tls = server->tls;
    config->stun.tls = server->tls;
    config->endpoint.tls_domain = secure_domain(config, server->tls);
    if (status == 0)
        warn_of_names(server, config);
    if (status == 0)
        status = open_mesh(server, config);
    if (status == 0)
        status = open_workers(server, config);
    if (status == 0)
        status = open_stun(server, config);
    return status;
}

int server_new(const struct server_options *options, struct app_config *config,
               struct server **ret_server)
{
    struct server *server = memory_zalloc(1, sizeof *server);
    if (server == NULL) {
        config_free(config);
        return ERR_NO_MEMORY;
    }
    server->log = options->log;
    server->source = options->source;
    server->started_us = clock_monotonic_us();
    server->started_ms = (int64_t)clock_wall_ms();
    server->shared.log = options->log;
    server->shared.on_end = options->on_worker_end;
    server->shared.user = options->user;
    server->outside.on_found = options->on_outside;
    server->outside.user = options->user;
    int status = open_all(server, config);
    if (status < 0) {
        server_free(server);
        config_free(config);
        return status;
    }
    status = make_settings(server, config, &server->outside.found, &server->settings);
    if (status == 0)
        status = equip_workers(server);
    if (status < 0) {
        log_error(server->log, LOG_APP, "the services cannot be made: %s", error_text(status));
        server_free(server);
        return status;
    }
    *ret_server = server;
    return 0;
}

int server_start(struct server *server)
{
    const struct app_config *config = server->settings->config;
    struct store_writer_options writer = {
        .linger_ms = config->durability == CONFIG_DURABLE_ASYNC ? LINGER_MS : 0,
        .on_commit = commits_announce,
        .user = &server->commits,
    };
    int status = store_writer_start(server->store, &writer);
    for (unsigned i = 0; status == 0 && i < server->worker_count; i++)
        status = worker_start(server->workers[i]);
    if (status == 0)
        status = server_outside_watch(server);
    if (status < 0)
        log_error(server->log, LOG_APP, "the threads cannot be started: %s", error_text(status));
    server->served = status == 0;
    server_addresses_note(server);
    return status;
}

void server_free(struct server *server)
{
    if (server == NULL)
        return;
    outside_watch_free(server->outside.watch);
    server_stop(server);
    for (unsigned i = 0; i < server->worker_count; i++)
        worker_free(server->workers[i]);
    /* The writer announces its last commits, and the accounts use the store. */
    tls_free(server->tls);
    accounts_free(server->accounts);
    location_free(server->location);
    if (server->store != NULL && server->new_store && !server->served)
        forget_store(server->store_path);
    store_close(server->store);
    commits_done(&server->commits);
    mesh_free(server->mesh);
    sip_replay_free(server->replay);
    health_free(server->health);
    turn_ports_free(server->turn_ports);
    turn_quota_free(server->turn_quota);
    settings_free(server->settings);
    while (server->retired != NULL) {
        struct retired *retired = server->retired;
        server->retired = retired->next;
        settings_free(retired->settings);
        memory_free(retired);
    }
    memory_free(server);
}

/* ---- Reload ---- */

static bool is_used(const struct server *server, const struct settings *settings)
{
    for (unsigned i = 0; i < server->worker_count; i++) {
        if (worker_settings(server->workers[i]) == settings)
            return true;
    }
    return false;
}

/* Frees what no worker uses any more. Returns whether nothing is left. */
static bool clear_retired(struct server *server)
{
    struct retired **at = &server->retired;
    while (*at != NULL) {
        struct retired *retired = *at;
        if (is_used(server, retired->settings)) {
            at = &retired->next;
            continue;
        }
        *at = retired->next;
        settings_free(retired->settings);
        memory_free(retired);
    }
    return server->retired == NULL;
}

static bool same_strings(const struct config_strings *a, const struct config_strings *b)
{
    bool same = a->count == b->count;
    for (unsigned i = 0; same && i < a->count; i++)
        same = slice_equal(a->items[i], b->items[i]);
    return same;
}

void server_set_log(struct log *log, const struct app_config *config)
{
    log_set(log, log_level_name((enum log_level)config->log_level));
    for (unsigned i = 0; i < config->log_levels.count; i++)
        log_set(log, config->log_levels.items[i].ptr); /* ends with NUL: it lies in the arena */
}

/* Levels that `trapezoid log` has set stay when the configuration's are as before. */
static void reload_log(struct server *server, const struct app_config *from,
                       const struct app_config *to)
{
    log_set_json(server->log, to->log_format == CONFIG_LOG_JSON);
    if (from->log_level != to->log_level || !same_strings(&from->log_levels, &to->log_levels))
        server_set_log(server->log, to);
}

int server_hand_over(struct server *server, struct settings *settings)
{
    struct retired *retired = memory_zalloc(1, sizeof *retired);
    if (retired == NULL)
        return ERR_NO_MEMORY;
    for (unsigned i = 0; i < server->worker_count; i++) {
        int status = worker_reload(server->workers[i], settings);
        if (status < 0 && i == 0) {
            memory_free(retired);
            return status;
        }
        /* The ring of the controlling thread holds thousands of such mails. */
        if (status < 0)
            log_error(server->log, LOG_APP, "worker %u does not take the configuration", i);
    }
    *retired = (struct retired){.settings = server->settings, .next = server->retired};
    server->retired = retired;
    server->settings = settings;
    turn_quota_reload(server->turn_quota, &settings->config->turn_quota);
    return 0;
}

static void wait_for_workers(struct server *server)
{
    uint64_t until = clock_monotonic_us() + RELOAD_WAIT_US;
    while (!clear_retired(server) && clock_monotonic_us() < until)
        (void)usleep(RELOAD_CHECK_US);
}

static int refuse_fixed(const struct server *server, const struct app_config *config,
                        struct config_problems *complaints)
{
    char text[512];
    struct writer names;
    writer_init(&names, text, sizeof text);
    if (config_fixed_changes(server->settings->config, config, &names) == 0)
        return 0;
    config_problem(complaints, &(struct config_origin){.file = server->source->file},
                   writer_slice(&names), "cannot be changed while the server runs; restart it");
    return ERR_DENIED;
}

int server_reload(struct server *server, struct config_problems *complaints)
{
    struct app_config *config;
    int status = config_read(server->source, complaints, &config);
    if (status < 0)
        return status;
    listen_prepare(config, server->log);
    config->endpoint.tls = server->tls;
    config->stun.tls = server->tls;
    status = refuse_fixed(server, config, complaints);
    if (status == 0 && server->tls != NULL)
        status = secure_reload(config, server->tls, complaints);
    config->endpoint.tls_domain = secure_domain(config, server->tls);
    if (status < 0) {
        config_free(config);
        return status;
    }
    struct settings *settings;
    struct outside_found found;
    server_outside_foresee(server, config, &found);
    status = make_settings(server, config, &found, &settings);
    if (status < 0)
        return status;
    const struct app_config *before = server->settings->config;
    status = server_hand_over(server, settings);
    if (status < 0) {
        settings_free(settings);
        return status;
    }
    location_reload(server->location, config->max_bindings, config->max_contacts);
    reload_log(server, before, config);
    warn_of_names(server, config);
    server_outside_reloaded(server, &found);
    wait_for_workers(server);
    return 0;
}

/* ---- The end ---- */

void server_drain(struct server *server)
{
    atomic_store(&server->draining, true);
    for (unsigned i = 0; i < server->worker_count; i++) {
        if (worker_drain(server->workers[i]) < 0)
            log_error(server->log, LOG_APP, "worker %u cannot be told to drain", i);
    }
}

bool server_drained(const struct server *server)
{
    bool drained = true;
    for (unsigned i = 0; i < server->worker_count; i++)
        drained = drained && worker_drained(server->workers[i]);
    return drained;
}

void server_stop(struct server *server)
{
    for (unsigned i = 0; i < server->worker_count; i++)
        worker_stop(server->workers[i]);
}

/* ---- What others ask ---- */

struct address server_listener_address(const struct server *server, unsigned listener)
{
    return worker_listener_address(server->workers[0], listener);
}

int64_t server_metric(const struct server *server, enum worker_metrics table, unsigned which)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < server->worker_count; i++)
        sum += metric_get(&worker_metric_set(server->workers[i], table)[which]);
    return sum;
}
