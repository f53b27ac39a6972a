#include "base/hash.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/siphash.h"
#include "unit/base/edge.h"

static uint64_t sip24(const struct hash_key *key, struct slice s)
{
    return siphash(key, s, 2, 4, false);
}

/* The example of the paper, appendix A: key 00..0f, input 00..0e. */
static void siphash_2_4_gives_the_value_of_the_paper(void **state)
{
    (void)state;
    const struct hash_key key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    const char input[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    assert_true(sip24(&key, slice_of(input, sizeof input)) == 0xa129ca6149be45e5u);
}

static uint64_t openssl_siphash(const struct hash_key *key, struct slice s, unsigned c, unsigned d)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    size_t size = 8;
    uint64_t raw_key[2] = {htole64(key->k0), htole64(key->k1)};
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
        OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &c),
        OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &d),
        OSSL_PARAM_construct_end(),
    };
    uint64_t out = 0;
    size_t len = 0;
    assert_non_null(ctx);
    assert_int_equal(EVP_MAC_init(ctx, (const unsigned char *)raw_key, sizeof raw_key, params), 1);
    assert_int_equal(EVP_MAC_update(ctx, (const unsigned char *)s.ptr, s.len), 1);
    assert_int_equal(EVP_MAC_final(ctx, (unsigned char *)&out, &len, sizeof out), 1);
    assert_int_equal(len, 8);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return le64toh(out);
}

static void every_length_agrees_with_openssl(void **state)
{
    (void)state;
    const struct hash_key key = {0x123456789abcdef0u, 0xfedcba9876543210u};
    char *edge = edge_new();
    char data[300];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 37 + 5);
    for (size_t len = 0; len <= sizeof data; len++) {
        struct slice s = slice_of(edge_copy(edge, data, len), len);
        assert_true(sip24(&key, s) == openssl_siphash(&key, s, 2, 4));
        assert_true(hash_slice(&key, s) == openssl_siphash(&key, s, 1, 3));
    }
    edge_free(edge);
}

/* hash() of bytes in CPython 3.11, which is SipHash-1-3, with PYTHONHASHSEED=42: bytes 0, 1, 2, ...
 * of each length. */
static void siphash_1_3_agrees_with_python(void **state)
{
    (void)state;
    const struct hash_key key = {0xdc504fd368cd90afu, 0xb920bb9ffe99e9c1u};
    static const struct {
        size_t len;
        uint64_t hash;
    } rows[] = {
        {1, 0xce880c366bcf3489},   {2, 0xef32fbc0469f0756},   {3, 0xef4b9dcae9b04417},
        {7, 0xce280fabc397fbda},   {8, 0x60866c3c108c6afb},   {9, 0x68814005f7469e03},
        {15, 0x94ace24d68c18cf8},  {16, 0x339176f3ac59ce05},  {17, 0xed2706b414c296f1},
        {63, 0x06e24d6f0d014c37},  {64, 0x91639ef7de8d52cb},  {255, 0xd02008474fae02c8},
        {256, 0x0d0624090d255259}, {300, 0x5d61c2bcdcce71cc},
    };
    char data[300];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)i;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_true(hash_slice(&key, slice_of(data, rows[i].len)) == rows[i].hash);
}

static void hashing_without_case_is_hashing_the_lower_case(void **state)
{
    (void)state;
    const struct hash_key key = {1, 2};
    char mixed[300];
    char lower[300];
    char *edge = edge_new();
    for (size_t i = 0; i < sizeof mixed; i++) {
        mixed[i] = (char)(i * 7 + 60);
        lower[i] = (char)ascii_lower((unsigned char)mixed[i]);
    }
    for (size_t len = 0; len <= sizeof mixed; len++) {
        struct slice s = slice_of(edge_copy(edge, mixed, len), len);
        assert_true(hash_slice_nocase(&key, s) == hash_slice(&key, slice_of(lower, len)));
    }
    edge_free(edge);
    assert_true(hash_slice_nocase(&key, SLICE("Example.COM")) ==
                hash_slice_nocase(&key, SLICE("eXAMPLE.com")));
    assert_true(hash_slice(&key, SLICE("Example.COM")) != hash_slice(&key, SLICE("eXAMPLE.com")));
    /* A length of 65 or so in the last block must not be folded like a letter. */
    char zeros[97] = {0};
    assert_true(hash_slice_nocase(&key, slice_of(zeros, 65)) ==
                hash_slice(&key, slice_of(zeros, 65)));
    assert_true(hash_slice_nocase(&key, slice_of(zeros, 65)) !=
                hash_slice_nocase(&key, slice_of(zeros, 97)));
    assert_true(hash_slice(&key, SLICE_NULL) == hash_slice(&key, SLICE("")));
}

