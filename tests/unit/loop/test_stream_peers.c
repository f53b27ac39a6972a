/* link: -Wl,--wrap=uv_hrtime -Wl,--wrap=uv_now -Wl,--wrap=uv_run */
/* link: -Wl,--wrap=recv */
/* Peers that behave badly: reset, half-closed, gone without a word, at every moment. */
#include "unit/loop/stream_fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/random.h"

/* ---- a peer faster than the loop: its socket is never empty ---- */

ssize_t __real_recv(int fd, void *buf, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t size, int flags);

static int flooded_fd = -1; /* reads from it fill any buffer with empty messages */
static unsigned flooded_reads;

ssize_t __wrap_recv(int fd, void *buf, size_t size, int flags)
{
    if (fd != flooded_fd)
        return __real_recv(fd, buf, size, flags);
    flooded_reads++;
    memset(buf, '\n', size);
    return (ssize_t)size;
}

/* The descriptor on the server's side of the connection that was accepted last. */
static int newest_fd(void)
{
    int fd = dup(0);
    assert_true(fd > 0);
    close(fd);
    return fd - 1;
}

static void a_reset_closes_with_an_error(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    int fd = user_accept_one(&server);
    peer_send(fd, "half");
    run_for(server.loop, 5);
    peer_reset(fd);
    assert_true(run_until(server.loop, user_has_closed, &server, WAIT_MS));
    assert_int_equal(server.reason, STREAM_IO_ERROR);
    assert_int_equal(stream_count(server.loop, STREAM_OPEN), 0);
    loop_free(server.loop);
}

static void a_reset_before_accept_is_survived(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    user_listen(&server);
    peer_reset(peer_connect(&server.local));
    int fd = peer_connect(&server.local);
    peer_send(fd, "hello\n");
    assert_true(run_until(server.loop, user_has_messages, &server, WAIT_MS));
    run_for(server.loop, 10);
    assert_int_equal(server.opened - server.closed, 1);
    close(fd);
    loop_free(server.loop);
}

static void what_came_before_the_end_is_still_read(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    user_listen(&server);
    int fd = peer_connect(&server.local);
    peer_send(fd, "one\ntwo\nhalf");
    close(fd);
    assert_true(run_until(server.loop, user_has_closed, &server, WAIT_MS));
    assert_int_equal(server.messages, 2);
    assert_int_equal(server.reason, STREAM_CLOSED_BY_PEER);
    loop_free(server.loop);
}

/* The peer has said all it wants to say, and reads on. */
static void a_half_closed_peer_still_gets_its_answers(void **state)
{
    (void)state;
    struct user server;
    char buf[64];
    int end;
    user_init(&server, new_loop());
    server.echo = true;
    int fd = user_accept_one(&server);
    peer_send(fd, "question\nanother\n");
    shutdown(fd, SHUT_WR);
    assert_true(run_until(server.loop, user_has_closed, &server, WAIT_MS));
    assert_int_equal(peer_read_all(server.loop, fd, buf, sizeof(buf), &end), 17);
    assert_memory_equal(buf, "question\nanother\n", 17);
    assert_int_equal(end, 0);
    assert_int_equal(server.reason, STREAM_CLOSED_BY_PEER);
    close(fd);
    loop_free(server.loop);
}

static void sending_to_a_peer_that_is_gone_is_no_signal(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    int fd = user_accept_one(&server);
    peer_reset(fd);
    /* The loop has not seen the reset yet. */
    assert_int_equal(stream_send(server.loop, &server.flow, SLICE("x\n")), 0);
    assert_true(run_until(server.loop, user_has_closed, &server, WAIT_MS));
    assert_int_equal(server.reason, STREAM_IO_ERROR);
    assert_int_equal(stream_send(server.loop, &server.flow, SLICE("x\n")), ERR_CLOSED);
    loop_free(server.loop);
}

