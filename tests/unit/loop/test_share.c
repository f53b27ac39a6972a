/* label: threads */
/* Workers that share addresses, and send on each other's connections. */
#include "unit/loop/stream_fixture.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "loop/mesh.h"
#include "loop/udp.h"

#define WORKERS 3

struct worker {
    struct mesh *mesh;
    struct loop *loop;
    struct udp *udp;
    struct user user;
    pthread_t thread;
    struct flow target; /* of another worker: gets a line when mail comes */
    _Atomic unsigned datagrams;
    _Atomic unsigned has_closed, has_late; /* told at the end of a turn */
    unsigned late_from; /* of what came for a connection that was gone, plus one */
    struct flow late;
};

static void on_late(void *data, unsigned from, const struct flow *flow)
{
    struct worker *worker = data;
    worker->late_from = from + 1;
    worker->late = *flow;
}

static void on_datagram(void *data, const struct flow *flow, struct slice bytes)
{
    struct worker *worker = data;
    (void)udp_send(worker->udp, &flow->local, &flow->remote, bytes);
    atomic_fetch_add(&worker->datagrams, 1);
}

static void on_control(void *data, unsigned from, struct slice bytes)
{
    struct worker *worker = data;
    (void)from;
    (void)stream_send(worker->loop, &worker->target, bytes);
}

static void *run(void *data)
{
    struct worker *worker = data;
    (void)loop_run(worker->loop);
    return NULL;
}

static void start(struct worker *workers, struct mesh **ret_mesh)
{
    memset(workers, 0, WORKERS * sizeof(*workers));
    assert_int_equal(mesh_new(WORKERS, 1, 65536, ret_mesh), 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i].mesh = *ret_mesh;
        workers[i].loop = new_mesh_loop(*ret_mesh, i);
        mesh_on_mail(workers[i].loop, MAIL_CONTROL, on_control, &workers[i]);
        user_init(&workers[i].user, workers[i].loop);
    }
}

static void on_turn_end(void *data)
{
    struct worker *worker = data;
    atomic_store(&worker->has_closed, worker->user.closed);
    atomic_store(&worker->has_late, worker->late_from);
}

static void wait_for(const _Atomic unsigned *value)
{
    for (unsigned i = 0; atomic_load(value) == 0; i++) {
        assert_true(i < WAIT_MS);
        usleep(1000);
    }
}

static void go(struct worker *workers)
{
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&workers[i].thread, NULL, run, &workers[i]), 0);
}

static void halt(struct worker *workers)
{
    for (unsigned i = 0; i < WORKERS; i++)
        loop_stop(workers[i].loop);
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(workers[i].thread, NULL);
}

static void finish(struct worker *workers, struct mesh *mesh)
{
    for (unsigned i = 0; i < WORKERS; i++)
        loop_free(workers[i].loop);
    mesh_free(mesh);
}

/* Waits for one datagram back. */
static bool echoed(int fd)
{
    char buf[16];
    struct timeval patience = {30, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return recv(fd, buf, sizeof(buf), 0) == 4;
}

static void udp_peers_spread_over_the_workers(void **state)
{
    (void)state;
    struct worker workers[WORKERS];
    struct mesh *mesh;
    struct address at = address_of("127.0.0.1:0");
    start(workers, &mesh);
    for (unsigned i = 0; i < WORKERS; i++) {
        struct udp_options options = {.local = at, .on_datagram = on_datagram, .user = &workers[i]};
        assert_int_equal(udp_open(workers[i].loop, &options, &workers[i].udp), 0);
        at = udp_local(workers[i].udp);
    }
    /* Another process, or another mesh, cannot take a share. */
    struct loop *stranger = new_loop();
    struct udp_options options = {.local = at, .on_datagram = on_datagram, .user = NULL};
    struct udp *udp;
    assert_int_equal(udp_open(stranger, &options, &udp), ERR_EXISTS);
    loop_free(stranger);
    go(workers);
    for (int i = 0; i < 60; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM, 0);
        assert_int_equal(sendto(fd, "ping", 4, 0, &at.sa, address_length(&at)), 4);
        assert_true(echoed(fd));
        close(fd);
    }
    halt(workers);
    unsigned sum = 0, used = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        sum += workers[i].datagrams;
        used += workers[i].datagrams > 0;
    }
    assert_int_equal(sum, 60);
    assert_in_range(used, 2, WORKERS);
    finish(workers, mesh);
}

