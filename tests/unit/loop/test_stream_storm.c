/* link: -Wl,--wrap=uv_hrtime -Wl,--wrap=uv_now -Wl,--wrap=uv_run */
/* timeout: 300 */
/* Ten thousand connections at once, from another process. */
#include "unit/loop/stream_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

#define CONNECTIONS 10000u
#define RESERVED    100u /* descriptors for anything else */

static unsigned crowd_size(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    rlim_t room = limit.rlim_cur - RESERVED;
    return room < CONNECTIONS ? (unsigned)room : CONNECTIONS;
}

/* A step of the crowd is done when its byte has come through the pipe. */
static void crowd_say(int pipe, char what)
{
    if (write(pipe, &what, 1) != 1)
        _exit(2);
}

static void crowd_wait(int pipe)
{
    char what;
    if (read(pipe, &what, 1) != 1)
        _exit(3);
}

/* The other process: all connect, all ask, all read their answer; the odd ones reset, the even ones
 * close. */
static void crowd(const struct address *to, unsigned count, int in, int out)
{
    int *fds = calloc(count, sizeof(*fds));
    char buf[8];
    for (unsigned i = 0; i < count; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (fds[i] < 0 || connect(fds[i], &to->sa, address_length(to)) != 0)
            _exit(1);
    }
    crowd_say(out, 'c');
    crowd_wait(in);
    for (unsigned i = 0; i < count; i++)
        (void)!send(fds[i], "hello\n", 6, MSG_NOSIGNAL);
    for (unsigned i = 0; i < count; i++) {
        if (recv(fds[i], buf, 6, MSG_WAITALL) != 6)
            _exit(4);
    }
    crowd_say(out, 'a');
    crowd_wait(in);
    for (unsigned i = 0; i < count; i++) {
        if (i % 2 != 0)
            peer_reset(fds[i]);
        else
            close(fds[i]);
    }
    free(fds);
    _exit(0);
}

struct stage {
    int pipe;
    struct user *user;
};

/* The crowd has said its byte. */
static bool crowd_said(void *data)
{
    struct stage *stage = data;
    char what;
    struct timeval none = {0, 1000};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(stage->pipe, &set);
    return select(stage->pipe + 1, &set, NULL, NULL, &none) == 1 &&
           read(stage->pipe, &what, 1) >= 0;
}

static void ten_thousand_connections_are_served(void **state)
{
    (void)state;
    struct user server;
    int to_crowd[2], from_crowd[2];
    unsigned count = crowd_size();
    assert_true(count > 100);
    user_init(&server, new_loop());
    server.echo = true;
    server.options.limits.per_source = CONNECTIONS;
    user_listen(&server);
    assert_int_equal(pipe(to_crowd) | pipe(from_crowd), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(to_crowd[1]);
        crowd(&server.local, count, to_crowd[0], from_crowd[1]);
    }
    server.want = count;
    assert_true(run_until(server.loop, user_has_opened, &server, 60000));
    assert_int_equal(stream_count(server.loop, STREAM_OPEN), count);
    struct stage stage = {.pipe = from_crowd[0]};
    assert_true(run_until(server.loop, crowd_said, &stage, 20000));
    crowd_say(to_crowd[1], 'g');
    assert_true(run_until(server.loop, user_has_messages, &server, 60000));
    assert_true(run_until(server.loop, crowd_said, &stage, 60000));
    assert_int_equal(server.messages, count);
    crowd_say(to_crowd[1], 'g');
    assert_true(run_until(server.loop, user_has_closed, &server, 60000));
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(stream_count(server.loop, STREAM_OPEN), 0);
    assert_int_equal(stream_count(server.loop, STREAM_REFUSED_LIMIT), 0);
    close(to_crowd[0]);
    close(to_crowd[1]);
    close(from_crowd[0]);
    close(from_crowd[1]);
    loop_free(server.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_connections_are_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
