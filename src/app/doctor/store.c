/* The store: can it be written, is there room, can others read it? */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "app/doctor/doctor.h"

#define MIB        (1024u * 1024)
#define LITTLE     (256u * MIB)
#define TOO_LITTLE (16u * MIB)

/* The directory of a path, or the nearest one above it that is there. */
static void nearest_directory(const char *path, char *buf, size_t size)
{
    struct stat info;
    (void)snprintf(buf, size, "%s", path);
    for (;;) {
        char *slash = strrchr(buf, '/');
        if (slash == NULL) {
            (void)snprintf(buf, size, ".");
            return;
        }
        *(slash == buf ? slash + 1 : slash) = '\0';
        if (stat(buf, &info) == 0 || slash == buf)
            return;
    }
}

static void check_room(struct doctor *doctor, const char *directory)
{
    struct statvfs info;
    if (statvfs(directory, &info) < 0)
        return;
    uint64_t room = (uint64_t)info.f_bavail * info.f_frsize;
    bool no_files = info.f_files > 0 && info.f_favail == 0;
    if (room < LITTLE || no_files) {
        doctor_say(doctor, room < TOO_LITTLE || no_files ? DOCTOR_FAILED : DOCTOR_WARNING,
                   "%s: %llu MiB left on its disk%s", directory, (unsigned long long)(room / MIB),
                   no_files ? ", and no room for another file" : "");
        doctor_advise(doctor, "df -h %s; du -xh %s | sort -h | tail   # what takes the room?",
                      directory, directory);
        return;
    }
    doctor_say(doctor, DOCTOR_OK, "%s: %llu MiB left on its disk", directory,
               (unsigned long long)(room / MIB));
}

static void check_file(struct doctor *doctor, const char *path)
{
    struct stat info;
    if (stat(path, &info) < 0) {
        doctor_say(doctor, DOCTOR_OK, "%s: made by the first start", path);
        return;
    }
    if (!S_ISREG(info.st_mode)) {
        doctor_say(doctor, DOCTOR_FAILED, "%s: not a file", path);
        doctor_advise(doctor, "--set store.path=FILE");
    } else if (access(path, R_OK | W_OK) < 0) {
        doctor_say(doctor, doctor->status != NULL ? DOCTOR_NOTE : DOCTOR_FAILED,
                   "%s: this user may not read and write it", path);
        doctor_advise(doctor,
                      "run the server and the doctor as its owner, or: sudo chown \"$USER\" %s",
                      path);
    } else if ((info.st_mode & S_IRWXO) != 0) {
        doctor_say(doctor, DOCTOR_WARNING,
                   "%s: every user of this machine can get at the digests of passwords", path);
        doctor_advise(doctor, "sudo chmod o= %s*", path);
    } else {
        doctor_say(doctor, DOCTOR_OK, "%s: %llu KiB, for its owner only", path,
                   (unsigned long long)(info.st_size + 1023) / 1024);
    }
}

void doctor_store(struct doctor *doctor)
{
    const char *path = doctor->config->store_path;
    char directory[4096], reason[128];
    struct stat info = {0};
    if (strcmp(path, ":memory:") == 0) {
        doctor_say(doctor, DOCTOR_NOTE,
                   "in memory: accounts and registrations end with the server");
        return;
    }
    nearest_directory(path, directory, sizeof directory);
    if (stat(directory, &info) < 0 || !S_ISDIR(info.st_mode) ||
        access(directory, W_OK | X_OK) < 0) {
        int error = S_ISDIR(info.st_mode) ? errno : ENOTDIR;
        doctor_say(doctor, doctor->status != NULL ? DOCTOR_NOTE : DOCTOR_FAILED,
                   "%s: files cannot be made there: %s", directory,
                   strerror_r(error, reason, sizeof reason));
        doctor_advise(doctor,
                      "sudo install -d -o \"$USER\" -m 750 %s   # or: --set data_dir=DIRECTORY",
                      doctor->config->data_dir);
        return;
    }
    check_file(doctor, path);
    check_room(doctor, directory);
}
