/* The DNS records of each domain: do they lead here, which are missing, and the lines to add. */
#include <stdio.h>

#include "app/doctor/doctor.h"
#include "app/doctor/zone.h"
#include "app/outside/interfaces.h"
#include "base/error.h"

#define OURS_MAX  64
#define HOST_MAX  (DNS_NAME_MAX + 5)
#define NAMES_MAX 16 /* domains looked at: each takes some questions */

struct names {
    struct doctor *doctor;
    struct slice domain;
    struct address ours[OURS_MAX]; /* that DNS is to name */
    unsigned our_count;
    char host[HOST_MAX]; /* that SRV records are to name */
    bool host_is_there;  /* and leads here already */
    unsigned leads_here; /* SRV records, or addresses of the domain itself */
};

/* ---- What is ours ---- */

static void add_ours(struct names *names, const struct address *address)
{
    for (unsigned i = 0; i < names->our_count; i++) {
        if (address_equal_host(&names->ours[i], address))
            return;
    }
    if (names->our_count < OURS_MAX)
        names->ours[names->our_count++] = *address;
}

/* Addresses of listeners that others can reach, as they see them. Private ones count where there
 * is nothing else. */
static void collect_ours(struct names *names)
{
    const struct app_config *config = names->doctor->config;
    struct outside outside = {0};
    struct interface_address all[INTERFACES_MAX];
    unsigned count = interfaces_read(all, INTERFACES_MAX);
    memcpy(outside.hosts, names->doctor->outside.hosts, sizeof outside.hosts);
    for (int privates = 0; privates < 2 && names->our_count == 0; privates++) {
        for (unsigned i = 0; i < config->listen.count; i++) {
            const struct address *local = &config->listen.items[i].local;
            for (unsigned k = 0; k < count; k++) {
                struct address seen = outside_of(&outside, &all[k].address);
                bool fits = address_is_wildcard(local)
                                ? address_is_v6(local) == address_is_v6(&all[k].address)
                                : address_equal_host(local, &all[k].address);
                if (fits && (!address_is_private(&seen) || (privates && !all[k].loopback)))
                    add_ours(names, &seen);
            }
        }
    }
}

static bool is_ours(const struct names *names, const struct address *address)
{
    for (unsigned i = 0; i < names->our_count; i++) {
        if (address_equal_host(&names->ours[i], address))
            return true;
    }
    return interfaces_have(address); /* one of ours, if not the best */
}

static void write_ours(const struct names *names, char *buf, size_t size)
{
    struct writer w;
    writer_init(&w, buf, size - 1);
    for (unsigned i = 0; i < names->our_count; i++) {
        if (i > 0)
            writer_literal(&w, ", ");
        address_write_host(&w, &names->ours[i], false);
    }
    if (names->our_count == 0)
        writer_literal(&w, "none");
    *w.at = '\0';
}

/* The port of our first listener of that transport; 0: there is none. */
static uint16_t port_of(const struct app_config *config, unsigned transport)
{
    for (unsigned i = 0; i < config->listen.count; i++) {
        const struct endpoint_listener *listener = &config->listen.items[i];
        if (listener->transport == transport && !address_is_loopback(&listener->local) &&
            address_port(&listener->local) != 0)
            return address_port(&listener->local);
    }
    return 0;
}

static bool has_port(const struct app_config *config, uint8_t transport, uint16_t port)
{
    for (unsigned i = 0; i < config->listen.count; i++) {
        if (config->listen.items[i].transport == transport &&
            address_port(&config->listen.items[i].local) == port)
            return true;
    }
    return false;
}

/* ---- Addresses ---- */

struct led {
    unsigned here, elsewhere;
    char elsewhere_text[ADDRESS_TEXT_MAX]; /* the last of them */
};

/* Where the addresses of a host lead. */
static void follow(struct names *names, struct slice host, struct led *led)
{
    static const enum dns_type types[] = {DNS_A, DNS_AAAA};
    for (unsigned i = 0; i < 2; i++) {
        const struct dns_answer *answer;
        if (doctor_ask(names->doctor, host, types[i], &answer) < 0)
            continue;
        for (unsigned k = 0; answer->status == 0 && k < answer->count; k++) {
            const struct address *address = &answer->records[k].address;
            struct writer w;
            if (is_ours(names, address)) {
                led->here++;
                continue;
            }
            led->elsewhere++;
            writer_init(&w, led->elsewhere_text, sizeof led->elsewhere_text - 1);
            address_write_host(&w, address, false);
            *w.at = '\0';
        }
        dns_answer_unref(answer);
    }
}

static void advise_addresses(struct names *names, struct slice host)
{
    char line[ZONE_LINE_MAX];
    for (unsigned i = 0; i < names->our_count; i++)
        doctor_advise(names->doctor, "%s", zone_address_line(host, &names->ours[i], line));
}

