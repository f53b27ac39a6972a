/* link: -Wl,--wrap=uv_hrtime -Wl,--wrap=uv_now -Wl,--wrap=uv_run */
/* link: -Wl,--wrap=accept4 */
/* Every bound of struct stream_limits, and what happens at it. */
#include "unit/loop/stream_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

/* ---- a system that has no memory, or no descriptor, for a connection ---- */

int __real_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);

static int accept_error; /* 0: none */
static unsigned accept_calls;

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    accept_calls++;
    if (accept_error == 0)
        return __real_accept4(fd, address, length, flags);
    errno = accept_error;
    return -1;
}

/* Milliseconds from now until user hears that its connection closed. */
static uint64_t time_to_close(struct user *user)
{
    uint64_t from = clock_ms();
    assert_true(run_until(user->loop, user_has_closed, user, WAIT_MS));
    return clock_ms() - from;
}

static void an_idle_connection_closes(void **state)
{
    (void)state;
    struct user server;
    char buf[16];
    int end;
    user_init(&server, new_loop());
    server.options.limits.idle_ms = 120;
    int fd = user_accept_one(&server);
    run_for(server.loop, 80);
    peer_send(fd, "a\n"); /* starts the time again */
    assert_true(run_until(server.loop, user_has_messages, &server, WAIT_MS));
    assert_in_range(time_to_close(&server), 115, WAIT_MS);
    assert_int_equal(server.reason, STREAM_IDLE);
    assert_int_equal(peer_read_all(server.loop, fd, buf, sizeof(buf), &end), 0);
    assert_int_equal(end, 0);
    close(fd);
    loop_free(server.loop);
}

static void sending_keeps_a_connection_from_being_idle(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    server.options.limits.idle_ms = 200;
    int fd = user_accept_one(&server);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(stream_send(server.loop, &server.flow, SLICE("ping\n")), 0);
        run_for(server.loop, 60);
    }
    assert_int_equal(server.closed, 0);
    assert_in_range(time_to_close(&server), 100, WAIT_MS);
    assert_int_equal(server.reason, STREAM_IDLE);
    close(fd);
    loop_free(server.loop);
}

static void half_a_message_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    server.options.limits.half_message_ms = 150;
    int fd = user_accept_one(&server);
    peer_send(fd, "a\nhalf");
    assert_true(run_until(server.loop, user_has_messages, &server, WAIT_MS));
    run_for(server.loop, 60);
    peer_send(fd, " and some more"); /* trickling does not prolong it */
    assert_in_range(time_to_close(&server), 50, WAIT_MS);
    assert_int_equal(server.reason, STREAM_HALF_MESSAGE);
    close(fd);
    loop_free(server.loop);
}

static void whole_messages_are_no_half_message(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    server.options.limits.half_message_ms = 100;
    int fd = user_accept_one(&server);
    for (int i = 0; i < 5; i++) {
        peer_send(fd, "begin");
        run_for(server.loop, 40);
        peer_send(fd, " end\n");
        run_for(server.loop, 10);
    }
    run_for(server.loop, 150);
    assert_int_equal(server.messages, 5);
    assert_int_equal(server.closed, 0);
    close(fd);
    loop_free(server.loop);
}

/* The peer does not read: the queue fills, then refuses, then the connection goes. */
static void a_peer_that_does_not_read_stalls_and_is_dropped(void **state)
{
    (void)state;
    struct user server;
    static char data[100000];
    memset(data, 'a', sizeof(data));
    user_init(&server, new_loop());
    server.options.limits.send_stall_ms = 200;
    server.options.limits.send_queue = 300000;
    int fd = user_accept_one(&server);
    unsigned sent = 0;
    while (stream_send(server.loop, &server.flow, slice_of(data, sizeof(data))) == 0) {
        run_for(server.loop, 2);
        sent++;
        assert_true(sent < 1000);
    }
    assert_int_equal(stream_count(server.loop, STREAM_SEND_FULL), 1);
    assert_in_range(time_to_close(&server), 100, WAIT_MS);
    assert_int_equal(server.reason, STREAM_SEND_STALLED);
    close(fd);
    loop_free(server.loop);
}

static void a_slow_reader_gets_everything(void **state)
{
    (void)state;
    struct user server;
    static char data[50000], buf[50000];
    user_init(&server, new_loop());
    server.options.limits.send_stall_ms = 300;
    server.options.limits.send_queue = 8u << 20;
    int fd = user_accept_one(&server);
    size_t total = 6u << 20, queued = 0, read_bytes = 0;
    while (queued < total) {
        for (size_t i = 0; i < sizeof(data); i++)
            data[i] = (char)((queued + i) % 251);
        assert_int_equal(stream_send(server.loop, &server.flow, slice_of(data, sizeof(data))), 0);
        queued += sizeof(data);
    }
    while (read_bytes < queued) {
        run_for(server.loop, 1);
        ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            continue;
        }
        assert_true(n > 0);
        for (ssize_t i = 0; i < n; i++)
            assert_int_equal(buf[i], (char)((read_bytes + (size_t)i) % 251));
        read_bytes += (size_t)n;
    }
    assert_int_equal(server.closed, 0);
    close(fd);
    loop_free(server.loop);
}

