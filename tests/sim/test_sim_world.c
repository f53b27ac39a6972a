/* The simulated world itself: what the runs and scenarios rest on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/error.h"
#include "loop/sctp.h"
#include "loop/ws_layer.h"
#include "sim/agent/run.h"
#include "sim/server/accounts.h"
#include "sim/world/sim_loop.h"

/* ---- two hosts and what arrives ---- */

struct ear {
    unsigned count;
    char bytes[200000];
    size_t len;
    bool open, ended, failed;
    bool in_order; /* datagrams: numbers only grow */
    unsigned last;
    struct address from;
    struct sim_tcp_side *side;
};

static struct sim_world world;
static struct sim_host *one, *two;
static struct sim_udp udp_one, udp_two;
static struct ear ear;

static void on_datagram(void *user, const struct address *to, const struct address *from,
                        struct slice bytes)
{
    struct ear *e = user;
    unsigned number = (unsigned)strtoul(bytes.ptr, NULL, 10);
    (void)to;
    e->in_order = e->in_order && number > e->last;
    e->last = number;
    e->from = *from;
    e->count++;
}

static int set_up(void **state)
{
    struct address a = sim_address("192.0.2.1:1000"), b = sim_address("192.0.2.2:2000");
    (void)state;
    sim_world_init(&world, 7);
    memset(&ear, 0, sizeof(ear));
    ear.in_order = true;
    one = sim_host_add(&world, "one", "192.0.2.1");
    two = sim_host_add(&world, "two", "192.0.2.2");
    udp_one = (struct sim_udp){.on_datagram = on_datagram, .user = &ear};
    udp_two = (struct sim_udp){.on_datagram = on_datagram, .user = &ear};
    assert_int_equal(sim_udp_open(&udp_one, one, &a), 0);
    assert_int_equal(sim_udp_open(&udp_two, two, &b), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sim_world_done(&world);
    return 0;
}

static void send_datagrams(unsigned count)
{
    for (unsigned i = 1; i <= count; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "%u", i);
        assert_int_equal(sim_udp_send(&udp_one, &udp_one.local, &udp_two.local,
                                      slice_of(text, strlen(text) + 1)),
                         0);
        sim_run(&world, 100);
    }
    sim_run(&world, 10 * SIM_SECOND);
}

static void datagrams_arrive_after_the_delay_in_order(void **state)
{
    (void)state;
    world.link = (struct sim_link){.delay_us = 2000};
    assert_int_equal(sim_udp_send(&udp_one, &udp_one.local, &udp_two.local, SLICE("1\0")), 0);
    sim_run(&world, 1999);
    assert_int_equal(ear.count, 0);
    sim_run(&world, 3);
    assert_int_equal(ear.count, 1);
    ear.last = 0;
    send_datagrams(1000);
    assert_int_equal(ear.count, 1001);
    assert_true(ear.in_order);
}

static void a_tenth_is_lost_a_tenth_doubled(void **state)
{
    (void)state;
    world.link = (struct sim_link){.delay_us = 1000, .loss = 100};
    send_datagrams(10000);
    assert_in_range(ear.count, 8800, 9200);
    ear.count = 0;
    world.link = (struct sim_link){.delay_us = 1000, .duplicate = 100};
    send_datagrams(10000);
    assert_in_range(ear.count, 10800, 11200);
}

static void jitter_turns_the_order_around(void **state)
{
    (void)state;
    world.link = (struct sim_link){.delay_us = 1000, .jitter_us = 50000};
    send_datagrams(100);
    assert_int_equal(ear.count, 100);
    assert_false(ear.in_order);
}

static void nothing_passes_between_islands_or_to_a_host_that_is_down(void **state)
{
    (void)state;
    two->island = 1;
    send_datagrams(10);
    assert_int_equal(ear.count, 0);
    two->island = 0;
    send_datagrams(10);
    assert_int_equal(ear.count, 10);
    sim_host_down(two, true);
    send_datagrams(10);
    sim_host_up(two);
    send_datagrams(10); /* its socket has gone with the power */
    assert_int_equal(ear.count, 10);
}

