/* What handing a datagram to another worker costs: CPU time of the sender per mail posted, and of
 * the receiver per mail handled; and what a turn of a loop costs that has next to nothing to do.
 *
 *   bench_mesh [BYTES] */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "loop/loop.h"
#include "loop/mesh.h"

enum { MAILS = 2000000, BATCH = 32, TURNS = 200000 };

struct receiver {
    struct loop *loop;
    uint64_t mails;
    uint64_t bytes;
    uint64_t cpu_ns;
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pin(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    (void)sched_setaffinity(0, sizeof set, &set);
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void on_mail(void *user, unsigned from, struct slice data)
{
    struct receiver *receiver = user;
    (void)from;
    receiver->bytes += (unsigned char)data.ptr[0];
    if (++receiver->mails == MAILS)
        loop_stop(receiver->loop);
}

static void *receive(void *user)
{
    struct receiver *receiver = user;
    pin(1);
    uint64_t from = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    (void)loop_run(receiver->loop);
    receiver->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - from;
    return NULL;
}

static void between_threads(size_t bytes)
{
    static char data[65536];
    struct mesh *mesh;
    struct receiver receiver = {0};
    pthread_t thread;
    uint64_t refused = 0;
    if (mesh_new(1, 1, 0, &mesh) != 0)
        die("mesh");
    struct loop_config config = {.mesh = mesh};
    if (loop_new(&config, &receiver.loop) != 0)
        die("loop");
    mesh_on_mail(receiver.loop, MAIL_DATAGRAM, on_mail, &receiver);
    if (pthread_create(&thread, NULL, receive, &receiver) != 0)
        die("thread");
    pin(0);
    struct slice part = slice_of(data, bytes);
    uint64_t from = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (unsigned sent = 0; sent < MAILS;) {
        if (mesh_post(mesh, 1, 0, MAIL_DATAGRAM, &part, 1) == 0) {
            if (++sent % BATCH == 0)
                mesh_flush(mesh, 1);
            continue;
        }
        refused++;
        mesh_flush(mesh, 1);
        (void)usleep(200);
    }
    mesh_flush(mesh, 1);
    uint64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - from;
    pthread_join(thread, NULL);
    printf(
        "mail of %zu bytes: %.0f ns to post, %.0f ns to receive (ring full %.1f times per 1,000)\n",
        bytes, (double)cpu / MAILS, (double)receiver.cpu_ns / MAILS,
        (double)refused * 1000 / MAILS);
    loop_free(receiver.loop);
    mesh_free(mesh);
}

struct turner {
    struct mesh *mesh;
    struct loop *loop;
    unsigned turns;
};

static void on_turn_end(void *user)
{
    struct turner *turner = user;
    struct slice part = SLICE("again");
    (void)mesh_post(turner->mesh, 0, 0, MAIL_CONTROL, &part, 1);
    if (++turner->turns == TURNS)
        loop_stop(turner->loop);
}

static void turns(void)
{
    struct turner turner = {0};
    if (mesh_new(1, 0, 0, &turner.mesh) != 0)
        die("mesh");
    struct loop_config config = {.mesh = turner.mesh};
    if (loop_new(&config, &turner.loop) != 0)
        die("loop");
    loop_on_turn_end(turner.loop, on_turn_end, &turner);
    on_turn_end(&turner); /* the first mail makes the first turn */
    uint64_t from = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    (void)loop_run(turner.loop);
    uint64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - from;
    printf("turn with one mail to itself: %.0f ns\n", (double)cpu / TURNS);
    loop_free(turner.loop);
    mesh_free(turner.mesh);
}

int main(int argc, char **argv)
{
    size_t bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 700;
    if (bytes == 0 || bytes > 65536) {
        fprintf(stderr, "bench_mesh [BYTES (1 to 65536)]\n");
        return 2;
    }
    turns();
    between_threads(bytes);
    return 0;
}
