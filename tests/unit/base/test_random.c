#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void the_same_seed_gives_the_same_sequence(void **state)
{
    (void)state;
    struct random a, b, c;
    random_seed(&a, 7);
    random_seed(&b, 7);
    random_seed(&c, 8);
    bool differs = false;
    for (int i = 0; i < 1000; i++) {
        uint64_t value = random_u64(&a);
        assert_true(value == random_u64(&b));
        differs |= value != random_u64(&c);
    }
    assert_true(differs);
}

/* splitmix64 of seed 0 is published with its code: e220a8397b1dcdaf, 6e789e6aa1b965f4,
 * 06c45d188009454f, f88bb8a8724c81ec. */
static void a_seed_is_spread_by_splitmix64(void **state)
{
    (void)state;
    struct random r;
    random_seed(&r, 0);
    assert_true(r.s[0] == 0xe220a8397b1dcdafu);
    assert_true(r.s[1] == 0x6e789e6aa1b965f4u);
    assert_true(r.s[2] == 0x06c45d188009454fu);
    assert_true(r.s[3] == 0xf88bb8a8724c81ecu);
}

/* State {1, 2, 3, 4}: the vector that implementations of xoshiro256++ share. */
static void the_generator_is_xoshiro256_plus_plus(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        41943041u,
        58720359u,
        3588806011781223u,
        3591011842654386u,
        9228616714210784205u,
        9973669472204895162u,
        14011001112246962877u,
        12406186145184390807u,
        15849039046786891736u,
        10450023813501588000u,
    };
    struct random r = {.s = {1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_true(random_u64(&r) == expected[i]);
}

static void numbers_below_a_bound_are_uniform(void **state)
{
    (void)state;
    struct random r;
    random_seed(&r, 3);
    unsigned counts[7] = {0};
    for (int i = 0; i < 70000; i++) {
        uint64_t value = random_below(&r, 7);
        assert_true(value < 7);
        counts[value]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(counts[i], 9500, 10500); /* five standard deviations */
    for (int i = 0; i < 100; i++)
        assert_int_equal(random_below(&r, 1), 0);
    /* A bound of three quarters: a plain modulo would hit the lowest third twice as often, a plain
     * product every third value. */
    const uint64_t bound = (uint64_t)3 << 62;
    unsigned low = 0;
    unsigned third = 0;
    for (int i = 0; i < 30000; i++) {
        uint64_t value = random_below(&r, bound);
        assert_true(value < bound);
        low += value < (uint64_t)1 << 62;
        third += value % 3 == 0;
    }
    assert_in_range(low, 9500, 10500);
    assert_in_range(third, 9500, 10500);
}

static void doubles_lie_in_the_half_open_unit(void **state)
{
    (void)state;
    struct random r;
    double sum = 0;
    random_seed(&r, 4);
    for (int i = 0; i < 10000; i++) {
        double value = random_double(&r);
        assert_true(value >= 0.0 && value < 1.0);
        sum += value;
    }
    assert_true(sum > 4800 && sum < 5200);
}

static void the_system_gives_different_seeds_keys_and_secrets(void **state)
{
    (void)state;
    struct random a, b;
    assert_int_equal(random_init(&a), 0);
    assert_int_equal(random_init(&b), 0);
    assert_true(random_u64(&a) != random_u64(&b));
    struct hash_key first = random_hash_key(&a);
    struct hash_key second = random_hash_key(&a);
    assert_true(first.k0 != first.k1);
    assert_true(first.k0 != second.k0 && first.k1 != second.k1);
    /* More than the 256 bytes that one call is sure to give. */
    unsigned char secret[5000] = {0};
    unsigned char other[5000] = {0};
    assert_int_equal(random_secret(secret, sizeof secret), 0);
    assert_int_equal(random_secret(other, sizeof other), 0);
    assert_memory_not_equal(secret, other, sizeof secret);
    assert_memory_not_equal(secret + 4968, other + 4968, 32);
    assert_int_equal(random_secret(secret, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_sequence),
        cmocka_unit_test(a_seed_is_spread_by_splitmix64),
        cmocka_unit_test(the_generator_is_xoshiro256_plus_plus),
        cmocka_unit_test(numbers_below_a_bound_are_uniform),
        cmocka_unit_test(doubles_lie_in_the_half_open_unit),
        cmocka_unit_test(the_system_gives_different_seeds_keys_and_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
