/* link: -Wl,--wrap=uv_hrtime -Wl,--wrap=uv_now -Wl,--wrap=uv_run */
/* SCTP as workers other than 0 see it: two loops of one mesh, run in turns. */
#include <string.h>

#include "base/error.h"
#include "loop/mesh.h"
#include "unit/loop/sctp_fixture.h"

struct far {
    struct mesh *mesh;
    struct loop *loop;  /* worker 1 */
    struct end a;       /* worker 0's side of the listener that both have */
    struct end b;       /* the peer, on worker 0 too */
    struct end *of_one; /* worker 1's side of a */
};

static bool both_until(struct far *far, condition_fn *condition, void *user)
{
    for (unsigned i = 0; i < WAIT_MS / 4; i++) {
        if (condition(user))
            return true;
        run_for(far->a.loop, 2);
        run_for(far->loop, 2);
    }
    return false;
}

static void far_start(struct far *far, struct end *of_one)
{
    memset(of_one, 0, sizeof(*of_one));
    assert_int_equal(mesh_new(2, 0, 0, &far->mesh), 0);
    struct loop *zero = new_mesh_loop(far->mesh, 0);
    far->loop = new_mesh_loop(far->mesh, 1);
    far->of_one = of_one;
    far->b.options.listener = 2;
    listen_at(&far->b, zero, "127.0.0.1:0");
    far->a.options.listener = of_one->options.listener = 1;
    far->a.options.remote_port = assoc_listener_udp_port(far->b.listener);
    listen_at(&far->a, zero, "127.0.0.1:0");
    /* The other workers are told the port that the first one chose. */
    of_one->loop = far->loop;
    of_one->options.handler = far->a.options.handler;
    of_one->options.handler.user = of_one;
    of_one->options.udp = true;
    assert_int_equal(assoc_listen(far->loop, &far->a.local, &of_one->options, &of_one->listener),
                     0);
}

static void far_end(struct far *far)
{
    loop_free(far->loop);
    loop_free(far->a.loop);
    mesh_free(far->mesh);
}

static struct far far;
static struct end of_one;

static int set_up(void **state)
{
    (void)state;
    memset(&far, 0, sizeof(far));
    far_start(&far, &of_one);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    far_end(&far);
    return 0;
}

static struct flow connect_and_send(void)
{
    struct flow flow;
    assert_int_equal(assoc_connect(of_one.listener, &far.b.local, &flow), 0);
    assert_int_equal(assoc_send(far.loop, &flow, SLICE("by mail")), 0);
    assert_true(both_until(&far, has_messages, &far.b));
    return flow;
}

/* Messages of any worker go along the one association. */
static void another_worker_sends_along_an_association(void **state)
{
    (void)state;
    struct flow flow = connect_and_send(), again;
    assert_memory_equal(far.b.last, "by mail", 7);
    assert_int_equal(flow.worker, 1);
    assert_true(assoc_alive(far.loop, &flow));
    assert_int_equal(assoc_find(far.loop, &far.b.local, &again), 0);
    assert_int_equal(again.connection, flow.connection);
    /* Worker 0 has the association, and may use it too. */
    assert_int_equal(assoc_find(far.a.loop, &far.b.local, &again), 0);
    assert_int_equal(again.worker, 0);
    far.b.messages = 0;
    assert_int_equal(assoc_send(far.a.loop, &again, SLICE("by hand")), 0);
    assert_true(both_until(&far, has_messages, &far.b));
    assert_int_equal(assoc_count(far.a.loop, ASSOC_ACCEPTED), 1);
}

/* What comes, comes to worker 0; any worker answers along its flow. */
static void another_worker_answers_along_the_flow(void **state)
{
    (void)state;
    (void)connect_and_send();
    struct flow of_b = far.b.flow;
    assert_int_equal(of_b.worker, 0);
    assert_true(assoc_alive(far.loop, &of_b));
    assert_int_equal(assoc_send(far.loop, &of_b, SLICE("answer")), 0);
    assert_true(both_until(&far, has_messages, &far.a));
    assert_memory_equal(far.a.last, "answer", 6);
}

/* The end of an association ends the names that other workers have for it. */
static void another_worker_is_told_of_the_end(void **state)
{
    (void)state;
    struct flow flow = connect_and_send(), fresh;
    assoc_close(far.b.loop, &far.b.flow, STREAM_CLOSED_BY_US);
    assert_true(both_until(&far, has_closed, &of_one));
    assert_int_equal(of_one.closed_flow.connection, flow.connection);
    assert_false(assoc_alive(far.loop, &flow));
    assert_int_equal(assoc_send(far.loop, &flow, SLICE("late")), ERR_CLOSED);
    assert_int_equal(assoc_find(far.loop, &far.b.local, &fresh), ERR_NOT_FOUND);
    far.b.messages = 0;
    fresh = connect_and_send();
    assert_int_not_equal(fresh.connection, flow.connection);
}

/* Nobody there: the worker that wanted the association hears it. */
static void another_worker_is_told_that_nobody_is_there(void **state)
{
    (void)state;
    struct address nobody = far.b.local;
    struct flow flow;
    address_set_port(&nobody, 0); /* no port of anybody's: ABORT, or nothing */
    far.a.options.limits.connect_ms = 100;
    assoc_listener_close(far.a.listener);
    listen_at(&far.a, far.a.loop, "127.0.0.1:0");
    address_set_port(&nobody, 2);
    assert_int_equal(assoc_connect(of_one.listener, &nobody, &flow), 0);
    assert_int_equal(assoc_send(far.loop, &flow, SLICE("anybody?")), 0);
    assert_true(both_until(&far, has_closed, &of_one));
    assert_int_equal(of_one.closed_flow.connection, flow.connection);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(another_worker_sends_along_an_association, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(another_worker_answers_along_the_flow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_worker_is_told_of_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_worker_is_told_that_nobody_is_there, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
