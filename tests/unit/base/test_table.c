#include "base/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"

#define ITEMS 5000

struct item {
    uint64_t key;
    bool present;
    unsigned visits;
    struct table_node node;
};

static struct item *item_of(const struct table_node *node)
{
    return (struct item *)((uintptr_t)node - offsetof(struct item, node));
}

static bool match(const struct table_node *node, const void *key)
{
    return item_of(node)->key == *(const uint64_t *)key;
}

static struct item *find(const struct table *t, uint64_t hash, uint64_t key)
{
    struct table_node *node = table_find(t, hash, match, &key);
    return node != NULL ? item_of(node) : NULL;
}

static uint64_t hash_of(uint64_t key)
{
    return hash_mix(12345, key);
}

static struct item *items_new(void)
{
    struct item *items = calloc(ITEMS, sizeof *items);
    assert_non_null(items);
    for (size_t i = 0; i < ITEMS; i++)
        items[i].key = i;
    return items;
}

static void an_empty_table_finds_nothing(void **state)
{
    (void)state;
    struct table t;
    assert_int_equal(table_init(&t, 0), 0);
    assert_null(find(&t, 1, 1));
    assert_int_equal(t.count, 0);
    table_done(&t);
    table_done(&t);
}

static void the_initial_size_is_rounded_up(void **state)
{
    (void)state;
    static const size_t rows[][2] = {{0, 8}, {24, 8}, {25, 16}, {1000, 512}, {1536, 512}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct table t;
        assert_int_equal(table_init(&t, rows[i][0]), 0);
        assert_int_equal(t.mask + 1, rows[i][1]);
        table_done(&t);
    }
    struct table t;
    assert_int_equal(table_init(&t, SIZE_MAX), ERR_NO_MEMORY);
}

static void random_adds_and_removes_agree_with_a_plain_array(void **state)
{
    (void)state;
    struct item *items = items_new();
    struct table t;
    struct random r;
    size_t count = 0;
    random_seed(&r, 1);
    assert_int_equal(table_init(&t, 0), 0);
    for (size_t step = 0; step < 60000; step++) {
        /* More adds than removes at first, then the other way round. */
        bool adding = random_below(&r, 10) < (step < 30000 ? 7 : 3);
        struct item *item = &items[random_below(&r, ITEMS)];
        assert_ptr_equal(find(&t, hash_of(item->key), item->key), item->present ? item : NULL);
        if (adding == item->present)
            continue;
        if (adding)
            table_add(&t, &item->node, hash_of(item->key));
        else
            table_remove(&t, &item->node);
        item->present = adding;
        count = adding ? count + 1 : count - 1;
        assert_int_equal(t.count, count);
    }
    table_done(&t);
    free(items);
}

static void every_node_is_found_after_every_step_of_growth(void **state)
{
    (void)state;
    struct item *items = items_new();
    struct table t;
    bool grew = false;
    assert_int_equal(table_init(&t, 0), 0);
    for (size_t i = 0; i < 600; i++) {
        table_add(&t, &items[i].node, hash_of(i));
        grew |= t.old_buckets != NULL;
        for (size_t j = 0; j < ITEMS && j < 700; j++)
            assert_ptr_equal(find(&t, hash_of(j), j), j <= i ? &items[j] : NULL);
    }
    assert_true(grew);
    table_done(&t);
    free(items);
}

static void growth_is_spread_over_the_adds(void **state)
{
    (void)state;
    struct item *items = items_new();
    struct table t;
    assert_int_equal(table_init(&t, 0), 0);
    for (size_t i = 0; i < ITEMS; i++) {
        size_t left = t.old_buckets != NULL ? t.old_mask + 1 - t.moved : 0;
        table_add(&t, &items[i].node, hash_of(i));
        size_t left_now = t.old_buckets != NULL ? t.old_mask + 1 - t.moved : 0;
        assert_true(left <= left_now + 2);
        assert_true(t.count <= 4 * (t.mask + 1));
    }
    assert_true(3 * (t.mask + 1) >= ITEMS);
    table_done(&t);
    free(items);
}

static void removing_goes_on_with_a_growth(void **state)
{
    (void)state;
    struct item *items = items_new();
    struct table t;
    assert_int_equal(table_init(&t, 1024), 0);
    size_t n = 0;
    while (t.old_buckets == NULL) {
        table_add(&t, &items[n].node, hash_of(n));
        n++;
    }
    for (size_t i = 0; i < n; i++) {
        table_remove(&t, &items[i].node);
        assert_null(find(&t, hash_of(i), i));
        if (i + 1 < n)
            assert_ptr_equal(find(&t, hash_of(n - 1), n - 1), &items[n - 1]);
    }
    assert_int_equal(t.count, 0);
    assert_null(t.old_buckets);
    table_done(&t);
    free(items);
}

static void equal_hashes_are_told_apart_by_the_key(void **state)
{
    (void)state;
    struct item *items = items_new();
    struct table t;
    assert_int_equal(table_init(&t, 0), 0);
    for (size_t i = 0; i < 100; i++)
        table_add(&t, &items[i].node, 7);
    for (size_t i = 0; i < 100; i++)
        assert_ptr_equal(find(&t, 7, i), &items[i]);
    assert_null(find(&t, 7, 100));
    assert_null(find(&t, 7 + 4096, 3));
    for (size_t i = 0; i < 100; i += 2)
        table_remove(&t, &items[i].node);
    for (size_t i = 0; i < 100; i++)
        assert_ptr_equal(find(&t, 7, i), i % 2 ? &items[i] : NULL);
    table_done(&t);
    free(items);
}

