/* link: -Wl,--wrap=uv_hrtime -Wl,--wrap=uv_now -Wl,--wrap=uv_run */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/ws_layer.h"
#include "unit/loop/stream_fixture.h"
#include "unit/loop/toy_layers.h"

static const struct ws_server_config config = {.path = SLICE_LITERAL("/")};

#define HEAD                                                                                       \
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                   \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
#define REQUEST HEAD "Sec-WebSocket-Protocol: sip\r\n\r\n"
#define MASK    "\x00\x00\x00\x00"

struct side {
    struct user user;
    struct ws_shared *ws;
};

static int on_message(void *data, const struct flow *flow, struct slice message)
{
    struct user *user = data;
    user->messages++;
    user->bytes += message.len;
    user->flow = *flow;
    slice_to_string(message, user->last, sizeof(user->last));
    if (user->echo)
        assert_int_equal(stream_send(user->loop, flow, message), 0);
    if (user->close_on_message)
        stream_close(user->loop, flow, STREAM_CLOSED_BY_US);
    return 0;
}

static void side_init(struct side *side, struct loop *loop, bool cipher)
{
    user_init(&side->user, loop);
    assert_int_equal(ws_shared_new(&config, 1000, &side->ws), 0);
    side->user.options.transport = TRANSPORT_WS;
    side->user.options.handler.on_message = on_message;
    side->user.options.cipher.type = cipher ? &toy_cipher : NULL;
    side->user.options.framing.type = &ws_layer_type;
    side->user.options.framing.config = side->ws;
}

/* The owner may go before the last connection does. */
static void end(struct loop *loop, struct side *a, struct side *b)
{
    ws_shared_release(a->ws);
    if (b != NULL)
        ws_shared_release(b->ws);
    loop_free(loop);
}

static bool both_closed(void *user)
{
    struct side **sides = user;
    return sides[0]->user.closed > 0 && sides[1]->user.closed > 0;
}

static void two_ends(bool cipher)
{
    struct loop *loop = new_loop();
    struct side server, client;
    struct flow flow;
    side_init(&server, loop, cipher);
    side_init(&client, loop, cipher);
    server.user.echo = true;
    user_listen(&server.user);
    client.user.options.server = SLICE("sip.example.com");
    assert_int_equal(stream_connect(loop, &server.user.local, &client.user.options, &flow), 0);
    assert_int_equal(stream_send(loop, &flow, SLICE("one")), 0);
    assert_int_equal(stream_send(loop, &flow, SLICE("two")), 0);
    client.user.want = 2;
    assert_true(run_until(loop, user_has_messages, &client.user, WAIT_MS));
    assert_string_equal(client.user.last, "two");
    assert_int_equal(client.user.bytes, 6);
    assert_int_equal(ws_shared_count(server.ws, WS_HANDSHAKES), 1);
    assert_int_equal(ws_shared_count(client.ws, WS_HANDSHAKES), 1);
    assert_int_equal(ws_shared_count(server.ws, WS_MESSAGES_IN), 2);
    assert_int_equal(ws_shared_count(server.ws, WS_MESSAGES_OUT), 2);
    stream_close(loop, &flow, STREAM_CLOSED_BY_US);
    struct side *sides[2] = {&server, &client};
    assert_true(run_until(loop, both_closed, sides, WAIT_MS));
    assert_int_equal(server.user.reason, STREAM_CLOSED_BY_PEER);
    assert_int_equal(client.user.reason, STREAM_CLOSED_BY_US);
    assert_int_equal(stream_count(loop, STREAM_LAYERS_BROKEN), 0);
    end(loop, &server, &client);
}

/* RFC 7118 section 5 */
static void messages_go_both_ways(void **state)
{
    (void)state;
    two_ends(false);
}

static void messages_go_both_ways_over_a_cipher(void **state)
{
    (void)state;
    two_ends(true);
}

/* What a plain socket gets that sends input and reads until the end. */
static size_t talk(struct side *server, struct slice input, char *text, size_t size, int *ret_end)
{
    struct loop *loop = new_loop();
    side_init(server, loop, false);
    server->user.options.limits.half_message_ms = 50;
    server->user.options.limits.handshake_ms = 100;
    server->user.echo = true;
    user_listen(&server->user);
    int fd = peer_connect(&server->user.local);
    assert_int_equal(send(fd, input.ptr, input.len, MSG_NOSIGNAL), input.len);
    size_t n = peer_read_all(loop, fd, text, size - 1, ret_end);
    text[n] = '\0';
    close(fd);
    return n;
}

