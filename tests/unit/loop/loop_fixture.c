#include "unit/loop/loop_fixture.h"

#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

struct loop *new_mesh_loop(struct mesh *mesh, unsigned worker)
{
    struct loop_config config = {.worker = worker, .mesh = mesh};
    struct loop *loop = NULL;
    assert_int_equal(loop_new(&config, &loop), 0);
    return loop;
}

struct loop *new_loop(void)
{
    return new_mesh_loop(NULL, 0);
}

struct runner {
    struct loop *loop;
    condition_fn *condition;
    void *user;
    struct timer timer;
    bool held;
    bool late;
};

static void runner_turn(void *user)
{
    struct runner *runner = user;
    if (runner->condition != NULL && runner->condition(runner->user))
        runner->held = true;
    if (runner->held || runner->late)
        loop_stop(runner->loop);
}

static void runner_late(struct timer *timer)
{
    container_of(timer, struct runner, timer)->late = true;
}

bool run_until(struct loop *loop, condition_fn *condition, void *user, unsigned ms)
{
    struct runner runner = {.loop = loop, .condition = condition, .user = user};
    timer_init(&runner.timer, runner_late);
    /* The wheel stands still between runs. */
    wheel_advance(loop_wheel(loop), clock_ms());
    wheel_start(loop_wheel(loop), &runner.timer, ms);
    loop_on_turn_end(loop, runner_turn, &runner);
    assert_int_equal(loop_run(loop), 0);
    loop_on_turn_end(loop, NULL, NULL);
    wheel_stop(loop_wheel(loop), &runner.timer);
    return runner.held;
}

void run_for(struct loop *loop, unsigned ms)
{
    (void)run_until(loop, NULL, NULL, ms);
}

bool not_zero(void *user)
{
    return *(unsigned *)user != 0;
}

struct address address_of(const char *text)
{
    struct address a;
    assert_int_equal(address_parse(slice_from_string(text), &a), 0);
    return a;
}

uint64_t clock_ms(void)
{
    return uv_hrtime() / 1000000;
}

int peer_connect(const struct address *to)
{
    int fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &to->sa, address_length(to)), 0);
    return fd;
}

static int peer_bind(int type, struct address *ret_local)
{
    struct address local = address_of("127.0.0.1:0");
    socklen_t length = sizeof(local);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, &local.sa, address_length(&local)), 0);
    assert_int_equal(getsockname(fd, &local.sa, &length), 0);
    *ret_local = local;
    return fd;
}

int peer_listen(struct address *ret_local)
{
    int fd = peer_bind(SOCK_STREAM, ret_local);
    assert_int_equal(listen(fd, 128), 0);
    return fd;
}

int peer_udp(struct address *ret_local)
{
    return peer_bind(SOCK_DGRAM, ret_local);
}

void peer_send(int fd, const char *text)
{
    size_t length = strlen(text);
    assert_int_equal(send(fd, text, length, MSG_NOSIGNAL), (ssize_t)length);
}

void peer_reset(int fd)
{
    struct linger linger = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}
