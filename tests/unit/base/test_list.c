#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    int value;
    struct list node;
};

static void assert_order(struct list *head, const int *values, size_t count)
{
    size_t i = 0;
    list_for_each(pos, head)
    {
        assert_true(i < count);
        assert_int_equal(container_of(pos, struct item, node)->value, values[i]);
        assert_ptr_equal(pos->next->prev, pos);
        i++;
    }
    assert_int_equal(i, count);
}

static void items_stand_where_they_were_put(void **state)
{
    (void)state;
    struct list head;
    struct item a = {.value = 1}, b = {.value = 2}, c = {.value = 3};
    list_init(&head);
    assert_true(list_empty(&head));
    assert_order(&head, NULL, 0);
    list_append(&head, &b.node);
    list_append(&head, &c.node);
    list_prepend(&head, &a.node);
    assert_false(list_empty(&head));
    assert_order(&head, (const int[]){1, 2, 3}, 3);
    struct item d = {.value = 4};
    list_insert_before(&c.node, &d.node);
    assert_order(&head, (const int[]){1, 2, 4, 3}, 4);
}

static void removing_twice_is_harmless(void **state)
{
    (void)state;
    struct list head;
    struct item a = {.value = 1}, b = {.value = 2};
    list_init(&head);
    list_append(&head, &a.node);
    list_append(&head, &b.node);
    list_remove(&a.node);
    list_remove(&a.node);
    assert_true(list_empty(&a.node));
    assert_order(&head, (const int[]){2}, 1);
    list_remove(&b.node);
    assert_true(list_empty(&head));
}

static void a_safe_walk_may_remove_where_it_stands(void **state)
{
    (void)state;
    struct list head;
    struct item items[5];
    list_init(&head);
    for (int i = 0; i < 5; i++) {
        items[i].value = i;
        list_append(&head, &items[i].node);
    }
    list_for_each_safe(pos, &head)
    {
        if (container_of(pos, struct item, node)->value % 2 == 0)
            list_remove(pos);
    }
    assert_order(&head, (const int[]){1, 3}, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_stand_where_they_were_put),
        cmocka_unit_test(removing_twice_is_harmless),
        cmocka_unit_test(a_safe_walk_may_remove_where_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
