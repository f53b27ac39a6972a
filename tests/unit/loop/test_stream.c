/* link: -Wl,--wrap=uv_hrtime -Wl,--wrap=uv_now -Wl,--wrap=uv_run */
#include "unit/loop/stream_fixture.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "loop/mesh.h"

static void two_loops_talk(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct user server, client;
    struct flow flow;
    user_init(&server, loop);
    user_init(&client, loop);
    server.echo = true;
    user_listen(&server);
    assert_int_equal(stream_connect(loop, &server.local, &client.options, &flow), 0);
    /* What is sent before the connection is there waits for it. */
    assert_int_equal(stream_send(loop, &flow, SLICE("hel")), 0);
    assert_int_equal(stream_send(loop, &flow, SLICE("lo\nworld\n")), 0);
    client.want = 2;
    assert_true(run_until(loop, user_has_messages, &client, WAIT_MS));
    assert_string_equal(client.last, "world");
    assert_int_equal(client.opened, 1);
    assert_int_equal(client.accepted, 0);
    assert_int_equal(server.accepted, 1);
    assert_true(address_equal(&flow.remote, &server.local));
    assert_true(address_equal(&flow.local, &server.flow.remote));
    assert_true(address_equal(&server.flow.local, &server.local));
    assert_int_equal(server.flow.listener, 3);
    assert_int_equal(server.flow.transport, TRANSPORT_TCP);
    assert_int_equal(stream_count(loop, STREAM_ACCEPTED), 1);
    assert_int_equal(stream_count(loop, STREAM_CONNECTED), 1);
    assert_int_equal(stream_count(loop, STREAM_OPEN), 2);
    assert_int_equal(stream_count(loop, STREAM_BYTES_IN), 24);
    assert_int_equal(stream_count(loop, STREAM_BYTES_OUT), 24);
    loop_free(loop);
    assert_int_equal(client.closed + server.closed, 0);
}

static void bytes_are_gathered_until_a_message_is_whole(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    int fd = user_accept_one(&server);
    static const char text[] = "one\ntwo\nthree\n";
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        assert_int_equal(send(fd, text + i, 1, MSG_NOSIGNAL), 1);
        run_for(server.loop, 1);
    }
    server.want = 3;
    assert_true(run_until(server.loop, user_has_messages, &server, WAIT_MS));
    assert_string_equal(server.last, "three");
    peer_send(fd, "4\n5\n6\n7\n8");
    server.want = 7;
    assert_true(run_until(server.loop, user_has_messages, &server, WAIT_MS));
    assert_string_equal(server.last, "7");
    close(fd);
    loop_free(server.loop);
}

static void large_messages_pass_up_to_the_limit(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    int fd = user_accept_one(&server);
    size_t size = 120000, sent = 0;
    char *data = malloc(size);
    memset(data, 'a', size);
    data[size - 1] = '\n';
    for (server.want = 1; server.want <= 3; server.want++) {
        for (sent = 0; sent < size;) {
            size_t piece = size - sent < 7001 ? size - sent : 7001;
            assert_int_equal(send(fd, data + sent, piece, MSG_NOSIGNAL), (ssize_t)piece);
            sent += piece;
            if (server.want == 2)
                run_for(server.loop, 1);
        }
        assert_true(run_until(server.loop, user_has_messages, &server, WAIT_MS));
        assert_int_equal(server.bytes, size * server.want);
    }
    free(data);
    close(fd);
    loop_free(server.loop);
}

static void more_than_the_buffer_without_a_message_is_bad_input(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    server.options.limits.buffer = 1000;
    int fd = user_accept_one(&server);
    char data[1000];
    memset(data, 'a', sizeof(data));
    assert_int_equal(send(fd, data, 999, MSG_NOSIGNAL), 999);
    run_for(server.loop, 20);
    assert_int_equal(server.closed, 0);
    peer_send(fd, "a");
    assert_true(run_until(server.loop, user_has_closed, &server, WAIT_MS));
    assert_int_equal(server.reason, STREAM_BAD_INPUT);
    close(fd);
    loop_free(server.loop);
}