static void an_address_can_be_bound_once_or_by_sharers(void **state)
{
    struct sim_udp other = {.on_datagram = on_datagram, .user = &ear};
    struct address wildcard = sim_address("0.0.0.0:1000"), far = sim_address("192.0.2.9:1000");
    int sharer;
    (void)state;
    assert_int_equal(sim_udp_open(&other, one, &udp_one.local), ERR_EXISTS);
    assert_int_equal(sim_udp_open(&other, one, &wildcard), ERR_EXISTS);
    assert_int_equal(sim_udp_open(&other, one, &far), ERR_NOT_FOUND);
    sim_udp_close(&udp_one);
    udp_one.sharer = other.sharer = &sharer;
    assert_int_equal(sim_udp_open(&udp_one, one, &udp_one.local), 0);
    assert_int_equal(sim_udp_open(&other, one, &udp_one.local), 0);
    sim_udp_close(&other);
}

/* ---- a middlebox: an address translator of the simplest kind ---- */

static bool translate_out(void *user, struct sim_packet *packet)
{
    const struct sim_middlebox *box = user;
    uint16_t port = address_port(&packet->from);
    packet->from = box->outside;
    address_set_port(&packet->from, (uint16_t)(port + 30000));
    return true;
}

static bool translate_in(void *user, struct sim_packet *packet)
{
    uint16_t port = address_port(&packet->to);
    (void)user;
    packet->to = one->addresses[0];
    address_set_port(&packet->to, (uint16_t)(port - 30000));
    return port >= 31000;
}

static void a_middlebox_changes_addresses_both_ways(void **state)
{
    struct sim_middlebox box = {.outbound = translate_out, .inbound = translate_in, .user = &box};
    struct address seen;
    (void)state;
    box.outside = sim_address("192.0.2.77:0");
    one->behind = &box;
    send_datagrams(1);
    assert_int_equal(ear.count, 1);
    seen = sim_address("192.0.2.77:31000");
    assert_true(address_equal(&ear.from, &seen));
    assert_int_equal(sim_udp_send(&udp_two, &udp_two.local, &seen, SLICE("2\0")), 0);
    sim_run(&world, SIM_SECOND);
    assert_int_equal(ear.count, 2);
    assert_true(address_equal(&ear.from, &udp_two.local));
    address_set_port(&seen, 5);
    assert_int_equal(sim_udp_send(&udp_two, &udp_two.local, &seen, SLICE("3\0")), 0);
    sim_run(&world, SIM_SECOND);
    assert_int_equal(ear.count, 2);
}

/* ---- TCP ---- */

static void on_open(void *user)
{
    ((struct ear *)user)->open = true;
}

static void on_bytes(void *user, struct slice bytes)
{
    struct ear *e = user;
    assert_true(e->len + bytes.len <= sizeof(e->bytes));
    memcpy(e->bytes + e->len, bytes.ptr, bytes.len);
    e->len += bytes.len;
    e->count++;
}

static void on_end(void *user)
{
    ((struct ear *)user)->ended = true;
}

static void on_error(void *user)
{
    ((struct ear *)user)->failed = true;
}

static const struct sim_tcp_handler handler = {on_open, on_bytes, on_end, on_error, NULL};

static void on_accept(void *user, struct sim_tcp_side *side)
{
    side->handler = &handler;
    side->user = user;
    ear.side = side;
}

static struct ear caller;
static struct sim_listener listener;

static struct sim_tcp_side *connect_one_to_two(void)
{
    memset(&caller, 0, sizeof(caller));
    listener = (struct sim_listener){.on_accept = on_accept, .user = &ear};
    assert_int_equal(sim_listen(&listener, two, &udp_two.local), 0);
    struct sim_tcp_side *side = sim_tcp_connect(one, &udp_two.local, &handler, &caller);
    sim_run(&world, SIM_SECOND);
    assert_true(caller.open);
    assert_non_null(ear.side);
    return side;
}

