/* link: -Wl,--wrap=uv_hrtime -Wl,--wrap=uv_now -Wl,--wrap=uv_run */
/* Each allocation fails in turn: nothing crashes, nothing leaks, errors are told. */
#include "unit/loop/stream_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/dns.h"
#include "loop/mesh.h"
#include "loop/udp.h"

/* Reruns body with the first, second, ... allocation failing; returns how many there were. */
static unsigned each_failing(void (*body)(void))
{
    unsigned n = 0;
    do {
        memory_fail_after(n++);
        body();
    } while (memory_fail_hit());
    return n;
}

static void make_mesh(void)
{
    struct mesh *mesh = NULL;
    struct loop *loop = NULL;
    int err = mesh_new(2, 1, 4096, &mesh);
    if (err == 0) {
        struct loop_config config = {.worker = 1, .mesh = mesh};
        err = loop_new(&config, &loop);
    }
    assert_true(err == 0 || err == ERR_NO_MEMORY);
    loop_free(loop);
    mesh_free(mesh);
}

static void a_mesh_and_its_loops(void **state)
{
    (void)state;
    assert_true(each_failing(make_mesh) > 10 || !MEMORY_FAULTS);
}

static void ignore_datagram(void *user, const struct flow *flow, struct slice data)
{
    (void)flow;
    (void)data;
    ++*(unsigned *)user;
}

static struct loop *shared; /* made while nothing fails */

static void open_udp(void)
{
    struct udp *udp;
    unsigned count = 0;
    struct udp_options options = {
        .local = address_of("127.0.0.1:0"), .on_datagram = ignore_datagram, .user = &count};
    int err = udp_open(shared, &options, &udp);
    assert_true(err == 0 || err == ERR_NO_MEMORY);
    if (err == 0) {
        struct address to = udp_local(udp), local;
        assert_int_equal(udp_send(udp, NULL, &to, SLICE("x")), 0);
        assert_int_equal(loop_source_address(shared, &to, &local), 0);
        assert_true(run_until(shared, not_zero, &count, WAIT_MS));
        udp_close(udp);
    }
}

static void datagrams(void **state)
{
    (void)state;
    shared = new_loop();
    each_failing(open_udp);
    loop_free(shared);
}

/* Both ends on one loop, half a message first, so that every kind of memory is used. */
static bool talk(void)
{
    struct user server, client;
    struct flow flow;
    struct loop *loop = shared;
    user_init(&server, loop);
    user_init(&client, loop);
    server.echo = true;
    struct address local = address_of("127.0.0.1:0"), alias = address_of("192.0.2.1:5060");
    int err = stream_listen(loop, &local, &server.options, &server.listener);
    assert_true(err == 0 || err == ERR_NO_MEMORY);
    if (err != 0)
        return false;
    local = stream_listener_local(server.listener);
    err = stream_connect(loop, &local, &client.options, &flow);
    assert_true(err == 0 || err == ERR_NO_MEMORY);
    if (err == 0) {
        bool opened = run_until(loop, user_has_opened, &client, 200);
        err = stream_alias(loop, &flow, &alias);
        assert_true(err == 0 || err == ERR_LIMIT || !opened);
        (void)stream_send(loop, &flow, SLICE("half "));
        run_for(loop, 2);
        (void)stream_send(loop, &flow, SLICE("and half\n"));
        (void)run_until(loop, user_has_messages, &client, 50);
        stream_close(loop, &flow, STREAM_CLOSED_BY_US);
        /* Whatever failed, both hear of the end of what they heard the beginning of. */
        assert_true(run_until(loop, user_has_closed, &client, WAIT_MS));
        run_for(loop, 2);
        assert_int_equal(server.opened, server.closed);
    }
    stream_listener_close(server.listener);
    run_for(loop, 2);
    return client.messages == 1;
}

static void streams(void **state)
{
    (void)state;
    /* Memory that is kept for reuse would hide later failures: each time a new loop. */
    for (size_t n = 0;; n++) {
        shared = new_loop();
        memory_fail_after(n);
        bool all = talk();
        bool hit = memory_fail_hit();
        loop_free(shared);
        if (!hit) {
            assert_true(all);
            assert_true(n > 5 || !MEMORY_FAULTS);
            break;
        }
    }
}

static void keep_answer(void *user, const struct dns_answer *answer)
{
    assert_true(answer->status == ERR_NOT_FOUND || answer->status == ERR_NO_MEMORY ||
                answer->status == ERR_UNREACHABLE);
    ++*(unsigned *)user;
}

/* libunbound knows by itself that there is nothing below "invalid" (RFC 6761 section 6.4). */
static bool look_up(struct loop *loop)
{
    const struct dns_answer *answer;
    struct dns_query *query;
    unsigned count = 0;
    if (dns_configure(loop, &(struct dns_config){.timeout_ms = 1000}) != 0)
        return false;
    int err =
        dns_lookup(loop, SLICE("name.invalid"), DNS_SRV, keep_answer, &count, &answer, &query);
    assert_true(err == 0 || err == ERR_NO_MEMORY);
    if (err == 0)
        assert_true(run_until(loop, not_zero, &count, WAIT_MS));
    return err == 0;
}

static void names(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct loop *loop = new_loop();
        memory_fail_after(n);
        bool done = look_up(loop);
        bool hit = memory_fail_hit();
        loop_free(loop);
        if (!hit) {
            assert_true(done);
            assert_true(n > 5 || !MEMORY_FAULTS);
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mesh_and_its_loops),
        cmocka_unit_test(datagrams),
        cmocka_unit_test(streams),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
