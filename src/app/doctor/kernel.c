/* Kernel settings against what the configuration asks for. */
#include <stdio.h>
#include <unistd.h>

#include "app/doctor/doctor.h"

#define BACKLOG 4096 /* connections that may wait to be accepted, as the listeners ask */

/* A setting that is to be no less than wanted. */
static void at_least(struct doctor *doctor, const char *name, uint64_t wanted, const char *what)
{
    char path[96];
    uint64_t now;
    (void)snprintf(path, sizeof path, "/proc/sys/%s", name);
    for (char *c = path + sizeof "/proc/sys/" - 1; *c != '\0'; c++) {
        if (*c == '.')
            *c = '/';
    }
    if (!doctor_read_number(path, &now)) {
        doctor_say(doctor, DOCTOR_NOTE, "%s: not to be seen in here (a container?)", name);
        return;
    }
    if (now >= wanted) {
        doctor_say(doctor, DOCTOR_OK, "%s is %llu: enough for %s", name, (unsigned long long)now,
                   what);
        return;
    }
    doctor_say(doctor, DOCTOR_WARNING, "%s is %llu; %s asks for %llu", name,
               (unsigned long long)now, what, (unsigned long long)wanted);
    doctor_advise(doctor, "sudo sysctl -w %s=%llu", name, (unsigned long long)wanted);
    doctor_advise(doctor, "echo '%s = %llu' | sudo tee -a /etc/sysctl.d/60-trapezoid.conf", name,
                  (unsigned long long)wanted);
}

/* The n-th number of a setting of several. */
static bool read_column(const char *path, unsigned column, uint64_t *ret_number)
{
    char text[128];
    if (!doctor_read(path, text, sizeof text))
        return false;
    for (char *c = text; *c != '\0'; c++) {
        if (*c == '\t')
            *c = ' ';
    }
    struct slice rest = slice_from_string(text);
    while (rest.len > 0) {
        struct slice word = slice_cut(&rest, ' ');
        if (word.len > 0 && column-- == 0)
            return slice_to_u64(word, UINT64_MAX, ret_number) == 0;
    }
    return false;
}

/* Ports that the system gives to anybody must not be those that we listen on. */
static void check_port_range(struct doctor *doctor)
{
    static const char path[] = "/proc/sys/net/ipv4/ip_local_port_range";
    const struct app_config *config = doctor->config;
    uint64_t low, high;
    char reserved[256] = "";
    bool clash = false;
    if (!read_column(path, 0, &low) || !read_column(path, 1, &high))
        return;
    (void)doctor_read("/proc/sys/net/ipv4/ip_local_reserved_ports", reserved, sizeof reserved);
    for (unsigned i = 0; i < config->listen.count; i++) {
        unsigned port = address_port(&config->listen.items[i].local);
        if (port < low || port > high || reserved[0] != '\0' || clash)
            continue;
        clash = true;
        doctor_say(
            doctor, DOCTOR_NOTE,
            "port %u lies in net.ipv4.ip_local_port_range (%llu to %llu): another program may "
            "have got it before this server starts",
            port, (unsigned long long)low, (unsigned long long)high);
        doctor_advise(doctor, "sudo sysctl -w net.ipv4.ip_local_reserved_ports=%u", port);
    }
    const struct turn_config *turn = &config->turn;
    if (turn->enabled && turn->port_low <= high && turn->port_high >= low && reserved[0] == '\0') {
        clash = true;
        doctor_say(doctor, DOCTOR_NOTE,
                   "turn.ports (%u to %u) meet net.ipv4.ip_local_port_range (%llu to %llu): other "
                   "programs take some of them",
                   turn->port_low, turn->port_high, (unsigned long long)low,
                   (unsigned long long)high);
        doctor_advise(doctor, "sudo sysctl -w net.ipv4.ip_local_reserved_ports=%u-%u",
                      turn->port_low, turn->port_high);
    }
    if (!clash)
        doctor_say(doctor, DOCTOR_OK,
                   "net.ipv4.ip_local_port_range is %llu to %llu: no listener lies in it",
                   (unsigned long long)low, (unsigned long long)high);
}

/* The memory of all UDP sockets together, in pages: every worker has a buffer per listener. */
static void check_udp_memory(struct doctor *doctor)
{
    const struct app_config *config = doctor->config;
    unsigned long long page = (unsigned long long)sysconf(_SC_PAGESIZE), sockets = 0;
    uint64_t pages;
    if (!read_column("/proc/sys/net/ipv4/udp_mem", 2, &pages))
        return;
    for (unsigned i = 0; i < config->listen.count; i++)
        sockets += config->listen.items[i].transport == TRANSPORT_UDP ? config->workers : 0;
    unsigned long long wanted = sockets * config->endpoint.udp_receive_buffer / page + 1;
    unsigned long long mib = pages * page / (1024 * 1024);
    if (pages >= wanted) {
        doctor_say(doctor, DOCTOR_OK,
                   "net.ipv4.udp_mem allows %llu MiB: enough for all UDP buffers", mib);
        return;
    }
    doctor_say(
        doctor, DOCTOR_WARNING,
        "net.ipv4.udp_mem allows %llu MiB; %llu UDP sockets with udp.receive_buffer need %llu", mib,
        sockets, wanted * page / (1024 * 1024));
    doctor_advise(doctor, "sudo sysctl -w net.ipv4.udp_mem='%llu %llu %llu'", wanted / 2,
                  wanted * 3 / 4, wanted);
}

void doctor_kernel(struct doctor *doctor)
{
    const struct app_config *config = doctor->config;
    bool streams = false;
    at_least(doctor, "net.core.rmem_max", config->endpoint.udp_receive_buffer,
             "udp.receive_buffer");
    at_least(doctor, "net.core.wmem_max", 212992, "bursts that are sent");
    for (unsigned i = 0; i < config->listen.count; i++)
        streams = streams || config->listen.items[i].transport != TRANSPORT_UDP;
    if (streams)
        at_least(doctor, "net.core.somaxconn", BACKLOG, "phones that connect all at once");
    check_udp_memory(doctor);
    check_port_range(doctor);
}