static void bytes_arrive_whole_and_in_order_in_pieces(void **state)
{
    char sent[50000];
    (void)state;
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (char)(i * 7 + i / 256);
    world.link = (struct sim_link){.delay_us = 1000, .jitter_us = 20000, .loss = 100};
    struct sim_tcp_side *side = connect_one_to_two();
    assert_int_equal(sim_tcp_send(side, slice_of(sent, sizeof(sent))), sizeof(sent));
    sim_run(&world, 60 * SIM_SECOND);
    assert_int_equal(ear.len, sizeof(sent));
    assert_memory_equal(ear.bytes, sent, sizeof(sent));
    assert_true(ear.count > sizeof(sent) / 1400);
    sim_tcp_close(side);
    sim_run(&world, 5 * SIM_SECOND);
    assert_true(ear.ended);
    assert_false(ear.failed);
}

static void nobody_listens(void **state)
{
    (void)state;
    memset(&caller, 0, sizeof(caller));
    (void)sim_tcp_connect(one, &udp_two.local, &handler, &caller);
    sim_run(&world, SIM_SECOND);
    assert_true(caller.failed);
    assert_false(caller.open);
}

static void a_peer_that_reads_nothing_fills_the_window(void **state)
{
    static char sent[200000];
    (void)state;
    struct sim_tcp_side *side = connect_one_to_two();
    sim_tcp_pause(ear.side, true);
    size_t n = sim_tcp_send(side, slice_of(sent, sizeof(sent)));
    assert_int_equal(n, 65536);
    sim_run(&world, 60 * SIM_SECOND);
    assert_int_equal(sim_tcp_send(side, slice_of(sent, 1)), 0);
    sim_tcp_pause(ear.side, false);
    sim_run(&world, SIM_SECOND);
    assert_int_equal(ear.len, 65536);
    assert_int_equal(sim_tcp_send(side, slice_of(sent, 1)), 1);
}

static void a_peer_that_died_is_noticed_by_time_or_when_it_is_back(void **state)
{
    (void)state;
    struct sim_tcp_side *side = connect_one_to_two();
    sim_host_down(two, true);
    sim_run(&world, 100 * SIM_SECOND);
    assert_false(caller.failed); /* nothing was sent: nobody knows */
    assert_int_equal(sim_tcp_send(side, SLICE("x")), 1);
    sim_run(&world, 29 * SIM_SECOND);
    assert_false(caller.failed);
    sim_run(&world, 2 * SIM_SECOND);
    assert_true(caller.failed);

    sim_host_up(two);
    side = connect_one_to_two();
    sim_host_down(two, true);
    sim_host_up(two);
    assert_int_equal(sim_tcp_send(side, SLICE("x")), 1);
    sim_run(&world, SIM_SECOND);
    assert_true(caller.failed);
}

static void a_killed_process_resets_its_connections(void **state)
{
    (void)state;
    (void)connect_one_to_two();
    sim_host_down(two, false);
    sim_run(&world, SIM_SECOND);
    assert_true(caller.failed);
}

/* ---- the loops ---- */

static unsigned timers_fired;
static uint64_t fired_at_ms;

static void on_timer(struct timer *timer)
{
    (void)timer;
    timers_fired++;
    fired_at_ms = sim_now_us(&world) / 1000;
}

static void on_mail(void *user, unsigned from, struct slice data)
{
    struct ear *e = user;
    assert_int_equal((uintptr_t)data.ptr % 8, 0);
    e->count += from + 1;
    e->len += data.len;
}

