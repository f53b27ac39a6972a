/* link: -Wl,--wrap=uv_hrtime -Wl,--wrap=uv_now -Wl,--wrap=uv_run */
/* What relays need of streams: pausing, other handlers, connections that change their loop. */
#include "unit/loop/stream_fixture.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

/* A handler that takes everything. */
struct sink {
    size_t bytes;
    unsigned drained;
    unsigned closed;
    size_t want;
    char last;
};

static long sink_bytes(void *user, const struct flow *flow, struct slice buffered)
{
    struct sink *sink = user;
    (void)flow;
    sink->bytes += buffered.len;
    sink->last = buffered.ptr[buffered.len - 1];
    return (long)buffered.len;
}

static void sink_drained(void *user, const struct flow *flow)
{
    struct sink *sink = user;
    (void)flow;
    sink->drained++;
}

static void sink_close(void *user, const struct flow *flow, enum stream_reason reason)
{
    struct sink *sink = user;
    (void)flow;
    (void)reason;
    sink->closed++;
}

static bool sink_has(void *user)
{
    const struct sink *sink = user;
    return sink->bytes >= sink->want;
}

static bool sink_drained_once(void *user)
{
    const struct sink *sink = user;
    return sink->drained > 0;
}

static bool sink_closed_once(void *user)
{
    const struct sink *sink = user;
    return sink->closed > 0;
}

static struct stream_handler handler_of(struct sink *sink)
{
    return (struct stream_handler){
        .on_bytes = sink_bytes, .on_close = sink_close, .on_drained = sink_drained, .user = sink};
}

static void a_paused_connection_is_not_read_until_it_is_resumed(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    int fd = user_accept_one(&server);
    stream_pause(server.loop, &server.flow, true);
    peer_send(fd, "one\ntwo\n");
    run_for(server.loop, 50);
    assert_int_equal(server.messages, 0);
    stream_pause(server.loop, &server.flow, false);
    server.want = 2;
    assert_true(run_until(server.loop, user_has_messages, &server, WAIT_MS));
    close(fd);
    loop_free(server.loop);
}

