/* CPU time of the server's threads, in nanoseconds, as the kernel's scheduler counts it
 * (/proc/PID/task/TID/schedstat). */
#ifndef LOADGEN_WATCH_H
#define LOADGEN_WATCH_H

#include <stdint.h>
#include <sys/types.h>

enum { WATCH_PIDS = 64, WATCH_TASKS = 256 };

struct watch_task {
    pid_t pid, tid;
    uint64_t run_ns;  /* on a CPU */
    uint64_t wait_ns; /* runnable, but another had the CPU */
    char name[20];
};

struct watch {
    unsigned count;
    struct watch_task tasks[WATCH_TASKS];
};

/* Reads all tasks of the processes. */
void watch_read(const pid_t *pids, unsigned count, struct watch *ret_watch);

/* Sums of what the tasks used between two readings; a task that was not there at the first counts
 * from 0. */
uint64_t watch_run_ns(const struct watch *from, const struct watch *to);
uint64_t watch_wait_ns(const struct watch *from, const struct watch *to);

/* The earlier reading of the same task, or one of zeroes. */
struct watch_task watch_before(const struct watch *from, const struct watch_task *task);

/* Time that the hypervisor gave to others, all CPUs, in nanoseconds (/proc/stat). */
uint64_t watch_steal_ns(void);

#endif