static void a_refused_input_closes(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    server.refuse = true;
    int fd = user_accept_one(&server);
    peer_send(fd, "x");
    assert_true(run_until(server.loop, user_has_closed, &server, WAIT_MS));
    assert_int_equal(server.reason, STREAM_BAD_INPUT);
    assert_int_equal(stream_count(server.loop, STREAM_OPEN), 0);
    assert_int_equal(stream_count(server.loop, STREAM_CLOSED), 1);
    close(fd);
    loop_free(server.loop);
}

/* The peer reads the answer and then a clean end, though it had sent more than was read. */
static void closing_sends_the_rest_first_and_does_not_reset(void **state)
{
    (void)state;
    struct user server;
    char buf[64];
    int end;
    user_init(&server, new_loop());
    server.echo = server.close_on_message = true;
    int fd = user_accept_one(&server);
    peer_send(fd, "first\nsecond\n");
    assert_true(run_until(server.loop, user_has_closed, &server, WAIT_MS));
    peer_send(fd, "third\n");
    assert_int_equal(peer_read_all(server.loop, fd, buf, sizeof(buf), &end), 6);
    assert_memory_equal(buf, "first\n", 6);
    assert_int_equal(end, 0);
    assert_int_equal(server.messages, 1);
    assert_int_equal(server.closed, 1);
    assert_int_equal(server.reason, STREAM_CLOSED_BY_US);
    close(fd);
    loop_free(server.loop);
}

static void a_flow_that_is_gone_is_noticed(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    int fd = user_accept_one(&server);
    struct flow old = server.flow;
    assert_true(stream_alive(server.loop, &old));
    close(fd);
    assert_true(run_until(server.loop, user_has_closed, &server, WAIT_MS));
    assert_int_equal(server.reason, STREAM_CLOSED_BY_PEER);
    fd = peer_connect(&server.local);
    server.want = 2;
    assert_true(run_until(server.loop, user_has_opened, &server, WAIT_MS));
    /* The place is used again, the flow is another. */
    assert_int_equal(server.flow.connection, old.connection);
    assert_int_not_equal(server.flow.generation, old.generation);
    assert_false(stream_alive(server.loop, &old));
    assert_int_equal(stream_send(server.loop, &old, SLICE("x")), ERR_CLOSED);
    assert_int_equal(stream_count(server.loop, STREAM_SEND_LATE), 1);
    stream_close(server.loop, &old, STREAM_CLOSED_BY_US);
    assert_true(stream_alive(server.loop, &server.flow));
    struct flow none = {.transport = TRANSPORT_TCP};
    assert_int_equal(stream_send(server.loop, &none, SLICE("x")), ERR_CLOSED);
    close(fd);
    loop_free(server.loop);
}

