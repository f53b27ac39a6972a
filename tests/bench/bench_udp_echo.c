/* What the UDP layer of the loop costs: a reflector on it beside a bare one on epoll, recvmmsg and
 * sendmmsg, both driven by the same thread on another core. Prints CPU time of the reflecting
 * thread per datagram that comes in and goes out, the best of several rounds in turn.
 *
 *   bench_udp_echo [BYTES [ROUNDS]] */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "loop/loop.h"
#include "loop/udp.h"

enum { BATCH = 64, SIZE = 2048, REFLECTOR_CORE = 0, DRIVER_CORE = 1, ROUND_MS = 300 };

struct run {
    bool layer;        /* ours, or the bare one */
    bool wildcard;     /* bound to 0.0.0.0 */
    unsigned window;   /* datagrams that the driver keeps under way */
    unsigned bytes;    /* of each */
    struct address at; /* where the reflector listens */
    struct loop *loop;
    int stop_fd;
    pthread_barrier_t ready;
    uint64_t cpu_ns;
    uint64_t datagrams;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void pin(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    (void)sched_setaffinity(0, sizeof set, &set); /* one core: then they share it */
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct address loopback(const char *host)
{
    struct address a;
    if (address_parse_host(slice_from_string(host), 0, &a) != 0)
        die(host);
    return a;
}

static int open_socket(struct address *local)
{
    int size = 4 << 20;
    socklen_t length = sizeof *local;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, &local->sa, address_length(local)) != 0 ||
        getsockname(fd, &local->sa, &length) != 0)
        die("socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    return fd;
}

static void prepare(struct mmsghdr *messages, struct iovec *parts, char (*bytes)[SIZE],
                    struct address *names)
{
    for (unsigned i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){bytes[i], SIZE};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i],
                                              .msg_iovlen = 1,
                                              .msg_name = names ? &names[i] : NULL,
                                              .msg_namelen = names ? sizeof *names : 0};
    }
}

/* ---- the bare reflector: sends each datagram from the buffer it came into ---- */

static void reflect_batch(struct run *run, int fd, struct mmsghdr *messages, struct iovec *parts)
{
    int n;
    do {
        n = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i++)
            parts[i].iov_len = messages[i].msg_len;
        for (int sent = 0; sent < n;) {
            int m = sendmmsg(fd, messages + sent, (unsigned)(n - sent), MSG_DONTWAIT);
            if (m < 0)
                die("sendmmsg");
            sent += m;
        }
        for (int i = 0; i < n; i++) {
            parts[i].iov_len = SIZE;
            messages[i].msg_hdr.msg_namelen = sizeof(struct address);
        }
        if (n > 0)
            run->datagrams += (unsigned)n;
    } while (n == BATCH);
}

static void reflect_bare(struct run *run, int fd)
{
    static struct mmsghdr messages[BATCH];
    static struct iovec parts[BATCH];
    static struct address names[BATCH];
    static char bytes[BATCH][SIZE];
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    int epoll = epoll_create1(0);
    prepare(messages, parts, bytes, names);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    event.data.fd = run->stop_fd;
    epoll_ctl(epoll, EPOLL_CTL_ADD, run->stop_fd, &event);
    for (;;) {
        struct epoll_event events[8];
        int n = epoll_wait(epoll, events, 8, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == run->stop_fd) {
                close(epoll);
                return;
            }
            reflect_batch(run, fd, messages, parts);
        }
    }
}

/* ---- the reflector on the layer ---- */

struct echo {
    struct run *run;
    struct udp *udp;
};

static void echo_on_datagram(void *user, const struct flow *flow, struct slice data)
{
    struct echo *echo = user;
    echo->run->datagrams++;
    (void)udp_send(echo->udp, &flow->local, &flow->remote, data);
}

