/* link: -Wl,--wrap=uv_hrtime -Wl,--wrap=uv_now -Wl,--wrap=uv_run */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "unit/loop/stream_fixture.h"
#include "unit/loop/toy_layers.h"

static int on_message(void *data, const struct flow *flow, struct slice message)
{
    struct user *user = data;
    user->messages++;
    user->bytes += message.len;
    slice_to_string(message, user->last, sizeof(user->last));
    if (user->echo)
        assert_int_equal(stream_send(user->loop, flow, message), 0);
    if (user->close_on_message)
        stream_close(user->loop, flow, STREAM_CLOSED_BY_US);
    return user->refuse ? -1 : 0;
}

static void layered(struct user *user, struct loop *loop, bool cipher, bool framing)
{
    user_init(user, loop);
    user->options.handler.on_message = on_message;
    user->options.cipher.type = cipher ? &toy_cipher : NULL;
    user->options.framing.type = framing ? &toy_framing : NULL;
}

static void two_ends(bool cipher, bool framing)
{
    struct loop *loop = new_loop();
    struct user server, client;
    struct flow flow;
    layered(&server, loop, cipher, framing);
    layered(&client, loop, cipher, framing);
    server.echo = true;
    user_listen(&server);
    assert_int_equal(stream_connect(loop, &server.local, &client.options, &flow), 0);
    assert_int_equal(stream_send(loop, &flow, SLICE("one\n")), 0);
    assert_int_equal(stream_send(loop, &flow, SLICE("two\n")), 0);
    client.want = 2;
    assert_true(run_until(loop, user_has_messages, &client, WAIT_MS));
    assert_string_equal(client.last, framing ? "two\n" : "two");
    assert_int_equal(stream_send(loop, &flow, SLICE("three\n")), 0);
    client.want = 3;
    assert_true(run_until(loop, user_has_messages, &client, WAIT_MS));
    assert_int_equal(client.opened + server.opened, 2);
    assert_int_equal(stream_count(loop, STREAM_OPENING_NOW), 0);
    assert_int_equal(stream_count(loop, STREAM_OPEN), 2);
    stream_close(loop, &flow, STREAM_CLOSED_BY_US);
    server.want = client.want = 1;
    assert_true(run_until(loop, user_has_closed, &server, WAIT_MS));
    assert_true(run_until(loop, user_has_closed, &client, WAIT_MS));
    assert_int_equal(server.reason, STREAM_CLOSED_BY_PEER);
    assert_int_equal(client.reason, STREAM_CLOSED_BY_US);
    assert_int_equal(stream_count(loop, STREAM_OPEN), 0);
    loop_free(loop);
}

static void a_cipher_lies_below_the_user(void **state)
{
    (void)state;
    two_ends(true, false);
}

static void a_framing_hands_up_whole_messages(void **state)
{
    (void)state;
    two_ends(false, true);
}

static void a_framing_lies_on_a_cipher(void **state)
{
    (void)state;
    two_ends(true, true);
}

static void bytes_may_come_one_by_one(void **state)
{
    (void)state;
    struct user server;
    layered(&server, new_loop(), true, true);
    server.echo = true;
    user_listen(&server);
    int fd = peer_connect(&server.local);
    static const char wire[] = {'K',
                                (char)('H' ^ 0x80),
                                (char)('I' ^ 0x80),
                                (char)('\n' ^ 0x80),
                                (char)(3 ^ 0x80),
                                (char)('a' ^ 0x80),
                                (char)('b' ^ 0x80),
                                (char)('c' ^ 0x80)};
    for (size_t i = 0; i < sizeof(wire); i++) {
        assert_int_equal(server.messages, 0);
        assert_int_equal(send(fd, wire + i, 1, MSG_NOSIGNAL), 1);
        run_for(server.loop, 1);
    }
    assert_true(run_until(server.loop, user_has_messages, &server, WAIT_MS));
    assert_string_equal(server.last, "abc");
    assert_int_equal(server.accepted, 1);
    close(fd);
    loop_free(server.loop);
}

static void end_of(const char *sent, bool framing, enum stream_reason reason, unsigned which)
{
    struct user server;
    char rest[64];
    int end;
    layered(&server, new_loop(), true, framing);
    user_listen(&server);
    int fd = peer_connect(&server.local);
    peer_send(fd, sent);
    (void)peer_read_all(server.loop, fd, rest, sizeof(rest), &end);
    assert_int_equal(end, 0);
    assert_int_equal(stream_count(server.loop, which), 1);
    assert_int_equal(stream_count(server.loop, STREAM_OPENING_NOW), 0);
    /* Whoever never opened was never there. */
    assert_int_equal(server.closed, server.opened);
    if (server.opened > 0)
        assert_int_equal(server.reason, reason);
    close(fd);
    loop_free(server.loop);
}

static void what_breaks_a_layer_ends_the_connection(void **state)
{
    (void)state;
    end_of("garbage", false, STREAM_HANDSHAKE_FAILED, STREAM_HANDSHAKES_FAILED);
    end_of("K\xd8", true, STREAM_HANDSHAKE_FAILED, STREAM_HANDSHAKES_FAILED);
    end_of("K\xe1X", false, STREAM_LAYER_BROKEN, STREAM_LAYERS_BROKEN);
    end_of("K\xc8\xc9\x8a\xd8", true, STREAM_LAYER_BROKEN, STREAM_LAYERS_BROKEN);
    end_of("Kq", false, STREAM_CLOSED_BY_PEER, STREAM_CLOSED);
}