/* Elements of one tag are in one bucket whatever its size: all but a few hang on its chain. */
static void a_full_bucket_moves_with_its_chain(void **state)
{
    (void)state;
    struct item *items = items_new();
    struct table t;
    assert_int_equal(table_init(&t, 0), 0);
    for (size_t i = 0; i < ITEMS; i++) {
        uint64_t hash = i % 50 == 0 ? (UINT64_C(99) << 32 | i) : hash_of(i);
        table_add(&t, &items[i].node, hash);
        for (size_t j = 0; j <= i; j += 50)
            assert_ptr_equal(find(&t, UINT64_C(99) << 32 | j, j), &items[j]);
    }
    for (size_t i = 0; i < ITEMS; i += 50) {
        table_remove(&t, &items[i].node);
        assert_null(items[i].node.next);
        assert_null(find(&t, UINT64_C(99) << 32 | i, i));
        if (i + 50 < ITEMS)
            assert_ptr_equal(find(&t, UINT64_C(99) << 32 | (i + 50), i + 50), &items[i + 50]);
    }
    for (size_t i = 0; i < ITEMS; i++)
        assert_ptr_equal(find(&t, hash_of(i), i), i % 50 != 0 ? &items[i] : NULL);
    table_done(&t);
    free(items);
}

static bool never_asked(const struct table_node *node, const void *key)
{
    (void)node;
    (void)key;
    fail();
    return false;
}

static void match_is_asked_only_for_the_whole_hash(void **state)
{
    (void)state;
    struct item *items = items_new();
    struct table t;
    assert_int_equal(table_init(&t, 0), 0);
    table_add(&t, &items[0].node, 5);
    assert_null(table_find(&t, 5 | (uint64_t)1 << 63, never_asked, NULL));
    assert_null(table_find(&t, 4, never_asked, NULL));
    table_done(&t);
    free(items);
}

static void without_memory_the_chains_get_longer(void **state)
{
    (void)state;
    if (!MEMORY_FAULTS)
        skip();
    struct item *items = items_new();
    struct table t;
    memory_fail_after(0);
    assert_int_equal(table_init(&t, 0), ERR_NO_MEMORY);
    assert_true(memory_fail_hit());
    assert_int_equal(table_init(&t, 0), 0);
    for (size_t i = 0; i < 1000; i++) {
        memory_fail_after(0);
        table_add(&t, &items[i].node, hash_of(i));
        (void)memory_fail_hit();
    }
    assert_int_equal(t.mask + 1, 8);
    for (size_t i = 0; i < 1000; i++)
        assert_ptr_equal(find(&t, hash_of(i), i), &items[i]);
    /* Memory is back: the table catches up. */
    for (size_t i = 1000; i < ITEMS; i++)
        table_add(&t, &items[i].node, hash_of(i));
    assert_true(3 * (t.mask + 1) >= ITEMS);
    for (size_t i = 0; i < ITEMS; i++)
        assert_ptr_equal(find(&t, hash_of(i), i), &items[i]);
    table_done(&t);
    free(items);
}

static void count_visit(struct table_node *node, void *user)
{
    item_of(node)->visits++;
    ++*(size_t *)user;
}

static void each_node_is_visited_once_also_while_growing(void **state)
{
    (void)state;
    struct item *items = items_new();
    struct table t;
    assert_int_equal(table_init(&t, 0), 0);
    size_t n = 0;
    while (n < 1000 || t.old_buckets == NULL) {
        table_add(&t, &items[n].node, hash_of(n));
        n++;
    }
    size_t visited = 0;
    table_each(&t, count_visit, &visited);
    assert_int_equal(visited, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(items[i].visits, 1);
    table_done(&t);
    free(items);
}

static void remove_odd(struct table_node *node, void *user)
{
    struct item *item = item_of(node);
    if (item->key % 2 == 0)
        return;
    table_remove(user, node);
    free(item);
}

static void a_visit_may_remove_and_free_its_node(void **state)
{
    (void)state;
    struct table t;
    struct item *items[3500];
    assert_int_equal(table_init(&t, 0), 0);
    size_t n = 0;
    while (n < 1000 || t.old_buckets == NULL) {
        items[n] = calloc(1, sizeof **items);
        assert_non_null(items[n]);
        items[n]->key = n;
        table_add(&t, &items[n]->node, hash_of(n));
        n++;
        assert_true(n < 3500);
    }
    table_each(&t, remove_odd, &t);
    assert_int_equal(t.count, (n + 1) / 2);
    for (size_t i = 0; i < n; i++)
        assert_ptr_equal(find(&t, hash_of(i), i), i % 2 ? NULL : items[i]);
    for (size_t i = 0; i < n; i += 2)
        free(items[i]);
    table_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table_finds_nothing),
        cmocka_unit_test(the_initial_size_is_rounded_up),
        cmocka_unit_test(random_adds_and_removes_agree_with_a_plain_array),
        cmocka_unit_test(every_node_is_found_after_every_step_of_growth),
        cmocka_unit_test(growth_is_spread_over_the_adds),
        cmocka_unit_test(removing_goes_on_with_a_growth),
        cmocka_unit_test(equal_hashes_are_told_apart_by_the_key),
        cmocka_unit_test(a_full_bucket_moves_with_its_chain),
        cmocka_unit_test(match_is_asked_only_for_the_whole_hash),
        cmocka_unit_test(without_memory_the_chains_get_longer),
        cmocka_unit_test(each_node_is_visited_once_also_while_growing),
        cmocka_unit_test(a_visit_may_remove_and_free_its_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
