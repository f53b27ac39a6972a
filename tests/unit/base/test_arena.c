#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/poison.h"

static void nothing_is_taken_before_the_first_use(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1024, 1 << 20);
    assert_int_equal(a.total, 0);
    arena_reset(&a);
    arena_done(&a);
    arena_done(&a);
}

static void pieces_are_aligned_and_do_not_overlap(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 512, 1 << 20);
    unsigned char *pieces[200];
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = arena_alloc(&a, i);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)i, i);
    }
    for (size_t i = 0; i < 200; i++) {
        for (size_t j = 0; j < i; j++)
            assert_int_equal(pieces[i][j], i);
    }
    arena_done(&a);
}

static void total_is_what_the_chunks_hold(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 512, 1 << 20);
    for (size_t i = 0; i < 10; i++)
        assert_non_null(arena_alloc(&a, 100));
    assert_int_equal(a.total % 512, 0);
    assert_in_range(a.total, 1024, 2048);
    size_t before = a.total;
    assert_non_null(arena_alloc(&a, 5000));
    assert_in_range(a.total, before + 5000, before + 5100);
    arena_done(&a);
    assert_int_equal(a.total, 0);
}

static void a_large_piece_does_not_waste_the_present_chunk(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1024, 1 << 20);
    char *first = arena_alloc(&a, 64);
    assert_non_null(arena_alloc(&a, 10000));
    char *second = arena_alloc(&a, 64);
    assert_ptr_equal(second, first + 64);
    arena_done(&a);
    /* Also when it is the very first; it is not the one to be kept warm. */
    assert_non_null(arena_alloc(&a, 10000));
    arena_reset(&a);
    assert_int_equal(a.total, 0);
    assert_non_null(arena_alloc(&a, 10000));
    assert_non_null(arena_alloc(&a, 64));
    arena_reset(&a);
    assert_in_range(a.total, 1, 1024);
    arena_done(&a);
}

static void the_limit_is_never_passed(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 512, 1300);
    size_t given = 0;
    while (arena_alloc(&a, 48) != NULL) {
        given++;
        assert_true(a.total <= 1300);
    }
    /* Two chunks of 512 and one of what was left, each with a header of 16. */
    assert_int_equal(given, 496 / 48 * 2 + (1300 - 1024 - 16) / 48);
    assert_null(arena_alloc(&a, 2000));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 40));
    arena_reset(&a);
    assert_non_null(arena_alloc(&a, 48));
    arena_done(&a);
    arena_init(&a, 512, 0);
    assert_null(arena_alloc(&a, 1));
    arena_done(&a);
}

static void reset_keeps_one_ordinary_chunk_warm(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 512, 1 << 20);
    for (size_t i = 0; i < 100; i++)
        assert_non_null(arena_alloc(&a, i * 20));
    arena_reset(&a);
    assert_int_equal(a.total, 512);
    memory_fail_after(0);
    assert_non_null(arena_alloc(&a, 400));
    assert_false(memory_fail_hit());
    assert_int_equal(a.total, 512);
    arena_done(&a);
}

static void zeroed_pieces_are_zero_after_reuse_too(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 512, 1 << 20);
    memset(arena_alloc(&a, 300), 0xff, 300);
    arena_reset(&a);
    unsigned char *piece = arena_zalloc(&a, 300);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(piece[i], 0);
    arena_done(&a);
}

static void copies_live_on_their_own(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 512, 512);
    char text[] = "alice";
    struct slice copy;
    assert_int_equal(arena_copy(&a, slice_from_string(text), &copy), 0);
    text[0] = 'x';
    assert_true(slice_equal(copy, SLICE("alice")));
    assert_int_equal(arena_copy(&a, SLICE_NULL, &copy), 0);
    assert_int_equal(copy.len, 0);
    struct slice kept = copy;
    char large[1000] = {0};
    assert_int_equal(arena_copy(&a, slice_of(large, sizeof large), &copy), ERR_NO_MEMORY);
    assert_ptr_equal(copy.ptr, kept.ptr);
    assert_int_equal(copy.len, 0);
    arena_done(&a);
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    size_t n = 0;
    do {
        struct arena a;
        arena_init(&a, 256, 1 << 20);
        size_t failed = 0;
        memory_fail_after(n++);
        for (size_t i = 0; i < 20; i++) {
            unsigned char *piece = arena_zalloc(&a, i % 5 == 4 ? 1000 : 60);
            failed += piece == NULL;
            if (piece != NULL)
                piece[59] = 1;
        }
        arena_done(&a);
        assert_int_equal(a.total, 0);
        bool hit = memory_fail_hit();
        assert_int_equal(failed, hit);
        if (!hit)
            break;
    } while (true);
    if (MEMORY_FAULTS)
        assert_true(n > 5);
}

static void what_was_not_given_out_is_poisoned(void **state)
{
    (void)state;
#ifndef POISON_ON
    skip();
#endif
    struct arena a;
    arena_init(&a, 512, 1 << 20);
    char *piece = arena_alloc(&a, 10);
    assert_false(poisoned(piece + 9));
    assert_true(poisoned(piece + 10));
    assert_true(poisoned(piece + 16));
    arena_reset(&a);
    assert_true(poisoned(piece));
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_taken_before_the_first_use),
        cmocka_unit_test(pieces_are_aligned_and_do_not_overlap),
        cmocka_unit_test(total_is_what_the_chunks_hold),
        cmocka_unit_test(a_large_piece_does_not_waste_the_present_chunk),
        cmocka_unit_test(the_limit_is_never_passed),
        cmocka_unit_test(reset_keeps_one_ordinary_chunk_warm),
        cmocka_unit_test(zeroed_pieces_are_zero_after_reuse_too),
        cmocka_unit_test(copies_live_on_their_own),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(what_was_not_given_out_is_poisoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