static void a_layer_that_does_not_open_is_late(void **state)
{
    (void)state;
    struct user server, client;
    struct loop *loop = new_loop();
    struct flow flow;
    char rest[8];
    int end;
    layered(&server, loop, true, false);
    layered(&client, loop, true, false);
    server.options.limits.handshake_ms = client.options.limits.handshake_ms = 50;
    user_listen(&server);
    int fd = peer_connect(&server.local);
    (void)peer_read_all(loop, fd, rest, sizeof(rest), &end);
    assert_int_equal(end, -ECONNRESET);
    close(fd);
    assert_int_equal(stream_count(loop, STREAM_HANDSHAKES_LATE), 1);
    assert_int_equal(server.closed, 0);
    struct address mute;
    int listener = peer_listen(&mute);
    assert_int_equal(stream_connect(loop, &mute, &client.options, &flow), 0);
    assert_int_equal(stream_send(loop, &flow, SLICE("lost\n")), 0);
    assert_true(run_until(loop, user_has_closed, &client, WAIT_MS));
    assert_int_equal(client.reason, STREAM_HANDSHAKE_TIMEOUT);
    assert_int_equal(stream_count(loop, STREAM_HANDSHAKES_LATE), 2);
    close(listener);
    loop_free(loop);
}

static void what_waits_for_a_layer_is_bounded(void **state)
{
    (void)state;
    struct user client;
    struct loop *loop = new_loop();
    struct flow flow;
    struct address mute;
    layered(&client, loop, true, false);
    client.options.limits.send_queue = 4096;
    int listener = peer_listen(&mute);
    assert_int_equal(stream_connect(loop, &mute, &client.options, &flow), 0);
    char block[1000] = {0};
    unsigned taken = 0;
    while (stream_send(loop, &flow, slice_of(block, sizeof(block))) == 0)
        taken++;
    assert_int_equal(taken, 3);
    assert_int_equal(stream_count(loop, STREAM_SEND_FULL), 1);
    assert_true(stream_alive(loop, &flow));
    close(listener);
    loop_free(loop);
}

static void a_user_may_close_from_within(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct user server, client;
        struct loop *loop = new_loop();
        struct flow flow;
        layered(&server, loop, i % 3 != 1, i % 3 != 0);
        layered(&client, loop, i % 3 != 1, i % 3 != 0);
        server.close_on_open = i < 3;
        server.close_on_message = i >= 3;
        user_listen(&server);
        assert_int_equal(stream_connect(loop, &server.local, &client.options, &flow), 0);
        assert_int_equal(stream_send(loop, &flow, SLICE("one\n")), 0);
        assert_true(run_until(loop, user_has_closed, &server, WAIT_MS));
        assert_true(run_until(loop, user_has_closed, &client, WAIT_MS));
        assert_int_equal(client.reason, STREAM_CLOSED_BY_PEER);
        loop_free(loop);
    }
}

/* RFC 5922 section 7.3: what was proven for one name says nothing about another. */
static void a_connection_is_found_for_the_server_it_was_made_for(void **state)
{
    (void)state;
    struct user server, client;
    struct loop *loop = new_loop();
    struct flow flow, found;
    layered(&server, loop, true, false);
    layered(&client, loop, true, false);
    server.options.transport = client.options.transport = TRANSPORT_TLS;
    user_listen(&server);
    struct address to = server.local;
    client.options.server = SLICE("Example.com");
    assert_int_equal(stream_connect(loop, &to, &client.options, &flow), 0);
    assert_int_equal(stream_find_server(loop, TRANSPORT_TLS, &to, SLICE("example.COM"), &found), 0);
    assert_int_equal(found.connection, flow.connection);
    assert_int_equal(stream_find_server(loop, TRANSPORT_TLS, &to, SLICE("example.org"), &found),
                     ERR_NOT_FOUND);
    assert_int_equal(stream_find(loop, TRANSPORT_TLS, &to, &found), ERR_NOT_FOUND);
    assert_true(run_until(loop, user_has_opened, &server, WAIT_MS));
    /* The other way round nothing is proven but the address. */
    struct address back = server.flow.remote;
    assert_int_equal(stream_find_server(loop, TRANSPORT_TLS, &back, SLICE("example.com"), &found),
                     ERR_NOT_FOUND);
    assert_int_equal(stream_find_server(loop, TRANSPORT_TLS, &back, SLICE("127.0.0.1"), &found), 0);
    /* Or what the far end's certificate proves. */
    assert_int_equal(stream_find_server(loop, TRANSPORT_TLS, &back, SLICE("toy.example"), &found),
                     0);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cipher_lies_below_the_user),
        cmocka_unit_test(a_framing_hands_up_whole_messages),
        cmocka_unit_test(a_framing_lies_on_a_cipher),
        cmocka_unit_test(bytes_may_come_one_by_one),
        cmocka_unit_test(what_breaks_a_layer_ends_the_connection),
        cmocka_unit_test(a_layer_that_does_not_open_is_late),
        cmocka_unit_test(what_waits_for_a_layer_is_bounded),
        cmocka_unit_test(a_user_may_close_from_within),
        cmocka_unit_test(a_connection_is_found_for_the_server_it_was_made_for),
    };
    return cmocka_run_group_tests_name("layers", tests, NULL, NULL);
}