static void another_key_gives_another_hash(void **state)
{
    (void)state;
    struct slice s = SLICE("z9hG4bK776asdhds");
    uint64_t first = hash_slice(&(struct hash_key){1, 2}, s);
    assert_true(first == hash_slice(&(struct hash_key){1, 2}, s));
    assert_true(first != hash_slice(&(struct hash_key){1, 3}, s));
    assert_true(first != hash_slice(&(struct hash_key){2, 2}, s));
}

static uint64_t of_two(struct slice a, struct slice b)
{
    struct hash_state state;
    hash_begin(&state, &(struct hash_key){1, 2});
    hash_add(&state, a);
    hash_add(&state, b);
    return hash_end(&state);
}

static void several_values_are_told_apart_by_their_lengths(void **state)
{
    (void)state;
    static const char text[] = "0123456789abcdefghijklmno";
    enum { LEN = sizeof text - 1 };
    uint64_t hashes[LEN + 1];
    for (size_t cut = 0; cut <= LEN; cut++) {
        hashes[cut] = of_two(slice_of(text, cut), slice_of(text + cut, LEN - cut));
        for (size_t before = 0; before < cut; before++)
            assert_true(hashes[before] != hashes[cut]);
    }
    /* A value that holds what the block after it would be. */
    char block[24] = {0};
    block[7] = 7;
    assert_true(of_two(slice_of(block, 7), slice_of(block, 8)) !=
                of_two(slice_of(block, 15), SLICE_NULL));
    assert_true(of_two(SLICE("a"), SLICE("b")) != of_two(SLICE("b"), SLICE("a")));
    assert_true(of_two(SLICE("a"), SLICE("b")) == of_two(SLICE("a"), SLICE("b")));
}

static void every_value_added_counts(void **state)
{
    (void)state;
    const struct hash_key key = {3, 4};
    struct hash_state a, b;
    hash_begin(&a, &key);
    hash_begin(&b, &key);
    assert_true(hash_end(&a) == hash_end(&b));
    hash_add_nocase(&a, SLICE("Example.COM and more"));
    hash_add_nocase(&b, SLICE("eXAMPLE.com AND MORE"));
    assert_true(hash_end(&a) == hash_end(&b));
    hash_add_u64(&a, 1);
    assert_true(hash_end(&a) != hash_end(&b));
    hash_add_u64(&b, 1);
    assert_true(hash_end(&a) == hash_end(&b));
    assert_true(hash_end(&a) == hash_end(&a));
    hash_add(&a, SLICE("x"));
    hash_add(&b, SLICE("X"));
    struct hash128 long_a = hash_end128(&a), long_b = hash_end128(&b);
    assert_true(long_a.low == hash_end(&a));
    assert_true(long_a.low != long_b.low && long_a.high != long_b.high);
    assert_true(long_a.low != long_a.high);
}

static void mixing_depends_on_both_and_fills_the_low_bits(void **state)
{
    (void)state;
    assert_true(hash_mix(1, 2) != hash_mix(2, 1));
    assert_true(hash_mix(1, 2) != hash_mix(1, 3));
    assert_true(hash_mix(1, 2) != hash_mix(2, 2));
    /* 4,096 values into 256 buckets, 16 on average: 60 or none would be far outside of chance. */
    for (unsigned shift = 0; shift < 64; shift += 8) {
        unsigned by_value[256] = {0};
        unsigned by_hash[256] = {0};
        for (uint64_t i = 0; i < 4096; i++) {
            by_value[hash_mix(42, i << shift % 56) & 255]++;
            by_hash[hash_mix(i << shift % 56, 42) & 255]++;
        }
        for (size_t i = 0; i < 256; i++) {
            assert_in_range(by_value[i], 1, 60);
            assert_in_range(by_hash[i], 1, 60);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_2_4_gives_the_value_of_the_paper),
        cmocka_unit_test(every_length_agrees_with_openssl),
        cmocka_unit_test(siphash_1_3_agrees_with_python),
        cmocka_unit_test(hashing_without_case_is_hashing_the_lower_case),
        cmocka_unit_test(another_key_gives_another_hash),
        cmocka_unit_test(several_values_are_told_apart_by_their_lengths),
        cmocka_unit_test(every_value_added_counts),
        cmocka_unit_test(mixing_depends_on_both_and_fills_the_low_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
