#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/random.h"
#include "loop/ring.h"
#include <cmocka.h>

static int put(struct ring *r, uint32_t kind, const char *data, size_t length)
{
    struct slice part = slice_of(data, length);
    return ring_put(r, kind, &part, 1);
}

static bool get(struct ring *r, struct ring_record *ret_record)
{
    uint64_t at = ring_read_start(r);
    bool found = ring_next(r, &at, ring_read_end(r), ret_record);
    ring_release(r, at);
    return found;
}

static void records_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct ring r;
    struct ring_record record;
    assert_int_equal(ring_init(&r, 4096), 0);
    struct slice parts[3] = {SLICE("one"), SLICE_NULL, SLICE(" two")};
    assert_int_equal(ring_put(&r, 7, parts, 3), 0);
    assert_int_equal(ring_put(&r, 8, NULL, 0), 0);
    assert_true(ring_publish(&r));
    assert_true(ring_waiting(&r));
    assert_true(get(&r, &record));
    assert_int_equal(record.kind, 7);
    assert_true(slice_equal(record.data, SLICE("one two")));
    assert_true(get(&r, &record));
    assert_int_equal(record.kind, 8);
    assert_int_equal(record.data.len, 0);
    assert_false(get(&r, &record));
    assert_false(ring_waiting(&r));
    ring_done(&r);
}

static void nothing_is_seen_before_it_is_published(void **state)
{
    (void)state;
    struct ring r;
    struct ring_record record;
    assert_int_equal(ring_init(&r, 4096), 0);
    assert_false(ring_publish(&r));
    assert_int_equal(put(&r, 1, "x", 1), 0);
    assert_false(ring_waiting(&r));
    assert_false(get(&r, &record));
    assert_true(ring_publish(&r));
    assert_true(get(&r, &record));
    ring_done(&r);
}

static void a_full_ring_refuses_and_keeps_what_it_has(void **state)
{
    (void)state;
    struct ring r;
    struct ring_record record;
    char data[100];
    memset(data, 'a', sizeof(data));
    assert_int_equal(ring_init(&r, 4096), 0);
    unsigned n = 0;
    while (put(&r, n, data, sizeof(data)) == 0)
        n++;
    assert_int_equal(n, 4096 / 112); /* 8 of head, 4 of padding */
    assert_int_equal(put(&r, 99, data, sizeof(data)), ERR_LIMIT);
    ring_publish(&r);
    for (unsigned i = 0; i < n; i++) {
        assert_true(get(&r, &record));
        assert_int_equal(record.kind, i);
        assert_memory_equal(record.data.ptr, data, sizeof(data));
    }
    assert_int_equal(put(&r, 100, data, sizeof(data)), 0);
    ring_done(&r);
}

static void a_record_of_half_the_ring_fits_wherever_the_ring_stands(void **state)
{
    (void)state;
    struct ring r;
    struct ring_record record;
    assert_int_equal(ring_init(&r, 4096), 0);
    size_t most = ring_record_max(&r);
    char *data = calloc(1, most + 1);
    for (size_t offset = 0; offset < 4096; offset += 8) {
        for (size_t i = 0; i < offset / 8; i++) {
            assert_int_equal(put(&r, 1, NULL, 0), 0);
            ring_publish(&r);
            assert_true(get(&r, &record));
        }
        assert_int_equal(put(&r, 2, data, most), 0);
        ring_publish(&r);
        assert_true(get(&r, &record));
        assert_int_equal(record.data.len, most);
    }
    assert_int_equal(put(&r, 2, data, most + 1), ERR_LIMIT);
    free(data);
    ring_done(&r);
}

/* Random records against a plain queue, many times round. */
static void the_order_holds_over_many_rounds(void **state)
{
    (void)state;
    struct ring r;
    struct random random;
    static char data[3000];
    random_seed(&random, 5);
    assert_int_equal(ring_init(&r, 8192), 0);
    uint32_t put_next = 0, got_next = 0;
    for (int round = 0; round < 20000; round++) {
        for (uint64_t n = random_below(&random, 6); n > 0; n--) {
            size_t length = random_below(&random, random_below(&random, 20) == 0 ? 3000 : 100);
            memset(data, (char)put_next, length);
            if (put(&r, put_next, data, length) != 0)
                break;
            put_next++;
        }
        ring_publish(&r);
        struct ring_record record;
        for (uint64_t n = random_below(&random, 6); n > 0 && get(&r, &record); n--) {
            assert_int_equal(record.kind, got_next);
            for (size_t i = 0; i < record.data.len; i++)
                assert_int_equal(record.data.ptr[i], (char)got_next);
            got_next++;
        }
    }
    assert_true(got_next > 20000);
    ring_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_out_as_they_went_in),
        cmocka_unit_test(nothing_is_seen_before_it_is_published),
        cmocka_unit_test(a_full_ring_refuses_and_keeps_what_it_has),
        cmocka_unit_test(a_record_of_half_the_ring_fits_wherever_the_ring_stands),
        cmocka_unit_test(the_order_holds_over_many_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