static void an_address_is_free_again_when_all_have_closed_it(void **state)
{
    (void)state;
    struct worker workers[WORKERS];
    struct mesh *mesh;
    struct address at = address_of("127.0.0.1:0");
    struct udp *udp;
    start(workers, &mesh);
    struct loop *stranger = new_loop();
    for (unsigned i = 0; i < WORKERS; i++) {
        struct udp_options options = {.local = at, .on_datagram = on_datagram, .user = &workers[i]};
        assert_int_equal(udp_open(workers[i].loop, &options, &workers[i].udp), 0);
        at = udp_local(workers[i].udp);
    }
    struct udp_options options = {.local = at, .on_datagram = on_datagram, .user = NULL};
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(udp_open(stranger, &options, &udp), ERR_EXISTS);
        udp_close(workers[i].udp);
        /* The first one closed: another of the mesh may still come back. */
        if (i == 0) {
            assert_int_equal(udp_open(workers[0].loop, &options, &udp), 0);
            udp_close(udp);
        }
    }
    assert_int_equal(udp_open(stranger, &options, &udp), 0);
    assert_int_equal(udp_open(workers[0].loop, &options, &udp), ERR_EXISTS);
    loop_free(stranger);
    finish(workers, mesh);
}

static bool line_comes(int fd, const char *line)
{
    char buf[64];
    struct timeval patience = {30, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    size_t length = strlen(line);
    return recv(fd, buf, length, MSG_WAITALL) == (ssize_t)length && memcmp(buf, line, length) == 0;
}

static void a_worker_sends_on_the_connection_of_another(void **state)
{
    (void)state;
    struct worker workers[WORKERS];
    struct mesh *mesh;
    start(workers, &mesh);
    int fd = user_accept_one(&workers[1].user);
    struct flow flow = workers[1].user.flow;
    assert_int_equal(flow.worker, 1);
    flow.transport = TRANSPORT_WS; /* what a connection that is gone was, its sender says */
    assert_true(stream_alive(workers[0].loop, &flow));
    workers[0].target = workers[2].target = flow;
    stream_on_late(workers[1].loop, on_late, &workers[1]);
    loop_on_turn_end(workers[1].loop, on_turn_end, &workers[1]);
    go(workers);
    struct slice line = SLICE("from another\n");
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(mesh_post(mesh, WORKERS, i % 2 * 2, MAIL_CONTROL, &line, 1), 0);
        mesh_flush(mesh, WORKERS);
        assert_true(line_comes(fd, "from another\n"));
    }
    close(fd);
    wait_for(&workers[1].has_closed);
    /* The connection is gone: its owner counts what comes late. */
    assert_int_equal(mesh_post(mesh, WORKERS, 0, MAIL_CONTROL, &line, 1), 0);
    mesh_flush(mesh, WORKERS);
    wait_for(&workers[1].has_late);
    halt(workers);
    assert_int_equal(workers[1].user.reason, STREAM_CLOSED_BY_PEER);
    assert_int_equal(stream_count(workers[1].loop, STREAM_SEND_LATE), 1);
    assert_int_equal(workers[1].late_from, 0 + 1); /* and can tell who has sent it */
    assert_int_equal(workers[1].late.worker, 1);
    assert_int_equal(workers[1].late.transport, TRANSPORT_WS);
    assert_int_equal(workers[1].late.connection, flow.connection);
    assert_int_equal(workers[1].late.generation, flow.generation);
    flow.worker = WORKERS;
    assert_int_equal(stream_send(workers[0].loop, &flow, line), ERR_CLOSED);
    finish(workers, mesh);
}

static void tcp_peers_spread_over_the_workers(void **state)
{
    (void)state;
    struct worker workers[WORKERS];
    struct mesh *mesh;
    struct address at = address_of("127.0.0.1:0");
    int fds[60];
    start(workers, &mesh);
    for (unsigned i = 0; i < WORKERS; i++) {
        struct user *user = &workers[i].user;
        user->echo = true;
        assert_int_equal(stream_listen(workers[i].loop, &at, &user->options, &user->listener), 0);
        at = stream_listener_local(user->listener);
    }
    go(workers);
    for (int i = 0; i < 60; i++) {
        fds[i] = peer_connect(&at);
        peer_send(fds[i], "line\n");
        assert_true(line_comes(fds[i], "line\n"));
    }
    halt(workers);
    unsigned sum = 0, used = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        sum += workers[i].user.accepted;
        used += workers[i].user.accepted > 0;
    }
    assert_int_equal(sum, 60);
    assert_in_range(used, 2, WORKERS);
    for (int i = 0; i < 60; i++)
        close(fds[i]);
    finish(workers, mesh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(udp_peers_spread_over_the_workers),
        cmocka_unit_test(an_address_is_free_again_when_all_have_closed_it),
        cmocka_unit_test(a_worker_sends_on_the_connection_of_another),
        cmocka_unit_test(tcp_peers_spread_over_the_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
