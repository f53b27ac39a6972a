/* link: -Wl,--wrap=uv_hrtime -Wl,--wrap=uv_now -Wl,--wrap=uv_run */
/* SCTP associations between two listeners of one loop over loopback, UDP-encapsulated. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "unit/loop/sctp_fixture.h"

/* RFC 4168 section 5: a message is one user message, both ways over one association. */
static void messages_go_both_ways(void **state)
{
    (void)state;
    struct pair *pair = new_pair(NULL, "127.0.0.1");
    struct flow flow = connect_pair(pair);
    pair->b.echo = true;
    assert_int_equal(assoc_send(pair->loop, &flow, SLICE("OPTIONS sip:b SIP/2.0\r\n\r\n")), 0);
    assert_true(run_until(pair->loop, has_messages, &pair->a, WAIT_MS));
    assert_int_equal(pair->b.messages, 1);
    assert_int_equal(pair->a.length, 25);
    assert_memory_equal(pair->a.last, "OPTIONS sip:b SIP/2.0\r\n\r\n", 25);
    assert_int_equal(pair->a.accepted, 0);
    assert_int_equal(pair->b.accepted, 1);
    assert_int_equal(pair->b.flow.transport, TRANSPORT_SCTP);
    assert_int_equal(pair->b.flow.listener, 2);
    assert_true(address_equal(&pair->b.flow.remote, &pair->a.local));
    assert_true(address_equal(&pair->b.flow.local, &pair->b.local));
    free_pair(pair);
}

/* The same over IPv6. */
static void ipv6(void **state)
{
    (void)state;
    struct pair *pair = new_pair(NULL, "[::1]");
    struct flow flow = connect_pair(pair);
    assert_int_equal(assoc_send(pair->loop, &flow, SLICE("hello")), 0);
    assert_true(run_until(pair->loop, has_messages, &pair->b, WAIT_MS));
    assert_int_equal(pair->b.length, 5);
    free_pair(pair);
}

/* RFC 4168 section 3.1: long messages are divided by SCTP, not by IP, and come whole. */
static void long_messages_come_whole(void **state)
{
    (void)state;
    static char text[128 << 10];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 26);
    struct pair *pair = new_pair(NULL, "127.0.0.1");
    struct flow flow = connect_pair(pair);
    for (size_t length = 1; length <= sizeof(text);
         length = length < 64 ? 60000 : length * 2 + 8192) {
        pair->b.messages = 0;
        assert_int_equal(assoc_send(pair->loop, &flow, slice_of(text, length)), 0);
        assert_true(run_until(pair->loop, has_messages, &pair->b, WAIT_MS));
        assert_int_equal(pair->b.length, length);
        assert_memory_equal(pair->b.last, text, length);
    }
    free_pair(pair);
}

/* A message beyond the limit of the receiver ends the association. */
static void too_long_messages_are_refused(void **state)
{
    (void)state;
    static char text[9000];
    struct assoc_limits limits = {.message = 8000};
    struct pair *pair = new_pair(&limits, "127.0.0.1");
    memset(text, 'x', sizeof(text));
    struct flow flow = connect_pair(pair);
    assert_int_equal(assoc_send(pair->loop, &flow, slice_of(text, sizeof(text))), 0);
    assert_true(run_until(pair->loop, has_closed, &pair->a, WAIT_MS));
    assert_int_equal(pair->b.messages, 0);
    assert_int_equal(pair->b.reason, STREAM_BAD_INPUT);
    assert_int_equal(pair->a.reason, STREAM_IO_ERROR);
    free_pair(pair);
}

/* What is sent before the association is up waits for it. */
static void sent_while_connecting(void **state)
{
    (void)state;
    struct pair *pair = new_pair(NULL, "127.0.0.1");
    struct flow flow, again;
    assert_int_equal(assoc_connect(pair->a.listener, &pair->b.local, &flow), 0);
    assert_int_equal(assoc_send(pair->loop, &flow, SLICE("early")), 0);
    assert_int_equal(assoc_find(pair->loop, &pair->b.local, &again), 0);
    assert_int_equal(again.connection, flow.connection);
    assert_true(run_until(pair->loop, has_messages, &pair->b, WAIT_MS));
    assert_memory_equal(pair->b.last, "early", 5);
    free_pair(pair);
}

/* An association is found by either end, and used both ways. */
static void either_end_finds_it(void **state)
{
    (void)state;
    struct pair *pair = new_pair(NULL, "127.0.0.1");
    struct flow flow = connect_pair(pair), back;
    assert_int_equal(assoc_find(pair->loop, &pair->a.local, &back), 0);
    assert_int_equal(back.connection, pair->b.flow.connection);
    assert_int_equal(assoc_send(pair->loop, &back, SLICE("request of b")), 0);
    assert_true(run_until(pair->loop, has_messages, &pair->a, WAIT_MS));
    assert_int_equal(pair->a.flow.connection, flow.connection);
    assert_int_equal(assoc_count(pair->loop, ASSOC_OPEN), 2); /* both ends are ours */
    free_pair(pair);
}

