#include "app/config/whole_private.h"

bool config_both_good(const struct app_config *config, const char *a, const char *b)
{
    return !config_origin_of(config, a)->bad && !config_origin_of(config, b)->bad;
}

/* The complaint stands where the first key was given, else where the second was. */
static void complain_pair(const struct app_config *config, struct config_problems *problems,
                          const char *name, const char *other, const char *what)
{
    const struct config_origin *origin = config_origin_of(config, name);
    if (origin->file == NULL)
        origin = config_origin_of(config, other);
    config_problem(problems, origin, slice_from_string(name), "must be %s %s", what, other);
}

struct order {
    const char *less, *more; /* keys */
    uint64_t less_value, more_value;
};

static void check_orders(const struct app_config *c, struct config_problems *problems)
{
    const struct order orders[] = {
        {"registrar.expires_min", "registrar.expires_max", c->registrar.expires_min_s,
         c->registrar.expires_max_s},
        /* Defaults of these three that were not given follow the others: complete.c. */
        {"registrar.expires_min", "registrar.expires_default", c->registrar.expires_min_s,
         c->registrar.expires_default_s},
        {"registrar.expires_default", "registrar.expires_max", c->registrar.expires_default_s,
         c->registrar.expires_max_s},
        {"sip.t1", "sip.t2", c->endpoint.times.t1_ms, c->endpoint.times.t2_ms},
        {"sip.max_message", "tcp.buffer", c->endpoint.limits.message, c->endpoint.stream.buffer},
        {"sip.max_message", "tcp.send_queue", c->endpoint.limits.message,
         c->endpoint.stream.send_queue},
    };
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        const struct order *o = &orders[i];
        if (o->less_value <= o->more_value || !config_both_good(c, o->less, o->more))
            continue;
        if (config_origin_of(c, o->less)->file != NULL)
            complain_pair(c, problems, o->less, o->more, "at most");
        else
            complain_pair(c, problems, o->more, o->less, "at least");
    }
}

static void check_dns(const struct app_config *c, struct config_problems *problems)
{
    if (!config_both_good(c, "dns.dnssec", "dns.trust_anchor") || dns_check(&c->dns) == 0)
        return;
    const struct config_origin *origin = config_origin_of(c, "dns.trust_anchor");
    config_problem(problems, origin->file != NULL ? origin : config_origin_of(c, "dns.dnssec"),
                   SLICE("dns.trust_anchor"),
                   "\"%s\" is no file of DS or DNSKEY records, which dns.dnssec needs; write for "
                   "example /usr/share/dns/root.key (Debian: apt install dns-root-data)",
                   c->dns.trust_anchor);
}

/* One key for each certificate, or each key in its certificate's file. */
static void check_pairs(const struct app_config *c, struct config_problems *problems)
{
    unsigned certificates = c->tls_certificates.count, keys = c->tls_keys.count;
    if (keys != 0 && keys != certificates && config_both_good(c, "tls.key", "tls.certificate"))
        COMPLAIN(c, problems, "tls.key",
                 "has %u files for the %u of tls.certificate; write one for each, in the "
                 "same order",
                 keys, certificates);
}

/* One address of each family; names may have both. */
static void check_outside(const struct app_config *c, struct config_problems *problems)
{
    unsigned seen[2] = {0};
    for (unsigned i = 0; i < c->outside_addresses.count; i++) {
        struct address address;
        if (address_parse_host(c->outside_addresses.items[i], 0, &address) == 0 &&
            ++seen[address_is_v6(&address)] == 2)
            COMPLAIN(c, problems, "outside.address",
                     "has two addresses of one family; write one of IPv4 and one of IPv6");
    }
}

void config_check_whole(const struct app_config *config, struct config_problems *problems)
{
    check_orders(config, problems);
    config_check_listeners(config, problems);
    check_dns(config, problems);
    check_pairs(config, problems);
    config_check_stun(config, problems);
    config_check_turn(config, problems);
    check_outside(config, problems);
}
