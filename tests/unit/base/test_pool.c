#include "base/pool.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/poison.h"

static void objects_are_aligned_and_do_not_overlap(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 8, 16, 17, 100, 4096, 70000};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct pool p;
        unsigned char *objects[100];
        pool_init(&p, sizes[s], 0);
        assert_int_equal(p.object_size, (sizes[s] + 15) / 16 * 16);
        for (size_t i = 0; i < 100; i++) {
            objects[i] = pool_get(&p);
            assert_non_null(objects[i]);
            assert_int_equal((uintptr_t)objects[i] % 16, 0);
            memset(objects[i], (int)i, p.object_size);
        }
        for (size_t i = 0; i < 100; i++) {
            assert_int_equal(objects[i][0], i);
            assert_int_equal(objects[i][p.object_size - 1], i);
            pool_put(&p, objects[i]);
        }
        assert_int_equal(p.in_use, 0);
        pool_done(&p);
    }
}

static void memory_is_reused(void **state)
{
    (void)state;
    struct pool p;
    void *objects[300];
    pool_init(&p, 64, 0);
    for (size_t i = 0; i < 300; i++)
        objects[i] = pool_get(&p);
    size_t allocated = p.allocated;
    assert_true(allocated >= 300);
    assert_int_equal(p.in_use, 300);
    for (size_t i = 0; i < 300; i++)
        pool_put(&p, objects[i]);
    memory_fail_after(0);
    for (size_t i = 0; i < 300; i++) {
        objects[i] = pool_get(&p);
        assert_non_null(objects[i]);
    }
    assert_false(memory_fail_hit());
    assert_int_equal(p.allocated, allocated);
    /* Objects out are forgotten by pool_done. */
    pool_done(&p);
    assert_int_equal(p.allocated, 0);
    assert_int_equal(p.in_use, 0);
}

static void the_limit_holds_and_room_comes_back(void **state)
{
    (void)state;
    struct pool p;
    void *objects[50];
    pool_init(&p, 32, 50);
    for (size_t i = 0; i < 50; i++) {
        objects[i] = pool_get(&p);
        assert_non_null(objects[i]);
    }
    assert_null(pool_get(&p));
    assert_null(pool_get(&p));
    assert_int_equal(p.allocated, 50);
    pool_put(&p, objects[7]);
    objects[7] = pool_get(&p);
    assert_non_null(objects[7]);
    assert_null(pool_get(&p));
    pool_done(&p);
}

static void a_pool_lives_again_after_done_and_null_is_put(void **state)
{
    (void)state;
    struct pool p;
    pool_init(&p, 32, 1);
    pool_put(&p, NULL);
    assert_non_null(pool_get(&p));
    pool_done(&p);
    assert_non_null(pool_get(&p));
    assert_null(pool_get(&p));
    pool_done(&p);
    pool_done(&p);
}

static void slabs_grow_with_use(void **state)
{
    (void)state;
    struct pool p;
    pool_init(&p, 64, 0);
    assert_non_null(pool_get(&p));
    assert_in_range(p.allocated, 1, 64);
    while (p.in_use < 10000)
        assert_non_null(pool_get(&p));
    assert_in_range(p.allocated, 10000, 10000 + 65536 / 64);
    pool_done(&p);
}

static void a_failed_slab_is_an_ordinary_failure(void **state)
{
    (void)state;
    size_t n = 0;
    for (;;) {
        struct pool p;
        size_t failed = 0;
        pool_init(&p, 1000, 0);
        memory_fail_after(n++);
        for (size_t i = 0; i < 200; i++)
            failed += pool_get(&p) == NULL;
        bool hit = memory_fail_hit();
        assert_int_equal(failed, hit);
        assert_int_equal(p.in_use, 200 - failed);
        pool_done(&p);
        if (!hit)
            break;
    }
    if (MEMORY_FAULTS)
        assert_true(n > 3);
}

static void objects_that_are_not_out_are_poisoned(void **state)
{
    (void)state;
#ifndef POISON_ON
    skip();
#endif
    struct pool p;
    pool_init(&p, 32, 0);
    char *object = pool_get(&p);
    assert_false(poisoned(object));
    assert_false(poisoned(object + 31));
    assert_true(poisoned(object + 32));
    pool_put(&p, object);
    assert_true(poisoned(object));
    assert_true(poisoned(object + 31));
    assert_ptr_equal(pool_get(&p), object);
    assert_false(poisoned(object));
    pool_done(&p);
}

