/* Time in nanoseconds from a clock that only goes forward, and the end of a program that cannot go
 * on. */
#ifndef LOADGEN_CLOCK_H
#define LOADGEN_CLOCK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MILLISECOND 1000000ULL
#define SECOND      1000000000ULL

static inline uint64_t clock_ns(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static inline uint64_t clock_now(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

#define die(...)                                                                                   \
    do {                                                                                           \
        fprintf(stderr, "loadgen: " __VA_ARGS__);                                                  \
        fputc('\n', stderr);                                                                       \
        exit(2);                                                                                   \
    } while (0)

#endif
