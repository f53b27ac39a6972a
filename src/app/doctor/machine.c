/* What kind of machine it is: IPv6, containers, fast sending. */
#include <netinet/udp.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/doctor/doctor.h"
#include "app/outside/interfaces.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static void check_ipv6(struct doctor *doctor)
{
    const struct app_config *config = doctor->config;
    struct interface_address all[INTERFACES_MAX];
    unsigned count = interfaces_read(all, INTERFACES_MAX);
    bool listens = false, has = false;
    for (unsigned i = 0; i < config->listen.count; i++)
        listens = listens || (address_is_v6(&config->listen.items[i].local) &&
                              !address_is_loopback(&config->listen.items[i].local));
    for (unsigned i = 0; i < count; i++)
        has = has || (address_is_v6(&all[i].address) && !all[i].loopback &&
                      !IN6_IS_ADDR_LINKLOCAL(&all[i].address.in6.sin6_addr));
    if (listens && !has)
        doctor_say(doctor, DOCTOR_NOTE,
                   "it listens on IPv6, but this machine has no IPv6 address "
                   "that others can reach");
    else if (has && !listens)
        doctor_say(
            doctor, DOCTOR_NOTE,
            "this machine has IPv6, but no listener: phones with IPv6 alone cannot register");
    else
        doctor_say(doctor, DOCTOR_OK, has ? "IPv6 is there and is listened on" : "IPv4 alone");
}

static void check_container(struct doctor *doctor)
{
    const char *kind = access("/.dockerenv", F_OK) == 0            ? "Docker"
                       : access("/run/.containerenv", F_OK) == 0   ? "Podman"
                       : getenv("KUBERNETES_SERVICE_HOST") != NULL ? "Kubernetes"
                                                                   : NULL;
    if (kind == NULL) {
        doctor_say(doctor, DOCTOR_OK, "no container that is known of");
        return;
    }
    doctor_say(doctor, DOCTOR_NOTE,
               "in a container (%s): its ports must be published, and a published port may hide "
               "where packets come from",
               kind);
    doctor_advise(doctor,
                  "use the network of the host (docker run --network host), or publish each "
                  "port for UDP and TCP and set outside.address");
}

static void check_segments(struct doctor *doctor)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int size = 1200;
    if (fd < 0)
        return;
    bool good = setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof size) == 0;
    (void)close(fd);
    if (good)
        doctor_say(doctor, DOCTOR_OK, "the system cuts datagrams up itself (UDP_SEGMENT)");
    else
        doctor_say(doctor, DOCTOR_NOTE,
                   "this system does not cut datagrams up (UDP_SEGMENT): sending takes more time");
}

void doctor_machine(struct doctor *doctor)
{
    check_ipv6(doctor);
    check_container(doctor);
    check_segments(doctor);
}
