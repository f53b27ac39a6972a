/* The configuration: every key of the schema (schema.h) with its value, read from a YAML file and
 * from --set, whole or not at all. Read-only once made. */
#ifndef APP_CONFIG_CONFIG_H
#define APP_CONFIG_CONFIG_H

#include "app/config/problem.h"
#include "base/arena.h"
#include "loop/dns.h"
#include "service/keepalive/keepalive.h"
#include "service/proxy/proxy.h"
#include "service/registrar/registrar.h"
#include "service/stun/stun.h"
#include "service/turn/credential.h"
#include "service/turn/quota.h"
#include "service/turn/turn.h"
#include "stack/outside.h"

#define CONFIG_KEYS_MAX     160 /* room for the schema's keys */
#define CONFIG_FILE_MAX     (1024 * 1024)
#define CONFIG_SETS_MAX     256 /* --set options of one command line */
#define OUTSIDE_SERVERS_MAX 4

enum { CONFIG_DURABLE_COMMIT, CONFIG_DURABLE_ASYNC };
enum { CONFIG_LOG_HUMAN, CONFIG_LOG_JSON };
enum { CONFIG_ALGORITHM_SHA256 = 1, CONFIG_ALGORITHM_MD5 = 2 };

struct config_strings {
    unsigned count;
    struct slice *items; /* in the configuration's arena */
};

struct config_listeners {
    unsigned count;
    struct endpoint_listener items[ENDPOINT_LISTENERS_MAX];
};

struct config_routes {
    unsigned count;
    struct proxy_route items[PROXY_ROUTES_MAX];
};

struct config_address {
    bool given;
    struct address address;
};

/* Strings end with NUL and lie in the arena. */
struct app_config {
    struct arena arena;
    _Atomic unsigned shared;                       /* config_ref: owners besides the first */
    struct config_origin origins[CONFIG_KEYS_MAX]; /* by index in the schema */

    struct config_listeners listen;
    struct config_strings domains;
    uint32_t workers;
    uint32_t drain_ms;
    const char *data_dir;
    const char *store_path;
    const char *realm;
    uint32_t algorithms; /* CONFIG_ALGORITHM_... */
    struct config_strings md5_only;
    uint32_t durability; /* CONFIG_DURABLE_... */
    uint32_t max_contacts;
    uint64_t max_bindings;
    struct config_routes routes;
    struct config_strings dns_servers;
    struct config_strings outside_addresses;
    struct config_strings outside_stun;
    struct config_strings outside_local;
    uint32_t outside_interval_s;
    const char *ws_path;
    struct config_strings ws_origins;
    struct config_address metrics_listen;
    struct config_listeners stun_listen;
    struct config_address stun_alternate;
    struct config_address stun_partner;
    struct config_address stun_partner_listen;
    struct config_strings stun_partner_secret; /* one */
    struct config_strings turn_relays;
    const char *turn_range;
    struct config_strings turn_allow_peers;
    struct config_strings turn_deny_peers;
    struct config_strings turn_unrefused;
    struct config_address turn_alternate;
    const char *turn_realm;
    const char *turn_server_name;
    uint32_t turn_algorithms; /* CONFIG_ALGORITHM_... */
    struct config_strings turn_users;
    struct config_strings turn_secrets;
    struct config_strings turn_token_keys;
    const char *control_path;
    struct config_strings tls_certificates;
    struct config_strings tls_keys;
    struct tls_config tls; /* its pairs are filled in when a listener needs them */
    bool tls_own;          /* the pair is one that we make ourselves */
    uint32_t log_level;    /* enum log_level */
    struct config_strings log_levels;
    uint32_t log_format; /* CONFIG_LOG_... */

    /* What the services are given. The schema writes into these directly; config_read fills in what
     * it derives from the fields above. */
    struct endpoint_config endpoint;
    struct dns_config dns;
    struct authenticator_config authenticator;
    struct registrar_config registrar;
    struct proxy_config proxy;
    struct stun_server_config stun;
    struct turn_credential_config turn_credential;
    struct turn_quota_config turn_quota;
    struct turn_config turn;
    struct keepalive_config keepalive;
};

struct config_source {
    const char *file;  /* "-" is standard input; NULL: no file, all defaults */
    char *const *sets; /* "KEY=VALUE", each over the file; borrowed */
    unsigned set_count;
    bool lenient; /* a value that is wrong does not count and the rest does: for commands that only
                     look for the server. A file that cannot be read is still refused. */
};

/* Reads, checks and completes a configuration (the automatic values are filled in). Errors:
 * ERR_INVALID (problems hold why), ERR_NO_MEMORY. */
int config_read(const struct config_source *source, struct config_problems *problems,
                struct app_config **ret_config);
/* The defaults as they are written in the schema, nothing filled in. ERR_NO_MEMORY. */
int config_defaults(struct app_config **ret_config);
/* The last owner frees it. NULL is accepted. Any thread. */
void config_free(struct app_config *config);
/* One owner more; returns its argument. Any thread. */
struct app_config *config_ref(struct app_config *config);

/* Where the value of a key of the schema comes from. */
const struct config_origin *config_origin_of(const struct app_config *config, const char *name);
/* Was the key given, or is it the default? */
bool config_given(const struct app_config *config, const char *name);

/* Names (", "-separated) of keys that differ and that a running server cannot change; empty when
 * there are none. Returns how many. */
unsigned config_fixed_changes(const struct app_config *from, const struct app_config *to,
                              struct writer *names);

/* Everything as YAML with each key's documentation as comment. ERR_LIMIT. */
int config_print(const struct app_config *config, struct writer *w);
/* The reference of all keys as Markdown (docs/config.md). ERR_LIMIT. */
int config_markdown(struct writer *w);
#define CONFIG_PRINT_MAX (1024 * 1024) /* enough for either */

#endif