/* RFC 5923 */
static void connections_are_found_by_remote_address_and_alias(void **state)
{
    (void)state;
    struct user server;
    struct flow found;
    user_init(&server, new_loop());
    int fd = user_accept_one(&server);
    struct flow flow = server.flow;
    struct address alias = address_of("192.0.2.1:5060"), other = address_of("192.0.2.1:5061");
    assert_int_equal(stream_find(server.loop, TRANSPORT_TCP, &flow.remote, &found), 0);
    assert_int_equal(found.connection, flow.connection);
    assert_int_equal(stream_find(server.loop, TRANSPORT_TLS, &flow.remote, &found), ERR_NOT_FOUND);
    assert_int_equal(stream_find(server.loop, TRANSPORT_TCP, &alias, &found), ERR_NOT_FOUND);
    assert_int_equal(stream_alias(server.loop, &flow, &alias), 0);
    assert_int_equal(stream_alias(server.loop, &flow, &alias), 0);
    assert_int_equal(stream_find(server.loop, TRANSPORT_TCP, &alias, &found), 0);
    assert_int_equal(found.generation, flow.generation);
    assert_int_equal(stream_find(server.loop, TRANSPORT_TCP, &other, &found), ERR_NOT_FOUND);
    for (uint16_t port = 1; port < 4; port++) {
        address_set_port(&other, port);
        assert_int_equal(stream_alias(server.loop, &flow, &other), 0);
    }
    address_set_port(&other, 4);
    assert_int_equal(stream_alias(server.loop, &flow, &other), ERR_LIMIT);
    close(fd);
    assert_true(run_until(server.loop, user_has_closed, &server, WAIT_MS));
    assert_int_equal(stream_find(server.loop, TRANSPORT_TCP, &alias, &found), ERR_NOT_FOUND);
    assert_int_equal(stream_find(server.loop, TRANSPORT_TCP, &flow.remote, &found), ERR_NOT_FOUND);
    assert_int_equal(stream_alias(server.loop, &flow, &alias), ERR_NOT_FOUND);
    loop_free(server.loop);
}

/* RFC 5923 section 9.2: an alias must not steal the traffic of another. */
static void an_alias_moves_but_never_takes_a_real_address(void **state)
{
    (void)state;
    struct user server;
    struct flow found;
    user_init(&server, new_loop());
    int first_fd = user_accept_one(&server);
    struct flow first = server.flow;
    int second_fd = peer_connect(&server.local);
    server.want = 2;
    assert_true(run_until(server.loop, user_has_opened, &server, WAIT_MS));
    struct flow second = server.flow;
    assert_int_equal(stream_alias(server.loop, &second, &first.remote), ERR_EXISTS);
    struct address alias = address_of("192.0.2.1:5060");
    assert_int_equal(stream_alias(server.loop, &first, &alias), 0);
    assert_int_equal(stream_alias(server.loop, &second, &alias), 0);
    assert_int_equal(stream_find(server.loop, TRANSPORT_TCP, &alias, &found), 0);
    assert_int_equal(found.connection, second.connection);
    close(first_fd);
    assert_true(run_until(server.loop, not_zero, &server.closed, WAIT_MS));
    assert_int_equal(stream_find(server.loop, TRANSPORT_TCP, &alias, &found), 0);
    close(second_fd);
    loop_free(server.loop);
}

static void of_two_connections_to_one_address_the_newer_is_found(void **state)
{
    (void)state;
    struct user client;
    struct address to;
    struct flow first, second, found;
    int listener = peer_listen(&to);
    user_init(&client, new_loop());
    assert_int_equal(stream_connect(client.loop, &to, &client.options, &first), 0);
    assert_int_equal(stream_connect(client.loop, &to, &client.options, &second), 0);
    client.want = 2;
    assert_true(run_until(client.loop, user_has_opened, &client, WAIT_MS));
    assert_int_equal(stream_find(client.loop, TRANSPORT_TCP, &to, &found), 0);
    assert_int_equal(found.connection, second.connection);
    stream_close(client.loop, &first, STREAM_CLOSED_BY_US);
    assert_int_equal(stream_find(client.loop, TRANSPORT_TCP, &to, &found), 0);
    stream_close(client.loop, &second, STREAM_CLOSED_BY_US);
    assert_int_equal(stream_find(client.loop, TRANSPORT_TCP, &to, &found), ERR_NOT_FOUND);
    close(listener);
    loop_free(client.loop);
}

