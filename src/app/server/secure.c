#include "app/server/secure.h"

#include <stdio.h>
#include <unistd.h>

#include "app/config/check.h"
#include "app/config/schema.h"
#include "app/outside/interfaces.h"
#include "base/error.h"
#include "base/memory.h"

#define NAMES_MAX 64 /* of a certificate that we make */

/* ---- Complaints ---- */

static const char *key_of(enum tls_part part)
{
    switch (part) {
    case TLS_PART_KEY: return "tls.key";
    case TLS_PART_TRUST: return "tls.trust";
    default: return "tls.certificate";
    }
}

/* Where a file is not named, what names its companion is shown. */
static const struct config_origin *origin_of(const struct app_config *config, const char *key)
{
    const struct config_origin *origin = config_origin_of(config, key);
    return origin->file != NULL ? origin : config_origin_of(config, "tls.certificate");
}

static int complain(const struct app_config *config, const struct tls_fault *fault, int status,
                    struct config_problems *problems)
{
    const char *key = key_of(fault->part);
    if (status == ERR_INVALID)
        config_problem(problems, origin_of(config, key), slice_from_string(key), "%s", fault->text);
    return status;
}

/* ---- Our own certificate ---- */

struct names {
    struct slice items[NAMES_MAX];
    unsigned count;
    char texts[NAMES_MAX][ADDRESS_TEXT_MAX];
};

static void add_name(struct names *names, struct slice name)
{
    for (unsigned i = 0; i < names->count; i++) {
        if (slice_equal_nocase(names->items[i], name))
            return;
    }
    if (names->count < NAMES_MAX && name.len > 0)
        names->items[names->count++] = name;
}

static void add_address(struct names *names, const struct address *address)
{
    struct writer w;
    if (names->count == NAMES_MAX ||
        (address_is_v6(address) && IN6_IS_ADDR_LINKLOCAL(&address->in6.sin6_addr)))
        return;
    writer_init(&w, names->texts[names->count], ADDRESS_TEXT_MAX);
    address_write_host(&w, address, true);
    add_name(names, writer_slice(&w));
}

/* What phones may call this server: its domains, the machine's name, its addresses, also those
 * outside and their names. */
static void collect_names(const struct app_config *config, const struct outside_host *hosts,
                          char *host, size_t size, struct names *names)
{
    struct interface_address interfaces[INTERFACES_MAX];
    struct writer w;
    char scratch[160];
    for (unsigned i = 0; i < config->domains.count; i++)
        add_name(names, config->domains.items[i]);
    writer_init(&w, scratch, sizeof scratch);
    if (gethostname(host, size) == 0 && config_check_domain(slice_from_string(host), &w) == 0)
        add_name(names, slice_from_string(host));
    add_name(names, SLICE("localhost"));
    for (unsigned i = 0; i < OUTSIDE_FAMILIES; i++) {
        if (hosts[i].source != OUTSIDE_INTERFACES)
            add_address(names, &hosts[i].address);
    }
    for (unsigned i = 0; i < config->outside_addresses.count; i++)
        add_name(names, config->outside_addresses.items[i]);
    unsigned count = interfaces_read(interfaces, INTERFACES_MAX);
    for (unsigned i = 0; i < count; i++)
        add_address(names, &interfaces[i].address);
}

static int make_own(const struct app_config *config, const struct outside_host *hosts,
                    struct tls_fault *fault)
{
    char host[256] = "";
    struct names *names = memory_zalloc(1, sizeof *names);
    if (names == NULL)
        return ERR_NO_MEMORY;
    collect_names(config, hosts, host, sizeof host - 1, names);
    struct tls_make make = {.certificate = config->tls.pairs[0].certificate,
                            .key = config->tls.pairs[0].key,
                            .names = names->items,
                            .name_count = names->count};
    int status = tls_make(&make, fault);
    memory_free(names);
    return status;
}

static bool own_is_missing(const struct app_config *config)
{
    return config->tls_own && access(config->tls.pairs[0].certificate, F_OK) < 0 &&
           access(config->tls.pairs[0].key, F_OK) < 0;
}

/* ---- All ---- */

