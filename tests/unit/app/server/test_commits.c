/* label: threads */
/* What the store has committed reaches every worker, however late it looks (RFC 3261 10.3 step 7:
 * nothing is acknowledged that is not stored). */
#include "app/server/commits.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct world {
    struct mesh *mesh;
    struct commits commits;
};

/* Two workers that never read their mail; the smallest rings. */
static void start(struct world *world)
{
    assert_int_equal(mesh_new(2, 1, 4096, &world->mesh), 0);
    assert_int_equal(commits_init(&world->commits, world->mesh, 2), 0);
}

static void stop(struct world *world)
{
    assert_int_equal(mesh_refused(world->mesh), 0);
    commits_done(&world->commits);
    mesh_free(world->mesh);
}

static void expect(struct world *world, unsigned worker, const struct commit *wanted,
                   unsigned count)
{
    struct commit got[COMMITS_KEPT];
    assert_int_equal(commits_take(&world->commits, worker, got), count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(got[i].ticket, wanted[i].ticket);
        assert_int_equal(got[i].status, wanted[i].status);
    }
}

static void a_worker_that_sleeps_through_many_commits_learns_of_the_last(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    for (int64_t ticket = 1; ticket <= 100000; ticket++)
        commits_announce(&world.commits, ticket, 0);
    for (unsigned worker = 0; worker < 2; worker++)
        expect(&world, worker, (const struct commit[]){{100000, 0}}, 1);
    expect(&world, 0, NULL, 0);
    stop(&world);
}

static void a_failure_between_good_commits_is_not_lost(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    commits_announce(&world.commits, 10, 0);
    commits_announce(&world.commits, 20, 0);
    commits_announce(&world.commits, 25, ERR_IO);
    commits_announce(&world.commits, 30, ERR_IO);
    commits_announce(&world.commits, 24, 0); /* a part of it, tried again */
    commits_announce(&world.commits, 30, 0);
    commits_announce(&world.commits, 40, 0);
    expect(&world, 1, (const struct commit[]){{20, 0}, {30, ERR_IO}, {40, 0}}, 3);
    commits_announce(&world.commits, 50, 0);
    expect(&world, 0, (const struct commit[]){{20, 0}, {30, ERR_IO}, {50, 0}}, 3);
    expect(&world, 1, (const struct commit[]){{50, 0}}, 1);
    stop(&world);
}

static void more_ups_and_downs_than_are_kept_count_as_failed(void **state)
{
    (void)state;
    struct world world;
    struct commit got[COMMITS_KEPT];
    start(&world);
    for (int64_t ticket = 1; ticket <= 1001; ticket++)
        commits_announce(&world.commits, ticket, ticket % 2 == 0 ? 0 : ERR_IO);
    assert_int_equal(commits_take(&world.commits, 0, got), COMMITS_KEPT);
    int64_t before = 0;
    for (unsigned i = 0; i < COMMITS_KEPT; i++) {
        /* A range called durable holds no ticket that failed. */
        if (got[i].status == 0)
            assert_true(got[i].ticket == before + 1 && got[i].ticket % 2 == 0);
        before = got[i].ticket;
    }
    assert_int_equal(before, 1001);
    stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_that_sleeps_through_many_commits_learns_of_the_last),
        cmocka_unit_test(a_failure_between_good_commits_is_not_lost),
        cmocka_unit_test(more_ups_and_downs_than_are_kept_count_as_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