/* RFC 9260 section 9.2: what was sent arrives before the association shuts down. */
static void closing_sends_the_rest_first(void **state)
{
    (void)state;
    struct pair *pair = new_pair(NULL, "127.0.0.1");
    struct flow flow = connect_pair(pair);
    pair->b.want = 20;
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(assoc_send(pair->loop, &flow, SLICE("0123456789")), 0);
    assoc_close(pair->loop, &flow, STREAM_CLOSED_BY_US);
    assert_false(assoc_alive(pair->loop, &flow));
    assert_int_equal(assoc_send(pair->loop, &flow, SLICE("late")), ERR_CLOSED);
    assert_true(run_until(pair->loop, has_closed, &pair->a, WAIT_MS));
    assert_true(run_until(pair->loop, has_closed, &pair->b, WAIT_MS));
    assert_int_equal(pair->b.messages, 20);
    assert_int_equal(pair->a.reason, STREAM_CLOSED_BY_US);
    assert_int_equal(pair->b.reason, STREAM_CLOSED_BY_PEER);
    assert_int_equal(assoc_count(pair->loop, ASSOC_OPEN), 0);
    assert_int_equal(assoc_count(pair->loop, ASSOC_SEND_LATE), 1);
    free_pair(pair);
}

/* A flow whose association is gone does not reach the next one, though it has the same place. */
static void generations_tell_associations_apart(void **state)
{
    (void)state;
    struct pair *pair = new_pair(NULL, "127.0.0.1");
    struct flow old = connect_pair(pair), fresh;
    assoc_close(pair->loop, &old, STREAM_IO_ERROR);
    assert_true(run_until(pair->loop, has_closed, &pair->b, WAIT_MS));
    assert_true(run_until(pair->loop, has_closed, &pair->a, WAIT_MS));
    pair->a.opened = pair->b.opened = 0;
    fresh = connect_pair(pair);
    assert_int_equal(fresh.connection, old.connection);
    assert_int_not_equal(fresh.generation, old.generation);
    assert_int_equal(assoc_send(pair->loop, &old, SLICE("late")), ERR_CLOSED);
    assert_false(assoc_alive(pair->loop, &old));
    assert_true(assoc_alive(pair->loop, &fresh));
    free_pair(pair);
}

/* One that is being closed does not keep a new one from being made: nobody waits for its end. */
static void a_closing_association_gives_way(void **state)
{
    (void)state;
    struct pair *pair = new_pair(NULL, "127.0.0.1");
    struct flow old = connect_pair(pair), fresh;
    assoc_close(pair->loop, &old, STREAM_CLOSED_BY_US);
    assert_int_equal(assoc_connect(pair->a.listener, &pair->b.local, &fresh), 0);
    assert_int_equal(assoc_send(pair->loop, &fresh, SLICE("at once")), 0);
    assert_true(run_until(pair->loop, has_messages, &pair->b, WAIT_MS));
    assert_memory_equal(pair->b.last, "at once", 7);
    assert_int_equal(pair->a.closed, 1);
    assert_int_equal(pair->a.closed_flow.connection, old.connection);
    assert_int_equal(pair->a.reason, STREAM_CLOSED_BY_US);
    assert_int_equal(pair->b.closed, 1);
    assert_true(assoc_alive(pair->loop, &fresh));
    free_pair(pair);
}

/* Two ends that connect to each other at the same time get one association (RFC 9260
 * section 5.2.1).
 */
static void both_ends_connect_at_once(void **state)
{
    (void)state;
    struct pair *pair = new_pair(NULL, "127.0.0.1");
    struct flow of_a, of_b;
    assoc_listener_close(pair->b.listener);
    pair->b.options.remote_port = assoc_listener_udp_port(pair->a.listener);
    pair->b.options.udp_port = pair->a.options.remote_port;
    listen_at(&pair->b, pair->loop, "127.0.0.1:0");
    assert_int_equal(assoc_connect(pair->a.listener, &pair->b.local, &of_a), 0);
    assert_int_equal(assoc_connect(pair->b.listener, &pair->a.local, &of_b), 0);
    assert_int_equal(assoc_send(pair->loop, &of_a, SLICE("from a")), 0);
    assert_int_equal(assoc_send(pair->loop, &of_b, SLICE("from b")), 0);
    assert_true(run_until(pair->loop, has_messages, &pair->a, WAIT_MS));
    assert_true(run_until(pair->loop, has_messages, &pair->b, WAIT_MS));
    assert_int_equal(pair->a.flow.connection, of_a.connection);
    assert_int_equal(pair->b.flow.connection, of_b.connection);
    assert_int_equal(assoc_count(pair->loop, ASSOC_OPEN), 2);
    assert_int_equal(pair->a.closed + pair->b.closed, 0);
    free_pair(pair);
}