static void loops_wake_for_timers_and_mail(void **state)
{
    struct mesh *mesh = sim_mesh_new(one, 2, 1);
    struct loop *loops[2];
    struct timer timer;
    struct slice mail = SLICE("hello");
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct loop_config config = {.worker = i, .mesh = mesh};
        assert_int_equal(loop_new(&config, &loops[i]), 0);
    }
    timer_init(&timer, on_timer);
    timers_fired = 0;
    uint64_t start_ms = sim_now_us(&world) / 1000;
    wheel_start(loop_wheel(loops[0]), &timer, 70000);
    sim_run(&world, 69999 * 1000);
    assert_int_equal(timers_fired, 0);
    sim_run(&world, 2000);
    assert_int_equal(timers_fired, 1);
    assert_int_equal(fired_at_ms, start_ms + 70000);
    mesh_on_mail(loops[1], MAIL_CONTROL, on_mail, &ear);
    assert_int_equal(mesh_post(mesh, 2, 1, MAIL_CONTROL, &mail, 1), 0);
    sim_run(&world, SIM_SECOND);
    assert_int_equal(ear.count, 0); /* not shown yet */
    mesh_flush(mesh, 2);
    sim_run(&world, SIM_SECOND);
    assert_int_equal(ear.count, 3);
    assert_int_equal(ear.len, 5);
    loop_free(loops[0]);
    loop_free(loops[1]);
    mesh_free(mesh);
}

/* ---- associations ---- */

struct message_end {
    struct ear ear;
    struct flow flow;
    struct assoc_listener *listener;
};

static int on_message(void *user, const struct flow *flow, struct slice message)
{
    struct message_end *end = user;
    end->ear.count++;
    end->ear.len = message.len;
    end->flow = *flow;
    return 0;
}

static void on_closed(void *user, const struct flow *flow, enum stream_reason reason)
{
    struct message_end *end = user;
    (void)flow;
    (void)reason;
    end->ear.ended = true;
}

static void sctp_listen_on(struct message_end *end, struct loop *loop, const char *address)
{
    struct address local = sim_address(address);
    struct assoc_options options = {
        .listener = 5, .handler = {.on_message = on_message, .on_close = on_closed, .user = end}};
    assert_int_equal(assoc_listen(loop, &local, &options, &end->listener), 0);
}

/* One after the other, each as it was sent, and back along the same association. */
static void associations_carry_whole_messages(void **state)
{
    struct sim_host *hosts[2] = {one, two};
    struct mesh *meshes[2];
    struct loop *loops[2];
    static struct message_end ends[2];
    static char text[60000];
    struct flow flow, found;
    (void)state;
    memset(ends, 0, sizeof(ends));
    for (unsigned i = 0; i < 2; i++) {
        meshes[i] = sim_mesh_new(hosts[i], 1, 1);
        struct loop_config config = {.mesh = meshes[i]};
        assert_int_equal(loop_new(&config, &loops[i]), 0);
        sctp_listen_on(&ends[i], loops[i], i == 0 ? "192.0.2.1:5060" : "192.0.2.2:5060");
    }
    struct address to = assoc_listener_local(ends[1].listener);
    assert_int_equal(assoc_connect(ends[0].listener, &to, &flow), 0);
    assert_true(address_equal(&flow.remote, &to));
    assert_int_equal(flow.transport, TRANSPORT_SCTP);
    assert_int_equal(assoc_find(loops[0], &to, &found), 0);
    assert_int_equal(found.connection, flow.connection);
    for (size_t length = 1; length < sizeof(text); length = length * 3 + 1)
        assert_int_equal(assoc_send(loops[0], &flow, slice_of(text, length)), 0);
    sim_run(&world, 10 * SIM_SECOND);
    assert_int_equal(ends[1].ear.count, 10);
    assert_int_equal(ends[1].ear.len, 29524);
    assert_int_equal(ends[1].flow.listener, 5);
    assert_int_equal(assoc_count(loops[1], ASSOC_OPEN), 1);
    assert_int_equal(assoc_send(loops[1], &ends[1].flow, SLICE("back")), 0);
    sim_loop_wake(loops[1]);
    sim_run(&world, 10 * SIM_SECOND);
    assert_int_equal(ends[0].ear.len, 4);
    assoc_close(loops[1], &ends[1].flow, STREAM_CLOSED_BY_US);
    sim_loop_wake(loops[1]);
    sim_run(&world, 10 * SIM_SECOND);
    assert_true(ends[0].ear.ended && ends[1].ear.ended);
    assert_int_equal(assoc_send(loops[0], &flow, SLICE("late")), ERR_CLOSED);
    for (unsigned i = 0; i < 2; i++) {
        assoc_listener_close(ends[i].listener);
        loop_free(loops[i]);
        mesh_free(meshes[i]);
    }
}