static void draining_stops_accepting_and_closes_when_sent(void **state)
{
    (void)state;
    struct user server;
    char buf[64];
    int end;
    user_init(&server, new_loop());
    int fd = user_accept_one(&server);
    assert_int_equal(stream_send(server.loop, &server.flow, SLICE("last\n")), 0);
    stream_drain(server.loop);
    assert_int_equal(stream_send(server.loop, &server.flow, SLICE("late\n")), ERR_CLOSED);
    assert_true(run_until(server.loop, user_has_closed, &server, WAIT_MS));
    assert_int_equal(peer_read_all(server.loop, fd, buf, sizeof(buf), &end), 5);
    assert_int_equal(end, 0);
    int late = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(late, &server.local.sa, address_length(&server.local)), -1);
    close(late);
    close(fd);
    loop_free(server.loop);
}

static void a_wildcard_listener_knows_the_address_it_was_called_at(void **state)
{
    (void)state;
    struct user server;
    static const char *const locals[] = {"0.0.0.0:0", "[::]:0"};
    for (int i = 0; i < 2; i++) {
        user_init(&server, new_loop());
        struct address local = address_of(locals[i]), to = address_of("127.0.0.5:0");
        assert_int_equal(stream_listen(server.loop, &local, &server.options, &server.listener), 0);
        local = stream_listener_local(server.listener);
        address_set_port(&to, address_port(&local));
        int fd = peer_connect(&to);
        assert_true(run_until(server.loop, user_has_opened, &server, WAIT_MS));
        assert_true(address_equal(&server.flow.local, &to));
        assert_false(address_is_v6(&server.flow.remote));
        close(fd);
        loop_free(server.loop);
    }
}

static void an_address_in_use_is_an_error(void **state)
{
    (void)state;
    struct user server, other;
    struct stream_listener *listener;
    user_init(&server, new_loop());
    user_init(&other, new_loop());
    user_listen(&server);
    assert_int_equal(stream_listen(other.loop, &server.local, &other.options, &listener),
                     ERR_EXISTS);
    stream_listener_close(server.listener);
    assert_int_equal(stream_listen(other.loop, &server.local, &other.options, &listener), 0);
    loop_free(server.loop);
    loop_free(other.loop);
}

static void connections_outlive_their_listener(void **state)
{
    (void)state;
    struct user server;
    user_init(&server, new_loop());
    int fd = user_accept_one(&server);
    stream_listener_close(server.listener);
    peer_send(fd, "still here\n");
    assert_true(run_until(server.loop, user_has_messages, &server, WAIT_MS));
    assert_string_equal(server.last, "still here");
    close(fd);
    loop_free(server.loop);
}

static void a_user_may_close_in_on_open(void **state)
{
    (void)state;
    struct user server;
    char buf[8];
    int end;
    user_init(&server, new_loop());
    server.close_on_open = true;
    int fd = user_accept_one(&server);
    assert_true(run_until(server.loop, user_has_closed, &server, WAIT_MS));
    assert_int_equal(peer_read_all(server.loop, fd, buf, sizeof(buf), &end), 0);
    assert_int_equal(end, 0);
    close(fd);
    loop_free(server.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_loops_talk),
        cmocka_unit_test(bytes_are_gathered_until_a_message_is_whole),
        cmocka_unit_test(large_messages_pass_up_to_the_limit),
        cmocka_unit_test(more_than_the_buffer_without_a_message_is_bad_input),
        cmocka_unit_test(a_refused_input_closes),
        cmocka_unit_test(closing_sends_the_rest_first_and_does_not_reset),
        cmocka_unit_test(a_flow_that_is_gone_is_noticed),
        cmocka_unit_test(connections_are_found_by_remote_address_and_alias),
        cmocka_unit_test(an_alias_moves_but_never_takes_a_real_address),
        cmocka_unit_test(of_two_connections_to_one_address_the_newer_is_found),
        cmocka_unit_test(draining_stops_accepting_and_closes_when_sent),
        cmocka_unit_test(a_wildcard_listener_knows_the_address_it_was_called_at),
        cmocka_unit_test(an_address_in_use_is_an_error),
        cmocka_unit_test(connections_outlive_their_listener),
        cmocka_unit_test(a_user_may_close_in_on_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
