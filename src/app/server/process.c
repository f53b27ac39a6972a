#include "app/server/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/slice.h"

void process_keep_streams(void)
{
    /* open(2) takes the lowest number that is free. */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
    }
}

void process_prepare(struct log *log)
{
    struct rlimit files;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error as a full disk is */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &files) < 0)
            log_warn(log, LOG_APP, "the limit of open files stays at %llu",
                     (unsigned long long)files.rlim_cur);
    }
}

static void mask_signals(int how)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)pthread_sigmask(how, &set, NULL);
}

void process_hold_signals(void)
{
    mask_signals(SIG_BLOCK);
}

void process_release_signals(void)
{
    mask_signals(SIG_UNBLOCK);
}

int process_make_directory(const char *path)
{
    char text[4096];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof text)
        return -ENAMETOOLONG;
    memcpy(text, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (text[i] != '/' && text[i] != '\0')
            continue;
        char kept = text[i];
        text[i] = '\0';
        if (mkdir(text, 0750) < 0 && errno != EEXIST) {
            struct stat there;
            int error = errno; /* a parent that we may not write, but that is there, is good */
            if (stat(text, &there) < 0 || !S_ISDIR(there.st_mode))
                return -error;
        }
        text[i] = kept;
    }
    return 0;
}

/* sd_notify(3): one datagram. */
void process_notify(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = path == NULL ? 0 : strlen(path);
    if (len == 0 || len >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, len);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* an abstract name */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    (void)close(fd);
}

/* $JOURNAL_STREAM is "DEVICE:INODE" of the stream; children that write elsewhere inherit it too. */
bool process_output_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat output;
    char mine[64];
    if (stream == NULL || fstat(STDOUT_FILENO, &output) < 0)
        return false;
    (void)snprintf(mine, sizeof mine, "%llu:%llu", (unsigned long long)output.st_dev,
                   (unsigned long long)output.st_ino);
    return strcmp(mine, stream) == 0;
}

static uint64_t count_files(void)
{
    uint64_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL)
        return 0;
    while (readdir(directory) != NULL)
        count++;
    (void)closedir(directory);
    return count < 3 ? 0 : count - 3; /* ".", ".." and this look itself */
}

static uint64_t resident_bytes(void)
{
    char line[256];
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    bool good = fgets(line, sizeof line, file) != NULL;
    (void)fclose(file);
    struct slice rest = slice_from_string(good ? line : "");
    uint64_t pages = 0;
    (void)slice_cut(&rest, ' '); /* the whole size; what is resident comes next */
    if (slice_to_u64(slice_cut(&rest, ' '), UINT64_MAX / 65536, &pages) < 0)
        return 0;
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void process_figures(struct process_figures *ret_figures)
{
    struct rusage usage;
    struct rlimit files;
    *ret_figures =
        (struct process_figures){.open_files = count_files(), .resident_bytes = resident_bytes()};
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        ret_figures->cpu_seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                                   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        ret_figures->max_files = files.rlim_cur;
}