/* ---- framed streams ---- */

static void web_options(struct stream_options *options, struct message_end *end)
{
    memset(options, 0, sizeof(*options));
    options->transport = TRANSPORT_WS;
    options->framing.type = &ws_layer_type;
    options->handler.on_message = on_message;
    options->handler.on_close = on_closed;
    options->handler.user = end;
}

/* RFC 7118 section 5, however TCP cuts the bytes. */
static void websockets_carry_whole_messages(void **state)
{
    struct sim_host *hosts[2] = {one, two};
    struct mesh *meshes[2];
    struct loop *loops[2];
    static struct message_end ends[2];
    static char text[60000];
    struct stream_options options;
    struct stream_listener *server;
    struct flow flow;
    (void)state;
    memset(ends, 0, sizeof(ends));
    for (unsigned i = 0; i < 2; i++) {
        meshes[i] = sim_mesh_new(hosts[i], 1, 1);
        struct loop_config config = {.mesh = meshes[i]};
        assert_int_equal(loop_new(&config, &loops[i]), 0);
    }
    struct address there = sim_address("192.0.2.2:80");
    web_options(&options, &ends[1]);
    assert_int_equal(stream_listen(loops[1], &there, &options, &server), 0);
    web_options(&options, &ends[0]);
    assert_int_equal(stream_connect(loops[0], &there, &options, &flow), 0);
    for (size_t length = 1; length < sizeof(text); length = length * 3 + 1)
        assert_int_equal(stream_send(loops[0], &flow, slice_of(text, length)), 0);
    sim_loop_wake(loops[0]);
    sim_run(&world, 10 * SIM_SECOND);
    assert_int_equal(ends[1].ear.count, 10);
    assert_int_equal(ends[1].ear.len, 29524);
    assert_int_equal(stream_send(loops[1], &ends[1].flow, SLICE("back")), 0);
    sim_loop_wake(loops[1]);
    sim_run(&world, 10 * SIM_SECOND);
    assert_int_equal(ends[0].ear.count, 1);
    assert_int_equal(ends[0].ear.len, 4);
    stream_listener_close(server);
    for (unsigned i = 0; i < 2; i++) {
        loop_free(loops[i]);
        mesh_free(meshes[i]);
    }
}

/* ---- replay ---- */

static void a_seed_replays_exactly(void **state)
{
    struct sim_accounts accounts;
    struct run *run = test_malloc(sizeof(*run));
    (void)state;
    sim_accounts_init(&accounts);
    for (size_t kind = 0; kind < run_kind_count; kind++) {
        uint64_t events[2], orders[2], counts[2];
        for (unsigned i = 0; i < 2; i++) {
            bool good = run_play(run, &run_kinds[kind], 42, accounts.accounts, false);
            if (!good)
                print_error("%s\n", run->crowd.failure);
            assert_true(good);
            events[i] = run->fired;
            orders[i] = run->orders;
            counts[i] = run->messages;
        }
        assert_int_equal(events[0], events[1]);
        assert_int_equal(orders[0], orders[1]);
        assert_int_equal(counts[0], counts[1]);
    }
    sim_accounts_done(&accounts);
    test_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(datagrams_arrive_after_the_delay_in_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_tenth_is_lost_a_tenth_doubled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(jitter_turns_the_order_around, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_passes_between_islands_or_to_a_host_that_is_down,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_address_can_be_bound_once_or_by_sharers, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_middlebox_changes_addresses_both_ways, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_arrive_whole_and_in_order_in_pieces, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nobody_listens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_peer_that_reads_nothing_fills_the_window, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_peer_that_died_is_noticed_by_time_or_when_it_is_back,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_killed_process_resets_its_connections, set_up, tear_down),
        cmocka_unit_test_setup_teardown(loops_wake_for_timers_and_mail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(associations_carry_whole_messages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(websockets_carry_whole_messages, set_up, tear_down),
        cmocka_unit_test(a_seed_replays_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