static void *reflect(void *user)
{
    struct run *run = user;
    struct echo echo = {.run = run};
    int fd = -1;
    pin(REFLECTOR_CORE);
    if (run->layer) {
        struct udp_options options = {
            .local = run->at, .on_datagram = echo_on_datagram, .user = &echo};
        if (udp_open(run->loop, &options, &echo.udp) != 0)
            die("udp_open");
        run->at = udp_local(echo.udp);
    } else {
        fd = open_socket(&run->at);
    }
    pthread_barrier_wait(&run->ready);
    uint64_t from = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    if (run->layer)
        loop_run(run->loop);
    else
        reflect_bare(run, fd);
    run->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - from;
    if (fd >= 0)
        close(fd);
    return NULL;
}

/* ---- the driver ---- */

static void drive(struct run *run)
{
    static struct mmsghdr out[BATCH], in[BATCH];
    static struct iovec out_parts[BATCH], in_parts[BATCH];
    static char out_bytes[BATCH][SIZE], in_bytes[BATCH][SIZE];
    struct address local = loopback("127.0.0.1"), to = local;
    address_set_port(&to, address_port(&run->at));
    int fd = open_socket(&local);
    if (connect(fd, &to.sa, address_length(&to)) != 0)
        die("connect");
    prepare(out, out_parts, out_bytes, NULL);
    prepare(in, in_parts, in_bytes, NULL);
    for (unsigned i = 0; i < BATCH; i++)
        out_parts[i].iov_len = run->bytes;
    uint64_t until = clock_ns(CLOCK_MONOTONIC) + (uint64_t)ROUND_MS * 1000000u;
    while (clock_ns(CLOCK_MONOTONIC) < until) {
        if (sendmmsg(fd, out, run->window, 0) != (int)run->window)
            die("sendmmsg");
        for (unsigned back = 0; back < run->window;) {
            int n = recvmmsg(fd, in, BATCH, MSG_DONTWAIT, NULL);
            if (n > 0)
                back += (unsigned)n;
            else if (clock_ns(CLOCK_MONOTONIC) > until + 1000000000u)
                break; /* lost */
        }
    }
    close(fd);
}

/* ---- rounds ---- */

static double measure(const struct run *options)
{
    struct run run = *options;
    struct loop_config config = {0};
    pthread_t thread = 0;
    run.at = loopback(run.wildcard ? "0.0.0.0" : "127.0.0.1");
    run.stop_fd = eventfd(0, 0);
    pthread_barrier_init(&run.ready, NULL, 2);
    if (loop_new(&config, &run.loop) != 0 || pthread_create(&thread, NULL, reflect, &run) != 0)
        die("start");
    pin(DRIVER_CORE);
    pthread_barrier_wait(&run.ready);
    drive(&run);
    uint64_t one = 1;
    if (write(run.stop_fd, &one, sizeof one) != sizeof one)
        die("eventfd");
    loop_stop(run.loop);
    pthread_join(thread, NULL);
    loop_free(run.loop);
    close(run.stop_fd);
    pthread_barrier_destroy(&run.ready);
    return run.datagrams > 0 ? (double)run.cpu_ns / (double)run.datagrams : 1e9;
}

int main(int argc, char **argv)
{
    unsigned bytes = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 600;
    unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 5;
    if (bytes == 0 || bytes > SIZE || rounds == 0) {
        fprintf(stderr, "bench_udp_echo [BYTES (1 to %d) [ROUNDS]]\n", SIZE);
        return 2;
    }
    printf("ns of CPU per datagram of %u bytes, in and out:\n", bytes);
    printf("%8s %10s %10s %10s %12s\n", "window", "bare", "loop", "more", "wildcard");
    static const unsigned windows[] = {64, 16, 4, 1};
    for (unsigned w = 0; w < sizeof windows / sizeof *windows; w++) {
        double best[3] = {1e9, 1e9, 1e9};
        for (unsigned r = 0; r < rounds; r++) {
            for (unsigned kind = 0; kind < 3; kind++) {
                struct run run = {
                    .layer = kind > 0, .wildcard = kind == 2, .window = windows[w], .bytes = bytes};
                double ns = measure(&run);
                if (ns < best[kind])
                    best[kind] = ns;
            }
        }
        printf("%8u %10.0f %10.0f %+10.0f %12.0f\n", windows[w], best[0], best[1],
               best[1] - best[0], best[2]);
    }
    return 0;
}