/* ---- SRV ---- */

static void check_target(struct names *names, const struct zone_service *service,
                         const struct dns_srv *srv)
{
    struct doctor *doctor = names->doctor;
    struct led led = {0};
    char ours[256], line[ZONE_LINE_MAX];
    follow(names, srv->target, &led);
    write_ours(names, ours, sizeof ours);
    if (led.here > 0 && !has_port(doctor->config, service->transport, srv->port)) {
        doctor_say(doctor, DOCTOR_FAILED, "%s%.*s: SRV says port %u, where %s is not served",
                   service->label, SLICE_ARG(names->domain), srv->port,
                   transport_uri_name(service->transport).ptr);
        doctor_advise(doctor, "%s",
                      zone_srv_line(service, names->domain,
                                    port_of(doctor->config, service->transport), srv->target,
                                    line));
    } else if (led.here > 0) {
        names->leads_here++;
        doctor_say(doctor, DOCTOR_OK, "%s%.*s: SRV leads to %.*s port %u: this machine",
                   service->label, SLICE_ARG(names->domain), SLICE_ARG(srv->target), srv->port);
    } else if (led.elsewhere > 0) {
        doctor_say(doctor, DOCTOR_FAILED,
                   "%s%.*s: SRV leads to %.*s, %s, which is not this machine (%s)", service->label,
                   SLICE_ARG(names->domain), SLICE_ARG(srv->target), led.elsewhere_text, ours);
        advise_addresses(names, srv->target);
    } else {
        doctor_say(doctor, DOCTOR_FAILED, "%s%.*s: SRV leads to %.*s, which has no address",
                   service->label, SLICE_ARG(names->domain), SLICE_ARG(srv->target));
        advise_addresses(names, srv->target);
    }
    if (led.here > 0 && !names->host_is_there) {
        names->host_is_there = true;
        slice_to_string(srv->target, names->host, sizeof names->host);
    }
}

/* True: there is one, or DNS says that the service is not offered. */
static bool check_service(struct names *names, const struct zone_service *service)
{
    char name[HOST_MAX + 16];
    const struct dns_answer *answer;
    (void)snprintf(name, sizeof name, "%s%.*s", service->label, SLICE_ARG(names->domain));
    if (doctor_ask(names->doctor, slice_from_string(name), DNS_SRV, &answer) < 0)
        return false;
    bool there = answer->status == 0;
    for (unsigned i = 0; there && i < answer->count; i++) {
        const struct dns_srv *srv = &answer->records[i].srv;
        if (srv->target.len == 0) {
            doctor_say(names->doctor, DOCTOR_FAILED,
                       "%s: SRV says \".\": decidedly not offered, but it is served", name);
            doctor_advise(names->doctor, "take that record out of the zone");
        } else {
            check_target(names, service, srv);
        }
    }
    dns_answer_unref(answer);
    return there;
}

/* ---- The domain as a whole ---- */

static void advise_host(struct names *names)
{
    if (!names->host_is_there)
        advise_addresses(names, slice_from_string(names->host));
}

static void say_missing(struct names *names, const bool *missing)
{
    struct doctor *doctor = names->doctor;
    bool usual = true; /* without SRV the standard port is tried (RFC 3263 section 4.2) */
    unsigned count = 0;
    for (unsigned t = 0; t < TRANSPORT_COUNT; t++) {
        if (!missing[t])
            continue;
        count++;
        usual = usual && port_of(doctor->config, t) == transport_default_port((enum transport)t);
    }
    if (count == 0)
        return;
    if (names->leads_here == 0)
        doctor_say(doctor, DOCTOR_FAILED,
                   "%.*s: nothing in DNS leads here: others find this domain nowhere",
                   SLICE_ARG(names->domain));
    else
        doctor_say(doctor, usual ? DOCTOR_NOTE : DOCTOR_WARNING,
                   "%.*s: %u of our transports have no SRV record", SLICE_ARG(names->domain),
                   count);
    doctor_advise(doctor, "add to the zone:");
    for (unsigned t = 0; t < TRANSPORT_COUNT; t++) {
        char line[ZONE_LINE_MAX];
        if (missing[t])
            doctor_advise(doctor, "%s",
                          zone_srv_line(zone_service_of(t), names->domain,
                                        port_of(doctor->config, t), slice_from_string(names->host),
                                        line));
    }
    advise_host(names);
}

