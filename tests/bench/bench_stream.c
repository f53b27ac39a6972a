/* What TCP connections cost on the loop: memory of an idle one in user space, and CPU time of a
 * message that comes in and one that goes out, over few and over many connections.
 *
 *   bench_stream [CONNECTIONS] */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "loop/loop.h"
#include "loop/stream.h"

enum { MESSAGE = 600, SECONDS = 1, RESERVED = 64 };

struct bench {
    struct loop *loop;
    unsigned wanted;
    unsigned opened;
    uint64_t messages;
    uint64_t cpu_ns; /* when the first connection closed */
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Resident bytes of this process. */
static size_t resident(void)
{
    unsigned long total, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu", &total, &pages) != 2)
        die("statm");
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static long on_bytes(void *user, const struct flow *flow, struct slice buffered)
{
    struct bench *bench = user;
    if (buffered.len < MESSAGE)
        return 0;
    bench->messages++;
    (void)stream_send(bench->loop, flow, slice_of(buffered.ptr, MESSAGE));
    return MESSAGE;
}

static void on_open(void *user, const struct flow *flow, bool accepted)
{
    struct bench *bench = user;
    (void)flow;
    (void)accepted;
    if (++bench->opened == bench->wanted)
        loop_stop(bench->loop);
}

static void on_close(void *user, const struct flow *flow, enum stream_reason reason)
{
    struct bench *bench = user;
    (void)flow;
    (void)reason;
    if (bench->cpu_ns == 0)
        bench->cpu_ns = cpu_ns();
    if (--bench->opened == 0)
        loop_stop(bench->loop);
}

/* The other process: one message under way on each of some connections at a time, for a while. */
static void drive(const int *fds, unsigned count, unsigned window)
{
    static char message[MESSAGE];
    double until = seconds() + SECONDS;
    for (unsigned first = 0; seconds() < until; first = (first + window) % count) {
        for (unsigned i = 0; i < window; i++) {
            if (send(fds[(first + i) % count], message, MESSAGE, 0) != MESSAGE)
                _exit(1);
        }
        for (unsigned i = 0; i < window; i++) {
            if (recv(fds[(first + i) % count], message, MESSAGE, MSG_WAITALL) != MESSAGE)
                _exit(1);
        }
    }
}

static void peers(const struct address *to, unsigned count, int go)
{
    char what;
    int *fds = calloc(count, sizeof *fds);
    for (unsigned i = 0; i < count; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (fds[i] < 0 || connect(fds[i], &to->sa, address_length(to)) != 0)
            die("connect");
    }
    if (read(go, &what, 1) != 1)
        exit(1);
    drive(fds, count, count < 64 ? count : 64);
    _exit(0);
}

/* Prints a row: memory per connection and CPU per message. */
static void measure(unsigned count)
{
    struct bench bench = {.wanted = count};
    struct loop_config config = {0};
    struct stream_options options = {
        .limits = {.connections = count, .per_source = count},
        .handler = {
            .on_bytes = on_bytes, .on_open = on_open, .on_close = on_close, .user = &bench}};
    struct stream_listener *listener;
    struct address local;
    int go[2];
    options.transport = TRANSPORT_TCP;
    if (address_parse(SLICE("127.0.0.1:0"), &local) != 0 || pipe(go) != 0 ||
        loop_new(&config, &bench.loop) != 0 ||
        stream_listen(bench.loop, &local, &options, &listener) != 0)
        die("start");
    local = stream_listener_local(listener);
    (void)fflush(stdout);
    size_t before = resident();
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0)
        peers(&local, count, go[0]);
    double from = seconds();
    loop_run(bench.loop);
    double opening = seconds() - from;
    size_t after = resident();
    uint64_t cpu = cpu_ns();
    if (write(go[1], "g", 1) != 1)
        die("pipe");
    loop_run(bench.loop);
    cpu = bench.cpu_ns - cpu;
    int status;
    (void)waitpid(pid, &status, 0);
    printf("%12u %14.0f %12.0f %14.2f\n", count, (double)(after - before) / count, count / opening,
           (double)cpu / 1000 / (double)(bench.messages ? bench.messages : 1));
    loop_free(bench.loop);
    close(go[0]);
    close(go[1]);
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    unsigned most = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10000;
    if (most == 0 || most > limit.rlim_cur - RESERVED) {
        fprintf(stderr, "bench_stream [CONNECTIONS (1 to %lu)]\n",
                (unsigned long)limit.rlim_cur - RESERVED);
        return 2;
    }
    printf("%12s %14s %12s %14s\n", "connections", "bytes of each", "opened/s", "us per message");
    measure(1);
    if (most > 100)
        measure(100);
    if (most > 1)
        measure(most);
    return 0;
}