void secure_note(const struct app_config *config, struct tls *tls, char note[SECURE_NOTE_MAX])
{
    note[0] = '\0';
    for (unsigned i = 0; tls != NULL && i < config->domains.count; i++) {
        struct slice domain = config->domains.items[i];
        if (tls_has_certificate(tls, domain))
            continue;
        int length =
            snprintf(note, SECURE_NOTE_MAX,
                     "no certificate names the domain %.*s: who calls it by TLS and checks "
                     "goes away; ",
                     SLICE_ARG(domain));
        if (length > 0 && length < SECURE_NOTE_MAX && config->tls_own)
            (void)snprintf(note + length, SECURE_NOTE_MAX - (size_t)length,
                           "remove %s and %s and restart: a new one is made",
                           config->tls.pairs[0].certificate, config->tls.pairs[0].key);
        else if (length > 0 && length < SECURE_NOTE_MAX)
            (void)snprintf(note + length, SECURE_NOTE_MAX - (size_t)length,
                           "tls.certificate needs one with it in subjectAltName");
        return;
    }
}

int secure_check(const struct app_config *config, struct config_problems *problems,
                 char note[SECURE_NOTE_MAX])
{
    struct tls_fault fault = {.part = TLS_PART_NONE};
    struct tls_config files = config->tls;
    struct tls *tls = NULL;
    if (own_is_missing(config))
        files.pair_count = 0;
    int status = tls_new(&files, &fault, &tls);
    secure_note(config, files.pair_count > 0 && status == 0 ? tls : NULL, note);
    tls_free(tls);
    return complain(config, &fault, status, problems);
}

static int open_files(const struct app_config *config, const struct outside_host *hosts,
                      struct tls_fault *fault, struct tls **ret_tls, bool *ret_made)
{
    bool make = own_is_missing(config);
    int status = make ? make_own(config, hosts, fault) : 0;
    if (status == 0)
        status = tls_new(&config->tls, fault, ret_tls);
    *ret_made = make && status == 0;
    return status;
}

int secure_open(const struct app_config *config, const struct outside_host *hosts, struct log *log,
                struct tls **ret_tls, bool *ret_made)
{
    struct tls_fault fault = {.part = TLS_PART_NONE};
    *ret_tls = NULL;
    *ret_made = false;
    if (config->tls.pair_count == 0)
        return 0;
    int status = open_files(config, hosts, &fault, ret_tls, ret_made);
    if (status == ERR_INVALID) {
        const char *key = key_of(fault.part);
        const struct config_origin *origin = origin_of(config, key);
        if (origin->file == NULL)
            log_error(log, LOG_CONFIG, "%s: %s", key, fault.text);
        else if (origin->line == 0)
            log_error(log, LOG_CONFIG, "%s: %s: %s", origin->file, key, fault.text);
        else
            log_error(log, LOG_CONFIG, "%s:%u: %s: %s", origin->file, origin->line, key,
                      fault.text);
    }
    return status;
}

static bool proves_addresses(const struct app_config *config, struct tls *tls)
{
    char text[ADDRESS_TEXT_MAX];
    struct writer w;
    bool proves = config->tls_own; /* made for all that the machine has */
    for (unsigned i = 0; i < config->listen.count && !proves; i++) {
        const struct endpoint_listener *listener = &config->listen.items[i];
        writer_init(&w, text, sizeof text);
        address_write_host(&w, &listener->local, true);
        proves = transport_secure((enum transport)listener->transport) &&
                 tls_has_certificate(tls, writer_slice(&w));
    }
    return proves;
}

struct slice secure_domain(const struct app_config *config, struct tls *tls)
{
    if (tls == NULL || proves_addresses(config, tls))
        return SLICE_NULL;
    for (unsigned i = 0; i < config->domains.count; i++) {
        if (tls_has_certificate(tls, config->domains.items[i]))
            return config->domains.items[i];
    }
    return SLICE_NULL;
}

int secure_reload(const struct app_config *config, struct tls *tls,
                  struct config_problems *problems)
{
    struct tls_fault fault = {.part = TLS_PART_NONE};
    return complain(config, &fault, tls_reload(tls, &config->tls, &fault), problems);
}