static void a_connect_that_nobody_answers_times_out(void **state)
{
    (void)state;
    struct user client;
    struct flow flow;
    user_init(&client, new_loop());
    client.options.limits.connect_ms = 150;
    /* A listener whose queue is full answers no SYN. */
    struct address local = address_of("127.0.0.1:0");
    socklen_t length = sizeof(local);
    int fd = socket(AF_INET, SOCK_STREAM, 0), filler[8];
    assert_int_equal(bind(fd, &local.sa, address_length(&local)), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, &local.sa, &length), 0);
    for (int i = 0; i < 8; i++) {
        filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(filler[i], &local.sa, address_length(&local));
    }
    assert_int_equal(stream_connect(client.loop, &local, &client.options, &flow), 0);
    assert_int_equal(stream_send(client.loop, &flow, SLICE("waits\n")), 0);
    assert_true(stream_alive(client.loop, &flow));
    assert_in_range(time_to_close(&client), 140, WAIT_MS);
    assert_int_equal(client.reason, STREAM_CONNECT_FAILED);
    assert_int_equal(client.opened, 0);
    assert_false(stream_alive(client.loop, &flow));
    for (int i = 0; i < 8; i++)
        close(filler[i]);
    close(fd);
    loop_free(client.loop);
}

static void a_refused_connect_is_told_from_the_loop(void **state)
{
    (void)state;
    struct user client;
    struct flow flow;
    struct address local;
    user_init(&client, new_loop());
    close(peer_listen(&local));
    assert_int_equal(stream_connect(client.loop, &local, &client.options, &flow), 0);
    assert_int_equal(client.closed, 0);
    assert_true(run_until(client.loop, user_has_closed, &client, WAIT_MS));
    assert_int_equal(client.reason, STREAM_CONNECT_FAILED);
    assert_int_equal(client.flow.connection, flow.connection);
    /* So is one that the system refuses at once. */
    local = address_of("255.255.255.255:5060");
    assert_int_equal(stream_connect(client.loop, &local, &client.options, &flow), 0);
    client.want = 2;
    assert_true(run_until(client.loop, user_has_closed, &client, WAIT_MS));
    assert_int_equal(stream_count(client.loop, STREAM_OPEN), 0);
    loop_free(client.loop);
}

/* Reads what became of a refused connection: an end or a reset. */
static void expect_refused(struct loop *loop, int fd)
{
    char buf[8];
    int end;
    assert_int_equal(peer_read_all(loop, fd, buf, sizeof(buf), &end), 0);
    assert_true(end <= 0);
    close(fd);
}

static void connections_over_the_limit_are_refused(void **state)
{
    (void)state;
    struct user server;
    struct flow flow;
    int fds[3];
    user_init(&server, new_loop());
    server.options.limits.connections = 3;
    user_listen(&server);
    for (int i = 0; i < 3; i++)
        fds[i] = peer_connect(&server.local);
    server.want = 3;
    assert_true(run_until(server.loop, user_has_opened, &server, WAIT_MS));
    expect_refused(server.loop, peer_connect(&server.local));
    assert_int_equal(stream_count(server.loop, STREAM_REFUSED_LIMIT), 1);
    assert_int_equal(stream_connect(server.loop, &server.local, &server.options, &flow), ERR_LIMIT);
    /* One goes, another may come. */
    close(fds[0]);
    assert_true(run_until(server.loop, not_zero, &server.closed, WAIT_MS));
    fds[0] = peer_connect(&server.local);
    server.want = 4;
    assert_true(run_until(server.loop, user_has_opened, &server, WAIT_MS));
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    loop_free(server.loop);
}

static int connect_from(const char *source, const struct address *to)
{
    struct address from = address_of(source);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, &from.sa, address_length(&from)), 0);
    assert_int_equal(connect(fd, &to->sa, address_length(to)), 0);
    return fd;
}

static void one_source_gets_no_more_than_its_share(void **state)
{
    (void)state;
    struct user server;
    int fds[3];
    user_init(&server, new_loop());
    server.options.limits.per_source = 2;
    user_listen(&server);
    for (int i = 0; i < 2; i++)
        fds[i] = connect_from("127.0.0.7:0", &server.local);
    server.want = 2;
    assert_true(run_until(server.loop, user_has_opened, &server, WAIT_MS));
    expect_refused(server.loop, connect_from("127.0.0.7:0", &server.local));
    assert_int_equal(stream_count(server.loop, STREAM_REFUSED_SOURCE), 1);
    fds[2] = connect_from("127.0.0.8:0", &server.local);
    server.want = 3;
    assert_true(run_until(server.loop, user_has_opened, &server, WAIT_MS));
    close(fds[0]);
    assert_true(run_until(server.loop, not_zero, &server.closed, WAIT_MS));
    fds[0] = connect_from("127.0.0.7:0", &server.local);
    server.want = 4;
    assert_true(run_until(server.loop, user_has_opened, &server, WAIT_MS));
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    loop_free(server.loop);
}

