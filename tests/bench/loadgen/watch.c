#include "watch.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void read_task(pid_t pid, pid_t tid, struct watch *watch)
{
    struct watch_task *task = &watch->tasks[watch->count];
    char path[80];
    *task = (struct watch_task){.pid = pid, .tid = tid};
    snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", pid, tid);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    if (fscanf(file, "%" SCNu64 " %" SCNu64, &task->run_ns, &task->wait_ns) == 2)
        watch->count++;
    fclose(file);
    snprintf(path, sizeof path, "/proc/%d/task/%d/comm", pid, tid);
    file = fopen(path, "re");
    if (!file)
        return;
    if (fgets(task->name, sizeof task->name, file))
        task->name[strcspn(task->name, "\n")] = 0;
    fclose(file);
}

void watch_read(const pid_t *pids, unsigned count, struct watch *ret_watch)
{
    ret_watch->count = 0;
    for (unsigned i = 0; i < count; i++) {
        char path[40];
        snprintf(path, sizeof path, "/proc/%d/task", pids[i]);
        DIR *dir = opendir(path);
        if (!dir)
            continue;
        for (struct dirent *entry; (entry = readdir(dir)) && ret_watch->count < WATCH_TASKS;) {
            if (entry->d_name[0] != '.')
                read_task(pids[i], (pid_t)strtol(entry->d_name, NULL, 10), ret_watch);
        }
        closedir(dir);
    }
}

struct watch_task watch_before(const struct watch *from, const struct watch_task *task)
{
    for (unsigned i = 0; i < from->count; i++) {
        if (from->tasks[i].tid == task->tid)
            return from->tasks[i];
    }
    return (struct watch_task){.pid = task->pid, .tid = task->tid};
}

uint64_t watch_run_ns(const struct watch *from, const struct watch *to)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < to->count; i++)
        sum += to->tasks[i].run_ns - watch_before(from, &to->tasks[i]).run_ns;
    return sum;
}

uint64_t watch_wait_ns(const struct watch *from, const struct watch *to)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < to->count; i++)
        sum += to->tasks[i].wait_ns - watch_before(from, &to->tasks[i]).wait_ns;
    return sum;
}

uint64_t watch_steal_ns(void)
{
    uint64_t steal = 0;
    FILE *file = fopen("/proc/stat", "re");
    if (!file)
        return 0;
    if (fscanf(file, "cpu %*u %*u %*u %*u %*u %*u %*u %" SCNu64, &steal) != 1)
        steal = 0;
    fclose(file);
    return steal * (1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK));
}
