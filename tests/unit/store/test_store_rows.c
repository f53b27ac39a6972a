/* The map of rows against a plain array. */
#include "store/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"

#include <cmocka.h>

#define IDS 40000

enum state { ABSENT, LIVE, STALE };

static unsigned char model[IDS];

static void check_counts(const struct store_rows *rows)
{
    uint64_t live = 0, stale = 0;
    for (int64_t id = 0; id < IDS; id++) {
        live += model[id] == LIVE;
        stale += model[id] == STALE;
        assert_int_equal(store_rows_is_live(rows, id), model[id] == LIVE);
    }
    assert_true(rows->live == live && rows->stale == stale);
}

/* Runs come in order, hold every stale row once and no live one. */
static void check_runs(struct store_rows *rows)
{
    struct store_rows_run run;
    int64_t after = 0;
    uint64_t stale = 0;
    while (store_rows_next_stale(rows, after, &run)) {
        assert_true(run.first > after && run.last >= run.first && run.last < IDS);
        unsigned count = 0;
        for (int64_t id = after + 1; id < run.first; id++)
            assert_true(model[id] != STALE);
        for (int64_t id = run.first; id <= run.last; id++) {
            assert_true(model[id] != LIVE);
            count += model[id] == STALE;
        }
        assert_true(model[run.first] == STALE && model[run.last] == STALE);
        assert_int_equal(count, run.stale);
        stale += count;
        after = run.last;
    }
    assert_true(stale == rows->stale);
}

/* Cutting gives all live rows to exactly one part and one stretch. */
static void check_cuts(const struct store_rows *rows, unsigned parts)
{
    static unsigned char seen[IDS + 2048];
    memset(seen, 0, sizeof seen);
    for (unsigned part = 0; part < parts; part++) {
        int64_t at = store_rows_cut(rows, part, parts), first, stop;
        int64_t end = store_rows_cut(rows, part + 1, parts);
        assert_true(at <= end);
        for (; store_rows_next_live(rows, at, end, &first, &stop); at = stop) {
            assert_true(first >= at && stop > first && stop <= end);
            for (int64_t id = first; id < stop; id++)
                seen[id]++;
        }
    }
    for (int64_t id = 0; id < IDS; id++)
        assert_true(seen[id] <= 1 && (model[id] != LIVE || seen[id] == 1));
}

static void remove_lowest(struct store_rows *rows)
{
    struct store_rows_run run;
    if (!store_rows_next_stale(rows, 0, &run))
        return;
    store_rows_remove(rows, &run);
    for (int64_t id = run.first; id <= run.last; id++)
        model[id] = ABSENT;
}

static void the_map_agrees_with_a_plain_array(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct store_rows rows = {0};
        struct random random;
        random_seed(&random, seed);
        memset(model, ABSENT, sizeof model);
        int64_t next = 1 + (int64_t)random_below(&random, 5000);
        while (next < IDS - 3000) {
            int64_t last = next + (int64_t)random_below(&random, 2500);
            assert_int_equal(store_rows_reserve(&rows, next, last), 0);
            for (; next <= last; next++) {
                if (random_below(&random, 8) == 0)
                    continue;
                store_rows_add(&rows, next);
                model[next] = LIVE;
                /* Mostly young rows are superseded, now and then an old one. */
                int64_t reach = random_below(&random, 50) == 0 ? next : 600;
                int64_t old = next - (int64_t)random_below(&random, (uint64_t)reach);
                if (old > 0 && random_below(&random, 10) != 0) {
                    assert_int_equal(store_rows_spoil(&rows, old), model[old] == LIVE);
                    model[old] = model[old] == LIVE ? STALE : model[old];
                }
                if (random_below(&random, 20) == 0 || seed == 4)
                    remove_lowest(&rows);
            }
            check_counts(&rows);
            check_runs(&rows);
            check_cuts(&rows, 1 + (unsigned)random_below(&random, 40));
        }
        while (rows.stale > 0)
            remove_lowest(&rows);
        check_counts(&rows);
        check_runs(&rows);
        store_rows_done(&rows);
    }
}

static void an_empty_map_has_nothing(void **state)
{
    (void)state;
    struct store_rows rows = {0};
    struct store_rows_run run;
    int64_t first, stop;
    assert_false(store_rows_is_live(&rows, 1));
    assert_false(store_rows_spoil(&rows, 1));
    assert_false(store_rows_spoil(&rows, 0));
    assert_false(store_rows_spoil(&rows, -1));
    assert_false(store_rows_next_stale(&rows, 0, &run));
    assert_false(store_rows_next_live(&rows, store_rows_cut(&rows, 0, 1),
                                      store_rows_cut(&rows, 1, 1), &first, &stop));
    store_rows_done(&rows);
}

/* Few rows that live long among many that come and go cost little. */
static void chunks_without_rows_are_given_back(void **state)
{
    (void)state;
    struct store_rows rows = {0};
    struct store_rows_run run;
    for (int64_t id = 1; id < 300000; id++) {
        assert_int_equal(store_rows_reserve(&rows, id, id), 0);
        store_rows_add(&rows, id);
        if (id % 10000 != 0) {
            assert_true(store_rows_spoil(&rows, id));
            assert_true(store_rows_next_stale(&rows, 0, &run));
            store_rows_remove(&rows, &run);
        }
    }
    unsigned chunks = 0;
    for (size_t i = 0; i < rows.count; i++)
        chunks += rows.chunks[i] != NULL;
    assert_int_equal(chunks, 29);
    store_rows_done(&rows);
}

static void out_of_memory_leaves_the_map_as_it_was(void **state)
{
    (void)state;
    size_t n = 0;
    bool hit;
    do {
        struct store_rows rows = {0};
        memory_fail_after(n++);
        int status = store_rows_reserve(&rows, 1, 5000);
        hit = memory_fail_hit();
        assert_int_equal(status, hit ? ERR_NO_MEMORY : 0);
        assert_int_equal(store_rows_reserve(&rows, 1, 5000), 0);
        store_rows_add(&rows, 5000);
        assert_true(store_rows_is_live(&rows, 5000));
        store_rows_done(&rows);
    } while (hit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_map_agrees_with_a_plain_array),
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(chunks_without_rows_are_given_back),
        cmocka_unit_test(out_of_memory_leaves_the_map_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
