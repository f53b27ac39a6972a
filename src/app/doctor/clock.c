/* The clock: certificates, nonces and time-limited passwords go wrong with it. */
#include <sys/stat.h>
#include <sys/timex.h>

#include "app/doctor/doctor.h"
#include "base/clock.h"

#define SLACK_S (24 * 3600)

/* The last change of files that this machine's own past cannot be later than. */
static int64_t newest_change(const struct app_config *config, const char **ret_path)
{
    const char *const paths[] = {"/proc/self/exe", config->store_path,
                                 config->tls.pairs[0].certificate};
    int64_t newest = 0;
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct stat info;
        if (paths[i] == NULL || stat(paths[i], &info) < 0 || info.st_mtim.tv_sec <= newest)
            continue;
        newest = info.st_mtim.tv_sec;
        *ret_path = i == 0 ? "the program" : paths[i];
    }
    return newest;
}

void doctor_clock(struct doctor *doctor)
{
    struct timex state = {.modes = 0};
    const char *path = "";
    int64_t now_s = (int64_t)(clock_wall_ms() / 1000);
    int64_t newest_s = newest_change(doctor->config, &path);
    if (newest_s > now_s + SLACK_S) {
        doctor_say(doctor, DOCTOR_FAILED,
                   "the clock is at least %lld days behind: %s was changed later than now",
                   (long long)((newest_s - now_s) / (24 * 3600)), path);
        doctor_advise(doctor, "sudo timedatectl set-ntp true   # or: sudo apt install chrony");
    } else {
        doctor_say(doctor, DOCTOR_OK, "not behind what this machine has written");
    }
    int result = adjtimex(&state);
    if (result < 0) {
        doctor_say(doctor, DOCTOR_NOTE, "the system does not tell whether it is kept right");
    } else if (result == TIME_ERROR || (state.status & STA_UNSYNC) != 0) {
        doctor_say(doctor, DOCTOR_WARNING, "nothing keeps it right (no NTP, as the kernel knows)");
        doctor_advise(doctor, "sudo timedatectl set-ntp true   # or: sudo apt install chrony");
        doctor_advise(doctor, "in a virtual machine whose host keeps the clock: nothing");
    } else {
        doctor_say(doctor, DOCTOR_OK, "kept right; wrong by %ld ms at most", state.maxerror / 1000);
    }
}