static void putting_an_object_twice_is_caught(void **state)
{
    (void)state;
#ifndef POISON_ON
    skip();
#endif
    pid_t child = fork();
    if (child == 0) {
        struct pool p;
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        pool_init(&p, 32, 0);
        (void)pool_get(&p);
        void *object = pool_get(&p);
        pool_put(&p, object);
        pool_put(&p, object);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void blocks_are_at_least_as_large_as_asked(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        size_t counted;
    } rows[] = {
        {0, 256},       {1, 256},         {255, 256},     {256, 256},     {257, 512},
        {512, 512},     {513, 1024},      {1500, 2048},   {2049, 4096},   {8192, 8192},
        {16384, 16384}, {16385, 32768},   {32769, 65536}, {65535, 65536}, {65536, 65536},
        {65537, 65537}, {100000, 100000},
    };
    struct blocks b;
    blocks_init(&b, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *block = blocks_get(&b, rows[i].size);
        assert_non_null(block);
        memset(block, 1, rows[i].size);
        assert_int_equal(b.bytes, rows[i].counted);
        blocks_put(&b, block, rows[i].size);
        assert_int_equal(b.bytes, 0);
    }
    blocks_put(&b, NULL, 100);
    assert_null(blocks_get(&b, SIZE_MAX));
    assert_int_equal(b.bytes, 0);
    blocks_done(&b);
}

static void blocks_of_one_class_are_reused(void **state)
{
    (void)state;
    struct blocks b;
    blocks_init(&b, 0);
    void *block = blocks_get(&b, 300);
    blocks_put(&b, block, 300);
    memory_fail_after(0);
    assert_ptr_equal(blocks_get(&b, 512), block);
    assert_false(memory_fail_hit());
    blocks_put(&b, block, 512);
    blocks_done(&b);
}

static void blocks_stay_within_their_limit(void **state)
{
    (void)state;
    struct blocks b;
    blocks_init(&b, 1024);
    void *first = blocks_get(&b, 300);
    void *second = blocks_get(&b, 200);
    assert_non_null(first);
    assert_non_null(second);
    assert_null(blocks_get(&b, 257));
    assert_null(blocks_get(&b, 100000));
    assert_null(blocks_get(&b, SIZE_MAX));
    assert_int_equal(b.bytes, 768);
    void *third = blocks_get(&b, 256);
    assert_non_null(third);
    assert_null(blocks_get(&b, 0));
    blocks_put(&b, first, 300);
    assert_non_null(blocks_get(&b, 512));
    blocks_done(&b);
    assert_int_equal(b.bytes, 0);
}

static void a_failed_block_counts_nothing(void **state)
{
    (void)state;
    if (!MEMORY_FAULTS)
        skip();
    static const size_t sizes[] = {100, 5000, 70000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct blocks b;
        blocks_init(&b, 0);
        memory_fail_after(0);
        assert_null(blocks_get(&b, sizes[i]));
        assert_true(memory_fail_hit());
        assert_int_equal(b.bytes, 0);
        void *block = blocks_get(&b, sizes[i]);
        assert_non_null(block);
        blocks_put(&b, block, sizes[i]);
        blocks_done(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_aligned_and_do_not_overlap),
        cmocka_unit_test(memory_is_reused),
        cmocka_unit_test(the_limit_holds_and_room_comes_back),
        cmocka_unit_test(a_pool_lives_again_after_done_and_null_is_put),
        cmocka_unit_test(slabs_grow_with_use),
        cmocka_unit_test(a_failed_slab_is_an_ordinary_failure),
        cmocka_unit_test(objects_that_are_not_out_are_poisoned),
        cmocka_unit_test(putting_an_object_twice_is_caught),
        cmocka_unit_test(blocks_are_at_least_as_large_as_asked),
        cmocka_unit_test(blocks_of_one_class_are_reused),
        cmocka_unit_test(blocks_stay_within_their_limit),
        cmocka_unit_test(a_failed_block_counts_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