/* RFC 6455 section 4.2.2: refusals are HTTP; 4.2.1: each with its status (test_ws_handshake). */
static void a_refused_handshake_is_answered_and_closed(void **state)
{
    (void)state;
    static const struct {
        struct slice input;
        const char *start;
    } rows[] = {
        {SLICE_LITERAL("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 426 "},
        {SLICE_LITERAL("GET /x HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 404 "},
        {SLICE_LITERAL("\x16\x03\x01\x02\x00"), "HTTP/1.1 400 "},
        {SLICE_LITERAL(HEAD "\r\n"), "HTTP/1.1 400 "},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct side server;
        char text[1024];
        int how;
        (void)talk(&server, rows[i].input, text, sizeof(text), &how);
        assert_int_equal(how, 0);
        assert_memory_equal(text, rows[i].start, strlen(rows[i].start));
        assert_int_equal(ws_shared_count(server.ws, WS_REFUSED), 1);
        assert_int_equal(stream_count(server.user.loop, STREAM_HANDSHAKES_FAILED), 1);
        assert_int_equal(server.user.opened, 0);
        assert_int_equal(server.user.closed, 0);
        end(server.user.loop, &server, NULL);
    }
}

/* The frames that follow the 101. */
static void expect_frames(struct slice input, struct slice frames, enum stream_reason reason)
{
    struct side server;
    char text[4096];
    char all[2048];
    int how;
    memcpy(all, REQUEST, sizeof(REQUEST) - 1);
    memcpy(all + sizeof(REQUEST) - 1, input.ptr, input.len);
    size_t n =
        talk(&server, slice_of(all, sizeof(REQUEST) - 1 + input.len), text, sizeof(text), &how);
    assert_int_equal(how, 0);
    const char *body = strstr(text, "\r\n\r\n");
    assert_non_null(body);
    body += 4;
    assert_int_equal(n - (size_t)(body - text), frames.len);
    assert_memory_equal(body, frames.ptr, frames.len);
    assert_int_equal(server.user.opened, 1);
    assert_int_equal(server.user.closed, 1);
    assert_int_equal(server.user.reason, reason);
    assert_int_equal(ws_shared_count(server.ws, WS_VIOLATED), reason == STREAM_LAYER_BROKEN);
    end(server.user.loop, &server, NULL);
}

/* RFC 6455 sections 5.5.1, 5.5.2. */
static void pings_and_closes_are_answered(void **state)
{
    (void)state;
    expect_frames(SLICE("\x81\x82" MASK "hi\x89\x81" MASK "x\x88\x82" MASK "\x03\xe8"),
                  SLICE("\x81\x02hi\x8a\x01x\x88\x02\x03\xe8"), STREAM_CLOSED_BY_PEER);
    expect_frames(SLICE("\x88\x80" MASK "\x81\x82" MASK "hi"), SLICE("\x88\x00"),
                  STREAM_CLOSED_BY_PEER);
}

/* RFC 6455 sections 5.1, 5.2, 7.1.7, 8.1. */
static void a_violation_is_answered_with_its_code(void **state)
{
    (void)state;
    expect_frames(SLICE("\x81\x02hi"), SLICE("\x88\x02\x03\xea"), STREAM_LAYER_BROKEN);
    expect_frames(SLICE("\x81\x82" MASK "\xff\xff"), SLICE("\x88\x02\x03\xef"),
                  STREAM_LAYER_BROKEN);
    expect_frames(SLICE("\x82\xfe\x03\xe9" MASK "a"), SLICE("\x88\x02\x03\xf1"),
                  STREAM_LAYER_BROKEN);
}

/* What a framing has taken of a message, or a cipher of bytes, does not wait for ever. */
static void half_a_message_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct slice goodbye = SLICE("\x88\x02\x03\xe9");
    expect_frames(SLICE("\x81"), goodbye, STREAM_HALF_MESSAGE);
    expect_frames(SLICE("\x81\x85" MASK "hi"), goodbye, STREAM_HALF_MESSAGE);
    expect_frames(SLICE("\x01\x82" MASK "hi"), goodbye, STREAM_HALF_MESSAGE);
}

static void half_a_handshake_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct side server;
    char text[64];
    int how;
    assert_int_equal(talk(&server, SLICE("GET / HTTP/1.1\r\nHost:"), text, sizeof(text), &how), 0);
    assert_int_equal(how, -ECONNRESET);
    assert_int_equal(stream_count(server.user.loop, STREAM_HANDSHAKES_LATE), 1);
    end(server.user.loop, &server, NULL);
}

