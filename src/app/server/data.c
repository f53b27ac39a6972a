#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/server/process.h"
#include "app/server/server_private.h"
#include "base/clock.h"
#include "base/error.h"
#include "service/account/account.h"
#include "service/location/journal.h"
#include "sip/auth/replay.h"

#define REPLAY_NONCES   (1024 * 1024)
#define RESTORE_THREADS 4

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

int server_open_data(struct server *server, const struct app_config *config)
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

void server_close_data(struct server *server)
{
    /* The accounts use the store. */
    accounts_free(server->accounts);
    location_free(server->location);
    if (server->store != NULL && server->new_store && !server->served)
        forget_store(server->store_path);
    store_close(server->store);
    sip_replay_free(server->replay);
    health_free(server->health);
    turn_quota_free(server->turn_quota);
}