/* Closing while the peer does not read: the rest is given up after the stall time. */
static void closing_towards_a_deaf_peer_ends(void **state)
{
    (void)state;
    struct user server;
    static char data[500000];
    user_init(&server, new_loop());
    server.options.limits.send_stall_ms = 150;
    server.options.limits.send_queue = 64u << 20;
    int fd = user_accept_one(&server);
    for (int i = 0; i < 20; i++)
        assert_int_equal(stream_send(server.loop, &server.flow, slice_of(data, sizeof(data))), 0);
    stream_close(server.loop, &server.flow, STREAM_CLOSED_BY_US);
    assert_false(stream_alive(server.loop, &server.flow));
    run_for(server.loop, 50);
    assert_int_equal(server.closed, 0);
    assert_true(run_until(server.loop, user_has_closed, &server, WAIT_MS));
    assert_int_equal(server.reason, STREAM_CLOSED_BY_US);
    close(fd);
    loop_free(server.loop);
}

/* A trickle is progress, but closing does not take for ever. */
static void closing_towards_a_peer_that_trickles_ends(void **state)
{
    (void)state;
    struct user server;
    static char data[500000], buf[20000];
    user_init(&server, new_loop());
    server.options.limits.send_stall_ms = 200;
    server.options.limits.send_queue = 64u << 20;
    int fd = user_accept_one(&server);
    for (int i = 0; i < 40; i++)
        assert_int_equal(stream_send(server.loop, &server.flow, slice_of(data, sizeof(data))), 0);
    stream_close(server.loop, &server.flow, STREAM_CLOSED_BY_US);
    uint64_t from = clock_ms();
    while (server.closed == 0 && clock_ms() - from < 3000) {
        (void)!recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
        run_for(server.loop, 10);
    }
    assert_int_equal(server.closed, 1);
    close(fd);
    loop_free(server.loop);
}