/* A server that answers our handshake with something else. */
static void refused_there(const char *answer, uint64_t counted)
{
    struct loop *loop = new_loop();
    struct side client;
    struct address there;
    struct flow flow;
    char request[2048];
    side_init(&client, loop, false);
    int listener = peer_listen(&there);
    assert_int_equal(stream_connect(loop, &there, &client.user.options, &flow), 0);
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    run_for(loop, 5);
    ssize_t n = recv(fd, request, sizeof(request) - 1, 0);
    assert_true(n > 0);
    request[n] = '\0';
    /* RFC 6455 section 4.1: the Host is who was asked for. */
    char host[ADDRESS_TEXT_MAX + 16] = "\r\nHost: ";
    (void)address_text(&there, host + strlen(host));
    assert_non_null(strstr(request, host));
    peer_send(fd, answer);
    assert_true(run_until(loop, user_has_closed, &client.user, WAIT_MS));
    assert_int_equal(client.user.reason, STREAM_HANDSHAKE_FAILED);
    assert_int_equal(client.user.opened, 0);
    assert_int_equal(ws_shared_count(client.ws, WS_REFUSED_THERE), counted);
    close(fd);
    close(listener);
    end(loop, &client, NULL);
}

/* RFC 7118 section 4.1: no 101 is a failed transaction. */
static void a_handshake_that_is_refused_to_us_closes(void **state)
{
    (void)state;
    refused_there("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 1);
    refused_there("HTTP/1.1 101 Sure\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                  "Sec-WebSocket-Protocol: sip\r\n\r\n",
                  1);
    refused_there("\x15\x03\x03", 1);
}

static void a_user_may_close_from_within(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct loop *loop = new_loop();
        struct side server, client;
        struct flow flow;
        side_init(&server, loop, false);
        side_init(&client, loop, false);
        server.user.close_on_open = i == 0;
        server.user.close_on_message = i == 1;
        user_listen(&server.user);
        assert_int_equal(stream_connect(loop, &server.user.local, &client.user.options, &flow), 0);
        assert_int_equal(stream_send(loop, &flow, SLICE("one")), 0);
        assert_int_equal(stream_send(loop, &flow, SLICE("two")), 0);
        struct side *sides[2] = {&server, &client};
        assert_true(run_until(loop, both_closed, sides, WAIT_MS));
        assert_int_equal(server.user.messages, i);
        assert_int_equal(client.user.reason, STREAM_CLOSED_BY_PEER);
        end(loop, &server, &client);
    }
}

static bool heard_or_ended(void *user)
{
    struct side **sides = user;
    return sides[0]->user.messages > 0 || sides[1]->user.closed > 0;
}

/* Each allocation of a connection's life fails once: it ends, or goes on; nothing is left. */
static void without_memory_a_connection_ends(void **state)
{
    (void)state;
    size_t n = 0;
    do {
        struct loop *loop = new_loop();
        struct side server, client;
        struct flow flow;
        side_init(&server, loop, false);
        side_init(&client, loop, false);
        user_listen(&server.user);
        client.user.options.server = SLICE("sip.example.com");
        memory_fail_after(n++);
        struct side *sides[2] = {&server, &client};
        if (stream_connect(loop, &server.user.local, &client.user.options, &flow) == 0 &&
            stream_send(loop, &flow, SLICE("one")) == 0)
            assert_true(run_until(loop, heard_or_ended, sides, WAIT_MS));
        end(loop, &server, &client);
    } while (memory_fail_hit());
    assert_true(n > 5 || !MEMORY_FAULTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_go_both_ways),
        cmocka_unit_test(messages_go_both_ways_over_a_cipher),
        cmocka_unit_test(a_refused_handshake_is_answered_and_closed),
        cmocka_unit_test(pings_and_closes_are_answered),
        cmocka_unit_test(a_violation_is_answered_with_its_code),
        cmocka_unit_test(half_a_message_does_not_wait_for_ever),
        cmocka_unit_test(half_a_handshake_does_not_wait_for_ever),
        cmocka_unit_test(a_handshake_that_is_refused_to_us_closes),
        cmocka_unit_test(a_user_may_close_from_within),
        cmocka_unit_test(without_memory_a_connection_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
