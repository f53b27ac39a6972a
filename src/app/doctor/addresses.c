/* The outside address: is there one, does it fit what the interfaces have, does the running server
 * tell the same? */
#include <stdio.h>

#include "app/doctor/doctor.h"
#include "app/outside/interfaces.h"

static const char *const family_names[OUTSIDE_FAMILIES] = {"IPv4", "IPv6"};

static const char *host_text(const struct address *address, char buf[ADDRESS_TEXT_MAX])
{
    struct writer w;
    writer_init(&w, buf, ADDRESS_TEXT_MAX - 1);
    address_write_host(&w, address, false);
    *w.at = '\0';
    return buf;
}

/* Is there a listener of that family that others can reach? */
static bool listens(const struct app_config *config, enum outside_family family)
{
    bool found = false;
    for (unsigned i = 0; i < config->listen.count; i++) {
        const struct address *local = &config->listen.items[i].local;
        found = found ||
                (address_is_v6(local) == (family == OUTSIDE_V6) && !address_is_loopback(local));
    }
    return found;
}

/* The first address of the machine of that family; public ones before others. */
static bool find_address(enum outside_family family, struct address *ret)
{
    struct interface_address all[INTERFACES_MAX];
    unsigned count = interfaces_read(all, INTERFACES_MAX);
    bool found = false;
    for (unsigned i = 0; i < count; i++) {
        bool is_private = address_is_private(&all[i].address);
        if (all[i].loopback || address_is_v6(&all[i].address) != (family == OUTSIDE_V6) ||
            (found && is_private))
            continue;
        *ret = all[i].address;
        found = true;
        if (!is_private)
            return true;
    }
    return found;
}

/* Does the running server tell what was found just now? */
static void check_server(struct doctor *doctor, enum outside_family family)
{
    const struct outside_host *host = &doctor->outside.hosts[family];
    const json_t *told = json_object_get(doctor->status, "outside");
    char text[ADDRESS_TEXT_MAX];
    size_t i;
    json_t *one;
    const char *server_says = "none";
    json_array_foreach(told, i, one)
    {
        const char *address = json_string_value(json_object_get(one, "address"));
        if (address != NULL && (strchr(address, ':') != NULL) == (family == OUTSIDE_V6))
            server_says = address;
    }
    const char *now = host->source == OUTSIDE_INTERFACES ? "none" : host_text(&host->address, text);
    if (doctor->status == NULL || told == NULL || strcmp(server_says, now) == 0)
        return;
    doctor_say(doctor, DOCTOR_WARNING,
               "the running server tells %s as its outside %s address, but now it is %s",
               server_says, family_names[family], now);
    doctor_advise(doctor, "trapezoid reload");
}

static void say_known(struct doctor *doctor, enum outside_family family)
{
    const struct outside_host *host = &doctor->outside.hosts[family];
    char there[ADDRESS_TEXT_MAX], here[ADDRESS_TEXT_MAX], by[340];
    struct address inside;
    bool has = find_address(family, &inside);
    (void)outside_source_text(&doctor->outside, family, by, sizeof by);
    (void)host_text(&host->address, there);
    if (interfaces_have(&host->address))
        doctor_say(doctor, DOCTOR_OK, "%s: this machine has the address %s itself (%s): no NAT",
                   family_names[family], there, by);
    else
        doctor_say(doctor, DOCTOR_OK, "%s: behind a NAT; outside %s (%s), inside %s",
                   family_names[family], there, by, has ? host_text(&inside, here) : "none");
    if (address_is_private(&host->address)) {
        doctor_say(doctor, DOCTOR_WARNING,
                   "the outside address %s is a private one: there is another NAT behind the first",
                   there);
        doctor_advise(doctor, "ask who runs that NAT for an address of your own, or use IPv6");
    }
}

static void say_interfaces(struct doctor *doctor, enum outside_family family)
{
    struct address inside;
    char text[ADDRESS_TEXT_MAX];
    if (!find_address(family, &inside)) {
        doctor_say(doctor, DOCTOR_NOTE, "%s: this machine has no address", family_names[family]);
        return;
    }
    (void)host_text(&inside, text);
    if (!address_is_private(&inside) || doctor->config->outside_stun.count > 0) {
        doctor_say(doctor, DOCTOR_OK, "%s: %s, no NAT%s", family_names[family], text,
                   doctor->config->outside_stun.count > 0 ? " (STUN says so)" : "");
        return;
    }
    doctor_say(doctor, DOCTOR_NOTE,
               "%s: %s, a private address; phones beyond this network need to be told another",
               family_names[family], text);
    doctor_advise(doctor, "for a server behind a NAT: --set outside.stun=STUN-SERVER, or --set "
                          "outside.address=ADDRESS");
}

void doctor_addresses(struct doctor *doctor)
{
    bool any = false;
    for (int i = 0; i < OUTSIDE_FAMILIES; i++) {
        enum outside_family family = (enum outside_family)i;
        if (!listens(doctor->config, family))
            continue;
        any = true;
        if (doctor->outside.failed[i]) {
            doctor_say(doctor, DOCTOR_FAILED, "%s: nobody says what the outside address is%s%s",
                       family_names[i], doctor->outside.by[i][0] != '\0' ? ": no address of " : "",
                       doctor->outside.by[i]);
            doctor_advise(doctor, "see that outside.stun and outside.address are right and that "
                                  "UDP to that server is let through");
        } else if (doctor->outside.hosts[i].source != OUTSIDE_INTERFACES) {
            say_known(doctor, family);
        } else {
            say_interfaces(doctor, family);
        }
        check_server(doctor, family);
    }
    if (!any)
        doctor_say(doctor, DOCTOR_NOTE,
                   "all listeners are on loopback addresses: only this machine reaches them");
}