static void check_domain_address(struct names *names)
{
    struct led led = {0};
    follow(names, names->domain, &led);
    if (led.here > 0) {
        names->leads_here++;
        doctor_say(names->doctor, DOCTOR_OK, "%.*s: its address is this machine",
                   SLICE_ARG(names->domain));
        if (!names->host_is_there)
            slice_to_string(names->domain, names->host, sizeof names->host);
        names->host_is_there = true;
    } else if (led.elsewhere > 0) {
        /* A web site may be there; with SRV records that is nothing to SIP. */
        doctor_say(names->doctor, DOCTOR_NOTE,
                   "%.*s: its own address is %s, another machine: phones that know no SRV go there",
                   SLICE_ARG(names->domain), led.elsewhere_text);
    }
}

static void check_naptr(struct names *names)
{
    struct doctor *doctor = names->doctor;
    const struct dns_answer *answer;
    bool named[TRANSPORT_COUNT] = {false};
    char line[ZONE_LINE_MAX];
    unsigned order = 10;
    if (doctor_ask(doctor, names->domain, DNS_NAPTR, &answer) < 0)
        return;
    bool there = answer->status == 0;
    for (unsigned i = 0; there && i < answer->count; i++) {
        const struct zone_service *service =
            zone_service_of_naptr(answer->records[i].naptr.service);
        if (service == NULL)
            continue;
        named[service->transport] = true;
        if (port_of(doctor->config, service->transport) == 0) {
            doctor_say(doctor, DOCTOR_FAILED, "%.*s: NAPTR offers %s, which is not served here",
                       SLICE_ARG(names->domain), service->naptr);
            doctor_advise(doctor, "take it out of the zone, or listen on %s:ADDRESS:PORT",
                          transport_uri_name(service->transport).ptr);
        }
    }
    dns_answer_unref(answer);
    unsigned missing = 0;
    for (unsigned t = 0; t < TRANSPORT_COUNT; t++)
        missing += zone_service_of(t) != NULL && port_of(doctor->config, t) != 0 && !named[t];
    if (missing == 0) {
        doctor_say(doctor, DOCTOR_OK, "%.*s: NAPTR names every transport",
                   SLICE_ARG(names->domain));
        return;
    }
    doctor_say(doctor, there ? DOCTOR_WARNING : DOCTOR_NOTE,
               there ? "%.*s: NAPTR leaves out some of our transports: nobody will use them"
                     : "%.*s: no NAPTR records; others try what SRV records name",
               SLICE_ARG(names->domain));
    for (unsigned t = TRANSPORT_COUNT; t-- > 0;) {
        if (zone_service_of(t) == NULL || port_of(doctor->config, t) == 0 || named[t])
            continue;
        doctor_advise(doctor, "%s",
                      zone_naptr_line(zone_service_of(t), names->domain, order, line));
        order += 10;
    }
}

/* False: no DNS server says anything. */
static bool dns_answers(struct names *names)
{
    const struct dns_answer *answer;
    int status = doctor_ask(names->doctor, names->domain, DNS_SRV, &answer);
    if (status == 0) {
        status = answer->status;
        dns_answer_unref(answer);
    }
    if (status == 0 || status == ERR_NOT_FOUND || status == ERR_INVALID)
        return true;
    doctor_say(names->doctor, DOCTOR_FAILED, "%.*s: no DNS server answers",
               SLICE_ARG(names->domain));
    doctor_advise(names->doctor, "dig %.*s   # and: cat /etc/resolv.conf, or --set dns.servers=...",
                  SLICE_ARG(names->domain));
    return false;
}

static bool check_domain(struct doctor *doctor, struct slice domain)
{
    struct names names = {.doctor = doctor, .domain = domain};
    bool missing[TRANSPORT_COUNT] = {false};
    collect_ours(&names);
    (void)snprintf(names.host, sizeof names.host, "sip.%.*s", SLICE_ARG(domain));
    if (!dns_answers(&names))
        return false;
    for (unsigned t = 0; t < TRANSPORT_COUNT; t++) {
        const struct zone_service *service = zone_service_of(t);
        if (service != NULL && port_of(doctor->config, t) != 0)
            missing[t] = !check_service(&names, service);
    }
    check_domain_address(&names);
    say_missing(&names, missing);
    check_naptr(&names);
    return true;
}

void doctor_names(struct doctor *doctor)
{
    const struct config_strings *domains = &doctor->config->domains;
    struct address numeric;
    if (domains->count == 0)
        doctor_say(doctor, DOCTOR_NOTE,
                   "no domain is configured: users are called by an address of this machine");
    for (unsigned i = 0; i < domains->count && i < NAMES_MAX; i++) {
        if (address_parse_host(domains->items[i], 0, &numeric) == 0)
            continue;
        if (!check_domain(doctor, domains->items[i]))
            return;
    }
    if (domains->count > NAMES_MAX)
        doctor_say(doctor, DOCTOR_NOTE, "only the first %d of %u domains were looked at", NAMES_MAX,
                   domains->count);
}