/* All of a /64 are one source: a single host has as many addresses as it likes. */
static void ipv6_sources_count_by_network(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    server.options.limits.per_source = 1;
    struct address local = address_of("[::1]:0");
    assert_int_equal(stream_listen(server.loop, &local, &server.options, &server.listener), 0);
    local = stream_listener_local(server.listener);
    int fd = peer_connect(&local);
    assert_true(run_until(server.loop, user_has_opened, &server, WAIT_MS));
    expect_refused(server.loop, peer_connect(&local));
    assert_int_equal(stream_count(server.loop, STREAM_REFUSED_SOURCE), 1);
    close(fd);
    loop_free(server.loop);
}

/* Descriptors run out: those who knock are refused, the loop does not spin, and serves on. */
static void running_out_of_descriptors_refuses_and_does_not_spin(void **state)
{
    (void)state;
    struct user server;
    struct rlimit before, less;
    user_init(&server, new_loop());
    int fd = user_accept_one(&server);
    int knock[3];
    for (int i = 0; i < 3; i++)
        knock[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    less = before;
    less.rlim_cur = (rlim_t)knock[2] + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &less), 0);
    int probe = dup(fd);
    assert_int_equal(probe, -1);
    for (int i = 0; i < 3; i++)
        (void)!connect(knock[i], &server.local.sa, address_length(&server.local));
    peer_send(fd, "served\n");
    run_for(server.loop, 100);
    assert_int_equal(server.messages, 1);
    assert_int_equal(stream_count(server.loop, STREAM_REFUSED_LIMIT), 3);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    int late = peer_connect(&server.local);
    server.want = 2;
    assert_true(run_until(server.loop, user_has_opened, &server, WAIT_MS));
    for (int i = 0; i < 3; i++)
        close(knock[i]);
    close(late);
    close(fd);
    loop_free(server.loop);
}

/* Level-triggered polling would come back at once, for ever. */
static void a_system_without_memory_is_asked_again_later(void **state)
{
    (void)state;
    static const int errors[] = {ENOBUFS, ENOMEM, EMFILE, ENFILE};
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct user server;
        user_init(&server, new_loop());
        user_listen(&server);
        int fd = peer_connect(&server.local);
        accept_error = errors[i];
        accept_calls = 0;
        run_for(server.loop, 150);
        assert_in_range(accept_calls, 1, 6);
        assert_int_equal(server.opened, 0);
        accept_error = 0;
        assert_true(run_until(server.loop, user_has_opened, &server, WAIT_MS));
        close(fd);
        loop_free(server.loop);
    }
}

/* accept(2): errors of the connection itself are passed on; the next one is served. */
static void a_connection_that_failed_before_accept_is_passed_over(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    user_listen(&server);
    int fd = peer_connect(&server.local);
    accept_error = ECONNABORTED;
    run_for(server.loop, 5);
    accept_error = 0;
    assert_true(run_until(server.loop, user_has_opened, &server, WAIT_MS));
    close(fd);
    loop_free(server.loop);
}

static void a_send_larger_than_the_queue_is_refused_whole(void **state)
{
    (void)state;
    struct user server;
    char buf[16];
    int end;
    user_init(&server, new_loop());
    server.options.limits.send_queue = 8;
    int fd = user_accept_one(&server);
    assert_int_equal(stream_send(server.loop, &server.flow, SLICE("123456789")), ERR_LIMIT);
    assert_int_equal(stream_send(server.loop, &server.flow, SLICE("12345")), 0);
    assert_int_equal(stream_send(server.loop, &server.flow, SLICE("1234")), ERR_LIMIT);
    assert_int_equal(stream_send(server.loop, &server.flow, SLICE("678")), 0);
    assert_int_equal(stream_send(server.loop, &server.flow, SLICE_NULL), 0);
    assert_int_equal(peer_read_all(server.loop, fd, buf, sizeof(buf), &end), 8);
    assert_memory_equal(buf, "12345678", 8);
    close(fd);
    loop_free(server.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_connection_closes),
        cmocka_unit_test(sending_keeps_a_connection_from_being_idle),
        cmocka_unit_test(half_a_message_does_not_wait_for_ever),
        cmocka_unit_test(whole_messages_are_no_half_message),
        cmocka_unit_test(a_peer_that_does_not_read_stalls_and_is_dropped),
        cmocka_unit_test(a_slow_reader_gets_everything),
        cmocka_unit_test(a_connect_that_nobody_answers_times_out),
        cmocka_unit_test(a_refused_connect_is_told_from_the_loop),
        cmocka_unit_test(connections_over_the_limit_are_refused),
        cmocka_unit_test(one_source_gets_no_more_than_its_share),
        cmocka_unit_test(ipv6_sources_count_by_network),
        cmocka_unit_test(running_out_of_descriptors_refuses_and_does_not_spin),
        cmocka_unit_test(a_system_without_memory_is_asked_again_later),
        cmocka_unit_test(a_connection_that_failed_before_accept_is_passed_over),
        cmocka_unit_test(a_send_larger_than_the_queue_is_refused_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
