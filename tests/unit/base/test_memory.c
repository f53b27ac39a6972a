/* label: threads */
#include "base/memory.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void memory_is_given_and_taken(void **state)
{
    (void)state;
    char *block = memory_alloc(10);
    assert_non_null(block);
    block[9] = 'x';
    block = memory_realloc(block, 100);
    assert_non_null(block);
    assert_int_equal(block[9], 'x');
    memory_free(block);
    unsigned char *zeroed = memory_zalloc(5, 20);
    assert_non_null(zeroed);
    for (int i = 0; i < 100; i++)
        assert_int_equal(zeroed[i], 0);
    memory_free(zeroed);
    memory_free(NULL);
}

static void exactly_the_chosen_allocation_fails(void **state)
{
    (void)state;
    if (!MEMORY_FAULTS)
        skip();
    for (size_t n = 0; n < 3; n++) {
        void *blocks[3] = {0};
        memory_fail_after(n);
        blocks[0] = memory_alloc(8);
        blocks[1] = memory_zalloc(1, 8);
        blocks[2] = memory_realloc(NULL, 8);
        assert_true(memory_fail_hit());
        assert_false(memory_fail_hit());
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(blocks[i] == NULL, i == n);
            memory_free(blocks[i]);
        }
    }
}

static void a_failure_that_was_not_reached_is_taken_back(void **state)
{
    (void)state;
    memory_fail_after(1);
    memory_free(memory_alloc(8));
    assert_false(memory_fail_hit());
    for (int i = 0; i < 3; i++) {
        void *block = memory_alloc(8);
        assert_non_null(block);
        memory_free(block);
    }
}

static void a_failed_realloc_keeps_the_old_block(void **state)
{
    (void)state;
    if (!MEMORY_FAULTS)
        skip();
    char *block = memory_alloc(8);
    assert_non_null(block);
    block[0] = 'x';
    memory_fail_after(0);
    assert_null(memory_realloc(block, 100));
    assert_true(memory_fail_hit());
    assert_int_equal(block[0], 'x');
    memory_free(block);
}

static void *allocate_elsewhere(void *user)
{
    (void)user;
    return memory_alloc(8);
}

static void another_thread_is_not_touched(void **state)
{
    (void)state;
    if (!MEMORY_FAULTS)
        skip();
    memory_fail_after(0);
    pthread_t thread;
    void *block = NULL;
    assert_int_equal(pthread_create(&thread, NULL, allocate_elsewhere, NULL), 0);
    assert_int_equal(pthread_join(thread, &block), 0);
    assert_non_null(block);
    memory_free(block);
    assert_null(memory_alloc(8));
    assert_true(memory_fail_hit());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_given_and_taken),
        cmocka_unit_test(exactly_the_chosen_allocation_fails),
        cmocka_unit_test(a_failure_that_was_not_reached_is_taken_back),
        cmocka_unit_test(a_failed_realloc_keeps_the_old_block),
        cmocka_unit_test(another_thread_is_not_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