/* The system's buffers fill up, and the far end waits */
static void pausing_holds_the_far_end_up(void **state)
{
    enum { PIECE = 65536, PIECES = 1000 };
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    int fd = user_accept_one(&server);
    char *piece = calloc(1, PIECE);
    size_t sent = 0;
    stream_pause(server.loop, &server.flow, true);
    for (unsigned i = 0; i < PIECES; i++) {
        ssize_t n = send(fd, piece, PIECE, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    run_for(server.loop, 20);
    assert_true(sent < (size_t)PIECE * PIECES);
    assert_int_equal(stream_count(server.loop, STREAM_BYTES_IN), 0);
    struct sink sink = {.want = sent};
    struct stream_handler handler = handler_of(&sink);
    assert_int_equal(stream_hand_over(server.loop, &server.flow, &handler, &server.options.limits),
                     0);
    stream_pause(server.loop, &server.flow, false);
    assert_true(run_until(server.loop, sink_has, &sink, WAIT_MS));
    assert_int_equal(sink.bytes, sent);
    free(piece);
    close(fd);
    loop_free(server.loop);
}

/* What its handler leaves is not lost, nor does it end the connection as half a message */
static void what_was_read_before_the_pause_comes_when_it_is_resumed(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    server.options.limits.half_message_ms = 30;
    int fd = user_accept_one(&server);
    peer_send(fd, "first\nha");
    assert_true(run_until(server.loop, user_has_messages, &server, WAIT_MS));
    stream_pause(server.loop, &server.flow, true);
    run_for(server.loop, 150);
    assert_int_equal(server.closed, 0);
    struct sink sink = {.want = 2};
    struct stream_handler handler = handler_of(&sink);
    assert_int_equal(stream_hand_over(server.loop, &server.flow, &handler, &server.options.limits),
                     0);
    stream_pause(server.loop, &server.flow, false);
    assert_true(run_until(server.loop, sink_has, &sink, WAIT_MS));
    assert_int_equal(sink.last, 'a');
    close(fd);
    loop_free(server.loop);
}

static void that_the_far_end_has_closed_is_noticed_when_resumed(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    int fd = user_accept_one(&server);
    stream_pause(server.loop, &server.flow, true);
    peer_send(fd, "last\n");
    close(fd);
    run_for(server.loop, 50);
    assert_int_equal(server.closed, 0);
    stream_pause(server.loop, &server.flow, false);
    assert_true(run_until(server.loop, user_has_closed, &server, WAIT_MS));
    assert_int_equal(server.messages, 1);
    loop_free(server.loop);
}

struct switcher {
    struct user *server;
    struct sink sink;
};

static long switching_bytes(void *user, const struct flow *flow, struct slice buffered)
{
    struct switcher *switcher = user;
    struct stream_handler handler = handler_of(&switcher->sink);
    size_t end = slice_index(buffered, '\n');
    assert_true(end < buffered.len);
    assert_int_equal(stream_hand_over(switcher->server->loop, flow, &handler,
                                      &(struct stream_limits){.idle_ms = 1000000}),
                     0);
    return (long)end + 1;
}

/* From within its own on_bytes: what follows goes to the new one */
static void a_handler_may_hand_over_to_another(void **state)
{
    (void)state;
    struct user server;
    struct switcher switcher = {.server = &server, .sink = {.want = 6}};
    user_init(&server, new_loop());
    server.options.handler.on_bytes = switching_bytes;
    server.options.handler.user = &switcher;
    server.options.handler.on_open = NULL;
    user_listen(&server);
    int fd = peer_connect(&server.local);
    peer_send(fd, "bind\nraw\nxy");
    assert_true(run_until(server.loop, sink_has, &switcher.sink, WAIT_MS));
    assert_int_equal(switcher.sink.bytes, 6);
    close(fd);
    assert_true(run_until(server.loop, sink_closed_once, &switcher.sink, WAIT_MS));
    loop_free(server.loop);
}

static void a_user_hears_when_all_has_been_sent(void **state)
{
    enum { SIZE = 1 << 20 };
    (void)state;
    struct user server;
    struct sink sink = {0};
    struct stream_handler handler = handler_of(&sink);
    char *data = calloc(1, SIZE);
    user_init(&server, new_loop());
    int fd = user_accept_one(&server);
    assert_int_equal(stream_hand_over(server.loop, &server.flow, &handler, &server.options.limits),
                     0);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(stream_send(server.loop, &server.flow, slice_of(data, SIZE / 16)), 0);
    assert_int_equal(stream_queued(server.loop, &server.flow), SIZE);
    size_t got = 0;
    while (got < SIZE) {
        ssize_t n = recv(fd, data, SIZE, MSG_DONTWAIT);
        if (n > 0)
            got += (size_t)n;
        else
            run_for(server.loop, 1);
    }
    assert_true(run_until(server.loop, sink_drained_once, &sink, WAIT_MS));
    assert_int_equal(sink.drained, 1);
    assert_int_equal(stream_queued(server.loop, &server.flow), 0);
    free(data);
    close(fd);
    loop_free(server.loop);
}

static void a_connection_moves_to_another_loop(void **state)
{
    (void)state;
    struct user first;
    struct sink sink = {.want = 5};
    struct stream_options options = {.transport = TRANSPORT_TCP, .handler = handler_of(&sink)};
    struct flow flow;
    int moved = -1;
    user_init(&first, new_loop());
    struct loop *second = new_loop();
    int fd = user_accept_one(&first);
    stream_pause(first.loop, &first.flow, true);
    peer_send(fd, "early");
    run_for(first.loop, 20);
    assert_int_equal(stream_release(first.loop, &first.flow, &moved), 0);
    assert_false(stream_alive(first.loop, &first.flow));
    assert_int_equal(stream_count(first.loop, STREAM_OPEN), 0);
    assert_int_equal(stream_release(first.loop, &first.flow, &moved), ERR_CLOSED);
    assert_int_equal(stream_take(second, moved, &options, &flow), 0);
    assert_true(address_equal(&flow.remote, &first.flow.remote));
    assert_true(address_equal(&flow.local, &first.local));
    run_for(second, 20);
    assert_int_equal(sink.bytes, 0);
    stream_pause(second, &flow, false);
    assert_true(run_until(second, sink_has, &sink, WAIT_MS));
    char answer[8];
    assert_int_equal(stream_send(second, &flow, SLICE("late")), 0);
    run_for(second, 20);
    assert_int_equal(recv(fd, answer, sizeof answer, 0), 4);
    assert_int_equal(first.closed, 0);
    close(fd);
    assert_true(run_until(second, sink_closed_once, &sink, WAIT_MS));
    loop_free(first.loop);
    loop_free(second);
}

static void a_connection_in_use_is_not_released(void **state)
{
    (void)state;
    struct user server;
    int fd_out;
    user_init(&server, new_loop());
    int fd = user_accept_one(&server);
    peer_send(fd, "first\nha");
    assert_true(run_until(server.loop, user_has_messages, &server, WAIT_MS));
    assert_int_equal(stream_release(server.loop, &server.flow, &fd_out), ERR_BUSY);
    assert_true(stream_alive(server.loop, &server.flow));
    close(fd);
    loop_free(server.loop);
}

static void a_descriptor_that_is_not_connected_is_not_taken(void **state)
{
    (void)state;
    struct sink sink = {0};
    struct stream_options options = {.transport = TRANSPORT_TCP, .handler = handler_of(&sink)};
    struct flow flow;
    struct loop *loop = new_loop();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(stream_take(loop, fd, &options, &flow), ERR_IO);
    assert_int_equal(close(fd), 0); /* it stayed ours */
    loop_free(loop);
}

/* RFC 6062 section 5.2: a relay connects from the address that it listens on */
static void a_connection_may_begin_where_a_listener_is(void **state)
{
    (void)state;
    struct user server, client;
    struct address peer;
    struct flow flow;
    user_init(&server, new_loop());
    user_listen(&server);
    user_init(&client, server.loop);
    int listening = peer_listen(&peer);
    client.options.local = &server.local;
    assert_int_equal(stream_connect(server.loop, &peer, &client.options, &flow), 0);
    assert_true(run_until(server.loop, user_has_opened, &client, WAIT_MS));
    assert_true(address_equal(&flow.local, &server.local));
    struct address from;
    socklen_t length = sizeof from;
    int fd = accept(listening, &from.sa, &length);
    assert_true(fd >= 0);
    assert_true(address_equal_host(&from, &server.local));
    assert_int_equal(address_port(&from), address_port(&server.local));
    /* And the listener goes on. */
    int other = peer_connect(&server.local);
    assert_true(run_until(server.loop, user_has_opened, &server, WAIT_MS));
    close(other);
    close(fd);
    close(listening);
    loop_free(server.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paused_connection_is_not_read_until_it_is_resumed),
        cmocka_unit_test(pausing_holds_the_far_end_up),
        cmocka_unit_test(what_was_read_before_the_pause_comes_when_it_is_resumed),
        cmocka_unit_test(that_the_far_end_has_closed_is_noticed_when_resumed),
        cmocka_unit_test(a_handler_may_hand_over_to_another),
        cmocka_unit_test(a_user_hears_when_all_has_been_sent),
        cmocka_unit_test(a_connection_moves_to_another_loop),
        cmocka_unit_test(a_connection_in_use_is_not_released),
        cmocka_unit_test(a_descriptor_that_is_not_connected_is_not_taken),
        cmocka_unit_test(a_connection_may_begin_where_a_listener_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