/* Nobody there: the connect fails in its time. */
static void connect_to_nobody_fails(void **state)
{
    (void)state;
    struct pair *pair = new_pair(NULL, "127.0.0.1");
    pair->a.options.limits.connect_ms = 200;
    assoc_listener_close(pair->a.listener);
    listen_at(&pair->a, pair->loop, "127.0.0.1:0");
    struct address nobody = pair->b.local;
    address_set_port(&nobody, 1); /* no SCTP port of b's */
    struct flow flow;
    assert_int_equal(assoc_connect(pair->a.listener, &nobody, &flow), 0);
    assert_true(run_until(pair->loop, has_closed, &pair->a, WAIT_MS));
    assert_int_equal(pair->a.reason, STREAM_CONNECT_FAILED);
    assert_int_equal(pair->a.opened, 0);
    assert_int_equal(pair->a.closed_flow.connection, flow.connection);
    assert_true(assoc_count(pair->loop, ASSOC_NO_LISTENER) >= 1);
    free_pair(pair);
}

/* RFC 9260 section 5.1: without room an INIT is answered by ABORT, so the peer knows at once. */
static void no_room_is_told_at_once(void **state)
{
    (void)state;
    struct assoc_limits limits = {.per_source = 1};
    struct pair *pair = new_pair(&limits, "127.0.0.1");
    (void)connect_pair(pair);
    struct end *second = calloc(1, sizeof(*second));
    struct flow flow;
    second->options = pair->a.options;
    listen_at(second, pair->loop, "127.0.0.1:0");
    uint64_t before = clock_ms();
    assert_int_equal(assoc_connect(second->listener, &pair->b.local, &flow), 0);
    assert_true(run_until(pair->loop, has_closed, second, WAIT_MS));
    assert_true(clock_ms() - before < 900); /* no retransmission was needed */
    assert_int_equal(second->reason, STREAM_CONNECT_FAILED);
    assert_true(assoc_count(pair->loop, ASSOC_REFUSED_SOURCE) >= 1);
    free_pair(pair);
    free(second);
}

/* Idle associations are shut down. */
static void idle_associations_are_closed(void **state)
{
    (void)state;
    struct assoc_limits limits = {.idle_ms = 150};
    struct pair *pair = new_pair(&limits, "127.0.0.1");
    (void)connect_pair(pair);
    assert_true(run_until(pair->loop, has_closed, &pair->b, WAIT_MS));
    assert_int_equal(pair->b.reason, STREAM_IDLE);
    assert_true(run_until(pair->loop, has_closed, &pair->a, WAIT_MS));
    assert_int_equal(pair->a.reason, STREAM_CLOSED_BY_PEER);
    free_pair(pair);
}

/* Limits may change while associations exist. */
static void limits_change_at_once(void **state)
{
    (void)state;
    struct pair *pair = new_pair(NULL, "127.0.0.1");
    (void)connect_pair(pair);
    struct assoc_limits limits = {.per_source = 1, .send_queue = 64 << 10};
    assoc_listener_set_limits(pair->b.listener, &limits);
    struct end *second = calloc(1, sizeof(*second));
    struct flow flow;
    second->options = pair->a.options;
    listen_at(second, pair->loop, "127.0.0.1:0");
    assert_int_equal(assoc_connect(second->listener, &pair->b.local, &flow), 0);
    assert_true(run_until(pair->loop, has_closed, second, WAIT_MS));
    assert_int_equal(assoc_count(pair->loop, ASSOC_REFUSED_SOURCE), 1);
    limits.per_source = 2;
    assoc_listener_set_limits(pair->b.listener, &limits);
    assert_int_equal(assoc_connect(second->listener, &pair->b.local, &flow), 0);
    assert_true(run_until(pair->loop, has_opened, second, WAIT_MS));
    free_pair(pair);
    free(second);
}

/* The queue of an association is bounded. */
static void queue_is_bounded(void **state)
{
    (void)state;
    static char text[60000];
    struct pair *pair = new_pair(NULL, "127.0.0.1");
    struct flow flow = connect_pair(pair);
    unsigned taken = 0;
    memset(text, 'q', sizeof(text));
    while (assoc_send(pair->loop, &flow, slice_of(text, sizeof(text))) == 0)
        taken++;
    assert_in_range(taken, 3, 8);
    assert_int_equal(assoc_count(pair->loop, ASSOC_SEND_FULL), 1);
    pair->b.want = taken;
    assert_true(run_until(pair->loop, has_messages, &pair->b, WAIT_MS));
    assert_int_equal(assoc_send(pair->loop, &flow, SLICE("again")), 0);
    free_pair(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv6),
        cmocka_unit_test(long_messages_come_whole),
        cmocka_unit_test(too_long_messages_are_refused),
        cmocka_unit_test(sent_while_connecting),
        cmocka_unit_test(either_end_finds_it),
        cmocka_unit_test(closing_sends_the_rest_first),
        cmocka_unit_test(generations_tell_associations_apart),
        cmocka_unit_test(a_closing_association_gives_way),
        cmocka_unit_test(both_ends_connect_at_once),
        cmocka_unit_test(connect_to_nobody_fails),
        cmocka_unit_test(no_room_is_told_at_once),
        cmocka_unit_test(idle_associations_are_closed),
        cmocka_unit_test(limits_change_at_once),
        cmocka_unit_test(queue_is_bounded),
        cmocka_unit_test(messages_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
