/* The limit of open files against what the configuration allows to be opened. */
#include <stdio.h>
#include <sys/resource.h>

#include "app/doctor/doctor.h"

#define OF_ITS_OWN 256 /* store, logs, sockets of a worker and the like, generously */
#define FEW        4096

/* "Max open files  SOFT  HARD  files" of a process. */
static bool read_hard_limit(long pid, uint64_t *ret_limit)
{
    static const struct slice label = SLICE_LITERAL("Max open files");
    char path[64], text[4096];
    (void)snprintf(path, sizeof path, "/proc/%ld/limits", pid);
    if (!doctor_read(path, text, sizeof text))
        return false;
    struct slice rest = slice_from_string(text);
    while (rest.len > 0) {
        struct slice line = slice_cut(&rest, '\n');
        if (!slice_starts_with(line, label))
            continue;
        unsigned column = 0;
        line = slice_trim(slice_from(line, label.len));
        while (line.len > 0) {
            struct slice word = slice_cut(&line, ' ');
            if (word.len == 0 || column++ == 0)
                continue;
            if (slice_equal(word, SLICE("unlimited"))) {
                *ret_limit = UINT64_MAX;
                return true;
            }
            return slice_to_u64(word, UINT64_MAX, ret_limit) == 0;
        }
    }
    return false;
}

static void say_too_few(struct doctor *doctor, const char *whose, uint64_t limit, uint64_t wanted,
                        uint64_t relays)
{
    const struct app_config *config = doctor->config;
    char relays_text[64] = "";
    uint64_t others = relays + OF_ITS_OWN + config->workers;
    if (relays > 0)
        (void)snprintf(relays_text, sizeof relays_text, ", turn.max_allocations %llu relays",
                       (unsigned long long)relays);
    doctor_say(doctor, limit < FEW ? DOCTOR_FAILED : DOCTOR_WARNING,
               "%s may open %llu files; tcp.connections allows %u on each of %u workers%s", whose,
               (unsigned long long)limit, config->endpoint.stream.connections, config->workers,
               relays_text);
    doctor_advise(doctor, "ulimit -n %llu; or in the systemd unit: LimitNOFILE=%llu",
                  (unsigned long long)wanted, (unsigned long long)wanted);
    if (limit > others)
        doctor_advise(doctor, "or fewer connections: --set tcp.connections=%llu",
                      (unsigned long long)(limit - relays - OF_ITS_OWN) / config->workers);
}

void doctor_files(struct doctor *doctor)
{
    const struct app_config *config = doctor->config;
    struct rlimit own;
    uint64_t limit;
    bool of_server = doctor->pid != 0 && read_hard_limit(doctor->pid, &limit);
    if (!of_server) {
        if (getrlimit(RLIMIT_NOFILE, &own) < 0)
            return;
        limit = own.rlim_max;
    }
    uint64_t relays = config->turn.enabled ? config->turn.allocations : 0;
    uint64_t wanted =
        (uint64_t)config->workers * config->endpoint.stream.connections + relays + OF_ITS_OWN;
    const char *whose = of_server ? "the running server" : "a server started from here";
    if (limit >= wanted)
        doctor_say(doctor, DOCTOR_OK,
                   "%s may open %llu: enough for %u connections on each of %u workers", whose,
                   (unsigned long long)limit, config->endpoint.stream.connections, config->workers);
    else
        say_too_few(doctor, whose, limit, wanted, relays);
}