/* After our FIN the peer sends on and on. */
static void a_peer_that_never_stops_is_reset(void **state)
{
    (void)state;
    struct user server;
    static char data[100000];
    user_init(&server, new_loop());
    int fd = user_accept_one(&server);
    stream_close(server.loop, &server.flow, STREAM_CLOSED_BY_US);
    assert_true(run_until(server.loop, user_has_closed, &server, WAIT_MS));
    uint64_t from = clock_ms();
    int error = 0;
    while (error == 0 && clock_ms() - from < WAIT_MS) {
        if (send(fd, data, sizeof(data), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
            error = errno;
        run_for(server.loop, 1);
    }
    assert_true(error == ECONNRESET || error == EPIPE);
    assert_int_equal(server.closed, 1);
    close(fd);
    loop_free(server.loop);
}

static void a_peer_that_does_not_close_after_our_end_is_forgotten(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    server.options.limits.connections = 1;
    int fd = user_accept_one(&server);
    stream_close(server.loop, &server.flow, STREAM_CLOSED_BY_US);
    run_for(server.loop, 1200);
    /* Its place is free again. */
    int next = peer_connect(&server.local);
    server.want = 2;
    assert_true(run_until(server.loop, user_has_opened, &server, WAIT_MS));
    close(next);
    close(fd);
    loop_free(server.loop);
}

/* One that floods keeps neither another nor itself from being served. */
static void a_flood_on_one_connection_starves_nobody(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    int flood = user_accept_one(&server);
    int flood_fd = newest_fd();
    int other = peer_connect(&server.local);
    server.want = 2;
    assert_true(run_until(server.loop, user_has_opened, &server, WAIT_MS));
    peer_send(flood, "\n");
    peer_send(other, "me too\n");
    flooded_fd = flood_fd;
    flooded_reads = 0;
    for (int turn = 0; turn < 3; turn++)
        run_for(server.loop, 0);
    assert_int_equal(server.texts, 1);
    /* Without any new event it is read again, turn by turn, and no further than allowed in each. */
    unsigned before = flooded_reads;
    assert_true(before >= 4);
    run_for(server.loop, 0);
    run_for(server.loop, 0);
    assert_in_range(flooded_reads - before, 2, 30);
    flooded_fd = -1;
    run_for(server.loop, 5);
    assert_int_equal(server.closed, 0);
    close(flood);
    close(other);
    server.want = 2;
    assert_true(run_until(server.loop, user_has_closed, &server, WAIT_MS));
    loop_free(server.loop);
}

/* Closing, too, reads no more in one turn than its share, and gives up on the rest. */
static void a_flood_after_our_end_is_cut_off(void **state)
{
    (void)state;
    struct user server;
    char buf[8];
    int end;
    user_init(&server, new_loop());
    int fd = user_accept_one(&server);
    flooded_fd = newest_fd();
    flooded_reads = 0;
    stream_close(server.loop, &server.flow, STREAM_CLOSED_BY_US);
    assert_true(run_until(server.loop, user_has_closed, &server, WAIT_MS));
    run_for(server.loop, 5);
    assert_in_range(flooded_reads, 1, 16);
    flooded_fd = -1;
    assert_int_equal(peer_read_all(server.loop, fd, buf, sizeof(buf), &end), 0);
    assert_true(end <= 0);
    close(fd);
    loop_free(server.loop);
}

/* Peers that connect, send pieces, reset, close and half-close in any order; in the end nothing is
 * left and everybody who was opened was closed. */
#define CROWD 40

static void peer_step(struct random *random, const struct address *to, int *fd)
{
    static const char *const pieces[] = {"a", "bc\n", "\n\n\n", "long piece without an end ",
                                         "x\ny"};
    char buf[4096];
    if (*fd < 0) {
        *fd = peer_connect(to);
        return;
    }
    switch (random_below(random, 12)) {
    case 0:
        peer_reset(*fd);
        *fd = -1;
        return;
    case 1:
        close(*fd);
        *fd = -1;
        return;
    case 2: shutdown(*fd, SHUT_WR); return;
    case 3: shutdown(*fd, SHUT_RD); return;
    case 4: (void)!recv(*fd, buf, sizeof(buf), MSG_DONTWAIT); return;
    default: break;
    }
    const char *piece = pieces[random_below(random, 5)];
    (void)!send(*fd, piece, strlen(piece), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void any_order_of_events_leaves_nothing_behind(void **state)
{
    (void)state;
    struct user server;
    struct random random;
    int fds[CROWD];
    random_seed(&random, 11);
    user_init(&server, new_loop());
    server.echo = true;
    server.options.limits.buffer = 256;
    server.options.limits.half_message_ms = 30;
    server.options.limits.idle_ms = 100;
    user_listen(&server);
    memset(fds, -1, sizeof(fds));
    for (int step = 0; step < 6000; step++) {
        peer_step(&random, &server.local, &fds[random_below(&random, CROWD)]);
        if (random_below(&random, 4) == 0)
            run_for(server.loop, 0);
        if (server.opened > 0 && random_below(&random, 10) == 0)
            stream_close(server.loop, &server.flow,
                         (enum stream_reason)random_below(&random, STREAM_BAD_INPUT + 1));
    }
    for (int i = 0; i < CROWD; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    run_for(server.loop, 300);
    assert_true(server.opened > 100);
    assert_int_equal(server.opened, server.closed);
    assert_int_equal(stream_count(server.loop, STREAM_OPEN), 0);
    assert_int_equal(stream_count(server.loop, STREAM_ACCEPTED), server.opened);
    assert_int_equal(stream_count(server.loop, STREAM_CLOSED), server.closed);
    run_for(server.loop, 1100);
    assert_int_equal(loop_wheel(server.loop)->count, 0);
    loop_free(server.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset_closes_with_an_error),
        cmocka_unit_test(a_reset_before_accept_is_survived),
        cmocka_unit_test(what_came_before_the_end_is_still_read),
        cmocka_unit_test(a_half_closed_peer_still_gets_its_answers),
        cmocka_unit_test(sending_to_a_peer_that_is_gone_is_no_signal),
        cmocka_unit_test(closing_towards_a_deaf_peer_ends),
        cmocka_unit_test(closing_towards_a_peer_that_trickles_ends),
        cmocka_unit_test(a_peer_that_never_stops_is_reset),
        cmocka_unit_test(a_peer_that_does_not_close_after_our_end_is_forgotten),
        cmocka_unit_test(a_flood_on_one_connection_starves_nobody),
        cmocka_unit_test(a_flood_after_our_end_is_cut_off),
        cmocka_unit_test(any_order_of_events_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
